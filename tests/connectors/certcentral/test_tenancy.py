"""Who the customer is: organisation, container, subaccount; orders of subaccounts; contracts of the Partner API."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from connectors.certcentral.client import Client, limits_for
from connectors.certcentral.others import contracts
from core.limits import Window
from core.model import Reject
from core.products import Catalogue
from core.schema import accounts, contacts, order_contacts, orders
from tests.connectors.certcentral.conftest import NOON, ORG, Desk, MakeDesk, add, days, on_sqlite
from tests.fakes.certcentral import person

DETAIL = "GET /account/subaccount/order/{order_id}"

pytestmark = on_sqlite


def customers(desk: Desk) -> dict[str, tuple[str, str]]:
    """Key and name of each order's customer, by order."""
    with desk.store.read() as connection:
        query = select(orders.c.outside_id, accounts.c.account_key, accounts.c.name)
        rows = connection.execute(query.join(accounts, accounts.c.id == orders.c.account_id)).all()
    return {row.outside_id: (row.account_key, row.name) for row in rows}


class TestCustomer:
    @pytest.mark.parametrize(
        ("customer", "key", "name"),
        [
            ("organisation", "digicert:organisation:1", "Customer Ltd"),
            ("container", "digicert:container:77", "Division North"),
            ("subaccount", "digicert:organisation:1", "Customer Ltd"),
        ],
    )
    def test_of_our_own_orders(self, make_desk: MakeDesk, customer: str, key: str, name: str) -> None:
        desk = make_desk(customer=customer)
        desk.world.add_container("Division North", id=77)
        order_id = add(desk, ends_on=days(40), container=77)
        desk.sync()
        assert customers(desk)[str(order_id)] == (key, name)

    def test_a_dv_order_has_no_organisation(self, desk: Desk) -> None:
        order_id = add(desk, ends_on=days(40), product="ssl_dv_rapidssl", organisation=0, container=1)
        desk.sync()
        assert customers(desk)[str(order_id)] == ("digicert:container:1", "Main")

    def test_the_country_of_the_organisation_is_known(self, desk: Desk) -> None:
        add(desk, ends_on=days(40))
        desk.sync()
        assert [row.country for row in desk.rows(accounts)] == ["DE"]


class TestSubaccounts:
    @pytest.fixture
    def desk(self, make_desk: MakeDesk) -> Desk:
        return make_desk(subaccounts=True)

    def test_a_direct_one_has_certificate_end_and_master_user(self, desk: Desk) -> None:
        direct = desk.world.add_subaccount("Shop Ltd", master=ORG)
        near = desk.world.add(subaccount=direct.account_id, ends_on=days(50), price="99", currency="EUR").id
        far = desk.world.add(subaccount=direct.account_id, ends_on=days(300)).id
        desk.sync()
        assert set(customers(desk).values()) == {(f"digicert:account:{direct.account_id}", "Shop Ltd")}
        order = desk.order(near)
        assert (order.order_expires_on, order.order_expires_inferred) == (days(50), False)
        assert (order.value_minor, order.currency) == (9_900, "EUR")
        assert desk.order(far).order_expires_inferred
        with desk.store.read() as connection:
            query = select(contacts.c.email, order_contacts.c.role, orders.c.outside_id)
            query = query.join(order_contacts, order_contacts.c.contact_id == contacts.c.id)
            people = connection.execute(query.join(orders, orders.c.id == order_contacts.c.order_id)).all()
        assert [tuple(row) for row in people] == [("olga@customer.example", "organisation", str(near))]
        assert (desk.calls(DETAIL), desk.calls("GET /account/subaccount/{account_id}")) == (1, 1)

    def test_details_are_asked_for_once(self, desk: Desk) -> None:
        direct = desk.world.add_subaccount("Shop Ltd", master=ORG)
        desk.world.add(subaccount=direct.account_id, ends_on=days(50))
        desk.sync()
        desk.later(days=1)
        assert desk.sync().changed == 0
        assert desk.calls(DETAIL) == 0

    def test_a_deeper_one_tells_no_certificate(self, desk: Desk) -> None:
        direct = desk.world.add_subaccount("Shop Ltd")
        deeper = desk.world.add_subaccount("Shop's Customer", parent_id=direct.account_id)
        near = desk.world.add(subaccount=deeper.account_id, ends_on=days(50)).id
        far = desk.world.add(subaccount=deeper.account_id, ends_on=days(300)).id
        desk.sync()
        order = desk.order(near)
        assert (order.common_name, order.certificate_expires_on) == ("", None)
        assert (order.order_expires_on, order.order_expires_inferred) == (days(50), False)
        far_order = desk.order(far)
        assert (far_order.order_expires_on, far_order.order_expires_inferred) == (days(300), True)

    def test_they_are_not_read_where_the_setting_says_no(self, make_desk: MakeDesk) -> None:
        desk = make_desk()
        direct = desk.world.add_subaccount("Shop Ltd")
        desk.world.add(subaccount=direct.account_id, ends_on=days(50))
        own = add(desk, ends_on=days(40))
        desk.sync()
        assert customers(desk).keys() == {str(own)}

    def test_one_order_is_found(self, desk: Desk) -> None:
        direct = desk.world.add_subaccount("Shop Ltd")
        order_id = desk.world.add(subaccount=direct.account_id, ends_on=days(50)).id
        facts = desk.certcentral.order(f"digicert:{order_id}")
        assert facts is not None
        assert facts.account.key == f"digicert:account:{direct.account_id}"

    def test_a_replacement_is_seen(self, desk: Desk) -> None:
        direct = desk.world.add_subaccount("Shop Ltd", master=ORG)
        said: dict[str, Any] = {"subaccount": direct.account_id, "names": ("www.shop.example",)}
        old = desk.world.add(ends_on=days(20), **said).id
        desk.take_in()
        desk.later(days=1)
        desk.world.add(**said)
        desk.take_in()
        assert desk.cycles(str(old))[-1].outcome == "replaced"


class TestContracts:
    @pytest.fixture
    def desk(self, make_desk: MakeDesk) -> Desk:
        server = make_desk().server
        server.world.add_key("partner-key", partner=True)
        return make_desk(partner_key=SecretStr("partner-key"), partner_url=server.partner_base_url)

    def test_they_are_orders_too(self, desk: Desk) -> None:
        mine = desk.world.add_contract(5001, ["shop.example", "www.shop.example"], auto_renew=True)
        ended = desk.world.add_contract(5002, ["gone.example"], cancelled_at=NOON)
        order_id = add(desk, ends_on=days(40))
        assert desk.sync().new == 3
        order = desk.order(f"acme-{mine.id}")
        assert (order.order_key, order.status, order.auto_renew) == (f"digicert:acme-{mine.id}", "issued", True)
        assert (order.order_expires_on, order.order_expires_inferred) == (days(365), False)
        assert (order.common_name, order.kind, order.level) == ("shop.example", "tls", "dv")
        assert customers(desk)[f"acme-{mine.id}"][0] == "digicert:account:5001"
        assert desk.order(f"acme-{ended.id}").status == "cancelled"
        assert desk.order(order_id).status == "issued"
        assert desk.calls("GET /account/reporting") == 1
        facts = desk.certcentral.order(f"digicert:acme-{mine.id}")
        assert facts is not None
        assert facts.order_expires_on == days(365)
        assert desk.certcentral.order("digicert:acme-404") is None

    def test_every_pass_reads_them(self, desk: Desk) -> None:
        mine = desk.world.add_contract(5001, ["shop.example"])
        desk.sync()
        desk.later(minutes=15)
        desk.world.add_contract(5001, ["shop.example"], id=mine.id, valid_till=NOON + timedelta(days=730))
        assert desk.sync().changed == 1
        assert desk.order(f"acme-{mine.id}").order_expires_on == days(730)

    def test_they_may_be_all_there_is(self, make_desk: MakeDesk) -> None:
        server = make_desk().server
        server.world.add_key("partner-key", partner=True)
        desk = make_desk(key=None, partner_key=SecretStr("partner-key"), partner_url=server.partner_base_url)
        desk.world.add_contract(5001, ["shop.example"])
        assert desk.sync().new == 1
        assert desk.certcentral.check()[0].ok
        assert desk.certcentral.order("digicert:1") is None
        desk.certcentral.write_back(desk.today)


def test_people_of_several_orders_are_kept_apart(desk: Desk) -> None:
    for number in range(2):
        add(desk, ends_on=days(40 + number), technical=person("Tom Tech", f"tom{number}@customer.example"))
    desk.sync()
    assert {row.email for row in desk.rows(contacts)} >= {"tom0@customer.example", "tom1@customer.example"}


def test_a_contract_that_makes_no_sense_is_rejected_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {
        "accounts": [
            {
                "account_id": 1,
                "acme": [
                    {"contract_id": 7, "creation": "2026-01-01", "expiration": "never"},
                    {"contract_id": 8, "creation": "2026-01-01", "expiration": "2027-01-01"},
                    None,
                ],
            },
            {"account_id": 2, "acme": None},
            "nonsense",
        ]
    }
    monkeypatch.setattr(Client, "get", lambda client, path: told)
    limits = limits_for(desk.store.engine, "Partner", "k", (Window(10, 5),))
    client = Client("Partner", "https://example.com", "h", "k", limits, timeout_seconds=1, parallel=1)
    found = [(one.key, isinstance(one, Reject)) for one in contracts(client, Catalogue())]
    assert found == [("digicert:acme-7", True), ("digicert:acme-8", False)]
