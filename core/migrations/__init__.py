"""The history of the schema, and how a database is brought to its newest state."""

import secrets
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select

from core import answers as answers  # their tables are the engine's too
from core import looks as looks
from core.errors import StoreError
from core.schema import meta
from core.sql import insert_new
from core.store import Store, plain_words


def _config(store: Store) -> Config:
    config = Config()
    config.set_main_option("script_location", "core:migrations")
    config.attributes["store"] = store
    return config


def newest() -> str:
    """The one revision that the program needs."""
    head = _scripts().get_current_head()
    if head is None:
        raise StoreError("the program carries no migrations; install it again")
    return head


def current(store: Store) -> str | None:
    """The revision that the database is at, or None where it is empty."""
    with store.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return MigrationContext.configure(connection).get_current_revision()


def require_newest(store: Store) -> None:
    """Raises `StoreError` unless the database is at the revision that the program needs."""
    found = current(store)
    if found == newest():
        return
    if found is None:
        raise StoreError("the database has no tables yet; run `nolapse migrate`")
    _refuse_newer(found)
    raise StoreError("the database is of an older version; run `nolapse migrate`")


def _refuse_newer(found: str | None) -> None:
    known = {script.revision for script in _scripts().walk_revisions()}
    if found is not None and found not in known:
        raise StoreError("the database is of a newer version than this program; install the newer nolapse")


def _scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", "core:migrations")
    return ScriptDirectory.from_config(config)


def _holds_anything(store: Store) -> bool:
    with store.read() as connection:
        return bool(inspect(connection).get_table_names())


def migrate(store: Store) -> tuple[str | None, str, Path | None]:
    """Brings the database to the newest revision. Gives the revision before, the one after, and the backup made.

    An SQLite database that holds anything is copied first, beside itself. Running it again changes nothing.
    """
    before, after = current(store), newest()
    backup = None
    if before == after:
        return before, after, None
    _refuse_newer(before)
    if store.is_sqlite and _holds_anything(store):
        backup = _back_up(Path(str(store.engine.url.database)))
    command.upgrade(_config(store), "head")
    with store.begin() as connection:
        insert_new(connection, meta, [{"key": "installation", "value": secrets.token_hex(16)}])
        connection.execute(select(meta.c.value).where(meta.c.key == "installation")).scalar_one()
    return before, after, backup


def _back_up(file: Path) -> Path:
    """A consistent copy, also while others write. Raises `StoreError` where there is no room for it."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    target = file.with_name(f"{file.name}.{stamp}.bak")
    free = shutil.disk_usage(file.parent).free
    if free < file.stat().st_size * 1.1:
        raise StoreError(f"{file.parent} has no room for a backup of the database; free some and run it again")
    with plain_words(), closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    return target
