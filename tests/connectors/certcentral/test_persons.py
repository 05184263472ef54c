"""What is kept of people from order info, and that who is forgotten is not kept again."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from connectors.certcentral.memory import Memory, Told
from connectors.certcentral.persons import CertCentralPeople
from core import forgotten
from core.store import Store, open_store
from core.whom import Whom
from tests.builders import make_ledger
from tests.conftest import Prepared

ANN = Whom("ann@acme.example")
TOLD = {
    "org_email": "Ann@acme.example",
    "org_first_name": "Ann",
    "org_telephone": "1",
    "tech_email": "bob@acme.example",
    "currency": "USD",
    "additional_emails": "ann@acme.example,eve@acme.example",
}
LEFT = {"tech_email": "bob@acme.example", "currency": "USD", "additional_emails": "eve@acme.example"}


@pytest.fixture
def store(prepared_store_url: Prepared) -> Iterator[Store]:
    store = open_store(prepared_store_url("ledger", make_ledger))
    yield store
    store.close()


def test_a_person_is_taken_out_of_orders_and_not_kept_again(store: Store) -> None:
    memory, people = Memory(store.engine), CertCentralPeople()
    told = {"1": Told("c1", date(2026, 6, 1), TOLD), "2": Told("c2", date(2026, 6, 1), LEFT)}
    memory.keep(told)
    with store.begin() as connection:
        assert people.held(connection, ANN)["certcentral_orders"] == [
            {"order_id": "1", "told": {name: TOLD[name] for name in TOLD if LEFT.get(name) != TOLD[name]}}
        ]
        assert people.forget(connection, ANN) == {"certcentral_orders": 1}
        assert people.forget(connection, ANN) == {"certcentral_orders": 0}
        forgotten.remember(connection, ANN.address, datetime(2026, 6, 1, tzinfo=UTC))
    assert memory.of(["1"])["1"].columns == LEFT
    memory.keep(told)
    assert [one.columns for one in memory.of(["1", "2"]).values()] == [LEFT, LEFT]
