"""The people of an order as a CRM's contacts."""

from datetime import date, timedelta

from sqlalchemy import insert, update

from core.record_people import people_by_id, people_of
from core.records import push_again
from core.schema import accounts, contacts, deliveries, orders, promises
from core.timing import WholeDay
from core.words import DeliveryState, Role, Urgency
from tests.builders import House, account, facts, person

END = date(2026, 5, 29)
DAY = END - timedelta(days=60)


def test_people_of_the_order_and_of_the_account(house: House) -> None:
    boss = person("boss@acme.example", Role.BILLING, language="fr")
    house.source.known_accounts = (account(language="de", people=(boss,)),)
    house.source.rows = [facts(ends_on=END, people=(person("ann@acme.example", Role.TECHNICAL, name="Ann"),))]
    house.sync(DAY)
    with house.store.read() as connection:
        found = people_of(connection, [house.rows(orders)[0].id], DAY)
    [people] = found.values()
    assert {(one.email, one.name, one.language, one.roles) for one in people} == {
        ("boss@acme.example", "", "fr", ("billing",)),
        ("ann@acme.example", "Ann", "de", ("technical",)),
    }


def test_where_a_person_stands(house: House) -> None:
    house.source.rows = [facts(ends_on=END)]
    house.sync(DAY)
    [ann] = house.rows(contacts)
    with house.store.read() as connection:
        before = people_by_id(connection, [ann.id], DAY)[ann.id]
    assert before.urgency is None
    assert before.next_on is not None
    house.run(DAY)
    house.run(DAY + timedelta(days=1))
    with house.store.read() as connection:
        after = people_by_id(connection, [ann.id], DAY)[ann.id]
    assert after.urgency is Urgency.NOTICE
    assert after.next_on is not None
    assert after.next_on > DAY
    assert house.crm.mails
    assert {log.person.urgency for log in house.crm.mails.values() if log.person} == {Urgency.NOTICE}


def test_a_code_is_told_with_the_log_of_the_mail_while_it_holds(house: House) -> None:
    house.source.rows = [facts(ends_on=END)]
    house.run(DAY)
    house.run(DAY + timedelta(days=1))
    [ann], [cycle] = house.rows(contacts), house.cycles()
    promised = {"cycle_id": cycle.id, "account_id": ann.account_id, "offer": "early", "percent": 20, "code": "EARLY20"}
    ends = {"ends_on": END - timedelta(days=30), "promised_at": WholeDay(DAY).opening}
    house.write(insert(promises).values(promised | ends))
    with house.store.read() as connection:
        codes = [
            people_by_id(connection, [ann.id], day)[ann.id].offer_code
            for day in (DAY, END - timedelta(days=30), END - timedelta(days=29))
        ]
    assert codes == ["EARLY20", "EARLY20", ""]


def test_nobody_asked_for_is_nobody(house: House) -> None:
    with house.store.read() as connection:
        assert (people_of(connection, [], DAY), people_by_id(connection, [], DAY)) == ({}, {})


def test_records_of_an_account_go_again(house: House) -> None:
    other = facts("2", ends_on=END, account=account("globex"))
    house.source.rows = [facts("1", ends_on=END), other]
    house.sync(DAY)
    house.deliver(DAY)
    house.write(update(accounts).values(name="same"))
    with house.store.begin() as connection:
        assert push_again(connection, ["acme", "unknown"], WholeDay(DAY)) == 1
    waiting = house.rows(deliveries, deliveries.c.state == DeliveryState.PLANNED)
    assert len(waiting) == 1
    house.crm.records.clear()
    house.deliver(DAY)
    assert list(house.crm.records) == ["digicert:1"]
