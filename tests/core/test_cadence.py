"""Tables laid out on the calendar, and what goes on a day."""

import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cadence import Cadence, CadenceRules, Cadences, Decision, Scheduled, Step, decide, schedule
from core.calendar import Calendar, CalendarSettings
from core.words import Channel, Clock, Nature, TaskKind, Urgency

PACKAGED = Path(__file__).parents[2] / "config" / "cadence.toml"
CADENCES = Cadences.from_toml(tomllib.loads(PACKAGED.read_text(encoding="utf-8")))
RULES = CADENCES.rules
BY_NAME = MappingProxyType({table.name: table for table in CADENCES.tables})
CALENDAR = Calendar(CalendarSettings())
COUNTRIES = ("US", "DE", "CN", "IL", "KR", "BR", "XX", None)
DAY = timedelta(days=1)


def a_step(days: int, channel: Channel = Channel.MAIL, urgency: Urgency | None = None) -> Step:
    urgency = urgency or (Urgency.EXPIRED if days < 0 else Urgency.NOTICE)
    task = TaskKind.CALL if channel is Channel.CALL else None
    return Step(days, channel, urgency, Nature.SERVICE, task)


def a_table(*days: int, clock: Clock = Clock.RENEWAL, channel: Channel = Channel.MAIL) -> Cadence:
    return Cadence(name="of the test", clock=clock, steps=tuple(a_step(n, channel) for n in days))


def lay_out(cadence: Cadence, ends_on: date, *, life: int = 365, country: str | None = "DE") -> tuple[Scheduled, ...]:
    return schedule(
        cadence,
        starts_on=ends_on - timedelta(days=life),
        ends_on=ends_on,
        calendar=CALENDAR,
        country=country,
        rules=RULES,
    )


def of_channel(scheduled: tuple[Scheduled, ...], channel: Channel) -> list[Scheduled]:
    return [entry for entry in scheduled if entry.step.channel is channel]


def days_before(scheduled: tuple[Scheduled, ...], channel: Channel = Channel.MAIL) -> list[int]:
    return [entry.step.days_before for entry in of_channel(scheduled, channel)]


@st.composite
def tables(draw: st.DrawFn) -> Cadence:
    """The packaged tables, and any others an operator could write."""
    if draw(st.booleans()):
        return draw(st.sampled_from(CADENCES.tables))
    keys = draw(
        st.lists(
            st.tuples(st.integers(-14, 20) | st.integers(-14, 130), st.sampled_from(Channel)),
            unique=True,
            min_size=1,
            max_size=14,
        )
    )
    clock = draw(st.sampled_from(Clock))
    return Cadence(name="drawn", clock=clock, steps=tuple(a_step(days, channel) for days, channel in keys))


ends = st.dates(date(2024, 1, 1), date(2030, 12, 31))
lives = st.integers(0, 120) | st.integers(0, 800)
countries = st.sampled_from(COUNTRIES)


@st.composite
def timelines(draw: st.DrawFn) -> tuple[date, tuple[Scheduled, ...]]:
    """An end date and the schedule that leads up to it."""
    ends_on = draw(ends)
    return ends_on, lay_out(draw(tables()), ends_on, life=draw(lives), country=draw(countries))


# Steps and their names


@pytest.mark.parametrize(
    ("days", "name"), [(90, "before-90"), (1, "before-1"), (0, "on-0"), (-1, "after-1"), (-14, "after-14")]
)
def test_a_step_is_named_by_its_distance_to_the_end(days: int, name: str) -> None:
    step = a_step(days, Channel.CALL)
    assert step.touchpoint == name
    assert step.key == (name, Channel.CALL)
    assert step.key == (name, "call")


def test_a_table_orders_its_steps_from_the_earliest_to_the_latest() -> None:
    assert [step.days_before for step in a_table(0, -7, 30, 90, -1).steps] == [90, 30, 0, -1, -7]


# Schedule: the packaged tables


WEDNESDAY = date(2027, 6, 16)


@pytest.mark.parametrize(
    ("name", "mails", "calls"),
    [
        ("renewal_ov_ev", [90, 60, 30, 14, 7, 3, 0, -1, -7], [45, 21, 7, -1]),
        ("renewal", [60, 30, 14, 7, 3, 0, -1, -7], [14, -1]),
        ("reissue", [30, 14, 7, 3, 0, -1], [7]),
        ("install", [14, 3, 0], [3]),
        ("auto_renewal", [45], [25]),
    ],
)
def test_a_year_has_room_for_every_step(name: str, mails: list[int], calls: list[int]) -> None:
    scheduled = lay_out(BY_NAME[name], WEDNESDAY, country=None)
    assert days_before(scheduled) == mails
    assert days_before(scheduled, Channel.CALL) == calls
    assert all(entry.state == "due" for entry in scheduled)


def test_days_of_a_renewal_move_to_working_days() -> None:
    scheduled = lay_out(BY_NAME["renewal_ov_ev"], date(2026, 6, 14), country="DE")  # a Sunday
    assert {entry.step.touchpoint: entry.day for entry in of_channel(scheduled, Channel.MAIL)} == {
        "before-90": date(2026, 3, 16),  # the window opens on this Monday
        "before-60": date(2026, 4, 15),
        "before-30": date(2026, 5, 15),
        "before-14": date(2026, 5, 29),  # from a Sunday to the Friday before
        "before-7": date(2026, 6, 5),
        "before-3": date(2026, 6, 11),
        "on-0": date(2026, 6, 14),  # stays on the Sunday
        "after-1": date(2026, 6, 15),
        "after-7": date(2026, 6, 22),  # from a Sunday to the Monday after
    }
    assert scheduled[0].nominal_on == date(2026, 3, 16)


def test_the_first_renewal_step_moves_forward_where_it_would_leave_the_early_window() -> None:
    scheduled = lay_out(BY_NAME["renewal_ov_ev"], date(2026, 6, 12))  # 90 days before is a Saturday
    assert scheduled[0].nominal_on == date(2026, 3, 14)
    assert scheduled[0].day == date(2026, 3, 16)


def test_other_clocks_know_no_early_window() -> None:
    table = a_table(90, clock=Clock.INSTALL)
    assert lay_out(table, date(2026, 6, 12))[0].day == date(2026, 3, 13)


def test_a_step_on_the_first_day_moves_forward_not_before_the_start() -> None:
    table = a_table(10, clock=Clock.INSTALL)
    saturday = date(2026, 6, 6)
    assert lay_out(table, saturday + 10 * DAY, life=10)[0].day == date(2026, 6, 8)
    assert lay_out(table, saturday + 10 * DAY, life=11)[0].day == date(2026, 6, 5)
    assert lay_out(table, saturday + 10 * DAY, life=9) == ()


def test_a_step_without_a_working_day_between_start_and_end_stays() -> None:
    saturday = date(2026, 6, 6)
    table = a_table(4, 3, clock=Clock.INSTALL)
    assert [entry.day for entry in lay_out(table, saturday + 4 * DAY, life=4)] == [saturday, saturday + DAY]


def test_of_two_steps_on_one_day_the_later_goes_and_the_other_is_merged() -> None:
    table = a_table(11, 10, 9, 8)
    scheduled = lay_out(table, date(2026, 6, 16))  # 5 June is a Friday, 8 June a Monday
    assert [(entry.step.touchpoint, entry.day.day, entry.state, entry.into) for entry in scheduled] == [
        ("before-11", 5, "merged", "before-9"),
        ("before-10", 5, "merged", "before-9"),
        ("before-9", 5, "due", None),
        ("before-8", 8, "due", None),
    ]


def test_steps_of_two_channels_are_never_merged() -> None:
    table = Cadence("two", Clock.RENEWAL, (a_step(9), a_step(10, Channel.CALL), a_step(9, Channel.CALL)))
    scheduled = lay_out(table, date(2026, 6, 16))
    assert [entry.into for entry in of_channel(scheduled, Channel.MAIL)] == [None]
    assert [entry.into for entry in of_channel(scheduled, Channel.CALL)] == ["before-9", None]


@pytest.mark.parametrize(
    ("life", "expected"),
    [
        (99, [30, 7, 3]),
        (90, [30, 7, 3]),
        (60, [20, 7, 3]),
        (47, [15, 7, 3]),
        (24, [8, 7, 3]),
        (23, [7, 3, 0]),
        (20, [6, 3, 0]),
        (10, [3, 0, -1]),
        (6, [2, 0, -1]),
        (1, [0, -1]),
        (0, [0, -1]),
    ],
)
def test_short_lived_certificates_get_a_first_mail_at_a_third_of_their_life(life: int, expected: list[int]) -> None:
    assert days_before(lay_out(BY_NAME["reissue"], WEDNESDAY, life=life)) == expected


@pytest.mark.parametrize(
    ("life", "urgency"),
    [
        (90, Urgency.NOTICE),
        (47, Urgency.NOTICE),
        (12, Urgency.NOTICE),
        (11, Urgency.CRITICAL),
        (0, Urgency.CRITICAL),
    ],
)
def test_the_first_mail_of_a_short_life_is_a_notice_unless_the_end_is_near(life: int, urgency: Urgency) -> None:
    first = lay_out(BY_NAME["reissue"], WEDNESDAY, life=life)[0].step
    assert first.urgency is urgency
    assert first.nature is Nature.SERVICE


@pytest.mark.parametrize(("life", "calls"), [(47, [7]), (21, [7]), (20, []), (6, [])])
def test_support_is_asked_within_a_short_life_only_after_its_first_mail(life: int, calls: list[int]) -> None:
    assert days_before(lay_out(BY_NAME["reissue"], WEDNESDAY, life=life), Channel.CALL) == calls


def test_a_short_life_counts_on_the_reissue_clock_only() -> None:
    assert days_before(lay_out(BY_NAME["renewal"], WEDNESDAY, life=47)) == [30, 14, 7, 3, 0, -1, -7]
    assert days_before(lay_out(BY_NAME["install"], WEDNESDAY, life=47)) == [14, 3, 0]


def test_a_table_of_calls_alone_gets_no_mail_for_a_short_life() -> None:
    table = a_table(30, 7, clock=Clock.REISSUE, channel=Channel.CALL)
    scheduled = lay_out(table, WEDNESDAY, life=47)
    assert [entry.step.key for entry in scheduled] == [("before-7", Channel.CALL)]


def test_the_figures_of_a_short_life_are_settings() -> None:
    rules = CadenceRules(
        short_life_days=60,
        short_life_mails=2,
        short_life_first_max_days=10,
        short_life_divisor=2,
        short_life_next_max_days=3,
    )

    def mails(life: int) -> list[int]:
        return days_before(
            schedule(
                BY_NAME["reissue"],
                starts_on=WEDNESDAY - timedelta(days=life),
                ends_on=WEDNESDAY,
                calendar=CALENDAR,
                country=None,
                rules=rules,
            )
        )

    assert mails(60) == [30, 14, 7, 3, 0, -1]
    assert mails(59) == [10, 3]
    assert mails(12) == [6, 3]


def test_an_end_before_the_start_has_no_schedule() -> None:
    assert lay_out(BY_NAME["renewal"], WEDNESDAY, life=-1) == ()


@pytest.mark.parametrize(
    ("starts_on", "ends_on"),
    [(date(2020, 1, 1), date.max), (date.min, date(1, 5, 1)), (date.min, date.max)],
)
def test_dates_at_the_edge_of_what_a_date_can_hold_do_no_harm(starts_on: date, ends_on: date) -> None:
    for table in CADENCES.tables:
        assert schedule(table, starts_on=starts_on, ends_on=ends_on, calendar=CALENDAR, country="US", rules=RULES) == ()


def test_a_schedule_is_worked_out_once_for_orders_that_end_together() -> None:
    table = BY_NAME["renewal"]
    assert lay_out(table, WEDNESDAY, life=365) is lay_out(table, WEDNESDAY, life=730)


# Schedule: what holds for every table


@given(table=tables(), ends_on=ends, life=lives, country=countries)
def test_no_step_lies_before_the_start_or_across_the_end(
    table: Cadence, ends_on: date, life: int, country: str | None
) -> None:
    starts_on = ends_on - timedelta(days=life)
    for entry in lay_out(table, ends_on, life=life, country=country):
        assert entry.nominal_on == ends_on - timedelta(days=entry.step.days_before)
        assert starts_on <= entry.nominal_on
        assert starts_on <= entry.day
        assert (entry.day <= ends_on) is (entry.step.days_before >= 0)


@given(table=tables(), ends_on=ends, life=lives, country=countries)
def test_every_step_that_fits_is_there_once(table: Cadence, ends_on: date, life: int, country: str | None) -> None:
    found = Counter(entry.step.key for entry in lay_out(table, ends_on, life=life, country=country))
    assert set(found.values()) <= {1}
    if table.clock is not Clock.REISSUE or life >= RULES.short_life_days:
        assert set(found) == {step.key for step in table.steps if step.days_before <= life}


@given(table=tables(), ends_on=ends, life=lives, country=countries)
def test_steps_near_the_end_stay_and_the_others_fall_on_working_days(
    table: Cadence, ends_on: date, life: int, country: str | None
) -> None:
    opens = min(life, RULES.early_window_days) if table.clock is Clock.RENEWAL else life
    for entry in lay_out(table, ends_on, life=life, country=country):
        days = entry.step.days_before
        if 0 <= days <= RULES.never_move_at_or_below_days:
            assert entry.day == entry.nominal_on
        elif not CALENDAR.is_working_day(entry.day, country):
            assert entry.day == entry.nominal_on
            room = range(RULES.never_move_at_or_below_days, max(opens, days) + 1)
            assert not any(CALENDAR.is_working_day(ends_on - timedelta(days=n), country) for n in room if n <= opens)


@given(table=tables(), ends_on=ends, life=lives, country=countries)
def test_steps_move_to_the_nearest_working_day_of_their_direction(
    table: Cadence, ends_on: date, life: int, country: str | None
) -> None:
    opens = min(life, RULES.early_window_days) if table.clock is Clock.RENEWAL else life
    earliest = ends_on - timedelta(days=opens)
    for entry in lay_out(table, ends_on, life=life, country=country):
        if entry.day == entry.nominal_on:
            continue
        before = CALENDAR.working_day_on_or_before(entry.nominal_on, country)
        after = CALENDAR.working_day_on_or_after(entry.nominal_on, country)
        back = entry.step.days_before > 0 and before >= earliest
        assert entry.day == (before if back else after)


@given(table=tables(), ends_on=ends, life=lives, country=countries)
def test_no_renewal_step_moves_out_of_the_early_window(
    table: Cadence, ends_on: date, life: int, country: str | None
) -> None:
    opens_on = ends_on - timedelta(days=RULES.early_window_days)
    for entry in lay_out(table, ends_on, life=life, country=country):
        if table.clock is Clock.RENEWAL:
            assert entry.day >= min(opens_on, entry.nominal_on)


@given(timeline=timelines())
def test_moves_keep_the_order_and_leave_one_step_per_channel_and_day(
    timeline: tuple[date, tuple[Scheduled, ...]],
) -> None:
    _, scheduled = timeline
    assert [entry.day for entry in scheduled] == sorted(entry.day for entry in scheduled)
    distances = [entry.step.days_before for entry in scheduled]
    assert distances == sorted(distances, reverse=True)
    for channel in Channel:
        entries = of_channel(scheduled, channel)
        going = [entry for entry in entries if entry.state == "due"]
        assert len({entry.day for entry in going}) == len(going)
        for entry in entries:
            if entry.state == "merged":
                (stands_in,) = [other for other in going if other.day == entry.day]
                assert entry.into == stands_in.step.touchpoint
                assert stands_in.step.days_before < entry.step.days_before


@given(table=tables(), ends_on=ends, life=st.integers(0, 99), country=countries)
def test_a_short_life_has_at_most_three_mails(table: Cadence, ends_on: date, life: int, country: str | None) -> None:
    if table.clock is Clock.REISSUE:
        mails = days_before(lay_out(table, ends_on, life=life, country=country))
        assert len(mails) <= RULES.short_life_mails
        if mails:
            assert mails[0] == min(30, life // 3)
            assert all(days <= RULES.short_life_next_max_days for days in mails[1:])


@given(table=tables(), ends_on=ends, life=lives, country=countries)
def test_what_is_remembered_is_what_a_new_calendar_would_say(
    table: Cadence, ends_on: date, life: int, country: str | None
) -> None:
    again = schedule(
        Cadence("again", table.clock, table.steps),
        starts_on=ends_on - timedelta(days=life),
        ends_on=ends_on,
        calendar=Calendar(CALENDAR.settings),
        country=country,
        rules=RULES,
    )
    assert again == lay_out(table, ends_on, life=life, country=country)


# Decide: single cases


ENDS_ON = date(2027, 6, 16)


def on(days: int) -> date:
    """The day so many days before the end."""
    return ENDS_ON - timedelta(days=days)


def plain(*days: int, channel: Channel = Channel.MAIL) -> tuple[Scheduled, ...]:
    return tuple(Scheduled(a_step(n, channel), on(n), on(n)) for n in days)


def decide_on(
    today: date,
    scheduled: tuple[Scheduled, ...],
    handled: frozenset[tuple[str, Channel]] = frozenset(),
    ends_on: date = ENDS_ON,
) -> Decision:
    return decide(scheduled, horizon=today + DAY, today=today, ends_on=ends_on, handled=handled, rules=RULES)


def names(entries: tuple[Scheduled, ...]) -> list[str]:
    return [entry.step.touchpoint for entry in entries]


def test_nothing_is_decided_before_the_horizon_reaches_a_step() -> None:
    assert decide_on(on(32), plain(30, 14)) == Decision(next_on=on(30))


def test_a_step_goes_on_the_day_before_its_own() -> None:
    scheduled = plain(30, 14)
    assert decide_on(on(31), scheduled) == Decision(go=scheduled[:1], next_on=on(14))


def test_nothing_remains_after_the_last_step() -> None:
    assert decide_on(on(14), plain(14)).next_on is None
    assert decide_on(on(14), ()) == Decision()


def test_the_newest_step_goes_and_those_passed_over_are_missed() -> None:
    found = decide_on(on(10), plain(90, 60, 30, 14, 3))
    assert names(found.go) == ["before-14"]
    assert names(found.missed) == ["before-90", "before-60", "before-30"]
    assert found.next_on == on(3)


@pytest.mark.parametrize(("days", "goes"), [(8, True), (7, True), (6, True), (5, False)])
def test_no_catching_up_when_the_next_step_is_under_three_days_away(days: int, goes: bool) -> None:
    found = decide_on(on(days), plain(9, 3))
    assert names(found.go) == (["before-9"] if goes else [])
    assert names(found.missed) == ([] if goes else ["before-9"])


def test_a_step_of_today_goes_however_near_the_next_one_is() -> None:
    assert names(decide_on(on(5), plain(5, 3)).go) == ["before-5"]


def test_todays_step_goes_although_tomorrow_brings_another() -> None:
    """Seen first on the last day: it is told today that it ends, and tomorrow that it has ended."""
    found = decide_on(on(0), plain(3, 0, -1, -7))
    assert (names(found.go), names(found.missed)) == (["on-0", "after-1"], ["before-3"])
    assert found.next_on == on(-7)


def test_what_is_overdue_is_passed_over_by_tomorrows_step() -> None:
    found = decide_on(on(4), plain(7, 3))
    assert (names(found.go), names(found.missed)) == (["before-3"], ["before-7"])


def test_the_next_step_of_another_channel_does_not_hinder_catching_up() -> None:
    scheduled = (*plain(9), *plain(3, channel=Channel.CALL))
    assert names(decide_on(on(5), scheduled).go) == ["before-9"]


def test_a_next_step_that_has_been_handled_does_not_hinder_catching_up() -> None:
    found = decide_on(on(5), plain(9, 3), frozenset({("before-3", Channel.MAIL)}))
    assert names(found.go) == ["before-9"]
    assert found.next_on is None


def test_channels_are_decided_on_their_own() -> None:
    scheduled = (*plain(30, channel=Channel.CALL), *plain(30, 14))
    found = decide_on(on(20), scheduled)
    assert [entry.step.key for entry in found.go] == [
        ("before-30", Channel.CALL),
        ("before-30", Channel.MAIL),
    ]


def test_a_step_before_the_end_is_not_caught_up_on_after_it() -> None:
    found = decide_on(on(-1), plain(3, 0))
    assert found.go == ()
    assert names(found.missed) == ["before-3", "on-0"]


@pytest.mark.parametrize(("days", "goes"), [(-8, True), (-14, True), (-15, False), (-400, False)])
def test_steps_after_the_end_are_caught_up_on_within_fourteen_days(days: int, goes: bool) -> None:
    found = decide_on(on(days), plain(0, -1, -7))
    assert names(found.go) == (["after-7"] if goes else [])
    assert found.next_on is None


def test_merged_steps_are_told_apart_from_missed_ones() -> None:
    scheduled = lay_out(a_table(10, 9, 3), date(2026, 6, 16))
    found = decide_on(date(2026, 6, 4), scheduled, ends_on=date(2026, 6, 16))
    assert (names(found.go), names(found.merged), found.missed) == (["before-9"], ["before-10"], ())


def test_a_step_that_a_handled_one_has_passed_is_missed() -> None:
    handled = frozenset({("before-30", Channel.MAIL)})
    found = decide_on(on(20), plain(60, 45, 30, 14), handled)
    assert found.go == ()
    assert names(found.missed) == ["before-60", "before-45"]
    assert found.next_on == on(14)


def test_handled_steps_may_come_in_any_collection() -> None:
    found = decide(
        plain(30, 14),
        horizon=on(29),
        today=on(30),
        ends_on=ENDS_ON,
        handled=[("before-30", Channel.MAIL)],
        rules=RULES,
    )
    assert found == Decision(next_on=on(14))


def test_the_figures_of_catching_up_are_settings() -> None:
    rules = CadenceRules(catch_up_min_gap_days=10, after_end_limit_days=2)

    def go(today: date) -> list[str]:
        return names(
            decide(plain(20, 7, -1), horizon=today + DAY, today=today, ends_on=ENDS_ON, handled=(), rules=rules).go
        )

    assert go(on(17)) == ["before-20"]
    assert go(on(16)) == []
    assert go(on(-2)) == ["after-1"]
    assert go(on(-3)) == []


# Decide: what holds for every timeline


Plan = list[tuple[date, Decision]]


def plan_on(days: Iterator[date], ends_on: date, scheduled: tuple[Scheduled, ...]) -> Plan:
    """Plan on each of these days, remembering what has been handled."""
    handled: set[tuple[str, Channel]] = set()
    plans: Plan = []
    for today in days:
        found = decide_on(today, scheduled, frozenset(handled), ends_on)
        handled.update(entry.step.key for entry in (*found.go, *found.missed, *found.merged))
        plans.append((today, found))
    return plans


def every_day(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def last_day(ends_on: date, scheduled: tuple[Scheduled, ...]) -> date:
    return max([ends_on, *(entry.day for entry in scheduled)])


@given(timeline=timelines())
def test_planning_every_day_sends_every_step_once_and_misses_none(
    timeline: tuple[date, tuple[Scheduled, ...]],
) -> None:
    ends_on, scheduled = timeline
    first = min([ends_on, *(entry.day for entry in scheduled)]) - DAY
    plans = plan_on(every_day(first, last_day(ends_on, scheduled)), ends_on, scheduled)
    assert [entry for _, found in plans for entry in found.go] == [entry for entry in scheduled if entry.state == "due"]
    assert [entry for _, found in plans for entry in found.merged] == [
        entry for entry in scheduled if entry.state == "merged"
    ]
    assert not any(found.missed for _, found in plans)
    assert all(entry.day == today + DAY for today, found in plans for entry in found.go)
    assert plans[-1][1].next_on is None


gaps = st.lists(st.integers(1, 40), min_size=1, max_size=25)


def after_gaps(first: date, gaps_between: list[int], last: date) -> Iterator[date]:
    today = first
    for gap in gaps_between:
        yield today
        today += timedelta(days=gap)
    yield max(today, last)


@given(timeline=timelines(), late=st.integers(-5, 150), between=gaps)
def test_planning_with_gaps_handles_every_step_once_and_of_those_due_one_per_channel(
    timeline: tuple[date, tuple[Scheduled, ...]], late: int, between: list[int]
) -> None:
    ends_on, scheduled = timeline
    first = (scheduled[0].day if scheduled else ends_on) + timedelta(days=late)
    plans = plan_on(after_gaps(first, between, last_day(ends_on, scheduled)), ends_on, scheduled)
    handled = [entry for _, found in plans for entry in (*found.go, *found.missed, *found.merged)]
    assert Counter(handled) == Counter(scheduled)
    for today, found in plans:
        by_today = [entry.step.channel for entry in found.go if entry.day <= today]
        assert len(set(by_today)) == len(by_today)
        ahead = [(entry.step.channel, entry.day) for entry in found.go if entry.day > today]
        assert len(set(ahead)) == len(ahead)
        assert all(entry.state == "due" for entry in (*found.go, *found.missed))
        for entry in found.go:
            assert entry.step.days_before < 0 or today <= ends_on
            if entry.day < today:
                assert today <= ends_on + timedelta(days=RULES.after_end_limit_days)
                next_days = [
                    other.day
                    for other in of_channel(scheduled, entry.step.channel)
                    if other.state == "due" and other.day > today + DAY
                ]
                assert not next_days or (min(next_days) - today).days >= RULES.catch_up_min_gap_days


@given(timeline=timelines(), late=st.integers(-5, 150))
def test_steps_of_a_channel_go_in_order_of_their_days(timeline: tuple[date, tuple[Scheduled, ...]], late: int) -> None:
    ends_on, scheduled = timeline
    first = (scheduled[0].day if scheduled else ends_on) + timedelta(days=late)
    plans = plan_on(every_day(first, last_day(ends_on, scheduled)), ends_on, scheduled)
    for channel in Channel:
        gone = [entry.day for _, found in plans for entry in found.go if entry.step.channel is channel]
        assert gone == sorted(gone)


@given(timeline=timelines(), late=st.integers(-5, 150))
def test_planning_again_adds_nothing(timeline: tuple[date, tuple[Scheduled, ...]], late: int) -> None:
    ends_on, scheduled = timeline
    today = (scheduled[0].day if scheduled else ends_on) + timedelta(days=late)
    found = decide_on(today, scheduled, ends_on=ends_on)
    handled = frozenset(entry.step.key for entry in (*found.go, *found.missed, *found.merged))
    assert decide_on(today, scheduled, handled, ends_on) == Decision(next_on=found.next_on)


@given(timeline=timelines(), late=st.integers(-5, 150))
def test_planning_only_when_the_horizon_reaches_next_on_loses_nothing(
    timeline: tuple[date, tuple[Scheduled, ...]], late: int
) -> None:
    ends_on, scheduled = timeline
    first = (scheduled[0].day if scheduled else ends_on) + timedelta(days=late)
    last = max(first, last_day(ends_on, scheduled))
    daily = plan_on(every_day(first, last), ends_on, scheduled)
    skipping: Plan = []
    handled: set[tuple[str, Channel]] = set()
    next_on: date | None = first + DAY
    while next_on is not None:
        today = next_on - DAY
        found = decide_on(today, scheduled, frozenset(handled), ends_on)
        assert found.next_on is None or found.next_on > next_on
        handled.update(entry.step.key for entry in (*found.go, *found.missed, *found.merged))
        skipping.append((today, found))
        next_on = found.next_on
    assert skipping[0] == daily[0]
    assert skipping[1:] == [(today, found) for today, found in daily[1:] if found.go or found.missed or found.merged]
