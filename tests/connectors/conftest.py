import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from connectors.embedded.tables import metadata
from core.store import Store, open_store
from tests.builders import hurry, make_ledger
from tests.conftest import Prepared


def _make_tables(url: str) -> None:
    store = open_store(url)
    metadata.create_all(store.engine)
    store.close()


@pytest.fixture
def embedded_store(prepared_store_url: Prepared) -> Iterator[Store]:
    """A store with the embedded connector's tables, on both databases."""
    store = open_store(prepared_store_url("embedded", _make_tables))
    yield store
    store.close()


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an empty ledger, of which each test has a copy."""
    file = tmp_path_factory.mktemp("ledger") / "nolapse.db"
    make_ledger(f"sqlite:///{file}")
    return file


@pytest.fixture
def ledger(tmp_path: Path, empty_ledger: Path) -> Iterator[Store]:
    """An empty ledger on SQLite."""
    shutil.copyfile(empty_ledger, tmp_path / "nolapse.db")
    store = open_store(f"sqlite:///{tmp_path / 'nolapse.db'}")
    event.listen(store.engine, "connect", hurry)
    yield store
    store.close()
