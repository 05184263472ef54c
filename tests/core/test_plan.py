from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, update

from config.settings import packaged
from core.cadence_tables import Cadences
from core.eligibility import Scope
from core.errors import UsageError
from core.schema import accounts, contacts, cycles, deliveries, orders, task_orders, tasks, touches
from core.suppressions import suppress
from core.timing import WholeDay
from core.words import Channel, Level, Nature, OrderStatus, ProductKind, Role, Stage
from tests.builders import House, account, facts, person, policy
from tests.core.conftest import MakeHouse

END = date(2026, 6, 24)  # a Wednesday
MAILS = (90, 60, 30, 14, 7, 3, 0, -1, -7)
CALLS = (45, 21, 7, -1)


def before(days: int, end: date = END) -> date:
    return end - timedelta(days=days)


def due(house: House) -> list[tuple[str, date]]:
    return [(row.touchpoint, row.day) for row in house.rows(touches, touches.c.state == "planned")]


def states(house: House, channel: str = "mail") -> dict[str, tuple[str, str]]:
    return {point: told for (_, point, by), told in house.touches().items() if by == channel}


def work_around(house: House, steps: set[int]) -> None:
    """Plays the days about each step one by one, and leaves out those on which nothing can be due."""
    for day in sorted({before(days + near) for days in steps for near in range(-1, 5)}):
        house.work(day, day)


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    return make_house([facts(ends_on=END)])


def test_every_default_step_goes_exactly_once_and_on_its_day(house: House) -> None:
    house.sync(before(92))
    work_around(house, {*MAILS, *CALLS})
    sent = [mail.date.astimezone(ZoneInfo("Europe/Berlin")) for mail in house.mailer.sent]
    moved = {60: 61, 30: 33}  # a Saturday, and Whit Monday
    assert [moment.date() for moment in sent] == [before(moved.get(days, days)) for days in MAILS]
    assert {moment.time() for moment in sent} == {time(9)}
    calls = house.rows(deliveries, deliveries.c.channel == "call", deliveries.c.kind != "call_close")
    assert [(row.kind, row.day) for row in calls] == [
        ("call_create", before(47)),  # a Friday, for a Sunday
        ("call_raise", before(21)),
        ("call_raise", before(7)),
        ("call_raise", before(-1)),
    ]
    assert {state for state, _ in house.touches().values()} == {"done"}
    assert len(house.touches()) == len(MAILS) + len(CALLS)


def test_planning_twice_adds_nothing(house: House) -> None:
    house.sync(before(30))
    first = house.plan(before(30))
    assert (first.touches, first.deliveries) == (2, 2)
    once = house.dump()
    second = house.plan(before(30))
    assert (second.touches, second.deliveries, second.skipped, second.missed, second.merged) == (0, 0, {}, 0, 0)
    assert {name: rows for name, rows in house.dump().items() if name != "engine_locks"} == {
        name: rows for name, rows in once.items() if name != "engine_locks"
    }


def test_a_day_before_the_last_one_planned_is_refused(house: House) -> None:
    house.sync(before(30))
    house.plan(before(30))
    with pytest.raises(UsageError, match="done for"):
        house.plan(before(31))


def test_it_looks_one_day_ahead(house: House) -> None:
    house.sync(before(92))
    assert house.plan(before(92)).touches == 0
    assert house.plan(before(91)).touches == 1
    assert due(house) == [("before-90", before(90))]


@pytest.mark.parametrize(
    ("country", "zone", "end", "opens"),
    [
        ("KR", "Asia/Seoul", date(2026, 7, 16), datetime(2026, 7, 9, 0, tzinfo=UTC)),
        (
            "DE",
            "Europe/Berlin",
            date(2026, 4, 6),
            datetime(2026, 3, 30, 7, tzinfo=UTC),
        ),  # summer time began the day before
        ("US", "America/New_York", date(2026, 3, 16), datetime(2026, 3, 9, 13, tzinfo=UTC)),  # likewise
        (
            "NZ",
            "Pacific/Auckland",
            date(2026, 10, 5),
            datetime(2026, 9, 27, 20, tzinfo=UTC),
        ),  # likewise, and a day ahead
        ("US", "America/Los_Angeles", date(2026, 7, 15), datetime(2026, 7, 8, 16, tzinfo=UTC)),
    ],
)
def test_mails_wait_for_the_readers_office_to_open(
    make_house: MakeHouse, country: str, zone: str, end: date, opens: datetime
) -> None:
    there = account(country=country, zone=zone)
    house = make_house([facts(ends_on=end, account=there, level=Level.OV)])
    house.play(before(9, end), before(6, end))
    row = next(row for row in house.rows(deliveries, deliveries.c.kind == "mail") if row.touchpoint == "before-7")
    assert row.send_after == opens
    assert row.day == before(7, end)
    mail = next(mail for mail in house.mailer.sent if mail.key == row.key)
    assert mail.date == opens


def test_a_persons_own_zone_wins_over_the_accounts(make_house: MakeHouse) -> None:
    ann = person("ann@acme.example", zone="Asia/Seoul")
    house = make_house([facts(ends_on=END, people=(ann,))])
    house.sync(before(8))
    house.plan(before(8))
    (row,) = house.rows(deliveries, deliveries.c.kind == "mail", deliveries.c.touchpoint == "before-7")
    assert row.send_after == datetime.combine(before(7), time(0), UTC)


def test_nobody_is_told_that_it_has_ended_before_it_has(make_house: MakeHouse) -> None:
    there = account(country="NZ", zone="Pacific/Auckland")
    house = make_house([facts(ends_on=END, account=there)])
    house.play(before(1), before(-2))
    ended = [row for row in house.rows(deliveries) if row.touchpoint == "after-1"]
    assert sorted(row.channel for row in ended) == ["call", "mail"]
    assert {row.send_after for row in ended} == {datetime.combine(before(-1), time(0), UTC)}


def test_seen_late_only_the_newest_step_of_each_channel_goes(house: House) -> None:
    house.sync(before(20))
    counts = house.plan(before(20))
    assert (counts.touches, counts.deliveries, counts.missed) == (2, 2, 3)
    mails, calls = states(house), states(house, "call")
    assert mails == {
        "before-90": ("missed", "passed_over"),
        "before-60": ("missed", "passed_over"),
        "before-30": ("planned", ""),
    }
    assert calls == {"before-45": ("missed", "passed_over"), "before-21": ("planned", "")}
    assert {day for _, day in due(house)} == {before(20)}


def test_no_catching_up_where_the_next_step_is_near(house: House) -> None:
    house.sync(before(9))
    assert house.plan(before(9)).touches == 0
    assert states(house)["before-14"] == states(house, "call")["before-21"] == ("missed", "passed_over")
    assert "before-7" not in states(house)
    assert house.plan(before(8)).touches == 2


def test_first_seen_on_the_last_day_it_is_told_today_and_tomorrow(house: House) -> None:
    house.sync(END)
    house.work(END, before(-1))
    assert [mail.subject.partition(":")[0] for mail in house.mailer.sent] == ["critical", "expired"]
    assert [states(house)[point] for point in ("on-0", "after-1")] == [("done", "")] * 2


def test_todays_step_and_tomorrows_in_one_mail_are_one(make_house: MakeHouse) -> None:
    """Before anything is sent both would go with the first mail; nobody is told of one order twice in it."""
    house = make_house([facts(ends_on=END)], live=False)
    house.sync(END)
    house.plan(END)
    assert states(house)["on-0"] == ("merged", "newer_step")
    assert states(house)["after-1"] == ("planned", "")
    (mail,) = house.rows(deliveries, deliveries.c.kind == "mail")
    assert mail.state == "planned"
    assert {row.delivery_id for row in house.rows(touches, touches.c.channel == "mail") if row.delivery_id} == {mail.id}


def test_after_days_without_the_engine_the_newest_step_goes(house: House) -> None:
    house.play(before(61), before(59))
    house.play(before(12), before(12))
    assert states(house)["before-60"] == ("done", "")
    assert states(house)["before-30"] == ("missed", "passed_over")
    assert states(house)["before-14"] == ("done", "")
    assert house.mailer.sent[-1].date.date() == before(12)


@pytest.mark.parametrize(("seen", "goes"), [(1, {"after-1"}), (3, {"after-1"}), (5, set()), (6, {"after-7"})])
def test_after_the_end_only_the_steps_after_it_go(house: House, seen: int, goes: set[str]) -> None:
    house.sync(before(-seen))
    house.plan(before(-seen))
    mails = {point for point, (state, _) in states(house).items() if state == "planned"}
    assert mails == goes
    assert all(state == "missed" for point, (state, _) in states(house).items() if point not in mails)


def test_what_a_calendar_moved_goes_on_the_working_day_before(make_house: MakeHouse) -> None:
    sunday = date(2026, 6, 28)
    house = make_house([facts(ends_on=sunday + timedelta(days=7))])
    house.play(sunday - timedelta(days=4), sunday + timedelta(days=1))
    (mail,) = [mail for mail in house.mailer.sent if mail.subject.startswith("warning")]
    assert mail.date.date() == date(2026, 6, 26)


def test_what_is_caught_up_on_waits_for_a_working_day(make_house: MakeHouse) -> None:
    saturday = before(25)
    assert saturday.weekday() == 5
    house = make_house([facts(ends_on=END)])
    house.sync(saturday)
    house.plan(saturday)
    (row,) = house.rows(deliveries, deliveries.c.kind == "mail")
    assert (row.touchpoint, row.day) == ("before-30", before(23))


def closed(outcome: str) -> Callable[[House], Any]:
    return lambda house: house.write(update(cycles).values(closing=outcome))


def on_account(**values: Any) -> Callable[[House], Any]:
    return lambda house: house.write(update(accounts).values(**values))


def on_cycle(**values: Any) -> Callable[[House], Any]:
    return lambda house: house.write(update(cycles).values(**values))


def refused(source: str) -> Callable[[House], Any]:
    def write(house: House) -> None:
        with house.store.begin() as connection:
            now = datetime.now(UTC)
            suppress(connection, "ann@acme.example", Channel.MAIL, Nature.SERVICE, source, "", now)

    return write


@pytest.mark.parametrize(
    ("change", "mail", "call"),
    [
        (on_account(do_not_contact=True), "do_not_contact", "do_not_contact"),
        (on_account(do_not_call=True), None, "do_not_call"),
        (on_cycle(snoozed_until=before(5)), "snoozed", "snoozed"),
        (on_cycle(committed_until=before(5)), "committed", "committed"),
        (on_cycle(stage=Stage.LOST), "lost", "lost"),
        (on_cycle(stage=Stage.IN_PROGRESS), "in_progress", "in_progress"),
        (refused("unsubscribe"), "unsubscribed", None),
        (refused("operator"), "suppressed", None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_skipped_with_its_reason(house: House, change: Any, mail: str | None, call: str | None) -> None:
    house.sync(before(7))
    change(house)
    house.plan(before(7))
    expected = {"mail": mail, "call": call}
    for channel, reason in expected.items():
        told = states(house, channel)["before-7"]
        assert told == (("skipped", reason) if reason else ("planned", ""))


@pytest.mark.parametrize(
    ("said", "mail", "call"),
    [
        ({"kind": ProductKind.CODE_SIGNING}, "out_of_scope", "out_of_scope"),
        ({"people": ()}, "no_contact", None),
        ({"people": (person("bob@ours.example"),)}, "own_domain", None),
        ({"ca_notices_off": True}, "ca_notices_off", "ca_notices_off"),
        ({"auto_renew": True}, "auto_renew", "auto_renew"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_skipped_for_what_the_order_is(
    make_house: MakeHouse, said: dict[str, Any], mail: str, call: str | None
) -> None:
    scope = Scope(respect_ca_notice_switch=True, own_domains=("ours.example",))
    house = make_house([facts(ends_on=END, **said)], scope=scope)
    house.sync(before(7))
    counts = house.plan(before(7))
    assert states(house)["before-7"] == ("skipped", mail)
    assert states(house, "call")["before-7"] == (("skipped", call) if call else ("planned", ""))
    assert counts.skipped == {mail: 1} | ({call: 1 + (call == mail)} if call else {})


@pytest.mark.parametrize("status", [OrderStatus.CANCELLED, OrderStatus.REVOKED])
def test_what_its_ca_has_ended_is_not_planned(house: House, status: OrderStatus) -> None:
    house.sync(before(8))
    house.source.rows = [replace(facts(ends_on=END), status=status)]
    house.sync(before(7))
    assert house.plan(before(7)).touches == 0
    house.settle(before(7))
    assert house.plan(before(7)).touches == 0


def test_the_ca_switch_alone_stops_nothing(make_house: MakeHouse) -> None:
    house = make_house([facts(ends_on=END, ca_notices_off=True)])
    house.sync(before(7))
    house.plan(before(7))
    assert states(house)["before-7"] == ("planned", "")


def test_what_renews_by_itself_has_one_notice_and_one_check(make_house: MakeHouse) -> None:
    house = make_house([facts(ends_on=END, auto_renew=True)])
    house.sync(before(49))
    work_around(house, {*MAILS, *CALLS, 25} - {90, 60})
    done = {key for key, (state, _) in house.touches().items() if state == "done"}
    assert done == {("1", "before-45", "mail"), ("1", "before-25", "call")}
    left = {told for told in house.touches().values() if told[0] != "done"}
    assert left == {("skipped", "auto_renew"), ("missed", "passed_over")}
    assert [mail.date.date() for mail in house.mailer.sent] == [
        before(47)
    ]  # 45 days before is a Sunday and 46 a Saturday
    (task,) = house.crm.tasks.values()
    assert task.draft.kind == "check"


def test_cheap_orders_are_mailed_but_not_called_about(make_house: MakeHouse) -> None:
    cheap = facts("1", ends_on=END, level=Level.DV, value_minor=19_999)
    dear = facts("2", ends_on=END, level=Level.DV, value_minor=20_000, account=account("beta"))
    house = make_house([cheap, dear])
    house.sync(before(14))
    house.plan(before(14))
    told = house.touches()
    assert told["1", "before-14", "call"] == ("skipped", "below_value_floor")
    assert told["1", "before-14", "mail"] == told["2", "before-14", "call"] == ("planned", "")


def test_without_a_contact_the_rep_is_asked_once_per_account(make_house: MakeHouse) -> None:
    house = make_house([facts(str(number), ends_on=END + timedelta(days=number), people=()) for number in range(3)])
    house.play(before(16), before(5))
    asked = house.rows(tasks, tasks.c.kind == "contact")
    assert [(row.generation, row.state) for row in asked] == [(1, "open")]
    covered = house.rows(task_orders, task_orders.c.task_id == asked[0].id)
    assert len(covered) == 3
    made = [task for task in house.crm.tasks.values() if task.draft.kind == "contact"]
    assert len(made) == 1
    assert house.rows(deliveries, deliveries.c.kind == "call_raise", deliveries.c.task_id == asked[0].id) == []


def test_two_steps_of_one_day_are_one(make_house: MakeHouse) -> None:
    table = packaged("cadence.toml")
    table["tables"]["renewal_ov_ev"]["mails"] |= {"8": "reminder", "9": "reminder", "10": "reminder"}
    rules = policy(cadences=Cadences.from_toml(table))
    end = date(2026, 6, 29)  # 8, 9 and 10 days before are Sunday, Saturday and Friday
    house = make_house([facts(ends_on=end)], cadences=rules.cadences)
    house.play(before(12, end), before(9, end))
    assert states(house)["before-10"] == ("merged", "same_day")
    assert states(house)["before-9"] == ("merged", "same_day")
    assert states(house)["before-8"] == ("done", "")


def test_a_changed_cadence_is_looked_at_once_more(house: House) -> None:
    house.sync(before(20))
    house.plan(before(20))
    table = packaged("cadence.toml")
    table["tables"]["renewal_ov_ev"]["mails"]["20"] = "reminder"
    house.policy = policy(cadences=Cadences.from_toml(table))
    house.plan(before(20))
    assert states(house)["before-20"] == ("planned", "")
    assert states(house)["before-30"] == ("merged", "newer_step")


def test_small_batches_give_what_large_ones_give(make_house: MakeHouse) -> None:
    rows = [facts(str(number), ends_on=END, account=account(f"a{number % 3}")) for number in range(9)]
    large, small = make_house(rows), make_house(rows, plan_batch=2)
    for one in (large, small):
        one.sync(before(7))
    first, second = large.plan(before(7)), small.plan(before(7))
    assert (first.touches, first.missed) == (second.touches, second.missed) == (18, first.missed)
    assert large.touches() == small.touches()
    keys = [sorted(row.key for row in one.rows(deliveries, deliveries.c.kind == "mail")) for one in (large, small)]
    assert keys[0] == keys[1]
    assert len(keys[0]) == 3


def test_progress_is_told(house: House) -> None:
    from core.plan import plan

    house.sync(before(7))
    told: list[tuple[int, int | None]] = []
    plan(house.store, WholeDay(before(7)), house.policy, progress=lambda done, of: told.append((done, of)))
    assert told == [(1, 1)]


def test_only_orders_with_something_due_are_read(make_house: MakeHouse) -> None:
    house = make_house([facts("1", ends_on=END), facts("2", ends_on=END + timedelta(days=200))])
    house.sync(before(7))
    house.plan(before(7))
    with house.store.read() as connection:
        far = select(func.count()).select_from(touches).join(cycles).join(orders).where(orders.c.outside_id == "2")
        assert connection.execute(far).scalar() == 0
        near = select(cycles.c.next_on).join(orders).where(orders.c.outside_id == "1")
        assert connection.execute(near).scalar() == before(3)


def test_consent_makes_a_renewal_mail_commercial(make_house: MakeHouse) -> None:
    house = make_house([facts(ends_on=END)])
    house.sync(before(7))
    house.may_sell_to("ann@acme.example")
    house.plan(before(7))
    (row,) = house.rows(deliveries, deliveries.c.kind == "mail")
    assert row.nature == "commercial"


def test_recipients_follow_the_roles_of_the_clock(make_house: MakeHouse) -> None:
    people = (person("it@acme.example", Role.TECHNICAL), person("office@acme.example", Role.ORGANISATION))
    order = facts(ends_on=END + timedelta(days=200), certificate_expires_on=END, people=people)
    house = make_house([order, facts("2", ends_on=END, people=people)])
    house.sync(before(7))
    house.plan(before(7))
    query = select(contacts.c.email, deliveries.c.clock).join(deliveries, deliveries.c.contact_id == contacts.c.id)
    with house.store.read() as connection:
        told = {clock: email for email, clock in connection.execute(query)}
    assert told == {"renewal": "office@acme.example", "reissue": "it@acme.example"}
