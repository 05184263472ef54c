"""Orders as the ledger holds them, in the words of a source."""

from dataclasses import replace
from datetime import date

from sqlalchemy import select

from core.model import AccountFacts, Person
from core.order_facts import facts_of
from core.schema import accounts, contacts, orders
from core.sync import take_orders
from core.timing import WholeDay
from core.words import Level, OrderStatus, ProductKind, Role
from tests.builders import House, account, facts, person

DAY = date(2026, 11, 18)


def test_what_a_source_has_told_comes_back_and_changes_nothing_when_it_is_told_again(house: House) -> None:
    ann = person("ann@acme.example", Role.ORGANISATION, Role.BILLING, name="Ann", phone="+49 40 1")
    tom = person("tom@acme.example", Role.TECHNICAL, name="Tom", language="de")
    one = facts(
        ends_on=date(2027, 5, 1), level=Level.EV, dns_names=("a.example", "b.example"), auto_renew=True, term_days=None,
        ca_notices_off=True, people=(ann, tom), account=account(name="Acme GmbH", owner_key="rep1"),
    )  # fmt: skip
    other = facts(
        "2", ends_on=date(2027, 6, 1), level=None, kind=ProductKind.SMIME, status=OrderStatus.REVOKED, people=()
    )
    house.source.rows = [one, other]
    house.sync(DAY)
    with house.store.read() as connection:
        ids = connection.execute(select(orders.c.id).order_by(orders.c.id)).scalars().all()
        found = facts_of(connection, ids)
    acme = AccountFacts("acme")
    assert [replace(each, people=()) for each in found] == [
        replace(each, people=(), account=acme) for each in (one, other)
    ]
    assert found[1].people == ()
    told = {each.email: each for each in found[0].people}
    assert {email: set(each.roles) for email, each in told.items()} == {
        "ann@acme.example": {Role.ORGANISATION, Role.BILLING},
        "tom@acme.example": {Role.TECHNICAL},
    }
    assert told["tom@acme.example"] == Person("tom@acme.example", (Role.TECHNICAL,))
    before = house.rows(accounts), house.rows(contacts)
    with house.store.begin() as connection:
        take_orders(connection, "simulation", found, WholeDay(DAY), house.policy, records=False)
    assert (house.rows(accounts), house.rows(contacts)) == before


def test_orders_that_are_not_there_are_left_out(house: House) -> None:
    with house.store.read() as connection:
        assert facts_of(connection, [1, 2]) == []
