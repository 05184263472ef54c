"""Nothing is sent until the operator goes live."""

from datetime import date, timedelta

from core.golive import go_live, live_from, observe, why_held
from tests.builders import House, facts

DAY = date(2026, 3, 2)
NEXT = DAY + timedelta(days=1)


def test_an_installation_observes_until_it_goes_live(house: House) -> None:
    with house.store.begin() as connection:
        observe(connection)
        assert live_from(connection) is None
        assert why_held(connection, DAY) == "nothing is sent until `nolapse go-live`"
        go_live(connection, NEXT)
        assert live_from(connection) == NEXT
        assert why_held(connection, DAY) == "nothing is sent before 2026-03-03"
        assert why_held(connection, NEXT) == ""
        go_live(connection, DAY)
        assert why_held(connection, DAY) == ""
        observe(connection)
        observe(connection)
        assert why_held(connection, NEXT) != ""


def test_everything_is_planned_and_nothing_goes(house: House) -> None:
    with house.store.begin() as connection:
        observe(connection)
    house.source.rows = [facts(ends_on=date(2026, 4, 1))]
    counts = house.run(DAY)
    assert counts.plan.deliveries > 0
    assert counts.deliver.held_because == "nothing is sent until `nolapse go-live`"
    assert house.mailer.sent == []
    assert house.crm.tasks == {}
    with house.store.begin() as connection:
        go_live(connection, NEXT)
    house.run(NEXT)
    assert len(house.mailer.sent) == 1
