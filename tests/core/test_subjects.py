"""What is held of one person, and that nothing of it is left once they are forgotten."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from core import forgotten, subjects
from core.columns import metadata
from core.errors import RetriableError, UsageError
from core.inbox import Event, receive
from core.model import RepFacts
from core.ports import CrmChange
from core.schema import contacts, deliveries, inbox, order_contacts, reps, suppressions, tasks, touches
from core.suppressions import of_addresses, queue_optout, suppress
from core.timing import WholeDay
from core.whom import Whom
from core.wishes import apply as apply_wish
from core.words import Channel, DeliveryState, InboxState, Nature, Role
from tests.builders import House, account, facts, make_live_ledger, person
from tests.conftest import Prepared

DAY = date(2026, 6, 1)
END = DAY + timedelta(days=30)
EVE = END - timedelta(days=15)
NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
ANN = "ann@acme.example"
PEOPLE = (person(ANN, name="Ann Ames"), person("bob@acme.example", Role.BILLING))
ROWS = [facts(ends_on=END, people=PEOPLE)]


def play(url: str) -> None:
    """One order with two people; a mail has gone to the first of them, and the next one waits."""
    make_live_ledger(url)
    house = House(url, ROWS)
    house.run(DAY)
    house.plan(EVE)
    with house.store.begin() as connection:
        suppress(connection, ANN, Channel.CALL, Nature.SERVICE, "operator", "", NOW)
        queue_optout(connection, ANN.title(), Channel.CALL, Nature.SERVICE, WholeDay(DAY))
        receive(connection, Event("door", "one", b'{"who": "Ann\\u0040acme.example"}', NOW))
        receive(connection, Event("door", "two", b'{"who": "bob@acme.example"}', NOW))
    house.close()


@pytest.fixture
def house(prepared_store_url: Prepared) -> Iterator[House]:
    house = House(prepared_store_url("subjects", play), ROWS)
    yield house
    house.close()


def whom(house: House, address: str = ANN) -> Whom:
    with house.store.read() as connection:
        return subjects.find(connection, address)


def forget(house: House, address: str = ANN) -> dict[str, int]:
    with house.store.begin() as connection:
        return subjects.forget(connection, subjects.find(connection, address), WholeDay(DAY), crm=True)


def left_of(house: House, *words: str) -> list[str]:
    """The tables in which one of these words still stands."""
    return [name for name, rows in house.dump().items() if any(word in repr(rows).lower() for word in words)]


def test_of_every_table_it_is_known_whether_it_holds_people() -> None:
    """A new one that does belongs into `subjects.held` and `forget`, and where it refers to contacts, into `retention`."""
    people = {
        *("contacts", "order_contacts", "suppressions", "touches", "deliveries", "inbox", "reps", "forgotten"),
        *("consents", "answers", "corrected_addresses"),
    }
    nobody = {
        *("meta", "engine_locks", "circuits", "call_limits", "accounts", "orders", "cycles", "tasks", "task_orders"),
        *("delivery_orders", "promises", "offer_counts", "confirmations", "sync_runs", "engagements", "install_looks"),
        *("pilots", "pauses", "holds", "cap_slots", "looks"),
    }
    assert people | nobody == set(metadata.tables)
    keys = [(name, key) for name, table in metadata.tables.items() for key in table.foreign_keys]
    referring = {name for name, key in keys if key.column.table is contacts}
    assert referring == {"order_contacts", "touches", "deliveries", "corrected_addresses"}


def test_everything_that_is_held_is_told(house: House) -> None:
    with house.store.read() as connection:
        held = subjects.held(connection, subjects.find(connection, ANN.upper()))
    assert set(held) == {"contacts", "order_contacts", "deliveries", "suppressions", "inbox"}
    assert held["contacts"][0]["name"] == "Ann Ames"
    assert held["order_contacts"] == [
        {"order_key": "digicert:1", "common_name": "www1.example.com", "role": "organisation"}
    ]
    mails = [one for one in held["deliveries"] if one["kind"] == "mail"]
    assert {"delivered", "planned"} == {one["state"] for one in mails}
    assert {one["order_key"] for one in mails} == {"digicert:1"}
    assert [one["key"] for one in held["inbox"]] == ["one"]


def test_nothing_is_left_of_who_is_forgotten_but_a_hash_by_which_they_stay_so(house: House) -> None:
    counts = forget(house)
    assert {"contacts", "order_contacts", "deliveries", "touches", "suppressions", "inbox", "forgotten"} <= set(counts)
    assert left_of(house, "ann@", "ann ames", "ann\\\\u0040") == []
    assert left_of(house, "bob@acme.example") == ["contacts", "inbox"]
    with house.store.read() as connection:
        assert forgotten.among(connection, ["Ann@Acme.example", "bob@acme.example"]) == {"Ann@Acme.example"}
        assert set(subjects.held(connection, subjects.find(connection, ANN))) == {"forgotten"}
    [event] = house.rows(inbox, inbox.c.event_key == "one")
    assert (event.state, event.content) == (InboxState.DISCARDED, b"")
    # What came in twice is still known.
    with house.store.begin() as connection:
        assert not receive(connection, Event("door", "one", b"{}", NOW))


def test_a_mail_that_waits_goes_to_the_next_recipient(house: House) -> None:
    forget(house)
    house.deliver(EVE + timedelta(days=1))
    house.plan(EVE + timedelta(days=2))
    house.deliver(EVE + timedelta(days=2))
    assert [mail.to for mail in house.mailer.sent][-1] == "bob@acme.example"
    assert {row.state for row in house.rows(touches, touches.c.channel == "mail")} <= {
        "done",
        "planned",
        "missed",
        "merged",
    }


def test_without_another_recipient_the_rep_is_asked_for_one(house: House) -> None:
    forget(house)
    forget(house, "bob@acme.example")
    house.deliver(EVE + timedelta(days=1))
    assert "contact" in {row.kind for row in house.rows(tasks)}
    assert house.mailer.sent == []


def test_no_sync_brings_them_back(house: House) -> None:
    forget(house)
    again = (person(ANN, Role.TECHNICAL, name="Ann Ames"), person("bob@acme.example", Role.BILLING))
    house.source.rows = [facts(ends_on=END, people=again, value_minor=1, account=account(people=again))]
    house.source.known_accounts = [account(people=again)]
    house.source.known_reps = [RepFacts("rita", "Ann Ames", ANN)]
    house.sync(EVE)
    assert [row.email for row in house.rows(contacts)] == ["bob@acme.example"]
    assert len(house.rows(order_contacts)) == 1
    [rep] = house.rows(reps)
    assert (rep.rep_key, rep.name, rep.email, rep.active) == ("rita", "", "", False)


def test_nor_does_the_crm(house: House) -> None:
    forget(house)
    change = CrmChange("1", "contact", account_key="acme", value=ANN, facts={"was": "bob@acme.example"})
    with house.store.begin() as connection:
        apply_wish(connection, "memory", change, WholeDay(DAY))
        assert not suppress(connection, ANN, Channel.MAIL, Nature.SERVICE, "memory", "", NOW)
        assert of_addresses(connection, [ANN]) == of_addresses(connection, [])
    assert left_of(house, "ann@") == []


def test_one_of_ours_keeps_the_key_alone(house: House) -> None:
    house.write(insert(reps).values(rep_key="rita", name="Rita Rep", email="Rita@us.example", phone="1"))
    assert forget(house, "rita@us.example")["reps"] == 1
    [rep] = house.rows(reps)
    assert (rep.rep_key, rep.name, rep.email, rep.phone, rep.active) == ("rita", "", "", "", False)


def test_while_something_is_handed_over_it_must_wait(house: House) -> None:
    mails = deliveries.c.contact_id.in_(whom(house).contact_ids) & (deliveries.c.state == DeliveryState.PLANNED)
    house.write(update(deliveries).where(mails).values(state=DeliveryState.SENDING))
    before = house.dump()
    with pytest.raises(RetriableError, match="run it again"):
        forget(house)
    assert house.dump() == before


def test_again_and_lifted(house: House) -> None:
    forget(house)
    assert forget(house) == {}
    with house.store.begin() as connection:
        assert forgotten.lift(connection, ANN)
        assert not forgotten.lift(connection, ANN)
    house.source.rows = [facts(ends_on=END, value_minor=2)]
    house.sync(EVE)
    assert ANN in [row.email for row in house.rows(contacts)]


def test_ids_of_people_are_never_used_again(house: House) -> None:
    highest = max(row.id for row in house.rows(contacts))
    forget(house, "bob@acme.example")
    house.source.rows = [facts(ends_on=END, people=(person("new@acme.example"),))]
    house.sync(EVE)
    new: Any = house.rows(contacts, contacts.c.email == "new@acme.example")[0]
    assert new.id > highest


def test_what_is_no_address_is_refused(house: House) -> None:
    with pytest.raises(UsageError, match="no e-mail address"), house.store.read() as connection:
        subjects.find(connection, "ann")


def test_suppressions_of_others_stay(house: House) -> None:
    with house.store.begin() as connection:
        suppress(connection, "bob@acme.example", Channel.MAIL, Nature.SERVICE, "operator", "", NOW)
    forget(house)
    assert [row.address for row in house.rows(suppressions)] == ["bob@acme.example"]
