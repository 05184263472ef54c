"""Under which limits days to come are played: as they are dated, and each limit that is still to come as of today."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from core.habits import Limits
from core.validity_rules import ValidityRules


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way in which days may be played. `not_before` is the day of issue whose limits hold at least; None: none.

    `note` says what its title does not.
    """

    key: str
    title: str
    not_before: date | None = None
    note: str = ""

    def limits(self, validity: ValidityRules) -> Limits:
        """The limits of certificates under it."""
        return Limits(validity, self.not_before)


def scenarios(validity: ValidityRules, today: date) -> Sequence[Scenario]:
    """The rules as dated, then each step of the baseline that is still to come as if it were in force from today on."""
    dated = Scenario("dated", "rules as dated", note="each limit from its own day of issue on")
    return [dated, *(_coming(validity, step.issued_from, step.days) for step in validity.baseline.after(today))]


def _coming(validity: ValidityRules, issued_from: date, days: int) -> Scenario:
    shorter = [
        f"{name} issues {own} days"
        for name, rules in sorted(validity.cas.items())
        if (own := rules.schedule.on(issued_from)) is not None and own < days
    ]
    note = "; ".join([f"as if the limit of {issued_from} held from the first day on", *shorter])
    return Scenario(f"{days}-day", f"{days}-day limit", issued_from, note)
