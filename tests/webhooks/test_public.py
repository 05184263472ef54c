import re
from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from core import inbox
from core.answers import answers
from core.languages import Languages
from core.links import SignedLinks
from core.reasons import Reason
from core.schema import contacts, deliveries, suppressions, tasks
from core.schema import inbox as inbox_table
from core.timing import WholeDay
from core.words import Clock, DeliveryKind, Stage, TaskKind, TaskState
from templates.pages import PageWriter
from tests.builders import BRAND, House, account, facts, person
from tests.core.conftest import MakeHouse
from webhooks.answer_events import DOOR, Answers
from webhooks.app import WebLimits, create_app
from webhooks.inlet import Inlet
from webhooks.metrics import Metrics
from webhooks.public import Public, public
from webhooks.targets import Targets

DAY = date(2026, 6, 10)
LINKS = SignedLinks("https://renew.example", "a secret of this test")
BY_HAND = {"Sec-Fetch-Mode": "navigate"}


class Door:
    """The public doors of a house in which one order of one customer is open."""

    def __init__(self, house: House, *, crm: bool = True, modes: dict[str, str] | None = None) -> None:
        self.house = house
        self.metrics = Metrics(house.store)
        self.inlet = Inlet(house.store, self.metrics, lambda: None)
        targets = Targets({"console": "https://console.example/orders/{order}"}, modes or {})
        doors = Public(self.inlet, LINKS, PageWriter(None, Languages()), BRAND, targets, crm)
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

    def take_in(self) -> str:
        """Applies what has come in on that day; what followed from the last of it."""
        self.house.write(update(inbox_table).values(received_at=WholeDay(DAY).opening))
        applier = {DOOR: Answers(self.house.policy)}
        if not inbox.apply(self.house.store, applier, WholeDay(DAY)).applied:
            return ""
        return str(self.house.rows(inbox_table)[-1].reason)

    def told(self) -> list[tuple[str, str, str]]:
        """What the reps hear of answers: kind, words and address."""
        return [(row.kind, row.words, row.address) for row in self.house.rows(answers)]

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


@pytest.mark.parametrize("prepared_store_url", ["sqlite"], indirect=True)
class TestForm:
    @pytest.fixture
    def form(self, door: Door) -> Door:
        return Door(door.house, modes={"default": "form"})

    def say(self, form: Door, **said: str) -> str:
        """Answers, has the answer applied, and gives what followed."""
        answer = form.client.post(form.renewal, data=said)
        assert answer.status_code == 200, answer.text
        assert "Your answer about order 1 has come in" in answer.text
        return form.take_in()

    def test_it_asks_about_the_order(self, form: Door) -> None:
        answer = form.client.get(form.renewal, headers=BY_HAND)
        assert answer.status_code == 200
        assert "Your certificate for www1.example.com" in answer.text
        assert "It belongs to order 1 and expires on 24 June 2026." in answer.text
        assert re.findall('name="answer" value="([a-z_]+)"', answer.text) == [
            "renew", "quote", "call", "not_renewing", "not_mine",
        ]  # fmt: skip
        assert form.clicks() == 1

    def test_looking_answers_nothing_and_programs_are_not_counted(self, form: Door) -> None:
        for method in ("GET", "HEAD", "OPTIONS"):
            form.client.open(f"{form.renewal}?answer=renew", method=method)
        assert form.clicks() == 0
        assert form.house.rows(inbox_table) == []

    @pytest.mark.parametrize("said", [{}, {"answer": "dance"}, {"answer": "installed"}, {"answer": "reply"}])
    def test_what_was_not_asked_is_no_answer(self, form: Door, said: dict[str, str]) -> None:
        answer = form.client.post(form.renewal, data=said)
        assert answer.status_code == 400
        assert "What shall we do?" in answer.text
        assert form.house.rows(inbox_table) == []

    def test_a_promise_to_renew_is_the_stage_of_the_renewal_and_a_task(self, form: Door) -> None:
        assert self.say(form, answer="renew") == "digicert:1: renew; a rep is asked"
        assert form.house.cycles()[0].stage == Stage.COMMITTED
        assert form.told() == [("renew", "", "")]

    def test_a_call_is_asked_for_with_the_number(self, form: Door) -> None:
        self.say(form, answer="call", phone="+49 30 1234,\r\nafter 2", why="ignored")
        assert form.told() == [("call", "+49 30 1234, after 2", "")]

    def test_whoever_does_not_renew_is_left_to_the_rep(self, form: Door) -> None:
        self.say(form, answer="not_renewing", why="We move away.")
        assert form.house.cycles()[0].open
        assert form.told() == [("not_renewing", "We move away.", "")]

    def test_somebody_else_is_named_and_not_written_to(self, form: Door) -> None:
        self.say(form, answer="not_mine", name="Bob Beam", mail=" Bob@Acme.Example ")
        assert form.told() == [("not_mine", "", "bob@acme.example")]
        self.say(form, answer="not_mine", mail="nobody")
        assert form.told()[1:] == [("not_mine", "", "")]
        assert [row.email for row in form.house.rows(contacts)] == ["ann@acme.example"]

    def test_messages_rest_until_a_rep_has_seen_to_it(self, form: Door) -> None:
        self.say(form, answer="quote")
        form.house.plan(DAY)
        form.house.deliver(DAY)
        assert form.house.mailer.sent == []
        assert Reason.ANSWERED in {reason for _, reason in form.house.touches().values()}
        (task,) = form.house.rows(tasks)
        assert (task.kind, task.state) == (TaskKind.ANSWER, TaskState.OPEN)
        form.house.work(DAY + timedelta(days=1), DAY + timedelta(days=7))
        assert len(form.house.mailer.sent) > 0

    def test_each_answer_is_a_task_and_the_same_one_counts_once(self, form: Door) -> None:
        self.say(form, answer="quote")
        assert form.client.post(form.renewal, data={"answer": "quote"}).status_code == 200
        assert form.take_in() == ""
        self.say(form, answer="call")
        assert [kind for kind, _, _ in form.told()] == ["quote", "call"]
        assert len(form.house.rows(tasks)) == 2

    def test_what_is_renewed_asks_whether_it_is_installed(self, form: Door) -> None:
        form.house.hear("1", DAY)
        form.house.settle(DAY)
        answer = form.client.get(form.renewal)
        assert "The old certificate expires on 24 June 2026." in answer.text
        assert re.findall('name="answer" value="([a-z_]+)"', answer.text) == ["call", "not_mine", "installed"]
        assert self.say(form, answer="installed") == "digicert:1: installed"
        form.house.settle(DAY)
        (install,) = form.house.cycles(clock=Clock.INSTALL)
        assert install.outcome == Reason.INSTALLED
        assert "has been renewed. There is nothing left" in form.client.get(form.renewal).text
        assert "has been renewed. There is nothing left" in form.client.post(form.renewal).text

    @pytest.mark.parametrize(
        ("modes", "code"),
        [
            ({"default": "form", "account=acme": "console"}, 302),
            ({"default": "console", "account=acme": "form"}, 200),
        ],
    )
    def test_each_customer_has_a_mode(self, door: Door, modes: dict[str, str], code: int) -> None:
        assert Door(door.house, modes=modes).client.get(door.renewal).status_code == code

    def test_where_the_console_is_the_place_nothing_is_answered(self, door: Door) -> None:
        assert door.client.post(door.renewal, data={"answer": "renew"}).status_code == 302
        assert door.house.rows(inbox_table) == []

    def test_without_a_database_nothing_is_promised(self, form: Door) -> None:
        with form.house.store.begin() as connection:
            connection.exec_driver_sql("DROP TABLE inbox")
        assert form.client.post(form.renewal, data={"answer": "renew"}).status_code == 503


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
        targets = Targets({"console": "https://x.example/"}, {})
        doors = Public(door.inlet, LINKS, PageWriter(None, Languages()), BRAND, targets, False)
        blueprint = public(doors, bounded.append)
        assert bounded == [blueprint]
