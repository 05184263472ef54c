from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from config.settings import packaged
from core.dossiers import Contact, Dossier, Dossiers, load
from core.letters import letter, line, script
from core.messages import Letter
from core.model import OrderFacts
from core.schema import cycles
from core.validity import ValidityRules
from core.words import Clock, Nature, TaskKind, Urgency
from tests.builders import House, account, facts, make_live_ledger, person, policy

END = date(2026, 6, 24)
BERLIN = ZoneInfo("Europe/Berlin")
SEOUL = ZoneInfo("Asia/Seoul")
STEPS = {Clock.RENEWAL: ("Sign in to {console}.", "Find {order}.")}


@pytest.fixture
def houses(tmp_path: Any) -> Iterator[Any]:
    opened: list[House] = []

    def make(*rows: OrderFacts, **rules: Any) -> House:
        url = f"sqlite:///{tmp_path / f'{len(opened)}.db'}"
        make_live_ledger(url)
        house = House(url, list(rows), **rules)
        house.sync(date(2026, 3, 1))
        opened.append(house)
        return house

    yield make
    for house in opened:
        house.close()


def loaded(house: House, clock: Clock = Clock.RENEWAL) -> tuple[Dossiers, list[Dossier], Contact]:
    with house.store.read() as connection:
        ids = connection.execute(select(cycles.c.id).where(cycles.c.clock == clock)).scalars().all()
        dossiers = load(connection, ids, house.policy)
    return dossiers, list(dossiers.by_cycle.values()), next(iter(dossiers.people.values()))


def written(house: House, moment: datetime, *urgencies: Urgency, clock: Clock = Clock.RENEWAL) -> Letter:
    dossiers, found, contact = loaded(house, clock)
    lines = list(zip(found, urgencies or (Urgency.REMINDER,) * len(found), strict=True))
    links = ("https://console.example", "")
    return letter(dossiers, contact, lines, clock, "before-30", Nature.SERVICE, moment, links, None)


def at(day: date, hour: int = 7) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def test_a_line_holds_all_essentials(houses: Any) -> None:
    _, (dossier,), _ = loaded(houses(facts(ends_on=END)))
    told = line(dossier, Urgency.REMINDER, at(END - timedelta(days=30)), BERLIN)
    assert (told.order_id, told.order_key, told.common_name) == ("1", "digicert:1", "www1.example.com")
    assert (told.product_name, told.issued_on, told.ends_on) == ("Standard SSL", END - timedelta(days=365), END)
    assert (told.validity_days, told.inferred, told.ended, told.urgency) == (365, False, False, Urgency.REMINDER)


@pytest.mark.parametrize(
    ("moment", "zone", "days_left", "ended"),
    [
        (at(END, 0), SEOUL, 1, False),  # 09:00 there; it ends tomorrow at 08:59
        (at(END, 7), BERLIN, 1, False),  # 09:00 there; it ends at 01:59 of the next day
        (at(END, 13), ZoneInfo("America/New_York"), 0, False),
        (at(END, 23), SEOUL, 0, False),
        (at(END + timedelta(days=1), 0), SEOUL, 0, True),
        (at(END + timedelta(days=1), 0), ZoneInfo("America/New_York"), 0, True),
        (at(END + timedelta(days=2), 0), SEOUL, -1, True),
        (at(END - timedelta(days=30)), BERLIN, 30, False),
        (at(END - timedelta(days=2), 23), SEOUL, 2, False),  # it ends in 48 hours and a bit, on the third day there
    ],
)
def test_days_left_are_the_readers(houses: Any, moment: datetime, zone: ZoneInfo, days_left: int, ended: bool) -> None:
    _, (dossier,), _ = loaded(houses(facts(ends_on=END)))
    told = line(dossier, Urgency.CRITICAL, moment, zone)
    assert (told.days_left, told.ended) == (days_left, ended)
    assert told.ends_at == datetime(2026, 6, 24, 23, 59, 59, tzinfo=UTC)
    assert told.ends_at.tzinfo is zone
    assert told.urgency is (Urgency.EXPIRED if ended else Urgency.CRITICAL)


def test_in_seoul_the_last_minute_is_tomorrow_morning(houses: Any) -> None:
    _, (dossier,), _ = loaded(houses(facts(ends_on=END)))
    told = line(dossier, Urgency.CRITICAL, at(END, 0), SEOUL)
    assert told.ends_at.strftime("%Y-%m-%d %H:%M") == "2026-06-25 08:59"


def test_nothing_is_called_expired_before_it_is(houses: Any) -> None:
    _, (dossier,), _ = loaded(houses(facts(ends_on=END)))
    assert line(dossier, Urgency.EXPIRED, at(END, 21), BERLIN).urgency is Urgency.CRITICAL


def test_that_the_orders_end_was_worked_out_is_told_on_both_clocks(houses: Any) -> None:
    order = facts(
        ends_on=END + timedelta(days=100), certificate_expires_on=END, order_expires_inferred=True,
        certificate_issued_on=END - timedelta(days=199),
    )  # fmt: skip
    house = houses(order)
    _, (renewal,), _ = loaded(house)
    _, (reissue,), _ = loaded(house, Clock.REISSUE)
    assert line(renewal, Urgency.NOTICE, at(END), BERLIN).inferred
    told = line(reissue, Urgency.NOTICE, at(END), BERLIN)
    assert told.inferred
    assert (told.ends_on, told.validity_days, told.issued_on) == (END, 199, END - timedelta(days=199))
    assert told.order_expires_on == END + timedelta(days=100)


def test_a_letter_leads_with_the_most_pressing_order(houses: Any) -> None:
    house = houses(facts("1", ends_on=END), facts("2", ends_on=END), facts("3", ends_on=END - timedelta(days=3)))
    told = written(house, at(END - timedelta(days=30)), Urgency.NOTICE, Urgency.WARNING, Urgency.WARNING)
    assert [one.order_id for one in told.lines] == ["3", "2", "1"]
    assert told.urgency is Urgency.WARNING


def test_it_says_what_renewing_now_gives_away(houses: Any) -> None:
    told = written(houses(facts(ends_on=END)), at(END - timedelta(days=30)))
    assert (told.paid_days_lost, told.carried_over) == (30, False)
    assert told.early_window_opens_on == END - timedelta(days=90)


def test_where_the_ca_carries_the_rest_over_nothing_is_lost(houses: Any) -> None:
    said = packaged("validity.toml")
    said["ca"]["digicert"]["carry_over"] = True
    house = houses(facts(ends_on=END), validity=ValidityRules.from_toml(said))
    told = written(house, at(END - timedelta(days=30)))
    assert (told.paid_days_lost, told.carried_over) == (0, True)


def test_of_an_unknown_ca_nothing_is_claimed(houses: Any) -> None:
    house = houses(facts(ends_on=END, ca="other", key="other:1"))
    told = written(house, at(END - timedelta(days=30)))
    assert (told.paid_days_lost, told.carried_over, told.early_window_opens_on) == (0, False, None)


def test_a_reissue_costs_nothing(houses: Any) -> None:
    house = houses(facts(ends_on=END + timedelta(days=100), certificate_expires_on=END))
    told = written(house, at(END - timedelta(days=30)), clock=Clock.REISSUE)
    assert (told.paid_days_lost, told.early_window_opens_on) == (0, None)


def test_the_steps_name_the_order_where_there_is_one(houses: Any) -> None:
    single = houses(facts("77", ends_on=END), steps=STEPS)
    assert written(single, at(END)).brand.steps == ("Sign in to CertCentral.", "Find order 77.")
    several = houses(facts("77", ends_on=END), facts("78", ends_on=END), steps=STEPS)
    assert written(several, at(END)).brand.steps[1] == "Find each order of the list above."


@pytest.mark.parametrize(("own", "general", "expected"), [("ko", "de", "ko"), ("", "de", "de"), ("", "", "en")])
def test_the_language_is_the_readers_else_the_accounts(houses: Any, own: str, general: str, expected: str) -> None:
    reader = person("ann@acme.example", language=own)
    house = houses(facts(ends_on=END, account=account(language=general), people=(reader,)))
    assert written(house, at(END)).language == expected


def test_it_is_dated_in_the_readers_zone(houses: Any) -> None:
    house = houses(facts(ends_on=END, people=(person("ann@acme.example", zone="Asia/Seoul"),)))
    assert written(house, at(END, 20)).written_at.isoformat() == "2026-06-25T05:00:00+09:00"


def test_a_script_tells_the_rep_whom_to_reach(houses: Any) -> None:
    dossiers, found, contact = loaded(houses(facts("1", ends_on=END), facts("2", ends_on=END)))
    lines = [(found[0], Urgency.REMINDER), (found[1], Urgency.WARNING)]
    reached = replace(contact, name="Ann", phone="+49 1")
    told = script(dossiers, TaskKind.CALL, lines, END, at(END), "https://console.example", reached, note="again")
    assert (told.contact_name, told.contact_phone, told.contact_email) == ("Ann", "+49 1", "ann@acme.example")
    assert [one.order_id for one in told.lines] == ["2", "1"]
    assert (told.urgency, told.account_name, told.due_on, told.note) == (Urgency.WARNING, "Acme", END, "again")
    nobody = script(dossiers, TaskKind.CONTACT, lines, END, at(END), "", None)
    assert nobody.contact_name == nobody.contact_email == ""


def test_the_policy_is_the_packaged_one() -> None:
    assert policy().validity.early_window_days == 90
