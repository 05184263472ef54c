"""What the administrator is told of a day."""

from datetime import date, timedelta

from sqlalchemy import select, update

from core.eligibility import Scope
from core.inbox import Event, receive
from core.model import RepFacts
from core.schema import cycles, deliveries, inbox, meta, orders, tasks
from core.summary import Summary, lines, summary
from core.timing import WholeDay
from core.words import DeliveryState, InboxState, ProductKind
from tests.builders import House, account, facts

DAY = date(2026, 6, 2)
EVE = DAY - timedelta(days=1)


def told(house: House) -> Summary:
    with house.store.read() as connection:
        return summary(connection, Scope(), DAY)


def worded(house: House) -> list[str]:
    return lines(told(house), lambda minor, currency: f"{minor} {currency}")


def test_what_went_what_was_won_what_waits_and_what_is_wrong(house: House) -> None:
    beta = account("beta", owner_key="rita")
    house.source.known_reps = [RepFacts("rita", "Rita Rep", "rita@us.example")]
    house.source.rows = [
        facts("won", ends_on=EVE + timedelta(days=30)),
        facts("lost", ends_on=EVE + timedelta(days=25), currency="EUR", value_minor=7),
        facts("soon", ends_on=EVE + timedelta(days=7), account=beta, people=()),
        facts("signing", ends_on=DAY, kind=ProductKind.CODE_SIGNING),
    ]
    house.run(EVE)
    house.hear("won", EVE)
    mine = cycles.c.order_id.in_(select(orders.c.id).where(orders.c.outside_id == "lost"))
    house.write(update(cycles).where(mine).values(closing="lost"))
    house.settle(DAY)
    house.write(update(tasks).values(due_on=EVE))
    house.write(update(deliveries).where(deliveries.c.kind == "record").values(state=DeliveryState.FAILED))
    with house.store.begin() as connection:
        receive(connection, Event("door", "one", b"{}", WholeDay(DAY).opening))
    house.write(update(inbox).values(state=InboxState.QUARANTINED))
    found = told(house)
    assert found.sent["mail"] >= 1
    assert {
        outcome: {unit: one.value_minor for unit, one in sums.items()} for outcome, sums in found.closed.items()
    } == {
        "renewed": {"USD": 50_000},
        "lost": {"EUR": 7},
    }
    assert [(one.days, one.orders, one.unreachable, one.values) for one in found.ahead] == [
        (7, 1, 1, {"USD": 50_000}),
        (30, 1, 1, {"USD": 50_000}),
    ]
    assert {one.rep for one in found.tasks} >= {"rita"}
    said = worded(house)
    for line in (
        "Since yesterday renewed: 1, worth 50000 USD",
        "Ending within 7 days: 1, worth 50000 USD; of 1 nobody can be written to",
        "1 events are in quarantine: see `nolapse inbox list`",
    ):
        assert line in said
    assert any(line.startswith("  Rita Rep: ") and line.endswith(" late") for line in said)
    assert any("have failed: see `nolapse deliveries`" in line for line in said)


def test_an_empty_house_that_only_observes(house: House) -> None:
    house.write(meta.delete().where(meta.c.key == "live_from"))
    assert worded(house) == [
        "Summary of 2026-06-02",
        "",
        "nothing is sent until `nolapse go-live`",
        "",
        "Yesterday 0 mails went out, 0 tasks were made and 0 raised.",
        "",
        "Ending within 7 days: 0",
        "Ending within 30 days: 0",
        "",
        "Nothing waits for a decision of yours.",
    ]
