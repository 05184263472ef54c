"""Orders that live on, as their sources would tell of them."""

from datetime import date, timedelta
from typing import Any

from core.habits import Conduct, Habits, Limits
from core.model import OrderFacts
from core.portfolio import Portfolio
from core.schema import orders
from core.simulation import SOURCE
from core.sync import take_orders
from core.timing import WholeDay
from core.words import OrderStatus
from tests.builders import House, facts
from tests.core.conftest import house_on_sqlite

DAY = date(2026, 11, 18)
END = DAY + timedelta(days=60)


def told(house: House, *known: OrderFacts, days: int = 90, **said: Any) -> dict[str, list[OrderFacts]]:
    """What is told of each order on the days to come, which the ledger takes in."""
    house.source.rows = known
    house.sync(DAY)
    habits, limits = Habits(**said), Limits(house.policy.validity)
    with house.store.read() as connection:
        portfolio = Portfolio(connection, habits, limits, DAY)
    found: dict[str, list[OrderFacts]] = {}
    for number in range(days):
        day = DAY + timedelta(days=number)
        with house.store.begin() as connection:
            morning = portfolio.on(connection, day)
            changed = list(morning.changed.values())
            if changed:
                take_orders(connection, SOURCE, changed, WholeDay(day), house.policy, records=False)
        for one in changed:
            found.setdefault(one.key, []).append(one)
        for key in morning.leaving:
            found.setdefault(f"{key} leaves", [])
    return found


@house_on_sqlite
def test_a_renewed_order_is_followed_by_one_that_lives_on(house: House) -> None:
    one = facts(ends_on=END, value_minor=12_300)
    found = told(house, one, days=450, conduct={Conduct.RENEWS: 1.0}, renew_ahead=10, reissue_ahead=5)
    assert [each.is_renewed for each in found["digicert:1"]] == [True]
    new, *later = found["digicert:1+"]
    assert (new.renewal_of, new.value_minor, new.people, new.account.key) == ("digicert:1", 12_300, one.people, "acme")
    reissued = [each.certificate_expires_on for each in later[:-1] if each.certificate_expires_on]
    assert reissued == sorted(set(reissued))
    assert later[-1].renewed_by == "digicert:1++"
    assert {row.order_key for row in house.rows(orders)} == {"digicert:1", "digicert:1+", "digicert:1++"}


@house_on_sqlite
def test_a_certificate_is_reissued_within_its_order_until_that_ends(house: House) -> None:
    long = facts(ends_on=DAY + timedelta(days=500), certificate_expires_on=DAY + timedelta(days=20))
    found = told(house, long, days=520, conduct={}, reissue_ahead=5)
    ends = [one.certificate_expires_on for one in found["digicert:1"] if one.certificate_expires_on]
    assert ends == sorted(set(ends))
    assert ends[-1] == DAY + timedelta(days=500)
    assert all(one.status is OrderStatus.ISSUED for one in found["digicert:1"])


@house_on_sqlite
def test_one_that_waits_for_validation_is_issued_and_then_the_old_one_renewed(house: House) -> None:
    found = told(house, facts(ends_on=END), conduct={Conduct.IS_VALIDATED: 1.0}, validation_days=0)
    placed, issued = found["digicert:1+"][:2]
    assert (placed.status, issued.status) == (OrderStatus.PENDING, OrderStatus.ISSUED)
    assert issued.placed_on == placed.placed_on
    assert found["digicert:1"][-1].renewed_by == "digicert:1+"


@house_on_sqlite
def test_what_waits_already_is_issued_and_its_forerunner_is_not_renewed_twice(house: House) -> None:
    waiting = facts(
        "2", ends_on=END, status=OrderStatus.PENDING, placed_on=DAY - timedelta(days=2), starts_on=None,
        order_expires_on=None, certificate_id="", certificate_issued_on=None, certificate_expires_on=None,
        renewal_of="digicert:1",
    )  # fmt: skip
    found = told(house, facts(ends_on=END), waiting, conduct={Conduct.RENEWS: 1.0})
    assert sorted(found) == ["digicert:1", "digicert:2"]
    assert found["digicert:2"][0].certificate_issued_on == DAY + timedelta(days=3)
    assert [one.renewed_by for one in found["digicert:1"]] == ["digicert:2"]


@house_on_sqlite
def test_who_leaves_is_told_and_who_is_over_is_left_alone(house: House) -> None:
    gone = facts("2", ends_on=DAY - timedelta(days=1))
    renewed = facts("3", ends_on=END, is_renewed=True)
    lost = facts("4", ends_on=END, status=OrderStatus.REVOKED)
    found = told(house, facts(ends_on=END), gone, renewed, lost, conduct={Conduct.LEAVES: 1.0})
    assert found == {"digicert:1 leaves": []}


@house_on_sqlite
def test_cancelled_orders_and_replacements_are_told_as_such(house: House) -> None:
    assert told(house, facts(ends_on=END), conduct={Conduct.CANCELS: 1.0})["digicert:1"][0].status == "cancelled"
    replaced = told(house, facts("2", ends_on=END), conduct={Conduct.REPLACES: 1.0})
    assert list(replaced) == ["digicert:2+"]
    assert replaced["digicert:2+"][0].renewal_of == ""
