"""How orders, customers and people are stored."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core.intake import drop_roles, store_accounts, store_people, store_reps
from core.model import AccountFacts, Person, RepFacts
from core.schema import accounts, contacts, order_contacts, orders, reps
from core.words import Level, OrderStatus, Role
from tests.builders import House, account, facts, person

TODAY = date(2026, 3, 2)
END = date(2026, 5, 29)


def people_of(house: House, outside_id: str = "1") -> set[tuple[str, str]]:
    """Address and role of everybody whom an order names."""
    query = (
        select(contacts.c.email, order_contacts.c.role)
        .join(order_contacts, order_contacts.c.contact_id == contacts.c.id)
        .join(orders, orders.c.id == order_contacts.c.order_id)
        .where(orders.c.outside_id == outside_id)
    )
    with house.store.read() as connection:
        return {(email, role) for email, role in connection.execute(query)}


def take(house: House, *rows: Any, day: date = TODAY) -> None:
    house.source.rows = rows
    house.sync(day)


def tell(house: House, *said: AccountFacts, overwrite: bool) -> dict[str, int]:
    with house.store.begin() as connection:
        return store_accounts(connection, "crm", said, overwrite=overwrite)


class TestOrders:
    def test_everything_that_is_said_is_stored(self, house: House) -> None:
        order = facts(
            ends_on=END,
            status=OrderStatus.PENDING,
            level=Level.EV,
            dns_names=("www1.example.com", "example.com"),
            order_expires_inferred=True,
            auto_renew=True,
            ca_notices_off=True,
            renewal_of="digicert:0",
            value_minor=123,
            currency="EUR",
        )
        take(house, order)
        [row] = house.rows(orders)
        same = set(type(order).__slots__) - {"key", "account", "people", "dns_names"}
        assert {name: getattr(row, name) for name in same} == {name: getattr(order, name) for name in same}
        assert row.dns_names == ["www1.example.com", "example.com"]
        assert (row.order_key, row.source, row.vanished_on) == ("digicert:1", "memory", None)

    def test_a_change_is_written_over_the_same_row(self, house: House) -> None:
        take(house, facts(ends_on=END))
        [before] = house.rows(orders)
        take(house, facts(ends_on=END, product_name="Secure Site", value_minor=None), day=TODAY + timedelta(days=1))
        [after] = house.rows(orders)
        assert (after.id, after.product_name, after.value_minor) == (before.id, "Secure Site", None)

    def test_an_order_may_move_to_another_customer(self, house: House) -> None:
        ann = (person("ann@acme.example"),)
        take(house, facts(ends_on=END, people=ann))
        take(house, facts(ends_on=END, people=ann, account=account("globex")))
        [row] = house.rows(orders)
        [globex] = house.rows(accounts, accounts.c.account_key == "globex")
        assert row.account_id == globex.id
        assert {one.account_id for one in house.rows(contacts)} == {one.id for one in house.rows(accounts)}
        assert people_of(house) == {("ann@acme.example", "organisation")}


class TestRoles:
    def test_people_are_stored_with_their_roles(self, house: House) -> None:
        ann = person("ann@acme.example", Role.ORGANISATION, Role.BILLING, name="Ann", phone="+49 1")
        bob = person("bob@acme.example", Role.TECHNICAL)
        take(house, facts(ends_on=END, people=(ann, bob)))
        assert people_of(house) == {
            ("ann@acme.example", "organisation"),
            ("ann@acme.example", "billing"),
            ("bob@acme.example", "technical"),
        }
        assert [(row.name, row.phone, row.roles) for row in house.rows(contacts)] == [
            ("Ann", "+49 1", ""),
            ("", "", ""),
        ]

    def test_changed_roles_replace_the_former_ones(self, house: House) -> None:
        take(house, facts(ends_on=END, people=(person("ann@acme.example"), person("bob@acme.example"))))
        moved = (person("ann@acme.example", Role.TECHNICAL), person("cid@acme.example", Role.BILLING))
        take(house, facts(ends_on=END, people=moved))
        assert people_of(house) == {("ann@acme.example", "technical"), ("cid@acme.example", "billing")}
        assert len(house.rows(contacts)) == 3

    def test_nobody_is_left_where_an_order_names_nobody_any_more(self, house: House) -> None:
        take(house, facts(ends_on=END))
        take(house, facts(ends_on=END, people=()))
        assert people_of(house) == set()

    def test_two_orders_of_a_customer_share_a_contact(self, house: House) -> None:
        take(
            house,
            facts("1", ends_on=END),
            facts("2", ends_on=END, people=(person("ann@acme.example", Role.TECHNICAL),)),
        )
        assert len(house.rows(contacts)) == 1
        assert people_of(house, "1") == {("ann@acme.example", "organisation")}
        assert people_of(house, "2") == {("ann@acme.example", "technical")}

    def test_one_address_at_two_customers_is_two_contacts(self, house: House) -> None:
        take(house, facts("1", ends_on=END), facts("2", ends_on=END, account=account("globex")))
        assert len(house.rows(contacts)) == 2

    def test_what_two_orders_say_of_a_person_is_put_together(self, house: House) -> None:
        first = person("ann@acme.example", name="Ann")
        second = person("ann@acme.example", name="A. Other", phone="+49 1")
        take(house, facts("1", ends_on=END, people=(first,)), facts("2", ends_on=END, people=(second,)))
        assert [(row.name, row.phone) for row in house.rows(contacts)] == [("Ann", "+49 1")]

    def test_an_order_fills_what_is_empty_and_overwrites_nothing(self, house: House) -> None:
        take(house, facts(ends_on=END, people=(person("ann@acme.example", name="Ann"),)))
        take(house, facts(ends_on=END, people=(person("ann@acme.example", name="Other", zone="Europe/Rome"),)))
        take(house, facts(ends_on=END, people=(person("ann@acme.example"),)))
        assert [(row.name, row.zone) for row in house.rows(contacts)] == [("Ann", "Europe/Rome")]


class TestAccounts:
    def test_orders_fill_what_is_empty_and_erase_nothing(self, house: House) -> None:
        take(house, facts(ends_on=END, account=AccountFacts("acme", name="Acme")))
        take(house, facts(ends_on=END, account=AccountFacts("acme", name="Other", country="FR")))
        take(house, facts(ends_on=END, account=AccountFacts("acme")))
        [row] = house.rows(accounts)
        assert (row.name, row.country, row.source) == ("Acme", "FR", "memory")

    def test_what_orders_of_one_batch_say_is_put_together(self, house: House) -> None:
        said = AccountFacts("acme", name="Acme", country="DE"), AccountFacts("acme", language="de")
        take(house, *(facts(str(number), ends_on=END, account=one) for number, one in enumerate(said)))
        [row] = house.rows(accounts)
        assert (row.name, row.country, row.language) == ("Acme", "DE", "de")

    @pytest.mark.parametrize(("overwrite", "name"), [(True, "Acme GmbH"), (False, "Acme")])
    def test_a_source_of_accounts_overwrites_but_never_erases(self, house: House, overwrite: bool, name: str) -> None:
        ids = tell(house, AccountFacts("acme", name="Acme", country="DE"), overwrite=False)
        assert tell(house, AccountFacts("acme", name="Acme GmbH", zone="Europe/Rome"), overwrite=overwrite) == ids
        [row] = house.rows(accounts)
        assert (row.name, row.country, row.zone) == (name, "DE", "Europe/Rome")

    def test_wishes_and_consent_are_left_alone(self, house: House) -> None:
        tell(house, account(people=(person("ann@acme.example"),)), overwrite=True)
        house.write(accounts.update().values(do_not_call=True))
        house.write(contacts.update().values(source="crm"))
        tell(house, account(name="New", people=(person("ann@acme.example", name="Ann"),)), overwrite=True)
        assert [row.do_not_call for row in house.rows(accounts)] == [True]
        assert [(row.name, row.source) for row in house.rows(contacts)] == [("Ann", "crm")]

    def test_people_who_are_named_no_more_lose_their_roles(self, house: House) -> None:
        tell(house, account(people=(person("ann@acme.example"), person("bob@acme.example"))), overwrite=True)
        with house.store.begin() as connection:
            assert drop_roles(connection, "elsewhere", set()) == 0
            assert drop_roles(connection, "crm", {("acme", "bob@acme.example")}) == 1
            assert drop_roles(connection, "crm", {("acme", "bob@acme.example")}) == 0
        assert {row.email: row.roles for row in house.rows(contacts)} == {
            "ann@acme.example": "",
            "bob@acme.example": "organisation",
        }

    def test_people_of_an_account_keep_their_roles_for_all_its_orders(self, house: House) -> None:
        both = person("ann@acme.example"), person("ann@acme.example", Role.BILLING, name="Ann")
        tell(house, account(people=both), overwrite=True)
        assert [(row.roles, row.name, row.source) for row in house.rows(contacts)] == [
            ("billing organisation", "Ann", "crm")
        ]
        take(house, facts(ends_on=END, people=(person("ann@acme.example", Role.TECHNICAL),)))
        assert [row.roles for row in house.rows(contacts)] == ["billing organisation"]

    def test_nobody_is_nothing_to_store(self, house: House) -> None:
        with house.store.begin() as connection:
            assert store_people(connection, "crm", [], overwrite=True, account_wide=True) == {}
            assert store_accounts(connection, "crm", [], overwrite=True) == {}

    def test_the_ids_of_new_and_known_people_come_back(self, house: House) -> None:
        with house.store.begin() as connection:
            [acme] = store_accounts(connection, "crm", [account()], overwrite=True).values()
            people = [(acme, Person("ann@acme.example", (Role.BILLING,))), (acme, Person("bob@acme.example", ()))]
            first = store_people(connection, "crm", people[:1], overwrite=True, account_wide=True)
            both = store_people(connection, "crm", people, overwrite=True, account_wide=True)
        assert both[acme, "ann@acme.example"] == first[acme, "ann@acme.example"]
        assert {one.id for one in house.rows(contacts)} == set(both.values())


def test_reps_are_overwritten_by_key(house: House) -> None:
    eve = RepFacts("eve", "Eve", "eve@certs.example", deputy_key="max")
    with house.store.begin() as connection:
        store_reps(connection, [eve, RepFacts("max", "Max", "max@certs.example", job="manager")])
        store_reps(connection, [replace(eve, active=False, deputy_key="")])
    assert [(row.rep_key, row.active, row.deputy_key, row.job) for row in house.rows(reps)] == [
        ("eve", False, "", "rep"),
        ("max", True, "", "manager"),
    ]
