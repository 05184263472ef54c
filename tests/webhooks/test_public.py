from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from core.languages import Languages
from core.links import SignedLinks
from core.schema import deliveries, suppressions
from core.words import DeliveryKind
from templates.pages import PageWriter
from tests.builders import BRAND, House, account, facts, person
from tests.core.conftest import MakeHouse
from webhooks.app import WebLimits, create_app
from webhooks.metrics import Metrics
from webhooks.public import Public, public

DAY = date(2026, 6, 10)
LINKS = SignedLinks("https://renew.example", "a secret of this test")
BY_HAND = {"Sec-Fetch-Mode": "navigate"}


class Door:
    """The public doors of a house in which one order of one customer is open."""

    def __init__(self, house: House, *, crm: bool = True) -> None:
        self.house = house
        self.metrics = Metrics(house.store)
        pages = PageWriter(None, Languages())
        doors = Public(house.store, LINKS, pages, BRAND, "https://console.example/orders/{order}", self.metrics, crm)
        self.app = create_app([public(doors, lambda _: None)], self.metrics, WebLimits())

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    @property
    def renewal(self) -> str:
        return LINKS.renewal("digicert:1", "acme").removeprefix("https://renew.example")

    @property
    def unsubscribe(self) -> str:
        return LINKS.unsubscribe(1, "ann@acme.example").removeprefix("https://renew.example")

    def clicks(self) -> int:
        return self.metrics.text().count(b'nolapse_web_clicks_total{link="renewal"}')

    def refused(self) -> list[tuple[str, str, str]]:
        return [(row.address, row.channel, row.nature) for row in self.house.rows(suppressions)]


@pytest.fixture
def door(make_house: MakeHouse) -> Door:
    acme = account(country="DE")
    house = make_house(
        [facts("1", ends_on=DAY + timedelta(days=14), account=acme, people=(person("ann@acme.example"),))]
    )
    house.sync(DAY)
    return Door(house)


class TestRenewal:
    def test_one_click_leads_on_with_the_order_named(self, door: Door) -> None:
        answer = door.client.get(door.renewal, headers=BY_HAND)
        assert answer.status_code == 302
        assert answer.headers["Location"] == "https://console.example/orders/1"
        assert door.clicks() == 1

    @pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Mode": "cors"}, BY_HAND | {"Sec-Purpose": "prefetch"}])
    def test_programs_that_look_at_links_are_not_counted(self, door: Door, headers: dict[str, str]) -> None:
        assert door.client.get(door.renewal, headers=headers).status_code == 302
        assert door.client.head(door.renewal, headers=BY_HAND).status_code == 302
        assert door.clicks() == 0

    def test_where_it_leads_is_the_operators_word_alone(self, door: Door) -> None:
        answer = door.client.get(f"{door.renewal}?next=https://evil.example", headers={"Host": "evil.example"})
        assert answer.headers["Location"] == "https://console.example/orders/1"

    def test_what_is_renewed_needs_no_renewal(self, door: Door) -> None:
        door.house.hear("1", DAY)
        door.house.settle(DAY)
        answer = door.client.get(door.renewal, headers=BY_HAND)
        assert answer.status_code == 200
        assert "Order 1 has been renewed. There is nothing left to do here." in answer.text
        assert door.clicks() == 0

    @pytest.mark.parametrize("token", ["x", "", "WyJkaWdpY2VydDoxIiwiYWNtZSJd.x.y", "../u/x"])
    def test_a_link_that_is_not_ours(self, door: Door, token: str) -> None:
        assert door.client.get(f"/r/{token}").status_code == 404

    def test_a_link_to_an_order_that_is_gone(self, door: Door) -> None:
        gone = LINKS.renewal("digicert:9", "acme").removeprefix("https://renew.example")
        answer = door.client.get(gone)
        assert answer.status_code == 404
        assert "This link is not valid any more" in answer.text

    def test_an_unsubscribe_token_opens_no_renewal(self, door: Door) -> None:
        assert door.client.get(door.unsubscribe.replace("/u/", "/r/")).status_code == 404
        assert door.client.get(door.renewal.replace("/r/", "/u/")).status_code == 404


class TestUnsubscribe:
    def test_looking_changes_nothing(self, door: Door) -> None:
        answer = door.client.get(door.unsubscribe)
        assert answer.status_code == 200
        assert "Messages about certificates go to a…@acme.example." in answer.text
        assert "ann@acme.example" not in answer.text
        assert door.refused() == []

    def test_one_click_of_a_mail_program_stops_everything(self, door: Door) -> None:
        answer = door.client.post(door.unsubscribe, data={"List-Unsubscribe": "One-Click"})
        assert (answer.status_code, answer.text) == (200, "")
        assert door.refused() == [("ann@acme.example", "mail", "service")]
        door.house.plan(DAY)
        door.house.deliver(DAY)
        assert door.house.mailer.sent == []

    @pytest.mark.parametrize(
        ("wish", "nature", "told"),
        [
            ("offers", "commercial", "No more offers go to"),
            ("all", "service", "No more messages about certificates go to"),
        ],
    )
    def test_the_page_asks_what_to_stop(self, door: Door, wish: str, nature: str, told: str) -> None:
        answer = door.client.post(door.unsubscribe, data={"wish": wish})
        assert answer.status_code == 200
        assert told in answer.text
        assert door.refused() == [("ann@acme.example", "mail", nature)]

    @pytest.mark.parametrize("data", [{}, {"wish": "dinner"}, {"List-Unsubscribe": "maybe"}])
    def test_without_a_wish_it_asks_again(self, door: Door, data: dict[str, str]) -> None:
        answer = door.client.post(door.unsubscribe, data=data)
        assert answer.status_code == 400
        assert "Stop these messages" in answer.text
        assert door.refused() == []

    def test_twice_is_once_and_the_crm_hears_of_it(self, door: Door) -> None:
        for _ in range(2):
            door.client.post(door.unsubscribe, data={"wish": "all"})
        assert len(door.refused()) == 1
        assert len(door.house.rows(deliveries, deliveries.c.kind == DeliveryKind.OPTOUT)) == 1

    def test_without_a_crm_nobody_else_is_told(self, door: Door) -> None:
        Door(door.house, crm=False).client.post(door.unsubscribe, data={"wish": "all"})
        assert door.house.rows(deliveries, deliveries.c.kind == DeliveryKind.OPTOUT) == []

    def test_a_link_never_ends_but_its_reader_may(self, door: Door) -> None:
        gone = LINKS.unsubscribe(99, "").removeprefix("https://renew.example")
        assert door.client.get(gone).status_code == 404
        assert door.client.post(gone, data={"wish": "all"}).status_code == 404


class TestPages:
    def test_a_page_speaks_the_readers_language(self, make_house: MakeHouse) -> None:
        house = make_house(
            [facts("1", ends_on=DAY + timedelta(days=14), people=(person("ann@acme.example", language="it"),))]
        )
        house.sync(DAY)
        answer = Door(house).client.get(Door(house).unsubscribe, headers={"Accept-Language": "fr"})
        assert '<html lang="it">' in answer.text

    def test_else_that_of_the_browser(self, door: Door) -> None:
        answer = door.client.get("/u/x", headers={"Accept-Language": "pl, ko;q=0.9, en;q=0.1"})
        assert '<html lang="ko">' in answer.text

    def test_without_a_database_nothing_is_promised(self, door: Door) -> None:
        with door.house.store.begin() as connection:
            connection.exec_driver_sql("DROP TABLE suppressions")
        answer = door.client.post(door.unsubscribe, data={"wish": "all"})
        assert answer.status_code == 503
        assert "nothing was changed" in answer.text

    def test_a_page_takes_its_style_from_us_alone(self, door: Door) -> None:
        answer = door.client.get(door.unsubscribe)
        assert "style-src 'self'" in answer.headers["Content-Security-Policy"]
        style = door.client.get("/page.css")
        assert (style.status_code, style.mimetype) == (200, "text/css")

    def test_how_often_one_may_knock_is_limited(self, door: Door) -> None:
        bounded: list[Any] = []
        doors = Public(door.house.store, LINKS, PageWriter(None, Languages()), BRAND, "https://x/", door.metrics, False)
        blueprint = public(doors, bounded.append)
        assert bounded == [blueprint]
