"""`nolapse serve` as a real process: its schedule, its end by a signal, its health, and two of them on one database."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from config.assembly import application
from config.settings import load
from core.deliver import deliver
from core.plan import plan
from core.schema import deliveries, engine_locks, sync_runs
from core.store import Store, open_store
from core.sync import sync
from core.timing import RealTime
from core.words import DeliveryKind, Urgency
from tests.builders import make_live_ledger, no_rejects
from tests.cli.conftest import COLUMNS, ORDER, Desk
from tests.conftest import Prepared
from tests.fakes.smtp_server import SmtpServer, running_smtp_server

ROOT = Path(__file__).parents[2]
PATIENCE = 30
MAILS = 6
ONLY_DELIVER = 'sync = ""\nsettle = ""\nplan = ""\ndeliver = "every 1s"\ndaily = ""\n'


class Served:
    """A running server; what it says goes to a file."""

    def __init__(self, folder: Path, name: str = "server") -> None:
        self.said = folder / f"{name}.log"
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        with self.said.open("w") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cli.main", "--config", str(folder / "nolapse.toml"), "serve"],
                cwd=folder,
                env=environment,
                stdout=stream,
                stderr=stream,
            )

    def text(self) -> str:
        return self.said.read_text(encoding="utf-8")

    def has_said(self, words: str, times: int) -> bool:
        return self.text().count(words) >= times

    def until(self, holds: Callable[[], object]) -> None:
        """Waits until that holds."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, self.text()
            assert self.process.poll() is None, self.text()
            time.sleep(0.02)

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


Serve = Callable[..., Served]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts servers, and ends those that a test has left."""
    running: list[Served] = []

    def start(name: str = "server") -> Served:
        running.append(Served(tmp_path, name))
        running[-1].until(lambda: "nolapse: serving" in running[-1].text())
        return running[-1]

    yield start
    for one in running:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


@pytest.fixture
def smtp(tmp_path: Path) -> Iterator[SmtpServer]:
    with running_smtp_server(tmp_path / "smtp") as server:
        yield server


def settings(folder: Path, url: str, schedule: str, mail: str = "") -> None:
    (folder / "nolapse.toml").write_text(
        f'[store]\nurl = "{url}"\n[order_report]\npath = "report.csv"\n[embedded]\nmailbox = "mailbox"\n{mail}'
        f'[log]\nlevel = "info"\n[schedule]\nhealth_file = "health.json"\n{schedule}',
        encoding="utf-8",
    )


def report(folder: Path, count: int) -> None:
    """Orders of as many customers, who are all to be written to about now."""
    today = datetime.now(UTC).date()
    starts_on, ends_on = today - timedelta(days=335), today + timedelta(days=30)
    with (folder / "report.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, quoting=csv.QUOTE_ALL)
        writer.writeheader()
        for number in range(count):
            own = {
                "order_id": str(1001 + number),
                "serial_number": f"AA{number}",
                "organization_id": str(number),
                "organization_name": f"Customer {number}",
                "user_email": f"user{number}@acme.example",
                "tech_email": f"tech{number}@acme.example",
            }
            dates = {
                "date_created": f"{starts_on} 10:00:00",
                "valid_from": str(starts_on),
                "valid_till": str(ends_on),
                "order_valid_till": str(ends_on),
            }
            writer.writerow(ORDER | own | dates)


@pytest.fixture
def waiting(prepared_store_url: Prepared, tmp_path: Path, smtp: SmtpServer) -> Iterator[Store]:
    """A ledger in which mails wait to go by a mail server that takes its time for each."""
    url = prepared_store_url("live", make_live_ledger)
    mail = f'[mail]\nvia = "smtp"\n[smtp]\nhost = "127.0.0.1"\nport = {smtp.port}\nsecurity = "none"\n'
    report(tmp_path, MAILS)
    settings(tmp_path, url, ONLY_DELIVER, mail)
    with application(load(tmp_path / "nolapse.toml", {})) as app:
        sync(app.store, app.sources, app.crm, RealTime(), app.policy, rejects=no_rejects)
        plan(app.store, RealTime(), app.policy)
    store = open_store(url)
    with store.begin() as connection:
        due = update(deliveries).where(deliveries.c.kind == DeliveryKind.MAIL)
        # Urgent, so that they go at whatever hour the tests run.
        connection.execute(due.values(send_after=datetime.now(UTC) - timedelta(hours=1), urgency=Urgency.CRITICAL))
    assert mails(store) == {"planned": MAILS}
    yield store
    store.close()


def mails(store: Store) -> dict[str, int]:
    query = select(deliveries.c.state, func.count()).where(deliveries.c.kind == DeliveryKind.MAIL)
    with store.read() as connection:
        return {state: count for state, count in connection.execute(query.group_by(deliveries.c.state))}


def test_a_signal_amid_a_delivery_ends_it_cleanly(
    waiting: Store, smtp: SmtpServer, serve: Serve, tmp_path: Path
) -> None:
    smtp.behave(hang="message", hang_seconds=0.5)
    server = serve()
    server.until(lambda: len(smtp.received()) >= 2)
    assert server.end() == 0
    taken = len(smtp.received())
    assert 2 <= taken < MAILS
    assert mails(waiting) == {"delivered": taken, "planned": MAILS - taken}
    assert "stopping; what is under way is finished" in server.text()
    assert "Traceback" not in server.text()
    with waiting.read() as connection:
        assert connection.execute(select(func.count()).where(deliveries.c.lease_until.is_not(None))).scalar() == 0

    smtp.behave()
    with application(load(tmp_path / "nolapse.toml", {})) as app:
        deliver(app.store, app.kinds, RealTime(), app.policy)
    assert mails(waiting) == {"delivered": MAILS}
    recipients = [mail.recipients for mail in smtp.received()]
    assert len(set(recipients)) == len(recipients) == MAILS


@pytest.mark.parametrize("prepared_store_url", ["sqlite"], indirect=True)
def test_a_second_signal_ends_it_at_once(waiting: Store, smtp: SmtpServer, serve: Serve) -> None:
    smtp.behave(hang="message", hang_seconds=20)
    server = serve()
    server.until(smtp.received)
    server.process.send_signal(signal.SIGTERM)
    server.until(lambda: "stopping" in server.text())
    begun = time.monotonic()
    assert server.end() == 1
    assert time.monotonic() - begun < 5
    assert mails(waiting) == {"sending": 1, "claimed": MAILS - 1}


@pytest.mark.parametrize("prepared_store_url", ["sqlite"], indirect=True)
def test_it_ends_with_1_when_the_time_runs_out(waiting: Store, smtp: SmtpServer, serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "nolapse.toml"
    file.write_text(f"{file.read_text()}stop_seconds = 1\n")
    smtp.behave(hang="message", hang_seconds=20)
    server = serve()
    server.until(smtp.received)
    assert server.end() == 1
    assert "the time to end in ran out" in server.text()
    assert json.loads((tmp_path / "health.json").read_text())["stopped"] is True


@pytest.mark.parametrize("prepared_store_url", ["sqlite"], indirect=True)
def test_the_four_steps_go_in_their_order_and_health_is_told(
    prepared_store_url: Prepared, tmp_path: Path, serve: Serve
) -> None:
    report(tmp_path, 1)
    every = "".join(f'{name} = "every 2s"\n' for name in ("deliver", "plan", "settle", "sync")) + 'daily = ""\n'
    settings(tmp_path, prepared_store_url("live", make_live_ledger), every)
    check = [sys.executable, "-m", "cli.main", "--config", str(tmp_path / "nolapse.toml"), "serve", "--check"]

    def told() -> tuple[int, str]:
        done = subprocess.run(
            check, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
        )
        assert done.stderr == ""
        return done.returncode, done.stdout

    server = serve()
    server.until(lambda: "deliver ok" in server.text())
    assert told() == (0, "the server is well\n")
    health = json.loads((tmp_path / "health.json").read_text())
    assert health["healthy"] is True
    assert {name: job["outcome"] for name, job in health["jobs"].items()} == dict.fromkeys(
        ("sync", "settle", "plan", "deliver"), "ok"
    )
    lines = [line.split("nolapse.serve ")[1].split()[0] for line in server.text().splitlines() if " ok: " in line]
    assert lines[:4] == ["sync", "settle", "plan", "deliver"]
    assert server.end(signal.SIGINT) == 0
    assert told() == (1, "the server has been stopped\n")


def test_two_servers_on_one_database_do_each_turn_once(
    prepared_store_url: Prepared, tmp_path: Path, serve: Serve
) -> None:
    url = prepared_store_url("live", make_live_ledger)
    report(tmp_path, 1)
    settings(tmp_path, url, 'sync = "every 1s"\nsettle = ""\nplan = ""\ndeliver = ""\ndaily = ""\n')
    begun = time.monotonic()
    servers = [serve("one"), serve("two")]
    for server in servers:
        server.until(partial(server.has_said, "nolapse.serve sync ", 4))
    assert [server.end() for server in servers] == [0, 0]
    took = time.monotonic() - begun
    texts = [server.text() for server in servers]
    done = sum(text.count("sync ok") for text in texts)
    skipped = sum(text.count("sync skipped") for text in texts)
    assert done >= 2
    assert skipped >= 2
    assert not any("failed" in text or "Traceback" in text for text in texts)
    store = open_store(url)
    with store.read() as connection:
        passes = connection.execute(select(func.count()).select_from(sync_runs)).scalar_one()
        holders = connection.execute(select(engine_locks.c.holder)).scalars().all()
    store.close()
    # A turn that was stopped may have begun its pass or not.
    assert done <= passes <= done + sum(text.count("sync stopped: ") for text in texts)
    assert passes <= took + 1
    assert set(holders) == {None}


@pytest.mark.parametrize(
    ("schedule", "told"),
    [
        ('sync = "hourly"', "[schedule] sync: 'hourly' is no schedule; write five cron fields"),
        ('timezone = "Mars"', "[schedule] timezone: 'Mars' is no time zone"),
        ('sync = ""\nsettle = ""\nplan = ""\ndeliver = ""\ndaily = ""', "every job is switched off"),
        ('health_file = "nowhere/health.json"', "[schedule] health_file: "),
        ("stop_seconds = 0", "[schedule] stop_seconds: input should be greater than or equal to 1"),
    ],
)
def test_wrong_settings_end_it_at_the_start_in_one_line(nolapse: Desk, schedule: str, told: str) -> None:
    nolapse.settings(f'[order_report]\npath = "report.csv"\n[schedule]\n{schedule}\n')
    nolapse.report({})
    lines = [line for line in nolapse("serve", code=2).err.splitlines() if "tables are made" not in line]
    assert told in lines[-1]
    assert [line for line in lines if "serving" not in line] == lines[-1:]


def test_a_check_needs_a_health_file(nolapse: Desk) -> None:
    assert "[schedule] health_file is not set" in nolapse("serve", "--check", code=2).err
    nolapse.settings('[schedule]\nhealth_file = "health.json"\n')
    said = nolapse("serve", "--check", "--json", code=1).json
    assert said["healthy"] is False
    assert said["why"].endswith("health.json is not there; the server has not started")
