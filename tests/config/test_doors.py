"""The web app's doors put together from settings, with a stand-in of CertCentral behind them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from config import doors
from config.assembly import App
from config.catch_up import CatchUp
from config.settings import load
from core import forgotten
from core.errors import ConfigurationError, UsageError
from core.schema import inbox, orders, suppressions
from core.suppressions import suppress
from core.timing import RealTime
from core.words import Channel, Nature
from tests.builders import make_live_ledger
from tests.connectors.certcentral.conftest import ANN
from tests.fakes.certcentral import KEY, CertCentral, World, no_limits, running_certcentral
from tests.fakes.certcentral.records import Webhook
from webhooks.targets import Customer

ANN_AT_ACME = "ann@acme.example"
SECRET = "a secret of this door, of which CertCentral wants 32 signs"
TOML = """
[sync]
crm = ""
sources = ["certcentral"]
[certcentral]
base_url = "{url}"
[web]
public_url = "{public}"
shop_url = "https://shop.example/{{order}}"
{more}
"""


@pytest.fixture
def server() -> Iterator[CertCentral]:
    with running_certcentral(World(), no_limits()) as server:
        yield server


class Desk:
    def __init__(self, folder: Path, server: CertCentral) -> None:
        self.folder = folder
        self.server = server
        make_live_ledger(f"sqlite:///{folder / 'nolapse.db'}")

    def app(self, more: str = "", public: str = "https://renew.example", **environment: str) -> App:
        text = TOML.format(url=self.server.base_url, public=public, more=more)
        (self.folder / "nolapse.toml").write_text(text, encoding="utf-8")
        usual = {
            "NOLAPSE_CERTCENTRAL__KEY": KEY, "NOLAPSE_WEB__CERTCENTRAL_SECRET": SECRET, "NOLAPSE_WEB__LINK_SECRET": "s",
        }  # fmt: skip
        return App(load(self.folder / "nolapse.toml", usual | environment))


@pytest.fixture
def desk(tmp_path: Path, server: CertCentral) -> Desk:
    return Desk(tmp_path, server)


def test_what_was_sent_while_nobody_listened_is_read_once_an_hour_and_looked_at(desk: Desk) -> None:
    app = desk.app()
    order = desk.server.world.add(ends_on=datetime.now(UTC).date() + timedelta(days=200), technical=ANN)
    now = datetime.now(UTC)
    told = {"order_id": order.id, "certificate_id": 7}
    log = [{"event_name": "certificate_issued", "event_info": told, "request_sent_time": f"{now:%Y-%m-%dT%H:%M:%S}"}]
    desk.server.world.webhook = Webhook(1, "https://renew.example/x", "", (), {}, status="active", log=log)
    catch_up = CatchUp(app)
    assert catch_up.turn(now) == 1
    assert catch_up.turn(now + timedelta(minutes=59)) == 0
    calls = desk.server.calls["GET /webhook"]
    assert catch_up.turn(now + timedelta(minutes=61)) == 0
    assert desk.server.calls["GET /webhook"] == calls + 1
    assert app.take_in(RealTime()).applied == 1
    with app.store.read() as connection:
        assert connection.execute(select(orders.c.outside_id)).scalars().all() == [str(order.id)]
    app.close()


def test_trouble_with_the_log_stops_nothing(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    app = desk.app()
    desk.server.world.quirks.webhooks = False
    assert CatchUp(app).turn(datetime.now(UTC)) == 0
    assert "the event log is read later" in caplog.text
    app.close()


def test_a_webhook_is_set_up_where_everything_is_set(desk: Desk) -> None:
    app = desk.app()
    (told,) = doors.setup_webhook(app, "certcentral", dry_run=True)
    assert told.text == "would be made, for https://renew.example/webhooks/certcentral"
    app.close()
    closed = desk.app(public="")
    with pytest.raises(UsageError, match=r"set \[web\] public_url"):
        doors.setup_webhook(closed, "certcentral", dry_run=True)
    closed.close()


def test_places_and_modes_are_as_set(desk: Desk) -> None:
    app = desk.app('targets = { partner = "https://partner.example/{order}" }\nmodes = { "account=acme" = "partner" }')
    targets = doors.targets(app)
    assert targets.of(Customer("acme"), "1") == "https://partner.example/1"
    assert targets.of(Customer("other"), "1") == "https://shop.example/1"
    app.close()


def test_a_mailbox_that_is_none_is_told(desk: Desk) -> None:
    app = desk.app(NOLAPSE_MAIL__REPLIES="certcentral")
    with pytest.raises(ConfigurationError, match=r"mail.replies: certcentral reads no mailbox"):
        app.take_in(RealTime())
    app.close()


def test_a_mailbox_that_does_not_answer_stops_nothing(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    more = {"HOST": "127.0.0.1", "PORT": "9", "SECURITY": "none", "USER": "u", "PASSWORD": "p"}
    app = desk.app(NOLAPSE_MAIL__REPLIES="imap", **{f"NOLAPSE_IMAP__{name}": value for name, value in more.items()})
    assert app.take_in(RealTime()).applied == 0
    assert "mails that came back are read later" in caplog.text
    with app.store.read() as connection:
        assert connection.execute(select(inbox.c.id)).all() == []
    app.close()


def test_whom_an_event_wants_forgotten_is_gone_from_ledger_and_connectors(desk: Desk) -> None:
    app = desk.app()
    timer = RealTime()
    with app.store.begin() as connection:
        suppress(connection, ANN_AT_ACME, Channel.MAIL, Nature.SERVICE, "unsubscribe", "", timer.opening)
    with app.store.begin() as connection:
        said = doors.forget_of(app)(connection, ANN_AT_ACME, timer)
    assert said.startswith("forgotten, in ")
    with app.store.read() as connection:
        assert connection.execute(select(suppressions)).all() == []
        assert forgotten.among(connection, [ANN_AT_ACME]) == {ANN_AT_ACME}
    app.close()
