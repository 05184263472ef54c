import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import OperationalError

from tests import postgres
from tests.conftest import Prepared
from tests.postgres import NoServer, PostgresServer, find_binaries

ROOT = Path(__file__).parent.parent


def run(url: str, *statements: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def tables(url: str) -> list[str]:
    engine = create_engine(url)
    names = inspect(engine).get_table_names()
    engine.dispose()
    return names


@pytest.mark.parametrize("turn", ["first", "second"])
def test_each_test_gets_an_empty_database(store_url: str, turn: str) -> None:
    assert tables(store_url) == []
    run(store_url, "CREATE TABLE mark (turn TEXT)", f"INSERT INTO mark VALUES ('{turn}')")
    assert tables(store_url) == ["mark"]


def test_copies_of_a_prepared_database_are_apart(prepared_store_url: Prepared) -> None:
    prepared: list[str] = []

    def prepare(url: str) -> None:
        prepared.append(url)
        run(url, "CREATE TABLE kept (x INTEGER)")

    one = prepared_store_url("apart", prepare)
    other = prepared_store_url("apart", prepare)
    run(one, "CREATE TABLE own (x INTEGER)")
    assert sorted(tables(one)) == ["kept", "own"]
    assert tables(other) == ["kept"]
    assert len(prepared) == 1


def test_a_template_is_copied_though_its_pool_stays_open(postgres_server: PostgresServer) -> None:
    engines = []

    def prepare(url: str) -> None:
        engines.append(create_engine(url))
        with engines[0].begin() as connection:
            connection.execute(text("CREATE TABLE kept (x INTEGER)"))

    name = postgres_server.create(postgres_server.template("open_pool", prepare))
    assert tables(postgres_server.url(name)) == ["kept"]
    engines[0].dispose()
    postgres_server.drop(name)


def test_a_failed_preparation_is_done_again(
    postgres_template: Callable[[str, Callable[[str], object]], str],
) -> None:
    def fail(url: str) -> None:
        raise ValueError(url)

    with pytest.raises(ValueError, match="template_again"):
        postgres_template("again", fail)
    assert postgres_template("again", lambda url: None) == "template_again"


def test_a_database_with_open_connections_is_dropped(postgres_server: PostgresServer) -> None:
    name = postgres_server.create()
    engine = create_engine(postgres_server.url(name))
    with engine.connect() as connection:
        postgres_server.drop(name)
        with pytest.raises(OperationalError):
            connection.execute(text("SELECT 1"))
    engine.dispose()


@pytest.mark.usefixtures("postgres_server")
def test_the_server_ends_when_the_tests_are_killed() -> None:
    program = (
        "import time; from tests.postgres import running_server\n"
        "with running_server() as server:\n"
        "    print(server.folder, flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    with child, child.stdout:
        folder = Path(child.stdout.readline().strip())
        server = int((folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(server, 0)
        child.send_signal(signal.SIGKILL)
    end = time.monotonic() + 20
    while folder.exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(server, 0)


def test_where_there_is_no_server_the_reason_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgres, "INSTALLED", tmp_path)
    with pytest.raises(NoServer, match=r"No PostgreSQL: neither pg_config nor PATH nor .* leads to initdb"):
        find_binaries()
