"""Which links name a person."""

from collections.abc import Iterator

import pytest

from connectors.crm.links import Link, LinkKind, Links
from connectors.crm.persons import CrmPeople
from core.store import Store, open_store
from core.whom import Whom
from tests.builders import make_ledger
from tests.conftest import Prepared


@pytest.fixture
def store(prepared_store_url: Prepared) -> Iterator[Store]:
    store = open_store(prepared_store_url("ledger", make_ledger))
    yield store
    store.close()


def test_the_link_of_a_contact_goes_with_the_person(store: Store) -> None:
    links, others = Links(store.engine, "one"), Links(store.engine, "another")
    people, ann = CrmPeople("one"), Whom("ann@acme.example")
    links.put(LinkKind.CONTACT, [Link("ann@acme.example", "7"), Link("joann@acme.example", "8")])
    others.put(LinkKind.CONTACT, [Link("ann@acme.example", "9")])
    with store.begin() as connection:
        [told] = people.held(connection, ann)["crm_links"]
        assert (told["our_key"], told["their_id"]) == ("ann@acme.example", "7")
        assert people.forget(connection, ann) == {"crm_links": 1}
    assert set(links.get(LinkKind.CONTACT, ["ann@acme.example", "joann@acme.example"])) == {"joann@acme.example"}
    assert others.get(LinkKind.CONTACT, ["ann@acme.example"])
