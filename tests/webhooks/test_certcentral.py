"""The door of CertCentral: who is let in, and what follows, with the stand-in of CertCentral as sender."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.test import TestResponse

from core import inbox, looks
from core.errors import ConfigurationError
from core.listening import LoggedEvent, Webhook
from core.looks import OrderLooker
from core.reasons import Reason
from core.schema import inbox as inbox_table
from core.store import Store, open_store
from core.timing import WholeDay
from core.words import Clock, Stage
from tests.builders import make_live_ledger
from tests.conftest import Prepared
from tests.connectors.certcentral.conftest import ANN, Desk, MakeDesk, days, hurry, make_desk, server
from tests.webhooks.serving import serving
from webhooks import certcentral
from webhooks.app import WebLimits, create_app
from webhooks.certcentral_events import DOOR, apply, challenges, of_log
from webhooks.inlet import Inlet
from webhooks.metrics import Metrics

__all__ = ["hurry", "make_desk", "server"]

pytestmark = pytest.mark.parametrize("prepared_store_url", ["sqlite"], indirect=True)

KEY = "a secret of this door, of which CertCentral wants 32 signs"
BEFORE = "the secret that was before, of which it wants 32 signs too"
ISSUED = {"event": "certificate_issued", "data": {"order_id": 12345, "certificate_id": 23456}}


class Door:
    def __init__(
        self, store: Store, *, sources: tuple[str, ...] = (), keys: Any = (KEY, BEFORE), open_: bool = True
    ) -> None:
        self.store = store
        self.metrics = Metrics(store)
        inlet = Inlet(store, self.metrics, lambda: None)
        blueprint = certcentral.door(inlet, keys, certcentral.networks(sources, "sources"), open_=open_)
        self.app = create_app([blueprint], self.metrics, WebLimits())

    def send(self, said: Any, key: str | None = KEY, address: str = "127.0.0.1") -> TestResponse:
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        headers = {} if key is None else {"X-WEBHOOK-KEY": key}
        return self.app.test_client().post(
            "/webhooks/certcentral", data=body, headers=headers, environ_base={"REMOTE_ADDR": address}
        )

    def rows(self) -> list[Any]:
        with self.store.read() as connection:
            return list(connection.execute(inbox_table.select().order_by(inbox_table.c.id)))

    def take_in(self, day: WholeDay) -> None:
        inbox.apply(self.store, {DOOR: apply}, day)


@pytest.fixture
def store(prepared_store_url: Prepared) -> Iterator[Store]:
    store = open_store(prepared_store_url("live", make_live_ledger))
    yield store
    store.close()


@pytest.fixture
def door(store: Store) -> Door:
    return Door(store)


def test_an_event_is_stored_and_answered_and_known_when_it_comes_again(door: Door) -> None:
    assert door.send(ISSUED).status_code == 202
    assert door.send(ISSUED, BEFORE).json == {"status": "known"}
    other = {"event": "certificate_issued", "data": {"order_id": 12345, "certificate_id": 23457}}
    assert door.send(other).status_code == 202
    assert [row.event_key for row in door.rows()] == [
        "certificate_issued:12345:23456", "certificate_issued:12345:23457",
    ]  # fmt: skip


@pytest.mark.parametrize("key", [None, "", KEY[:-1], KEY + " ", "ключ", "\udcff"])
def test_without_the_secret_nothing_is_let_in(door: Door, key: str | None) -> None:
    given = None if key is None else key.encode("utf-8", "surrogateescape").decode("latin-1")
    assert door.send(ISSUED, given).status_code == 401
    assert door.rows() == []


@pytest.mark.parametrize(
    ("address", "code"),
    [("216.168.245.1", 202), ("::ffff:216.168.245.1", 202), ("216.168.224.1", 403), ("2001:db8::1", 403), ("", 403)],
)
def test_where_it_comes_from_may_be_narrowed(store: Store, address: str, code: int) -> None:
    assert Door(store, sources=("216.168.240.0/20",)).send(ISSUED, address=address).status_code == code


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"{", "the message is no JSON"),
        (b"[" * 100_000, "the message is no JSON"),
        ([], "the message is no event: it has no field event"),
        ({"event": 7}, "the message is no event: it has no field event"),
        ({"event": "order_rejected"}, "data.order_id: has to be the number of an order"),
        (
            {"event": "order_rejected", "data": {"order_id": "1; DROP"}},
            "data.order_id: has to be the number of an order",
        ),
        ({"event": "order_rejected", "data": {"order_id": True}}, "data.order_id: has to be the number of an order"),
    ],
)
def test_what_is_no_event_is_refused(door: Door, said: Any, why: str) -> None:
    answer = door.send(said)
    assert (answer.status_code, answer.json) == (400, {"error": why})
    assert door.rows() == []


@pytest.mark.parametrize("event", ["domain_validated", "organization_expired", "something_new"])
def test_events_from_which_nothing_follows_are_answered_and_counted(door: Door, event: str) -> None:
    answer = door.send({"event": event, "data": {"domain_id": 7}})
    assert (answer.status_code, answer.json) == (200, {"status": "ignored"})
    assert door.rows() == []
    assert b'nolapse_web_events_total{door="certcentral",outcome="ignored"} 1.0' in door.metrics.text()


def test_a_test_is_answered_200_and_a_challenge_is_shown(door: Door) -> None:
    assert door.send({"event": "test_webhook_endpoint"}).status_code == 200
    assert door.rows() == []
    said = {"event": "challenge_webhook_endpoint", "data": {"token": "t-77", "webhook_id": 1234}}
    assert door.send(said).status_code == 200
    door.take_in(WholeDay(days(0)))
    (row,) = door.rows()
    assert row.reason == "webhook 1234: the token is t-77; `nolapse setup certcentral` confirms it"
    assert "t-77" not in row.event_key
    with door.store.read() as connection:
        assert challenges(connection, datetime.now(UTC)) == (("1234", "t-77"),)
        assert challenges(connection, datetime(2100, 1, 1, tzinfo=UTC)) == ()


@pytest.mark.parametrize(("keys", "open_", "why"), [((), True, "no secret"), ((KEY,), False, "among the sources")])
def test_a_door_that_cannot_work_is_closed(store: Store, keys: Any, open_: bool, why: str) -> None:
    answer = Door(store, keys=keys, open_=open_).send(ISSUED)
    assert answer.status_code == 503
    assert why in answer.text


def test_settings_that_cannot_be_meant_are_told_at_the_start(prepared_store_url: Prepared) -> None:
    with pytest.raises(ConfigurationError, match="x: CertCentral wants 32 plain signs at least"):
        certcentral.secret("short", "x")
    with pytest.raises(ConfigurationError, match=r"x: 10.0.0.1/8 is no range of addresses"):
        certcentral.networks(["10.0.0.1/8"], "x")
    assert certcentral.secret(KEY, "x") == KEY


class TestWithCertCentral:
    """The stand-in sends, over real HTTP; its webhook was set up by us."""

    @pytest.fixture
    def desk(self, make_desk: MakeDesk) -> Iterator[Desk]:
        desk = make_desk()
        self.order = desk.world.add(ends_on=days(40), technical=ANN)
        self.other = desk.world.add(ends_on=days(200), technical=ANN)
        desk.take_in()
        self.door = Door(desk.store)
        with serving(self.door.app) as url:
            self.wanted = Webhook(f"{url}/webhooks/certcentral", KEY)
            yield desk

    def setup(self, desk: Desk, *, dry_run: bool = False) -> list[str]:
        self.door.take_in(WholeDay(desk.today))
        with desk.store.read() as connection:
            answers = challenges(connection, datetime.now(UTC))
        wanted = Webhook(self.wanted.url, self.wanted.secret, answers)
        return [one.text for one in desk.certcentral.setup_webhook(wanted, dry_run)]

    def hear(self, desk: Desk) -> None:
        """What was sent has come in, and is looked at and settled."""
        desk.server.wait_for_webhook()
        day = WholeDay(desk.today)
        self.door.take_in(day)
        looks.look(desk.store, {"certcentral": OrderLooker(desk.certcentral, desk.policy, records=True)}, day)
        desk.settle(desk.today)

    def test_it_is_made_challenged_and_confirmed_step_by_step(self, desk: Desk) -> None:
        assert self.setup(desk, dry_run=True) == [f"would be made, for {self.wanted.url}"]
        assert desk.server.calls["POST /webhook"] == 0
        made, challenged = self.setup(desk)
        assert made == f"made, for {self.wanted.url}"
        assert "is challenged" in challenged
        assert desk.world.webhook is not None
        assert self.setup(desk, dry_run=True) == [f"webhook {desk.world.webhook.id} would be confirmed and active"]
        assert self.setup(desk) == [f"webhook {desk.world.webhook.id} is confirmed and active"]
        assert self.setup(desk) == [f"webhook {desk.world.webhook.id} is active"]
        assert desk.world.webhook.settings == {"instant_issue_webhook_notification": "1"}

    def test_an_account_whose_webhook_leads_elsewhere_is_left_alone(self, desk: Desk) -> None:
        self.setup(desk)
        self.wanted = Webhook("https://other.example/webhooks/certcentral", KEY)
        (told,) = self.setup(desk)
        assert "the account's one webhook leads to http://127.0.0.1" in told

    def test_an_account_without_webhooks_says_so(self, desk: Desk) -> None:
        desk.world.quirks.webhooks = False
        assert "access_denied|webhooks" in self.setup(desk)[0]

    def test_an_issue_is_a_renewal_or_a_reissue_by_what_order_info_says(self, desk: Desk) -> None:
        for _ in range(2):
            self.setup(desk)
        new = desk.world.renew(self.order.id)
        self.hear(desk)
        (cycle,) = desk.cycles(str(self.order.id))
        assert cycle.outcome == Reason.RENEWED
        (renewed,) = desk.cycles(str(new.id))
        assert renewed.open
        desk.world.reissue(self.other.id)
        self.hear(desk)
        (running,) = desk.cycles(str(self.other.id))
        assert running.open
        assert desk.cycles(str(self.other.id), Clock.INSTALL)

    def test_a_rejection_reopens_what_waited(self, desk: Desk) -> None:
        for _ in range(2):
            self.setup(desk)
        placed = desk.world.place_renewal(self.order.id)
        desk.take_in()
        assert desk.cycles(str(self.order.id))[0].stage == Stage.IN_PROGRESS
        desk.world.reject(placed.id)
        self.hear(desk)
        assert desk.cycles(str(self.order.id))[0].stage == Stage.UPCOMING

    @pytest.mark.parametrize("log", ["of_webhook", "of_account"])
    def test_after_downtime_the_log_tells_what_was_missed(self, desk: Desk, log: Any) -> None:
        for _ in range(2):
            self.setup(desk)
        desk.world.quirks.event_log = log
        assert desk.world.webhook is not None
        desk.world.webhook.endpoint = "http://127.0.0.1:9/webhooks/certcentral"  # nobody listens
        new = desk.world.renew(self.order.id)
        desk.server.wait_for_webhook()
        logged = desk.certcentral.logged_events(desk.world.clock.now())
        assert [(one.name, one.order_id) for one in logged] == [("certificate_issued", str(new.id))]
        with desk.store.begin() as connection:
            for event in of_log(logged, datetime.now(UTC)):
                assert inbox.receive(connection, event)
        assert self.door.send(
            {
                "event": "certificate_issued",
                "data": {"order_id": new.id, "certificate_id": int(logged[0].certificate_id)},
            }
        ).json == {"status": "known"}
        self.hear(desk)
        assert desk.cycles(str(self.order.id))[0].outcome == Reason.RENEWED

    def test_what_is_old_is_left_out_of_the_log(self, desk: Desk) -> None:
        for _ in range(2):
            self.setup(desk)
        desk.world.renew(self.order.id)
        desk.server.wait_for_webhook()
        assert desk.certcentral.logged_events(datetime(2100, 1, 1, tzinfo=UTC)) == []


def test_of_the_log_only_orders_count(prepared_store_url: Prepared) -> None:
    logged = [
        LoggedEvent("domain_validated", "1", ""),
        LoggedEvent("order_rejected", "", ""),
        LoggedEvent("order_rejected", "7", "8"),
    ]
    assert [one.key for one in of_log(logged, datetime.now(UTC))] == ["order_rejected:7:8"]
