"""What `nolapse serve` does at a turn, with the real application on both databases."""

import csv
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import insert, update

from config.alerts import Alerts
from config.assembly import App
from config.health import FAILED, OK, SKIPPED, STOPPED
from config.jobs import SERVE, Done, Jobs
from config.schedule import triggers
from config.settings import load
from core.errors import StoreError
from core.locks import holding
from core.schema import circuits, deliveries, sync_runs
from core.words import DeliveryState
from tests.builders import make_live_ledger
from tests.cli.conftest import COLUMNS, ORDER
from tests.conftest import Prepared

HOURLY = dict.fromkeys(("sync", "settle", "plan", "deliver"), "every 1h")
TODAY = datetime.now(UTC).date()
Open = Callable[[], App]


def no_stop() -> bool:
    return False


@pytest.fixture
def opened(prepared_store_url: Prepared, tmp_path: Path) -> Iterator[Open]:
    """Opens the application of one more server on the same database."""
    url = prepared_store_url("live", make_live_ledger)
    lines = [f'{name} = "every 1h"' for name in HOURLY]
    (tmp_path / "nolapse.toml").write_text(
        f'[store]\nurl = "{url}"\n[order_report]\npath = "report.csv"\n[embedded]\nmailbox = "mailbox"\n'
        '[schedule]\nalert_to = "ops@example.com"\nalert_after = 2\n' + "\n".join(lines),
        encoding="utf-8",
    )
    report(tmp_path, ORDER)
    apps: list[App] = []

    def open_app() -> App:
        apps.append(App(load(tmp_path / "nolapse.toml", {})))
        return apps[-1]

    yield open_app
    for app in apps:
        app.close()


def report(folder: Path, *orders: Mapping[str, str]) -> None:
    with (folder / "report.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(orders)


def jobs(app: App, stop: Callable[[], bool] = no_stop, **schedule: str) -> Jobs:
    words = HOURLY | schedule
    return Jobs(app, triggers(app.settings.sections.schedule), words, stop)


def passes(app: App) -> int:
    with app.store.read() as connection:
        return len(connection.execute(sync_runs.select()).all())


def alerts(folder: Path) -> list[tuple[str, str]]:
    """Subject and text of the mails to the operator, in the order in which they went."""
    files = sorted((folder / "mailbox").glob("new/*"), key=lambda file: file.stat().st_mtime_ns)
    found = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
    assert {mail["To"] for mail in found} <= {"ops@example.com"}
    return [(str(mail["Subject"]), str(mail.get_content()).replace("\r\n", "\n")) for mail in found]


def test_a_turn_does_the_step_once_among_two_servers(opened: Open) -> None:
    one, two = opened(), opened()
    assert jobs(one).run("sync") == Done(OK, "1 read, 1 new")
    assert jobs(two).run("sync") == Done(SKIPPED, "another server has done it")
    assert jobs(one).run("sync").outcome == SKIPPED
    assert jobs(two).run("settle").outcome == OK
    assert passes(one) == 1


def test_of_two_servers_at_one_moment_one_does_it(opened: Open) -> None:
    servers = [jobs(opened()), jobs(opened())]
    together = Barrier(2)

    def turn(server: Jobs) -> list[str]:
        together.wait(30)
        return [server.run(name).outcome for name in ("sync", "settle", "plan")]

    with ThreadPoolExecutor(2) as threads:
        outcomes = list(threads.map(turn, servers))
    for step in zip(*outcomes, strict=True):
        assert step.count(OK) <= 1
        assert set(step) <= {OK, SKIPPED}
    assert "ok" in (outcomes[0][0], outcomes[1][0])
    assert passes(opened()) == 1


@pytest.mark.parametrize("held", [SERVE, "sync", "plan"])
def test_a_step_does_not_begin_while_another_is_under_way_elsewhere(opened: Open, held: str) -> None:
    app = opened()
    with holding(opened().store, held, TODAY, 0):
        done = jobs(app).run("settle")
    assert done.outcome == SKIPPED
    assert held in done.why
    assert jobs(app).run("settle").outcome == OK


def test_deliver_runs_in_every_server(opened: Open) -> None:
    assert [jobs(opened()).run("deliver").outcome for _ in range(2)] == [OK, OK]


def test_a_failure_is_one_line_without_a_trace(opened: Open, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "report.csv").unlink()
    done = jobs(opened()).run("sync")
    assert done.outcome == FAILED
    assert done.why.endswith("check the file and [order_report] path")
    (line,) = [one for one in caplog.records if one.name == "nolapse.serve"]
    assert line.levelno == logging.WARNING
    assert line.getMessage() == f"sync failed: {done.why}"
    assert line.exc_info is None


def test_what_nobody_foresaw_is_one_line_too(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*said: object, **more: object) -> None:
        raise ZeroDivisionError("ann@acme.example")

    monkeypatch.setattr("config.jobs.settle", broken)
    done = jobs(opened()).run("settle")
    assert done == Done(
        FAILED, "something unforeseen went wrong (ZeroDivisionError); `nolapse settle --debug` shows where"
    )


def test_a_server_that_is_to_end_begins_nothing(opened: Open) -> None:
    app = opened()
    assert jobs(app, stop=lambda: True).run("sync").outcome == STOPPED
    assert passes(app) == 0
    assert jobs(app, stop=lambda: True).run("deliver").outcome == STOPPED


def test_a_broken_circuit_fails_the_job_with_its_words(opened: Open) -> None:
    app = opened()
    row = {
        "kind": "record",
        "connector": "embedded",
        "failures": 9,
        "broken_until": datetime.now(UTC) + timedelta(seconds=200),
        "why": "the disk is full",
    }
    with app.store.begin() as connection:
        connection.execute(insert(circuits), [row])
    done = jobs(app).run("deliver")
    assert done.outcome == FAILED
    assert done.why.startswith("record is not tried until ")
    assert done.why.endswith("embedded has failed for everything 9 times in a row (the disk is full)")
    assert Alerts(app).look({}, []) == [done.why]


def make_stuck(app: App, state: DeliveryState, count: int = 1) -> None:
    with app.store.begin() as connection:
        rows = [
            {
                "key": f"mail:{state}:{number}",
                "kind": "mail",
                "channel": "mail",
                "state": state,
                "day": TODAY,
                "send_after": datetime.now(UTC),
            }
            for number in range(count)
        ]
        connection.execute(insert(deliveries), rows)


def settle_stuck(app: App) -> None:
    with app.store.begin() as connection:
        connection.execute(update(deliveries).values(state=DeliveryState.WITHDRAWN))


def test_trouble_is_told_once_a_day_and_once_when_it_is_over(opened: Open, tmp_path: Path) -> None:
    one, two = opened(), opened()
    alarm, other = Alerts(one), Alerts(two)
    assert alarm.look({}, []) == []
    assert alerts(tmp_path) == []

    make_stuck(one, DeliveryState.UNCERTAIN, 2)
    make_stuck(one, DeliveryState.FAILED)
    words = "2 deliveries are uncertain, 1 failed: see `nolapse deliveries`"
    for watcher in (alarm, other, alarm):
        assert watcher.look({}, []) == [words]
    ((subject, text),) = alerts(tmp_path)
    assert subject == "Nolapse needs you"
    assert text.startswith(f"{words}\n")

    settle_stuck(one)
    for watcher in (other, alarm):
        assert watcher.look({}, []) == []
    assert [subject for subject, _ in alerts(tmp_path)] == ["Nolapse needs you", "Nolapse is well again"]
    assert alerts(tmp_path)[1][1].startswith("no delivery is uncertain or has failed any more\n")


def test_trouble_that_lasts_is_told_again_the_next_day(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened()
    make_stuck(app, DeliveryState.FAILED)
    Alerts(app).look({}, [])
    monkeypatch.setattr("config.alerts.AGAIN", timedelta(0))
    Alerts(app).look({}, [])
    assert [subject for subject, _ in alerts(tmp_path)] == ["Nolapse needs you"] * 2


def test_a_job_that_keeps_failing_is_told_and_is_well_only_after_a_success(opened: Open, tmp_path: Path) -> None:
    app = opened()
    alarm = Alerts(app)
    failing = {"sync": "the report is missing"}
    assert alarm.look(failing, ["deliver"]) == ["sync keeps failing: the report is missing"]
    # Another server knows nothing of this one's failures, and does not call it well.
    Alerts(opened()).look({}, ["deliver"])
    assert len(alerts(tmp_path)) == 1
    alarm.look({}, ["sync"])
    assert alerts(tmp_path)[1] == (
        "Nolapse is well again",
        "sync goes again\n\n`nolapse deliveries`, `nolapse check` and `nolapse locks` tell more.\n",
    )


def test_a_mailer_that_fails_leaves_it_untold(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = opened()
    make_stuck(app, DeliveryState.FAILED)
    sent: list[int] = []

    def broken(batch: Sequence[object]) -> None:
        sent.append(len(batch))
        raise OSError("no route to ops@example.com")

    monkeypatch.setattr(app.mailer, "send", broken)
    alarm = Alerts(app)
    for _ in range(3):
        assert alarm.look({}, [])
    assert sent == [1]
    assert "the operator could not be told of trouble: the mailer broke off: OSError" in caplog.text
    assert "ops@" not in caplog.text
    Alerts(opened()).look({}, [])
    assert len(alerts(tmp_path)) == 1


def test_a_lost_database_is_told_all_the_same(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened()
    alarm = Alerts(app)
    told: list[str] = []

    def send(troubles: list[str], over: list[str], now: datetime) -> str:
        told.extend(troubles)
        return ""

    monkeypatch.setattr(alarm, "_send", send)

    def lost(*said: object) -> None:
        raise StoreError("the database server does not answer")

    monkeypatch.setattr(app.store, "read", lost)
    monkeypatch.setattr(app.store, "begin", lost)
    for _ in range(2):
        alarm.look({"sync": "the database server does not answer"}, [])
    assert told == ["sync keeps failing: the database server does not answer"]
