from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from config.settings import packaged
from core.cadence_tables import Cadences
from core.dossiers import Dossiers, load
from core.model import OrderFacts
from core.reasons import Reason
from core.schema import cycles, orders
from core.suppressions import suppress
from core.words import Certainty, Channel, Clock, Level, Nature, ProductKind, Role, Stage, Urgency
from tests.builders import House, account, facts, person
from tests.core.conftest import MakeHouse, on_sqlite

DAY = date(2026, 6, 10)
END = DAY + timedelta(days=30)


def loaded(house: House, *where: Any) -> Dossiers:
    with house.store.read() as connection:
        ids = connection.execute(select(cycles.c.id).where(*where)).scalars().all()
        return load(connection, ids, house.policy)


def synced(make_house: MakeHouse, *rows: OrderFacts) -> House:
    house = make_house(list(rows) or [facts(ends_on=END)])
    house.sync(DAY)
    return house


def test_a_dossier_holds_what_a_decision_needs(make_house: MakeHouse) -> None:
    (dossier,) = loaded(synced(make_house)).by_cycle.values()
    assert (dossier.clock, dossier.number, dossier.ends_on) == (Clock.RENEWAL, 1, END)
    assert (dossier.level, dossier.account.account_key, dossier.order.outside_id) == (Level.OV, "acme", "1")
    standing = dossier.standing
    assert (standing.open, standing.kind, standing.stage) == (True, ProductKind.TLS, Stage.UPCOMING)
    assert standing.awaited is None


def test_nothing_asked_nothing_read(make_house: MakeHouse) -> None:
    with synced(make_house).store.read() as connection:
        assert load(connection, [], make_house().policy).by_cycle == {}


def test_the_orders_own_people_and_the_accounts(make_house: MakeHouse) -> None:
    general = account(people=(person("office@acme.example", Role.BILLING),))
    order = facts(ends_on=END, account=general, people=(person("ann@acme.example", Role.TECHNICAL),))
    house = synced(make_house, order, facts("2", ends_on=END, people=(person("bob@acme.example"),)))
    found = loaded(house)
    first = next(one for one in found.by_cycle.values() if one.order.outside_id == "1")
    assert {(found.people[one.contact_id].email, one.own) for one in first.candidates} == {
        ("ann@acme.example", True),
        ("office@acme.example", False),
    }


def test_evidence_that_waits_counts_within_its_window(make_house: MakeHouse) -> None:
    house = synced(make_house)
    house.hear("1", DAY, Certainty.IN_PROGRESS)
    house.hear("1", DAY, Certainty.PROVISIONAL)
    house.hear("1", DAY - timedelta(days=900))
    (dossier,) = loaded(house).by_cycle.values()
    assert dossier.standing.awaited is Certainty.PROVISIONAL


def test_our_own_switch_off_is_not_the_customers_wish(make_house: MakeHouse) -> None:
    house = synced(make_house, facts(ends_on=END, ca_notices_off=True))
    assert next(iter(loaded(house).by_cycle.values())).standing.ca_notices_off
    house.write(update(orders).values(ca_notices_off_ours=True))
    assert not next(iter(loaded(house).by_cycle.values())).standing.ca_notices_off


def refuse(house: House, nature: Nature) -> None:
    with house.store.begin() as connection:
        suppress(connection, "ann@acme.example", Channel.MAIL, nature, "unsubscribe", "", datetime.now(UTC))


def test_a_refused_person_is_no_recipient(make_house: MakeHouse) -> None:
    house = synced(make_house)
    refuse(house, Nature.SERVICE)
    found = loaded(house)
    choice = found.recipient(next(iter(found.by_cycle.values())), Urgency.NOTICE)
    assert (choice.candidate, choice.reason) == (None, Reason.UNSUBSCRIBED)


@pytest.mark.parametrize(
    ("urgency", "found"), [(Urgency.NOTICE, False), (Urgency.WARNING, False), (Urgency.CRITICAL, True)]
)
def test_late_steps_widen_the_circle(make_house: MakeHouse, urgency: Urgency, found: bool) -> None:
    order = facts(
        ends_on=END + timedelta(days=100),
        certificate_expires_on=END,
        people=(person("pay@acme.example", Role.BILLING),),
    )
    dossiers = loaded(synced(make_house, order), cycles.c.clock == "reissue")
    choice = dossiers.recipient(next(iter(dossiers.by_cycle.values())), urgency)
    assert (choice.candidate is not None) is found


@on_sqlite
@pytest.mark.parametrize(
    ("days", "people", "to"),
    [
        (14, ("ann technical", "pay billing", "org organisation"), "ann@acme.example"),
        (14, ("pay billing", "org organisation"), "org@acme.example"),
        (7, ("ann technical", "pay billing", "org organisation"), "org@acme.example"),
    ],
    ids=["the step's own role", "the fall-back", "a step without roles"],
)
def test_a_step_may_have_roles_of_its_own(make_house: MakeHouse, days: int, people: tuple[str, ...], to: str) -> None:
    told = packaged("cadence.toml")
    mails = told["tables"]["renewal_ov_ev"]["mails"]
    mails["14"] = {"urgency": "warning", "roles": ["technical"]}
    named = tuple(person(f"{name}@acme.example", Role(role)) for name, role in (one.split() for one in people))
    house = make_house([facts(ends_on=DAY + timedelta(days=days), people=named)], cadences=Cadences.from_toml(told))
    house.sync(DAY)
    house.plan(DAY)
    house.deliver(DAY)
    assert [mail.to for mail in house.mailer.sent] == [to]


@pytest.mark.parametrize(
    ("consent", "refused", "clock", "nature"),
    [
        (True, False, "renewal", Nature.COMMERCIAL),
        (False, False, "renewal", Nature.SERVICE),
        (True, True, "renewal", Nature.SERVICE),
        (True, False, "reissue", Nature.SERVICE),
    ],
)
def test_offers_need_consent_and_belong_to_renewals(
    make_house: MakeHouse, consent: bool, refused: bool, clock: str, nature: Nature
) -> None:
    house = synced(make_house, facts(ends_on=END + timedelta(days=100), certificate_expires_on=END))
    if consent:
        house.may_sell_to("ann@acme.example")
    if refused:
        refuse(house, Nature.COMMERCIAL)
    found = loaded(house, cycles.c.clock == clock)
    (contact,) = found.people.values()
    assert found.nature(next(iter(found.by_cycle.values())), contact, DAY) is nature


@pytest.mark.parametrize(
    ("own", "general", "country", "zone"),
    [
        ("Asia/Seoul", "Europe/Paris", "DE", "Asia/Seoul"),
        ("", "Europe/Paris", "DE", "Europe/Paris"),
        ("", "", "NZ", "Pacific/Auckland"),
        ("Mars/Base", "", "KR", "Asia/Seoul"),
        ("", "", "", "UTC"),
    ],
)
def test_the_zone_is_the_persons_else_the_accounts_else_the_countrys(
    make_house: MakeHouse, own: str, general: str, country: str, zone: str
) -> None:
    reader = person("ann@acme.example", zone=own)
    house = synced(make_house, facts(ends_on=END, account=account(zone=general, country=country), people=(reader,)))
    found = loaded(house)
    (contact,) = found.people.values()
    assert found.zone(next(iter(found.by_cycle.values())), contact) == ZoneInfo(zone)
