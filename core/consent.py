"""On what basis somebody may be sold to, country by country: the rules of consent.toml. Pure.

A rule says which bases count for commercial mails and for sales calls, whether they must be proven, when they run out,
and what a commercial mail has to say. What is not known is no basis: service messages go all the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from core.languages import Words
from core.reasons import Reason
from core.words import Channel


class Basis(StrEnum):
    """On what somebody may be sold to."""

    CONSENT = "consent"  # the person said yes
    DOUBLE_OPT_IN = "double_opt_in"  # and confirmed it from the address itself; counts wherever `consent` does
    CUSTOMER = "customer"  # bought the like from us, was told of the right to refuse, and has not
    LEGITIMATE_INTEREST = "legitimate_interest"  # weighed up by the operator, where the law allows it


_SAID_YES = frozenset({Basis.CONSENT, Basis.DOUBLE_OPT_IN})


@dataclass(frozen=True, slots=True)
class Given:
    """The basis for one address and channel: since when, where it came from, and where its proof lies."""

    basis: Basis
    since: date | None = None
    source: str = ""
    proof: str = ""


@dataclass(frozen=True, slots=True)
class ConsentRule:
    """What one country, or several, ask for.

    `mail` and `call` are the bases on which commercial mails and sales calls go; none: never. With `proof` a yes counts
    only with its day and its proof. `expires_days` is how many days after its day a basis still counts; one that is not
    named does not run out. `label` stands before the subject of commercial mails, `footer` at their foot.
    """

    countries: tuple[str, ...] = ()
    mail: frozenset[Basis] = _SAID_YES
    call: frozenset[Basis] = _SAID_YES
    proof: bool = True
    expires_days: Mapping[Basis, int] = field(default_factory=dict)
    label: Words = ""
    footer: Words = ""
    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for basis, days in self.expires_days.items():
            if days < 1:
                raise ValueError(
                    f"expires_days.{basis} must be 1 or more; leave it out where the basis does not run out"
                )

    def bases(self, channel: Channel) -> frozenset[Basis]:
        """What counts on a channel."""
        return self.mail if channel is Channel.MAIL else self.call

    def last_day(self, given: Given) -> date | None:
        """The last day on which a basis counts; None where it does not run out."""
        days = self.expires_days.get(given.basis)
        return None if days is None or given.since is None else given.since + timedelta(days=days)

    def why_not(self, given: Given | None, channel: Channel, day: date) -> Reason | None:
        """Why somebody with this basis may not be sold to on this channel and day, or None."""
        if given is None:
            return Reason.NO_BASIS
        counting = self.bases(channel)
        if given.basis not in counting and not (given.basis is Basis.DOUBLE_OPT_IN and Basis.CONSENT in counting):
            return Reason.BASIS_NOT_ENOUGH
        if given.basis in self.expires_days and given.since is None:
            return Reason.BASIS_UNDATED
        if self.proof and given.basis in _SAID_YES and (given.since is None or not given.proof):
            return Reason.BASIS_UNPROVEN
        last = self.last_day(given)
        return Reason.BASIS_RUN_OUT if last is not None and day > last else None


_CAUTIOUS = ConsentRule()
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class ConsentRules:
    """The rules of all countries by the names of their tables. `default` is for those that no other table is for.

    A table is for the countries that it lists; one that is called as a country, such as DE, is for that country, whoever
    else lists it. Raises `ValueError` where two tables list the same country.
    """

    rules: Mapping[str, ConsentRule] = field(default_factory=dict)
    _named: dict[str, str] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        for name, rule in self.rules.items():
            if name == DEFAULT and rule.countries:
                raise ValueError("default.countries: the default is for the countries that no other table is for")
            for country in rule.countries:
                if not _is_country(country):
                    raise ValueError(f"{name}.countries: {country!r} is no country; write two letters such as DE")
                other = self._named.setdefault(country.upper(), name)
                if other != name:
                    raise ValueError(f"{name}.countries: {country.upper()} stands in {other} too; keep one")
            if not rule.countries and name != DEFAULT and not _is_country(name):
                raise ValueError(
                    f"{name}: names no country; list some in countries, or call the table as one, such as DE"
                )
        self._named.update({name.upper(): name for name in self.rules if _is_country(name)})

    def name_of(self, country: str) -> str:
        """The name of the table that is for a country (two letters; empty: not known)."""
        return self._named.get(country.upper(), DEFAULT)

    def of(self, country: str) -> ConsentRule:
        """The rule for a country."""
        return self.rules.get(self.name_of(country), _CAUTIOUS)


def _is_country(word: str) -> bool:
    return len(word) == 2 and word.isascii() and word.isalpha()
