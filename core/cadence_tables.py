"""The tables of the cadence: which steps lead up to an end, for which orders, and the figures they share.

All of it is what an operator says in cadence.toml; `core.cadence` lays a table out on the calendar. Steps
count whole days back from the end, the last valid day; negative ones come after it.
"""

import hashlib
import json
import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, Self, TypeVar

from core.errors import ConfigurationError
from core.words import Channel, Clock, Level, Nature, Role, TaskKind, Urgency

_MOST_DAYS = 1000
_W = TypeVar("_W", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Step:
    """One touchpoint on one channel. `days_before` counts back from the end; `task` is for calls, `roles` for mails.

    `roles` are tried before those of the clock, which are the fall-back.

    `touchpoint` is its name (`before-30`, `on-0`, `after-7`), `key` what `handled` holds: unique within a
    table.
    """

    days_before: int
    channel: Channel
    urgency: Urgency
    nature: Nature
    task: TaskKind | None = None
    roles: tuple[Role, ...] = ()
    touchpoint: str = field(init=False)
    key: tuple[str, Channel] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        side = "on" if self.days_before == 0 else "before" if self.days_before > 0 else "after"
        object.__setattr__(self, "touchpoint", f"{side}-{abs(self.days_before)}")
        object.__setattr__(self, "key", (self.touchpoint, self.channel))


@dataclass(frozen=True, slots=True, eq=False)
class CadenceRules:
    """The figures that hold for every table: days, unless the name says otherwise.

    `early_window_days` to `catch_up_min_gap_days` and `short_life_*` shape `schedule` and `decide`; the
    others are read by settling, grouping and the choice of recipients. `*_recipients` are roles in the
    order in which they are tried. Compared by identity, like tables: it is a key of the caches.
    """

    early_window_days: int = 90
    never_move_at_or_below_days: int = 3
    catch_up_min_gap_days: int = 3
    after_end_limit_days: int = 14
    lapse_after_days: int = 8
    short_life_days: int = 100
    short_life_mails: int = 3
    short_life_first_max_days: int = 30
    short_life_divisor: int = 3
    short_life_next_max_days: int = 7
    reissue_min_gap_days: int = 7
    amend_below_days: int = 30
    list_within_days: int = 45
    stand_in_days: int = 7
    digest_above_orders: int = 10
    mail_rows: int = 25
    renewal_recipients: tuple[Role, ...] = (Role.ORGANISATION, Role.BILLING, Role.REQUESTER, Role.TECHNICAL)
    reissue_recipients: tuple[Role, ...] = (Role.TECHNICAL, Role.REQUESTER, Role.ORGANISATION)
    install_recipients: tuple[Role, ...] = (Role.TECHNICAL, Role.REQUESTER, Role.ORGANISATION)
    widen_from: Urgency = Urgency.CRITICAL

    def recipients(self, clock: Clock) -> tuple[Role, ...]:
        """The roles to try for this clock, first choice first."""
        if clock is Clock.RENEWAL:
            return self.renewal_recipients
        return self.reissue_recipients if clock is Clock.REISSUE else self.install_recipients


@dataclass(frozen=True, slots=True, eq=False)
class Cadence:
    """A table of steps and the orders it is for. Criteria left empty match every order.

    `steps` run from the earliest to the latest. `min_value_minor` is a criterion (the order's worth, minor
    units); `call_value_floor_minor` is not: below it the table's mails go, its calls do not. A table with
    `auto_renew` holds the steps for orders that renew by themselves. Tables are compared by identity, which
    keeps the caches quick.
    """

    name: str
    clock: Clock
    steps: tuple[Step, ...]
    levels: frozenset[Level] = frozenset()
    segments: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    routes: frozenset[str] = frozenset()
    min_value_minor: int = 0
    call_value_floor_minor: int = 0
    auto_renew: bool = False
    reach: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", tuple(sorted(self.steps, key=lambda step: -step.days_before)))
        object.__setattr__(self, "reach", max((step.days_before for step in self.steps), default=0))

    @property
    def criteria(self) -> int:
        """How many criteria the table sets: the more, the more specific it is."""
        sets = (self.levels, self.segments, self.countries, self.routes, self.min_value_minor)
        return sum(1 for criterion in sets if criterion)

    def allows_calls(self, value_minor: int | None) -> bool:
        """Whether an order of this worth (minor units; None: unknown, counts as nothing) is called about."""
        return (value_minor or 0) >= self.call_value_floor_minor

    def matches(self, *, level: Level | None, segment: str, country: str, route: str, value_minor: int) -> bool:
        """Whether every criterion that is set holds; words in lower case, the country in upper case."""
        return (
            (not self.levels or level in self.levels)
            and (not self.segments or segment in self.segments)
            and (not self.countries or country in self.countries)
            and (not self.routes or route in self.routes)
            and value_minor >= self.min_value_minor
        )


@dataclass(frozen=True, slots=True, eq=False)
class Cadences:
    """Every table and the figures they share, as one cadence.toml says. `digest` is a stable hash of both."""

    rules: CadenceRules
    tables: tuple[Cadence, ...]
    digest: str = field(init=False)
    _bands: tuple[int, ...] = field(init=False, repr=False)
    _chosen: dict[tuple[object, ...], Cadence] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        said = json.dumps(
            [asdict(self.rules), *(asdict(table) for table in self.tables)], sort_keys=True, default=sorted
        )
        object.__setattr__(self, "digest", hashlib.sha256(said.encode()).hexdigest())
        object.__setattr__(self, "_bands", tuple(sorted({0, *(t.min_value_minor for t in self.tables)})))

    @classmethod
    def from_toml(cls, table: Mapping[str, Any]) -> Self:
        """Read the contents of cadence.toml: `[rules]`, `[recipients]` and `[tables.NAME]`.

        Figures left out keep their default; every clock needs a table without criteria, which is its
        fall-back. Raises ConfigurationError, one line, for an unknown key, a wrong type or word, or a table
        that cannot be meant.
        """
        _refuse_unknown("", table, ("rules", "recipients", "tables"))
        rules = _read_rules(_section("[rules]", table.get("rules", {})), table.get("recipients", {}))
        named = _section("[tables]", table.get("tables", {}))
        tables = tuple(_read_table(name, value, rules) for name, value in named.items())
        for clock in Clock:
            if not any(t.clock is clock and not t.auto_renew and not t.criteria for t in tables):
                raise _wrong("[tables]", f'has none for every order on the clock "{clock}"; add one without criteria')
            if sum(t.clock is clock and t.auto_renew for t in tables) > 1:
                raise _wrong("[tables]", f'has several with auto_renew on the clock "{clock}"; keep one')
        return cls(rules, tables)

    def choose(
        self,
        clock: Clock,
        *,
        level: Level | None,
        segment: str | None,
        country: str | None,
        route: str | None,
        value_minor: int | None = None,
    ) -> Cadence:
        """The table for an order: of those whose criteria hold, the one that sets most; of equals, the first.

        None, an empty word and an unknown worth meet no criterion, so that such an order has the clock's
        fall-back. Letter case of words does not matter. Raises ConfigurationError where the clock has no
        table at all.
        """
        band = bisect_right(self._bands, value_minor or 0)
        key = (clock, level, segment, country, route, band)
        found = self._chosen.get(key)
        if found is None:
            fitting = [
                table
                for table in self.tables
                if table.clock is clock
                and not table.auto_renew
                and table.matches(
                    level=level,
                    segment=(segment or "").lower(),
                    country=(country or "").upper(),
                    route=(route or "").lower(),
                    value_minor=max(value_minor or 0, 0),
                )
            ]
            if not fitting:
                raise _wrong("[tables]", f'has none for the clock "{clock}" that fits every order')
            found = self._chosen[key] = max(fitting, key=lambda table: table.criteria)
        return found

    def auto_renew(self, clock: Clock) -> Cadence | None:
        """The steps for orders that renew by themselves on this clock, if there are any."""
        return next((table for table in self.tables if table.auto_renew and table.clock is clock), None)


def _wrong(where: str, problem: str) -> ConfigurationError:
    return ConfigurationError(f"cadence.toml: {where} {problem}")


def _refuse_unknown(where: str, table: Mapping[str, Any], known: Collection[str]) -> None:
    for key in table:
        if key not in known:
            raise _wrong(f"{where} {key}".strip(), f"is not a setting; known are {', '.join(known)}")


def _section(where: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(where, "must be a table of settings")
    return value


def _integer(where: str, value: object, low: int, high: int | None = None) -> int:
    if type(value) is not int or value < low or (high is not None and value > high):
        span = f"from {low} to {high}" if high is not None else f"of {low} or more"
        raise _wrong(where, f"is {value!r}; write a whole number {span}")
    return value


def _word(where: str, value: object, words: type[_W]) -> _W:
    if not isinstance(value, str) or value not in tuple(words):
        raise _wrong(where, f"is {value!r}; write one of {', '.join(words)}")
    return words(value)


def _words(where: str, value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(word, str) and word for word in value):
        raise _wrong(where, "must be a list of words")
    return value


def _read_rules(figures: Mapping[str, Any], recipients: object) -> CadenceRules:
    at_least = {"short_life_mails": 1, "short_life_divisor": 1}
    numbers = [entry.name for entry in fields(CadenceRules) if entry.type is int]
    _refuse_unknown("[rules]", figures, numbers)
    said: dict[str, Any] = {
        name: _integer(f"[rules] {name}", value, at_least.get(name, 0), _MOST_DAYS) for name, value in figures.items()
    }
    orders = _section("[recipients]", recipients)
    _refuse_unknown("[recipients]", orders, (*Clock, "widen_from"))
    for key, value in orders.items():
        where = f"[recipients] {key}"
        if key == "widen_from":
            said[key] = _word(where, value, Urgency)
            continue
        said[f"{key}_recipients"] = roles = _roles(where, value)
        if not roles:
            raise _wrong(where, "must name at least one role, and each once")
    return CadenceRules(**said)


def _read_table(name: str, value: object, rules: CadenceRules) -> Cadence:
    where = f"[tables.{name}]"
    table = _section(where, value)
    known = ("clock", "nature", "levels", "segments", "countries", "routes", "min_value_minor")
    _refuse_unknown(where, table, (*known, "call_value_floor_minor", "auto_renew", "mails", "calls"))
    if "clock" not in table:
        raise _wrong(where, f"names no clock; write one of {', '.join(Clock)}")
    countries = _words(f"{where} countries", table.get("countries", []))
    if not all(len(code) == 2 and code.isascii() and code.isalpha() for code in countries):
        raise _wrong(f"{where} countries", 'must be two letters each, such as ["DE", "AT"]')
    cadence = Cadence(
        name=name,
        clock=_word(f"{where} clock", table["clock"], Clock),
        steps=tuple(_read_steps(where, table, rules)),
        levels=frozenset(
            _word(f"{where} levels", level, Level) for level in _words(f"{where} levels", table.get("levels", []))
        ),
        segments=frozenset(word.lower() for word in _words(f"{where} segments", table.get("segments", []))),
        countries=frozenset(code.upper() for code in countries),
        routes=frozenset(word.lower() for word in _words(f"{where} routes", table.get("routes", []))),
        min_value_minor=_integer(f"{where} min_value_minor", table.get("min_value_minor", 0), 0),
        call_value_floor_minor=_integer(f"{where} call_value_floor_minor", table.get("call_value_floor_minor", 0), 0),
        auto_renew=table.get("auto_renew", False),
    )
    if not isinstance(cadence.auto_renew, bool):
        raise _wrong(f"{where} auto_renew", "must be true or false")
    if cadence.auto_renew and cadence.criteria:
        raise _wrong(where, "has auto_renew and criteria; the table for automatic renewals is for all of them")
    if not cadence.steps:
        raise _wrong(where, "has no steps; fill its mails or calls")
    if cadence.clock is not Clock.RENEWAL and any(s.nature is Nature.COMMERCIAL for s in cadence.steps):
        raise _wrong(where, f'is commercial; on the clock "{cadence.clock}" messages are service only')
    return cadence


def _read_steps(where: str, table: Mapping[str, Any], rules: CadenceRules) -> Iterator[Step]:
    """Steps as an operator writes them: `days = "urgency"` or `days = { urgency, nature, task or roles }`."""
    renewal = table["clock"] == Clock.RENEWAL
    usual = _word(f"{where} nature", table.get("nature", Nature.SERVICE), Nature)
    for channel, part in ((Channel.MAIL, "mails"), (Channel.CALL, "calls")):
        inside = f"[{where[1:-1]}.{part}]"
        for key, value in _section(inside, table.get(part, {})).items():
            at = f"{inside} {key}"
            if not re.fullmatch(r"0|-?[1-9]\d{0,3}", key):
                raise _wrong(at, "is not a number of days before the end (minus: after it)")
            days = _integer(at, int(key), -rules.after_end_limit_days, _MOST_DAYS)
            said = {"urgency": value} if isinstance(value, str) else _section(at, value)
            _refuse_unknown(at, said, ("urgency", "nature", "task" if channel is Channel.CALL else "roles"))
            urgency = _word(f"{at} urgency", said.get("urgency"), Urgency)
            if (urgency is Urgency.EXPIRED) is not (days < 0):
                raise _wrong(at, 'must be "expired" after the end, and only there')
            nature = _word(f"{at} nature", said.get("nature", usual), Nature)
            task = None
            if channel is Channel.CALL:
                task = _word(f"{at} task", said.get("task", TaskKind.CALL if renewal else TaskKind.SUPPORT), TaskKind)
            yield Step(days, channel, urgency, nature, task, _roles(f"{at} roles", said.get("roles", [])))


def _roles(where: str, value: object) -> tuple[Role, ...]:
    roles = tuple(_word(where, role, Role) for role in _words(where, value))
    if len(set(roles)) < len(roles):
        raise _wrong(where, "must name at least one role, and each once")
    return roles
