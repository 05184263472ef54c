"""Bringing a database to the schema that the program needs."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, inspect, select, text

from connectors.certcentral.tables import metadata as certcentral
from connectors.crm.tables import metadata as crm
from connectors.embedded.tables import metadata as embedded
from core.columns import metadata as engine
from core.errors import StoreError
from core.migrations import current, migrate, newest, require_newest
from core.schema import meta
from core.store import Store, open_store

TABLES = {"alembic_version"}.union(*(one.tables for one in (engine, certcentral, embedded, crm)))


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An empty database, on both."""
    store = open_store(store_url)
    yield store
    store.close()


def run(store: Store, *statements: str) -> None:
    with store.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def installation(store: Store) -> str:
    with store.read() as connection:
        return str(connection.execute(select(meta.c.value).where(meta.c.key == "installation")).scalar_one())


def of_all() -> MetaData:
    together = MetaData(naming_convention=engine.naming_convention)
    for metadata in (engine, certcentral, embedded, crm):
        for table in metadata.tables.values():
            table.to_metadata(together)
    return together


def parts_of(store: Store) -> dict[str, Any]:
    """Tables with columns, keys and indexes, as the database tells them."""
    found: dict[str, Any] = {}
    with store.read() as connection:
        inspector = inspect(connection)
        for table in sorted(set(inspector.get_table_names()) - {"alembic_version"}):
            columns = {
                column["name"]: (str(column["type"]), column["nullable"], column["default"])
                for column in inspector.get_columns(table)
            }
            found[table] = (
                columns,
                inspector.get_pk_constraint(table)["constrained_columns"],
                {(one["name"], *one["constrained_columns"]) for one in inspector.get_foreign_keys(table)},
                {(one["name"], *one["column_names"]) for one in inspector.get_unique_constraints(table)},
                {(one["name"], one["unique"], *one["column_names"]) for one in inspector.get_indexes(table)},
            )
        if store.is_sqlite:
            partial = text("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %'")
        else:
            partial = text("SELECT indexname, indexdef FROM pg_indexes WHERE indexdef LIKE '% WHERE %'")
        found["partial indexes"] = {name: sql.partition(" WHERE ")[2] for name, sql in connection.execute(partial)}
    return found


class TestEmpty:
    def test_everything_is_made_and_nothing_needs_a_backup(self, store: Store, tmp_path: Path) -> None:
        assert current(store) is None
        assert migrate(store) == (None, newest(), None)
        assert current(store) == newest()
        with store.read() as connection:
            assert set(inspect(connection).get_table_names()) == TABLES
        assert not list(tmp_path.glob("*.bak"))
        require_newest(store)

    def test_again_nothing_changes(self, store: Store, tmp_path: Path) -> None:
        migrate(store)
        named = installation(store)
        before = parts_of(store)
        assert migrate(store) == (newest(), newest(), None)
        assert installation(store) == named
        assert parts_of(store) == before
        assert not list(tmp_path.glob("*.bak"))

    def test_each_installation_has_a_name_of_its_own(self, tmp_path: Path) -> None:
        names = []
        for file in ("one.db", "two.db"):
            store = open_store(f"sqlite:///{tmp_path / file}")
            migrate(store)
            names.append(installation(store))
            store.close()
        assert len(set(names)) == 2
        assert all(len(name) == 32 for name in names)


class TestSchema:
    def test_what_is_migrated_is_what_the_program_means(self, store: Store) -> None:
        migrate(store)
        with store.begin() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, of_all()) == []

    def test_and_so_are_defaults_keys_and_partial_indexes(self, store: Store) -> None:
        migrate(store)
        migrated = parts_of(store)
        with store.begin() as connection:
            for table in [*TABLES]:
                connection.execute(text(f"DROP TABLE {table}" + ("" if store.is_sqlite else " CASCADE")))
            of_all().create_all(connection)
        meant = parts_of(store)
        for name in meant:
            assert migrated[name] == meant[name], name
        assert migrated.keys() == meant.keys()

    def test_there_is_exactly_one_head(self) -> None:
        config = Config()
        config.set_main_option("script_location", "core:migrations")
        scripts = ScriptDirectory.from_config(config)
        assert scripts.get_heads() == [newest()]
        assert len(scripts.get_bases()) == 1

    def test_ids_of_changes_are_never_used_again(self, store: Store) -> None:
        migrate(store)
        add = "INSERT INTO embedded_changes (what, at) VALUES ('owner', '2026-01-01 00:00:00')"
        run(store, add, "DELETE FROM embedded_changes", add)
        with store.read() as connection:
            assert connection.execute(text("SELECT id FROM embedded_changes")).scalar() == 2


class TestBackup:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        return tmp_path / "nolapse.db"

    def test_a_database_of_an_older_version_is_copied_first(self, file: Path) -> None:
        store = open_store(f"sqlite:///{file}")
        migrate(store)
        # As it was before the first migration: at no revision, but with something in it.
        run(store, *(f"DROP TABLE {table}" for table in TABLES - {"meta"}), "ALTER TABLE meta RENAME TO old_meta")
        _, _, backup = migrate(store)
        assert backup is not None
        assert backup.parent == file.parent
        assert backup.name.startswith("nolapse.db.")
        with closing(sqlite3.connect(backup)) as copy:
            assert ("old_meta",) in copy.execute("SELECT name FROM sqlite_master").fetchall()
            assert ("orders",) not in copy.execute("SELECT name FROM sqlite_master").fetchall()
            assert copy.execute("SELECT count(*) FROM old_meta").fetchone() == (1,)
        require_newest(store)
        store.close()

    def test_without_room_nothing_is_touched(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        store = open_store(f"sqlite:///{file}")
        run(store, "CREATE TABLE notes (id INTEGER)")
        monkeypatch.setattr("core.migrations.shutil.disk_usage", lambda _: SimpleNamespace(free=0))
        with pytest.raises(StoreError, match="has no room for a backup of the database"):
            migrate(store)
        assert current(store) is None
        store.close()


class TestRefused:
    def test_a_database_without_tables(self, store: Store) -> None:
        with pytest.raises(StoreError, match="has no tables yet; run `nolapse migrate`"):
            require_newest(store)

    def test_one_of_a_newer_version_is_left_as_it_is(self, store: Store, tmp_path: Path) -> None:
        migrate(store)
        run(store, "UPDATE alembic_version SET version_num = '9999'")
        words = "the database is of a newer version than this program; install the newer nolapse"
        for step in (require_newest, migrate):
            with pytest.raises(StoreError) as told:
                step(store)
            assert str(told.value) == words
        assert current(store) == "9999"
        assert not list(tmp_path.glob("*.bak"))

    def test_one_of_an_older_version(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        migrate(store)
        monkeypatch.setattr("core.migrations.newest", lambda: "0002")
        with pytest.raises(StoreError, match="is of an older version; run `nolapse migrate`"):
            require_newest(store)

    def test_a_migration_that_fails_leaves_nothing_behind(self, store: Store) -> None:
        run(store, "CREATE TABLE touches (id INTEGER)")
        with pytest.raises(StoreError, match="holds tables of another program; name an empty database"):
            migrate(store)
        with store.read() as connection:
            assert inspect(connection).get_table_names() == ["touches"]

    def test_what_is_no_database(self, tmp_path: Path) -> None:
        file = tmp_path / "notes.txt"
        file.write_text("this is no database, but long enough to be looked at as one " * 20)
        store = open_store(f"sqlite:///{file}")
        for step in (current, migrate, require_newest):
            with pytest.raises(StoreError, match=r"the file at store.url is not a database; choose another file"):
                step(store)
        store.close()
        assert file.read_text().startswith("this is no database")
