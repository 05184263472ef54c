"""Days to come, played on a copy: what people do, what the steps do, and that the ledger stays as it is."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from core import golive, pauses
from core.deliver_assigns import AssignKind
from core.deliver_closes import CloseKind
from core.deliver_tasks import CreateKind, RaiseKind
from core.habits import Conduct, Habits, Limits
from core.kinds import Kind
from core.links import ConsoleLinks
from core.model import OrderFacts
from core.policy import TaskPolicy
from core.schema import cycles, deliveries, engine_locks, orders, tasks
from core.scratch import scratch
from core.simulation import DayPlayed, SimulatedCrm, SimulatedMails, Simulation, WordlessWriter
from core.store import Store
from core.words import Clock, DeliveryKind, Stage, TaskKind, TaskState
from core.workload import Workload, workload
from tests.builders import House, account, customers, facts, person
from tests.core.conftest import MakeHouse, on_sqlite

pytestmark = on_sqlite
DAY = date(2026, 11, 18)
SOON = DAY + timedelta(days=8)
UNTIL_OVER = 19


def simulation(store: Store, house: House, habits: Habits, not_before: date | None = None) -> Simulation:
    crm, writer, links = SimulatedCrm(habits), WordlessWriter(), ConsoleLinks(house.policy.brand.console_url)
    kinds: dict[DeliveryKind, Kind] = {
        DeliveryKind.MAIL: SimulatedMails(house.policy),
        DeliveryKind.CALL_CREATE: CreateKind(crm, writer, links, house.policy),
        DeliveryKind.CALL_RAISE: RaiseKind(crm, house.policy),
        DeliveryKind.CALL_CLOSE: CloseKind(crm, house.policy),
        DeliveryKind.CALL_ASSIGN: AssignKind(crm, house.policy),
    }
    return Simulation(store, kinds, crm, house.policy, habits, Limits(house.policy.validity, not_before))


def played(house: House, habits: Habits, days: int = UNTIL_OVER, **said: Any) -> tuple[Workload, dict[str, list[Any]]]:
    """What days to come ask for, and the orders, tasks and deliveries at their end."""
    since = datetime.now(UTC)
    with scratch(house.store) as store:
        one = simulation(store, house, habits, said.pop("not_before", None))
        one.play(DAY, days, **said)
        assert one.crm is not None
        with store.read() as connection:
            found = workload(connection, DAY, DAY + timedelta(days=days - 1), since, one.crm.to_call)
            kept = (orders, cycles, tasks, deliveries)
            tables = {table.name: list(connection.execute(select(table))) for table in kept}
    return found, tables


def portfolio(owners: Sequence[str] = ("rep1", "rep2", "rep1")) -> list[OrderFacts]:
    return customers(SOON, {f"customer{number}": rep for number, rep in enumerate(owners)})


def test_the_ledger_stays_as_it_is_and_others_work_on_it_meanwhile(make_house: MakeHouse) -> None:
    house = make_house(portfolio())
    house.run(DAY)
    before = house.dump()
    played(house, Habits(), 3)
    assert house.dump() == before
    ran: list[int] = []

    def evening(_: object, day: DayPlayed) -> None:
        counts = house.run(day.day + timedelta(days=1))
        ran.append(counts.plan.touches)

    played(house, Habits(), 2, evening=evening)
    assert len(ran) == 2
    assert [row.last_day for row in house.rows(engine_locks)] == [DAY + timedelta(days=2)] * 3


def test_the_same_ledger_has_the_same_future_always(make_house: MakeHouse) -> None:
    house = make_house(portfolio())
    house.run(DAY)
    mixed = Habits({Conduct.RENEWS: 0.5, Conduct.LEAVES: 0.2, Conduct.CANCELS: 0.1, Conduct.REPLACES: 0.1})
    first, second = played(house, mixed, 6)[0], played(house, mixed, 6)[0]
    assert first == second
    assert first.total.mails > 0


def test_who_renews_is_left_in_peace_and_who_does_nothing_lapses(make_house: MakeHouse) -> None:
    house = make_house(portfolio())
    house.run(DAY)
    early, of_early = played(house, Habits({Conduct.RENEWS: 1.0}), 10)
    never, of_never = played(house, Habits({}))
    assert early.total.mails < never.total.mails
    assert {
        row.stage for row in of_early["cycles"] if row.number == 1 and not row.open and row.clock == Clock.RENEWAL
    } == {Stage.RENEWED}
    assert {row.stage for row in of_never["cycles"]} == {Stage.LAPSED}
    assert len(of_early["orders"]) == 6
    assert len(of_never["orders"]) == 3


def test_who_installs_is_not_reminded_of_it(make_house: MakeHouse) -> None:
    house = make_house([facts(ends_on=DAY + timedelta(days=300), certificate_expires_on=DAY + timedelta(days=6))])
    house.run(DAY)
    soon, of_soon = played(house, Habits(reissue_ahead=2, installing=1.0, install_days=1), 12)
    never, of_never = played(house, Habits(reissue_ahead=2, installing=0.0), 12)
    outcomes = [
        [row.outcome for row in tables["cycles"] if row.clock == Clock.INSTALL] for tables in (of_soon, of_never)
    ]
    assert outcomes[0] == ["installed"]
    assert outcomes[1] != outcomes[0]
    assert soon.total.mails < never.total.mails


def test_who_goes_elsewhere_is_lost_and_hears_no_more(make_house: MakeHouse) -> None:
    house = make_house(portfolio())
    house.run(DAY)
    found, tables = played(house, Habits({Conduct.LEAVES: 1.0}), 10)
    assert {(row.stage, row.lost_reason) for row in tables["cycles"]} == {(Stage.LOST, "goes elsewhere")}
    assert found.contacts
    assert all(max(one.weeks) <= date(2026, 11, 23) for one in found.contacts)


def test_calls_without_an_answer_are_asked_for_again(make_house: MakeHouse) -> None:
    house = make_house(portfolio())
    house.run(DAY)
    reached, _ = played(house, Habits({}, reached=1.0), 6)
    missed, _ = played(house, Habits({}, reached=0.0), 6)
    assert missed.total.calls > reached.total.calls > 0


def test_reps_are_warned_of_what_waits_to_be_issued_and_no_record_piles_up(make_house: MakeHouse) -> None:
    house = make_house(portfolio())
    house.run(DAY)
    slow = Habits({Conduct.IS_VALIDATED: 1.0}, renew_ahead=6, validation_days=30)
    _, tables = played(house, slow, 9)
    assert {row.kind for row in tables["tasks"]} >= {TaskKind.CHECK}
    assert [row.kind for row in tables["deliveries"] if row.kind == DeliveryKind.RECORD and row.day > DAY] == []


def test_calls_that_were_asked_for_before_are_made_too(make_house: MakeHouse) -> None:
    house = make_house([facts(ends_on=DAY + timedelta(days=5))])
    house.run(DAY - timedelta(days=1))
    (call,) = house.rows(tasks, tasks.c.kind == TaskKind.CALL)
    assert call.state == TaskState.OPEN
    _, tables = played(house, Habits({}, call_days=3, reached=1.0), 4)
    of_call = next(row for row in tables["tasks"] if row.id == call.id)
    assert (of_call.state, of_call.outcome) == (TaskState.CLOSED, "reached")


def test_escalations_are_counted_where_calls_lie(make_house: MakeHouse) -> None:
    house = make_house(portfolio(), tasks=TaskPolicy(manager="boss"))
    house.run(DAY)
    lazy, tables = played(house, Habits({}, call_days=30), 12)
    assert TaskKind.ESCALATION in {row.kind for row in tables["tasks"]}
    assert lazy.total.other > 0
    assert "boss" in [rep.key for rep in lazy.reps]


def test_certificates_run_as_long_as_the_limits_say(make_house: MakeHouse) -> None:
    long = facts(
        ends_on=DAY + timedelta(days=300),
        certificate_issued_on=DAY - timedelta(days=197),
        certificate_expires_on=DAY + timedelta(days=2),
    )
    house = make_house([long])
    house.run(DAY)
    for not_before, days in ((None, 199), (date(2029, 3, 15), 47)):
        _, tables = played(house, Habits(reissue_ahead=0), 4, not_before=not_before)
        before, after = (row for row in tables["cycles"] if row.clock == Clock.REISSUE)
        assert (before.ends_on, after.ends_on) == (DAY + timedelta(days=2), DAY + timedelta(days=2 + days))


def test_before_going_live_the_first_day_is_taken_for_it(make_house: MakeHouse) -> None:
    house = make_house(portfolio(), live=False)
    house.run(DAY)
    assert played(house, Habits({}), 5)[0].total.mails > 0
    with house.store.read() as connection:
        assert golive.live_from(connection) is None


def test_what_is_paused_stays_so(make_house: MakeHouse) -> None:
    house = make_house(portfolio())
    house.run(DAY)
    with house.store.begin() as connection:
        pauses.pause(connection, pauses.Pause(pauses.Scope.CHANNEL, "mail"), datetime.now(UTC))
    found = played(house, Habits({}), 7)[0]
    assert found.total.mails == 0
    assert found.total.calls > 0


def test_progress_is_told_day_by_day(make_house: MakeHouse) -> None:
    heard: list[tuple[int, int | None]] = []
    played(make_house(), Habits(), 3, progress=lambda done, total: heard.append((done, total)))
    assert heard == [(1, 3), (2, 3), (3, 3)]


def test_without_a_crm_only_mails_are_counted(make_house: MakeHouse) -> None:
    house = make_house(portfolio())
    house.sync(DAY)
    since = datetime.now(UTC)
    with scratch(house.store) as store:
        whole = simulation(store, house, Habits({}))
        mails = {DeliveryKind.MAIL: whole.kinds[DeliveryKind.MAIL]}
        Simulation(store, mails, None, house.policy, Habits({}), whole.limits).play(DAY, 6)
        with store.read() as connection:
            found = workload(connection, DAY, DAY + timedelta(days=5), since)
    assert found.total.mails > 0
    assert (found.total.calls, found.total.other) == (0, 0)


def test_a_call_is_counted_for_the_person_whom_it_names(make_house: MakeHouse) -> None:
    house = make_house(
        [
            facts(
                ends_on=DAY + timedelta(days=8), account=account(owner_key="rep1"), people=(person("ann@acme.example"),)
            )
        ]
    )
    house.sync(DAY)
    found, _ = played(house, Habits({}, reached=1.0), 8)
    (ann,) = found.contacts
    assert (ann.key, ann.name) == ("acme", "ann@acme.example")
    assert ann.total.calls == found.total.calls > 0
