"""What validity.toml says: the longest certificates by issue date, and what of an order is carried over.

The figures come from the Baseline Requirements for TLS server certificates, section 6.3.2, and from each CA's
own documentation. `core.validity` reckons with them.
"""

import reprlib
from bisect import bisect_right
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Self

from core.errors import ConfigurationError, UsageError

_MOST_DAYS = 10_000


@dataclass(frozen=True, slots=True)
class Maximum:
    """From this day of issue on, a certificate runs at most `days`, counted from issue to expiry."""

    issued_from: date
    days: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """Maxima by day of issue, each in force until the next begins; their dates rise."""

    steps: tuple[Maximum, ...] = ()

    def on(self, issued_on: date) -> int | None:
        """The maximum in days for a certificate issued on this day; None before the first step."""
        index = bisect_right(self.steps, issued_on, key=lambda step: step.issued_from)
        return self.steps[index - 1].days if index else None

    def after(self, day: date) -> tuple[Maximum, ...]:
        """The steps that are still to come on this day."""
        return self.steps[bisect_right(self.steps, day, key=lambda step: step.issued_from) :]

    def lowest(self, other: Self) -> Self:
        """The schedule that gives, on every day, the lower of the maxima in force in the two."""
        steps: list[Maximum] = []
        for day in sorted({step.issued_from for step in (*self.steps, *other.steps)}):
            days = min(found for schedule in (self, other) if (found := schedule.on(day)) is not None)
            if not steps or steps[-1].days != days:
                steps.append(Maximum(day, days))
        return type(self)(tuple(steps))


@dataclass(frozen=True, slots=True)
class CaRules:
    """One CA: its effective maxima, baseline included, and its policy on the rest of an early renewal.

    `auto_renew_days`: so many days before an order's end it renews it by itself, where that is switched on.
    """

    name: str
    schedule: Schedule
    carry_over: bool = False
    carry_over_by_product: Mapping[str, bool] = field(default_factory=dict)
    auto_renew_days: int | None = None

    def carries_over(self, product: str | None = None) -> bool:
        """Whether the rest is carried over: the product's own policy, else the CA's."""
        if product is None:
            return self.carry_over
        return self.carry_over_by_product.get(product, self.carry_over)

    def max_certificate_days(self, issued_on: date) -> int:
        """The longest certificate this CA may issue on a day, in days.

        Raises UsageError for a day before the first one for which a maximum is known.
        """
        days = self.schedule.on(issued_on)
        if days is None:
            steps = self.schedule.steps
            since = f"the first known holds from {steps[0].issued_from}" if steps else "none is set"
            raise UsageError(
                f"No longest validity is known for certificates issued on {issued_on} ({self.name}): {since}."
            )
        return days


@dataclass(frozen=True, slots=True)
class ValidityRules:
    """Everything in validity.toml. `safety_margin_days` and `early_window_days` are explained there.

    `baseline` holds for every CA; each one's own schedule includes it.
    """

    cas: Mapping[str, CaRules]
    safety_margin_days: int = 1
    early_window_days: int = 90
    baseline: Schedule = field(default_factory=Schedule)

    def ca(self, name: str) -> CaRules:
        """The rules of a CA. Raises UsageError if validity.toml has none for it."""
        try:
            return self.cas[name]
        except KeyError:
            known = ", ".join(sorted(self.cas)) or "none"
            raise UsageError(f"The CA {name!r} has no rules in validity.toml; known: {known}.") from None

    @classmethod
    def from_toml(cls, mapping: Mapping[str, object]) -> Self:
        """Read the content of validity.toml.

        Raises ConfigurationError, one line that names the key, for an unknown or missing key, a wrong type,
        a figure out of range, or dates that do not rise.
        """
        _refuse_unknown("", mapping, ("baseline", "ca", "early_window_days", "safety_margin_days"))
        baseline = _schedule("baseline", _needed("", mapping, "baseline"))
        if not baseline.steps:
            raise _wrong("baseline", "is empty; give at least one issued_from and max_days")
        cas = {name: _ca(name, baseline, value) for name, value in _table("ca", _needed("", mapping, "ca")).items()}
        lowest = min(step.days for ca in cas.values() for step in ca.schedule.steps) if cas else _MOST_DAYS
        return cls(
            cas=cas,
            safety_margin_days=_whole("safety_margin_days", mapping.get("safety_margin_days", 1), 0, lowest - 1),
            early_window_days=_whole("early_window_days", mapping.get("early_window_days", 90), 0, _MOST_DAYS),
            baseline=baseline,
        )


def _ca(name: str, baseline: Schedule, value: object) -> CaRules:
    where = f"ca.{name}"
    if not name or name != name.lower():
        raise _wrong(where, "must be written in lower case, as orders name their CA")
    table = _table(where, value)
    _refuse_unknown(where, table, ("auto_renew_days", "carry_over", "maximum", "products"))
    products: dict[str, bool] = {}
    for product, said in _table(f"{where}.products", table.get("products", {})).items():
        at = f"{where}.products.{product}"
        policy = _table(at, said)
        _refuse_unknown(at, policy, ("carry_over",))
        products[product] = _yes_no(f"{at}.carry_over", _needed(at, policy, "carry_over"))
    return CaRules(
        name=name,
        schedule=baseline.lowest(_schedule(f"{where}.maximum", table.get("maximum", []))),
        carry_over=_yes_no(f"{where}.carry_over", table.get("carry_over", False)),
        carry_over_by_product=products,
        auto_renew_days=None
        if "auto_renew_days" not in table
        else _whole(f"{where}.auto_renew_days", table["auto_renew_days"], 0, _MOST_DAYS),
    )


def _schedule(where: str, value: object) -> Schedule:
    if not isinstance(value, list):
        raise _wrong(where, "must be a list of { issued_from, max_days }")
    steps: list[Maximum] = []
    for number, entry in enumerate(value, start=1):
        at = f"{where}[{number}]"
        table = _table(at, entry)
        _refuse_unknown(at, table, ("issued_from", "max_days"))
        day = _needed(at, table, "issued_from")
        if type(day) is not date:  # a TOML date with a time is a datetime, which is a date too
            raise _wrong(
                f"{at}.issued_from",
                f"is {reprlib.repr(day)}; write a date without quotes, such as 2026-03-15",
            )
        if steps and day <= steps[-1].issued_from:
            raise _wrong(f"{at}.issued_from", f"is {day}, not later than the one before it; let dates rise")
        steps.append(Maximum(day, _whole(f"{at}.max_days", _needed(at, table, "max_days"), 1, _MOST_DAYS)))
    return Schedule(tuple(steps))


def _wrong(where: str, problem: str) -> ConfigurationError:
    return ConfigurationError(" ".join(f"validity.toml: {where} {problem}".split()))


def _key(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _refuse_unknown(where: str, table: Mapping[str, object], known: Collection[str]) -> None:
    for key in table:
        if key not in known:
            raise _wrong(_key(where, key), f"is not a setting; known are {', '.join(known)}")


def _needed(where: str, table: Mapping[str, object], key: str) -> object:
    if key not in table:
        raise _wrong(_key(where, key), "is missing; add it")
    return table[key]


def _table(where: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise _wrong(where, "must be a table of settings")
    return value


def _whole(where: str, value: object, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise _wrong(where, f"is {reprlib.repr(value)}; write a whole number from {low} to {high}")
    return value


def _yes_no(where: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _wrong(where, f"is {reprlib.repr(value)}; write true or false")
    return value
