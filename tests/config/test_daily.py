"""What is done once a day, and the sign of life."""

import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from config.assembly import App, application
from config.daily import once_a_day
from config.jobs import Jobs
from config.ping import ping
from config.schedule import triggers
from config.settings import load
from core.errors import RetriableError
from core.migrations import migrate
from core.ports import Handed, Mail, Result
from core.timing import WholeDay
from tests.cli.conftest import Desk

DAY = date(2026, 11, 20)


class Carrier:
    """A mailer that keeps what it carries, or refuses it."""

    name = "memory"
    batch_size = 10
    can_find = True

    def __init__(self) -> None:
        self.carried: list[Mail] = []
        self.refuses = False

    def send(self, batch: list[Mail]) -> list[Result]:
        self.carried += [] if self.refuses else batch
        return [Result(mail.key, Handed.FAILED if self.refuses else Handed.DELIVERED) for mail in batch]

    def close(self) -> None:
        """Nothing is kept open."""


@pytest.fixture
def carrier() -> Carrier:
    return Carrier()


@pytest.fixture
def app(tmp_path: Path, carrier: Carrier) -> Iterator[App]:
    file = tmp_path / "nolapse.toml"
    file.write_text('[sync]\nsources = []\n[report]\nto = "admin@us.example"\n', encoding="utf-8")
    with application(load(file, {})) as app:
        migrate(app.bare_store)
        vars(app)["mailer"] = carrier
        yield app


def test_the_summary_goes_once_a_day_whoever_comes_first(app: App, carrier: Carrier) -> None:
    done = once_a_day(app, WholeDay(DAY))
    assert done is not None
    assert (done.purged, done.told) == ({}, True)
    assert once_a_day(app, WholeDay(DAY)) is None
    assert once_a_day(app, WholeDay(date(2026, 11, 19))) is None
    assert once_a_day(app, WholeDay(date(2026, 11, 21))) is not None
    assert [(mail.to, mail.key) for mail in carrier.carried] == [
        ("admin@us.example", "summary:2026-11-20"),
        ("admin@us.example", "summary:2026-11-21"),
    ]
    assert "nothing is sent until `nolapse go-live`" in carrier.carried[0].text


def test_one_that_cannot_be_sent_is_told(app: App, carrier: Carrier) -> None:
    carrier.refuses = True
    with pytest.raises(RetriableError, match="nolapse report summary --send"):
        once_a_day(app, WholeDay(DAY))


def test_serve_does_it_as_a_job(app: App, carrier: Carrier) -> None:
    section = app.settings.sections.schedule
    jobs = Jobs(app, triggers(section), {"daily": section.daily}, lambda: False)
    done = jobs.run("daily")
    assert (done.outcome, done.why) == ("ok", "nothing to do; the summary was sent")
    assert jobs.run("daily").outcome == "skipped"
    assert len(carrier.carried) == 1


class Service(BaseHTTPRequestHandler):
    """Counts who asks; another path than /ok is refused."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200 if self.path == "/ok" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is told on standard error."""


@pytest.fixture
def service() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    server = HTTPServer(("127.0.0.1", 0), type("Counting", (Service,), {"asked": asked}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_ping_says_what_went_wrong_without_the_address(service: tuple[str, list[str]]) -> None:
    url, asked = service
    assert ping(f"{url}/ok") == ""
    assert ping(f"{url}/secret") == "the service at [schedule] ping_url answers 404"
    assert asked == ["/ok", "/secret"]
    assert ping("http://127.0.0.1:9/secret").startswith("the service at [schedule] ping_url cannot be reached (")


@pytest.fixture
def nolapse(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path, capsys)


def test_a_good_run_gives_a_sign_of_life_and_does_what_is_due_once_a_day(
    nolapse: Desk, service: tuple[str, list[str]]
) -> None:
    url, asked = service
    nolapse.report({})
    said = (
        f'[order_report]\npath = "report.csv"\n[report]\nto = "admin@us.example"\n[schedule]\nping_url = "{url}/ok"\n'
    )
    nolapse.settings(said)
    nolapse("run", "--today", str(DAY), "--dry-run")
    assert (asked, nolapse.mails()) == ([], [])
    nolapse("run", "--today", str(DAY))
    nolapse("run", "--today", str(DAY))
    assert asked == ["/ok", "/ok"]
    assert ["Summary of" in mail for mail in nolapse.mails()] == [True]
    nolapse.settings(said.replace("/ok", "/gone"))
    assert "no sign of life could be given" in nolapse("run", "--today", str(DAY)).err
