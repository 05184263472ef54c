"""The database is lost, locked or without room in the middle of a day: clear words, nothing lost, nothing doubled."""

import shutil
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, make_url, or_, update

from core.schema import deliveries, engine_locks
from tests.fire.commands import Command
from tests.fire.grounds import PostgresGround, SqliteGround, tables_at
from tests.fire.houses import Alone, House, lived_alone
from tests.fire.snapshots import Tables, differences
from tests.postgres import PostgresServer


@dataclass
class Elsewhere:
    """A database that was put somewhere else."""

    url: str

    def restore(self) -> None:
        raise NotImplementedError("it is used once")

    mark = go_back = restore

    def tables(self) -> Tables:
        return tables_at(self.url)

    def close(self) -> None:
        """Its folder goes with it."""


def end_of(command: Command) -> tuple[int, str]:
    """How a command ended, and what it complained of. No traceback is shown to anybody."""
    ended = command.end()
    assert "Traceback" not in ended.err
    return ended.code, ended.err


def recover(alone: Alone, house: House) -> None:
    """Once the trouble is over: whoever died is known to be dead, and the day is played to its end."""
    engine = create_engine(house.ground.url)
    long_ago = datetime.now(UTC) - timedelta(days=1)
    with engine.begin() as connection:
        for table in (engine_locks, deliveries):
            connection.execute(update(table).where(table.c.lease_until.is_not(None)).values(lease_until=long_ago))
        waiting = or_(deliveries.c.state == "planned", deliveries.c.state == "claimed")
        connection.execute(update(deliveries).where(waiting).values(token=None))
    engine.dispose()
    code, complaint = end_of(house.start("run"))
    after = house.ending()
    uncertain = {row["key"] for row in after.tables["deliveries"] if row["state"] == "uncertain"}
    assert code == (1 if uncertain else 0), complaint
    assert set(after.mails.values()) <= {1}, "a mail went twice"
    mails = {row["key"]: row["state"] for row in after.rows("deliveries", kind="mail")}
    assert mails.keys() == {row["key"] for row in alone.snapshot.rows("deliveries", kind="mail")}
    put_off = {row["key"] for row in alone.snapshot.rows("deliveries", kind="mail", state="planned")}
    assert {state for key, state in mails.items() if key not in put_off} <= {"delivered", "uncertain"}
    missing = alone.readers - house.readers()
    assert missing.total() <= len(uncertain), "nothing is lost but what is shown as uncertain"
    if not uncertain:
        assert differences(after, alone.snapshot) == []
        assert house.readers() == alone.readers


@pytest.fixture(scope="module")
def on_postgres(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alone]:
    with lived_alone(tmp_path_factory.mktemp("served"), lambda prepare: PostgresGround(postgres_server, prepare)) as it:
        yield it


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alone]:
    folder = tmp_path_factory.mktemp("filed")
    with lived_alone(folder, lambda prepare: SqliteGround(folder, "nolapse", prepare)) as it:
        yield it


@contextmanager
def cutting(url: str) -> Iterator[Counter[str]]:
    """Ends every connection to this database again and again, and counts them."""
    parsed = make_url(url)
    ended: Counter[str] = Counter()
    over = threading.Event()

    def cut() -> None:
        with psycopg.connect(
            host=parsed.host, port=parsed.port or 5432, user=parsed.username, dbname="postgres", autocommit=True
        ) as admin:
            query = (
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND application_name = %s"
            )
            while not over.wait(0.15):
                ended["cut"] += len(admin.execute(query, (parsed.database, "nolapse")).fetchall())

    thread = threading.Thread(target=cut)
    thread.start()
    try:
        yield ended
    finally:
        over.set()
        thread.join()


def test_a_database_that_is_lost_again_and_again(on_postgres: Alone) -> None:
    house = on_postgres.house
    house.furnish()
    told = []
    with cutting(house.ground.url) as ended:
        for _ in range(6):
            code, complaint = end_of(house.start("run"))
            if code:
                told.append(complaint)
            if len(told) == 3:
                break
    assert ended["cut"] > 0
    assert told, "it never noticed"
    assert all("database" in complaint for complaint in told), told
    recover(on_postgres, house)


def test_a_database_that_another_program_locks_for_a_while(on_sqlite: Alone) -> None:
    house = on_sqlite.house
    house.furnish()
    file = str(make_url(house.ground.url).database)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        command = house.start("run")
        time.sleep(2)
        assert command.runs, "it waits"
        other.execute("ROLLBACK")
        code, complaint = end_of(command)
    assert (code, complaint) == (0, "")
    assert house.readers() == on_sqlite.readers
    assert differences(house.ending(), on_sqlite.snapshot) == []


@contextmanager
def small_disk(folder: Path, room: int) -> Iterator[None]:
    """A disk of its own, with so many bytes of room."""
    size = ["-o", f"size={room}"]
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", *size, "tmpfs", folder], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("a disk of its own can be had by root only")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def enlarge(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=256m", folder], check=True)


@pytest.mark.parametrize("room", [40_000, 160_000, 320_000])
def test_a_disk_that_is_full(on_sqlite: Alone, tmp_path: Path, room: int) -> None:
    on_sqlite.house.furnish()
    original = Path(str(make_url(on_sqlite.house.ground.url).database))
    disk = tmp_path / "disk"
    if shutil.which("mount") is None:
        pytest.skip("there is no mount")
    with small_disk(disk, original.stat().st_size + room):
        shutil.copyfile(original, disk / "nolapse.db")
        house = House(tmp_path, Elsewhere(f"sqlite:///{disk / 'nolapse.db'}"), on_sqlite.house.server)
        house.arrange()
        code, complaint = end_of(house.start("run"))
        assert code == 1
        assert "no room" in complaint or "free some room" in complaint, complaint
        assert len(complaint.strip().splitlines()) == 1
        enlarge(disk)
        recover(on_sqlite, house)
