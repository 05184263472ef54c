"""The store: addresses that cannot be used, transactions, and failures in plain words."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, make_url, select, text
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError

from core.errors import ConfigurationError, StoreError
from core.schema import engine_locks, meta
from core.store import Store, open_store, plain_words, rehearse
from tests.builders import make_ledger
from tests.conftest import Prepared

SECRET = "s3cret-word"


@pytest.fixture
def store(prepared_store_url: Prepared) -> Iterator[Store]:
    """A migrated store on both databases."""
    store = open_store(prepared_store_url("ledger", make_ledger))
    yield store
    store.close()


def write(store: Store, key: str, value: str = "x") -> None:
    with store.begin() as connection:
        connection.execute(insert(meta).values(key=key, value=value))


def write_and_fail(store: Store, key: str) -> None:
    with store.begin() as connection:
        connection.execute(insert(meta).values(key=key, value="x"))
        raise KeyError(key)


def read(store: Store, key: str) -> str | None:
    with store.read() as connection:
        found: str | None = connection.execute(select(meta.c.value).where(meta.c.key == key)).scalar()
    return found


class TestAddress:
    @pytest.mark.parametrize("url", ["", "nolapse.db", "sqlite:nolapse.db", "://", "postgresql://host:port/nolapse"])
    def test_what_is_no_address(self, url: str) -> None:
        with pytest.raises(ConfigurationError, match=r"^store\.url is no database address; write sqlite:///FILE or "):
            open_store(url)

    @pytest.mark.parametrize("url", ["mysql://root@host/x", "oracle://host/x", "https://host/x", "postgres+x://host/x"])
    def test_other_databases_are_named_as_not_supported(self, url: str) -> None:
        if url.startswith("postgres"):
            assert open_store(url).engine.dialect.driver == "psycopg"
            return
        with pytest.raises(ConfigurationError, match=r"is not supported; use sqlite or postgresql$"):
            open_store(url)

    @pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
    def test_sqlite_needs_a_file(self, url: str) -> None:
        with pytest.raises(ConfigurationError, match=r"names no file; write sqlite:///FILE"):
            open_store(url)

    def test_the_folder_must_be_there(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError) as told:
            open_store(f"sqlite:///{tmp_path / 'missing' / 'nolapse.db'}")
        assert str(told.value) == f"store.url: the folder {tmp_path / 'missing'} does not exist; create it first"

    @pytest.mark.parametrize(
        "scheme", ["postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2", "postgresql+asyncpg"]
    )
    def test_every_way_to_write_postgresql_takes_our_driver(self, scheme: str) -> None:
        store = open_store(f"{scheme}://user@host/nolapse")
        assert (store.engine.dialect.name, store.engine.dialect.driver) == ("postgresql", "psycopg")
        assert not store.is_sqlite

    def test_sqlite_takes_our_driver_too(self, tmp_path: Path) -> None:
        store = open_store(f"sqlite+aiosqlite:///{tmp_path / 'nolapse.db'}")
        assert (store.engine.dialect.driver, store.is_sqlite) == ("pysqlite", True)

    def test_the_password_of_the_settings_is_used(self) -> None:
        assert open_store("postgresql://user:other@host/nolapse", SECRET).engine.url.password == SECRET
        assert open_store(f"postgresql://user:{SECRET}@host/nolapse").engine.url.password == SECRET


class TestPassword:
    @pytest.mark.parametrize(
        "url",
        [f"postgresql://user:{SECRET}/x@host:port/nolapse", f"mysql://user:{SECRET}@host/x", f"user:{SECRET}@host"],
    )
    def test_an_address_that_cannot_be_used_does_not_show_it(self, url: str) -> None:
        with pytest.raises(ConfigurationError) as told:
            open_store(url)
        assert SECRET not in str(told.value)
        assert told.value.__cause__ is None
        assert told.value.__suppress_context__ or told.value.__context__ is None

    def test_a_server_that_does_not_answer_does_not_show_it(self) -> None:
        store = open_store(f"postgresql://user:{SECRET}@127.0.0.1:1/nolapse")
        with pytest.raises(StoreError) as told, store.read():
            pytest.fail("there is no server")
        assert str(told.value) == "the database server does not answer; check the address in store.url and that it runs"
        assert SECRET not in str(told.value.__cause__)
        assert SECRET not in repr(store.engine)

    def test_an_unknown_database(self, postgres_url: str) -> None:
        store = open_store(f"{postgres_url}_missing")
        with (
            pytest.raises(StoreError, match=r"the database named in store\.url does not exist; create it"),
            store.read(),
        ):
            pytest.fail("that cannot be opened")

    def test_an_unknown_user(self, postgres_url: str) -> None:
        store = open_store(make_url(postgres_url).set(username="nobody", password=SECRET).render_as_string(False))
        with pytest.raises(StoreError, match="the database refuses the user or password") as told, store.read():
            pytest.fail("that cannot be opened")
        assert SECRET not in str(told.value.__cause__)


class TestTransactions:
    def test_begin_keeps_what_a_block_wrote(self, store: Store) -> None:
        write(store, "a", "kept")
        assert read(store, "a") == "kept"

    def test_a_failure_takes_all_of_it_back(self, store: Store) -> None:
        with pytest.raises(KeyError):
            write_and_fail(store, "a")
        assert read(store, "a") is None

    def test_reading_writes_nothing(self, store: Store) -> None:
        with store.read() as connection:
            connection.execute(insert(meta).values(key="a", value="x"))
        assert read(store, "a") is None

    def test_sqlite_is_safe_against_a_power_cut(self, tmp_path: Path) -> None:
        store = open_store(f"sqlite:///{tmp_path / 'nolapse.db'}")
        with store.read() as connection:
            told = {name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in PRAGMAS}
        store.close()
        assert told == PRAGMAS

    def test_a_writer_waits_at_its_start_and_never_fails_in_the_middle(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path / 'nolapse.db'}"
        make_ledger(url)
        first, second = open_store(url), open_store(url)
        begun = threading.Event()

        def hold() -> None:
            with first.begin() as connection:
                begun.set()
                time.sleep(0.2)
                connection.execute(insert(meta).values(key="a", value="first"))

        holder = threading.Thread(target=hold)
        holder.start()
        assert begun.wait(10)
        assert read(second, "a") is None
        with second.begin() as connection:
            assert connection.execute(select(meta.c.value).where(meta.c.key == "a")).scalar() == "first"
        holder.join()
        first.close()
        second.close()

    def test_foreign_keys_hold(self, store: Store) -> None:
        with pytest.raises(IntegrityError), store.begin() as connection:
            connection.execute(text("INSERT INTO contacts (account_id, email) VALUES (77, 'ann@acme.example')"))


PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


class TestRehearsal:
    def test_everything_works_and_nothing_stays(self, store: Store) -> None:
        with rehearse(store) as rehearsal:
            write(rehearsal, "a", "rehearsed")
            assert read(rehearsal, "a") == "rehearsed"
            with pytest.raises(KeyError):
                write_and_fail(rehearsal, "b")
            assert (read(rehearsal, "a"), read(rehearsal, "b")) == ("rehearsed", None)
        assert read(store, "a") is None

    def test_nothing_stays_after_a_failure_either(self, store: Store) -> None:
        with pytest.raises(KeyError), rehearse(store) as rehearsal:
            write_and_fail(rehearsal, "a")
        assert read(store, "a") is None


class TestTimes:
    def put(self, store: Store, moment: datetime) -> None:
        with store.begin() as connection:
            connection.execute(insert(engine_locks).values(step="x", lease_until=moment, last_day=date(2026, 3, 2)))

    def test_a_time_comes_back_in_utc(self, store: Store) -> None:
        moment = datetime(2026, 3, 2, 23, 30, 15, 123456, tzinfo=timezone(timedelta(hours=-5)))
        self.put(store, moment)
        with store.read() as connection:
            row = connection.execute(select(engine_locks)).one()
        assert row.lease_until == moment
        assert row.lease_until.tzinfo is UTC
        assert row.last_day == date(2026, 3, 2)

    def test_a_time_without_a_zone_is_refused(self, store: Store) -> None:
        with pytest.raises(StatementError, match="a time without a zone cannot be stored"):
            self.put(store, datetime(2026, 3, 2))


class TestPlainWords:
    def test_a_database_without_tables(self, store_url: str) -> None:
        store = open_store(store_url)
        with pytest.raises(StoreError) as told:
            read(store, "a")
        assert str(told.value) == "the database has no tables yet; run `nolapse migrate`"
        store.close()

    @pytest.mark.parametrize(
        "statement", ["SELECT newer FROM meta", "INSERT INTO meta (key, value, newer) VALUES ('a', 'b', 'c')"]
    )
    def test_a_database_of_an_older_version(self, store: Store, statement: str) -> None:
        with (
            pytest.raises(StoreError, match="is of an older version; run `nolapse migrate`"),
            store.begin() as connection,
        ):
            connection.execute(text(statement))

    def test_a_file_that_is_no_database(self, tmp_path: Path) -> None:
        file = tmp_path / "notes.txt"
        file.write_text("no database " * 100)
        store = open_store(f"sqlite:///{file}")
        for block in (store.read, store.begin):
            with pytest.raises(StoreError, match="is not a database; choose another file"), block():
                pytest.fail("that cannot be opened")

    def test_a_damaged_database(self, tmp_path: Path) -> None:
        file = tmp_path / "nolapse.db"
        make_ledger(f"sqlite:///{file}")
        with sqlite3.connect(file) as connection:
            size = connection.execute("PRAGMA page_size").fetchone()[0]
        connection.close()
        content = bytearray(file.read_bytes())
        content[size : size * 60] = bytes(size * 59)
        file.write_bytes(content)
        store = open_store(f"sqlite:///{file}")
        with pytest.raises(StoreError, match="the database file is damaged; restore the last backup"):
            write(store, "a")
        store.close()

    def test_a_folder_in_place_of_a_file(self, tmp_path: Path) -> None:
        store = open_store(f"sqlite:///{tmp_path}")
        with (
            pytest.raises(StoreError, match="the database file cannot be opened; check that its folder exists"),
            store.read(),
        ):
            pytest.fail("that cannot be opened")

    def test_one_that_stays_locked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file = tmp_path / "nolapse.db"
        make_ledger(f"sqlite:///{file}")
        monkeypatch.setattr("core.store.BUSY_SECONDS", 0)
        store = open_store(f"sqlite:///{file}")
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another program holds it"):
            write(store, "a")
        other.execute("ROLLBACK")
        other.close()
        write(store, "a")
        store.close()

    def test_what_nobody_can_mend_is_not_hidden(self, store: Store) -> None:
        write(store, "a")
        with pytest.raises(IntegrityError):
            write(store, "a")
        with pytest.raises(ZeroDivisionError), plain_words():
            raise ZeroDivisionError

    @pytest.mark.parametrize(
        ("code", "words"),
        [
            ("42P01", "run `nolapse migrate`"),
            ("42703", "of an older version"),
            ("42P07", "tables of another program"),
            ("3D000", "does not exist; create it first"),
            ("42501", "may not do this"),
        ],
    )
    def test_what_the_server_says_by_code(self, code: str, words: str) -> None:
        class ServerError(Exception):
            sqlstate = code

        with pytest.raises(StoreError, match=words), plain_words():
            raise OperationalError("SELECT 1", {}, ServerError("it says so in some language"))

    @pytest.mark.parametrize(
        ("told", "words"),
        [
            ("database or disk is full", "free some room"),
            ("could not extend file: No space left on device", "free some room"),
            ("disk I/O error", "check the disk"),
            ('password authentication failed for user "x"', "refuses the user or password"),
            ("fe_sendauth: no password supplied", "asks for a password"),
            ("connection timeout expired", "does not answer in time"),
            ("failed to resolve host 'db'", "is not known"),
            ("terminating connection due to administrator command", "closed the connection"),
        ],
    )
    def test_what_a_driver_says_in_words(self, told: str, words: str) -> None:
        with pytest.raises(StoreError, match=words) as raised, plain_words():
            raise OperationalError("SELECT 1", {}, Exception(told))
        assert "\n" not in str(raised.value)


AS_ANOTHER = """
import os, sys
import sqlalchemy.dialects.sqlite
from core.errors import NolapseError
from core.store import open_store
from sqlalchemy import text
os.setgid(65534), os.setuid(65534)
try:
    with open_store("sqlite:///" + sys.argv[1]).begin() as connection:
        connection.execute(text("CREATE TABLE notes (id INTEGER)"))
except NolapseError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


class TestReadOnly:
    """Nothing is forbidden to root, so that another account has to try."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Iterator[Path]:
        if os.getuid() != 0:
            yield tmp_path
            return
        opened = [path for path in (tmp_path, *tmp_path.parents) if not path.stat().st_mode & stat.S_IXOTH]
        modes = [path.stat().st_mode for path in opened]
        for path in opened:
            path.chmod(path.stat().st_mode | stat.S_IXOTH)
        yield tmp_path
        for path, mode in zip(opened, modes, strict=True):
            path.chmod(mode)

    def attempt(self, file: Path) -> str:
        script = AS_ANOTHER if os.getuid() == 0 else AS_ANOTHER.replace("os.setgid(65534), os.setuid(65534)", "")
        root = Path(__file__).parents[2]
        done: Any = subprocess.run(
            [sys.executable, "-c", script, str(file)], cwd=root, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 1, done.stderr
        return str(done.stderr).strip()

    def test_a_folder(self, folder: Path) -> None:
        place = folder / "data"
        place.mkdir()
        place.chmod(0o555)
        assert self.attempt(place / "nolapse.db") == (
            f"ConfigurationError: store.url: {place} is not writable; give the account of nolapse the right to write"
        )

    def test_a_file(self, folder: Path) -> None:
        file = folder / "nolapse.db"
        make_ledger(f"sqlite:///{file}")
        file.chmod(0o444)
        assert self.attempt(file) == (
            f"ConfigurationError: store.url: {file} is not writable; give the account of nolapse the right to write"
        )

    def test_a_file_in_a_folder_that_takes_no_journal(self, folder: Path) -> None:
        place = folder / "data"
        place.mkdir()
        file = place / "nolapse.db"
        make_ledger(f"sqlite:///{file}")
        file.chmod(0o666)
        place.chmod(0o555)
        told = self.attempt(file)
        assert told.startswith(("ConfigurationError: ", "StoreError: "))
        assert "\n" not in told
