from collections.abc import Iterator

import pytest

from connectors.embedded.tables import metadata
from core.store import Store, open_store
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
