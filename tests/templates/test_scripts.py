"""Call scripts and other tasks: eight lines that say all, the rest below the fold; many orders become counts."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.languages import LANGUAGES
from core.messages import LastContact, NoDaysLost, Offer, Script
from core.money import Money
from core.words import AdviceKind, Certainty, Channel, Clock, Question, TaskKind
from templates.samples import scripts
from templates.writer import JinjaWriter
from tests.templates.build import BRAND, NOW, inner, line, script

WRITER = JinjaWriter()
FOLD = "-" * 40
OFFER = Offer("early", 20, date(2026, 12, 31), datetime(2026, 12, 31, tzinfo=UTC), "EARLY20")
FULL = {
    "contact_time": NOW.astimezone(ZoneInfo("Asia/Seoul")),
    "contact_zone": "Asia/Seoul",
    "contact_language": "ko",
    "value": (Money(39900, "EUR"),),
    "last_contact": LastContact(date(2026, 11, 20), Channel.CALL),
    "offer": OFFER,
    "questions": tuple(Question),
}


def lines_of(given: Script) -> list[str]:
    return WRITER.task(given).body.splitlines()


def test_the_first_eight_lines_say_what_a_call_needs() -> None:
    assert lines_of(script(line(7), **FULL))[:9] == [
        "Who: Anna Muster of ACME GmbH, written to in Korean",
        "Phone: +49 30 123456, where it was 18:00 (Asia/Seoul) when this was written",
        "Ends in 7 days: Secure Site OV for www.acme.example, on 8 December 2026, 23:59 UTC",
        "Value: €399.00",
        "Last contact: call on 20 November 2026",
        "Offer: 20% off until 31 December 2026, code EARLY20",
        "Ask: has the renewal been placed? If not, who decides, and by when?",
        "Due: 2 December 2026",
        FOLD,
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_fold_is_the_ninth_line_whatever_is_known(language: str) -> None:
    for given in scripts(language):
        found = lines_of(given)
        assert found[8] == FOLD
        assert all(found[:8])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_script_of_300_certificates_becomes_counts(language: str) -> None:
    many = tuple(replace(line(1 + number // 4), order_id=f"77{number:04}") for number in range(300))
    worded = WRITER.task(script(*many, language=language))
    assert "300" in worded.subject
    assert "300" in worded.body.splitlines()[2]
    assert "Secure Site OV: 300" in worded.body
    assert worded.body.count("770") == 10
    assert "290" in worded.body
    assert len(worded.body) < 6000


def test_many_orders_are_counted_by_their_end_and_their_product() -> None:
    many = [line(days) for days in (-1, 3, 7, 8, 30, 31)] * 3
    body = WRITER.task(script(*many)).body
    for row in ("already ended: 3", "ending within 7 days: 6", "ending in 8 to 30 days: 6", "ending later: 3"):
        assert f"\n- {row}\n" in body


@pytest.mark.parametrize(
    ("kind", "clock", "expected"),
    [
        (TaskKind.CALL, Clock.RENEWAL, "Call ACME GmbH: 3 certificates, the first ends on 8 December 2026"),
        (TaskKind.SUPPORT, Clock.REISSUE, "Help ACME GmbH replace 3 certificates (first expiry date: 8 December 2026)"),
        (
            TaskKind.SUPPORT,
            Clock.INSTALL,
            "Help ACME GmbH install 3 new certificates (first expiry date: 8 December 2026)",
        ),
        (
            TaskKind.CHECK,
            Clock.RENEWAL,
            "Check ACME GmbH: have 3 orders renewed by themselves? First last day 8 December 2026",
        ),
        (TaskKind.CONTACT, Clock.RENEWAL, "Find a contact at ACME GmbH: first expiry date 8 December 2026"),
    ],
)
def test_the_subject_of_a_task_about_several_orders(kind: TaskKind, clock: Clock, expected: str) -> None:
    make = line if clock is Clock.RENEWAL else inner
    assert WRITER.task(script(make(7), make(9), make(20), kind=kind, clock=clock)).subject == expected


def test_the_subject_of_a_call() -> None:
    assert WRITER.task(script(line(7))).subject == "Call ACME GmbH: www.acme.example ends on 8 December 2026"
    assert WRITER.task(script(line(-1))).subject == "Call ACME GmbH: www.acme.example ended on 30 November 2026"
    assert WRITER.task(script(line(-1), line(4))).subject == "Call ACME GmbH: 2 certificates, 1 ended"


def test_below_the_fold_are_questions_objections_and_the_next_step() -> None:
    body = WRITER.task(script(line(7), **FULL, note="Prefers mornings.")).body
    below = body[body.index(FOLD) :]
    heads = ["OPENING LINE", "QUESTIONS", "OBJECTIONS", "NEXT STEP", "ORDERS", "CONTACT AND LINK", "NOTE"]
    places = [below.index(f"\n{head}\n") for head in [*heads, "RECORD AS OUTCOME"]]
    assert places == sorted(places)
    for fact in (
        "Does your company collect personal or private information",
        "Does your company collect payment information",
        "Order 11223344, Secure Site OV · €399.00",
        "Issue date: 15 June 2026 · Expiry date: 8 December 2026, 23:59 UTC · Validity: 365 days · Days left: 7",
        "E-mail: anna@acme.example",
        "https://go.partner.example/r/abc.def",
        "Prefers mornings.",
        "renewed (only where the order has been placed)",
    ):
        assert fact in below
    assert "ASK FIRST" not in body


def test_advice_and_benefits_are_told_with_their_facts() -> None:
    given = next(one for one in scripts("en") if one.kind is TaskKind.CALL and len(one.lines) == 1)
    body = WRITER.task(given).body
    assert "- Choose a multi-year plan: Order once for 3 years; the certificates within them are replaced" in body
    assert "- Bring all certificates together: Move your 4 certificates from Sectigo and GlobalSign over to us" in body
    assert "- Trust seal: not in use yet; ask why, and offer help\n- Warranty\n" in body
    assert sum(one.kind is AdviceKind.AUTOMATE for one in given.advice) == 1
    assert "\n- \n" not in body


def test_what_an_early_renewal_means_is_told_as_it_is() -> None:
    kept = NoDaysLost(date(2026, 12, 1), date(2027, 1, 1), 31, 365, date(2028, 1, 1))
    told = WRITER.task(script(line(31), no_days_lost=kept, carried_over=True)).body
    assert "renewed on 1 December 2026, the new order runs until 1 January 2028, with the 31 days that are left" in told
    lost = WRITER.task(script(line(60), paid_days_lost=60)).body
    assert "a renewal today would give up 60 days already paid for" in lost
    assert "Ask: who will place the renewal" in lost
    late = WRITER.task(script(line(20), no_days_lost=kept, carried_over=False)).body
    assert "Promise nothing about days that are left." in late


def test_without_an_offer_none_may_be_promised() -> None:
    assert lines_of(script(line(7)))[5] == "Offer: none; promise no discount"
    assert lines_of(script(line(7), offer=replace(OFFER, code="")))[5] == "Offer: 20% off until 31 December 2026"
    service = script(inner(7), kind=TaskKind.SUPPORT, clock=Clock.REISSUE, offer=OFFER)
    assert lines_of(service)[5] == "Offer: none; this is a service call, sell nothing"


def test_what_is_not_known_is_said() -> None:
    found = lines_of(script(line(7), contact_name="", contact_email="", contact_phone="", action_url=""))
    assert found[0] == "Who: no contact of ACME GmbH is known; ask for whoever looks after the certificates"
    assert found[1] == "Phone: not known"
    assert found[3:5] == ["Value: not known", "Last contact: none yet"]
    assert "CONTACT AND LINK" not in found
    assert lines_of(script(line(7), mailed_on=date(2026, 11, 30)))[4] == "Last contact: mail on 30 November 2026"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (TaskKind.SUPPORT, "Was it installed on every server and service"),
        (TaskKind.CHECK, "does the console show a renewal of each order?"),
        (TaskKind.CONTACT, "who renews the certificates, who installs them, who pays?"),
    ],
)
def test_each_kind_of_task_asks_its_own_questions(kind: TaskKind, expected: str) -> None:
    assert expected in WRITER.task(script(line(7), kind=kind)).body


def test_a_service_call_sells_nothing() -> None:
    for kind in (TaskKind.CALL, TaskKind.SUPPORT):
        body = WRITER.task(script(inner(7), kind=kind, clock=Clock.REISSUE, **FULL)).body
        assert "sell nothing" in body or "SELL" in body
        assert "recommend" not in body
        assert "20%" not in body
        assert "replacing the certificate is free and already paid" in body


@pytest.mark.parametrize("certainty", Certainty)
def test_a_likely_renewal_is_asked_about_first(certainty: Certainty) -> None:
    body = WRITER.task(script(line(7), certainty=certainty)).body
    assert f"{FOLD}\nASK FIRST\n" in body


def test_a_task_of_very_many_long_orders_stays_within_what_crms_hold() -> None:
    many = [line(7, common_name="a" * 300 + ".example.com", product_name=f"{n}" + "p" * 300) for n in range(500)]
    assert len(WRITER.task(script(*many)).body) < 32_000
    few = [line(7, common_name="a" * 300 + ".example.com", product_name=f"{n}" + "p" * 300) for n in range(12)]
    assert len(WRITER.task(script(*few)).body) < 32_000


HOSTILE = "<b>x</b>\r\nBcc: a@b.example \u202egnp.exe {{ 7*7 }} %(x)s 🎉\x00\x1e\x1f\n"


@pytest.mark.parametrize("kind", TaskKind)
def test_hostile_facts_come_out_harmless(kind: TaskKind) -> None:
    worded = WRITER.task(
        script(
            line(7, order_id=HOSTILE, common_name=HOSTILE, product_name=HOSTILE, currency=HOSTILE),
            kind=kind,
            account_name=HOSTILE,
            contact_name=HOSTILE,
            contact_email=HOSTILE,
            contact_phone=HOSTILE,
            contact_zone=HOSTILE,
            contact_language=HOSTILE,
            note=HOSTILE,
            brand=replace(BRAND, company=HOSTILE, console_name=HOSTILE),
        )
    )
    assert worded.subject.isprintable()
    assert not set(worded.body) & set("\x00\x1e\x1f\r\u202e")
    assert not re.search(r"^Bcc:", worded.body, re.MULTILINE)
    assert "49" not in worded.subject


def test_days_are_counted_from_the_day_of_writing() -> None:
    late = NOW + timedelta(hours=12)
    at = line(7).ends_at.astimezone(ZoneInfo("Asia/Seoul"))
    assert "Days are counted from 2 December 2026." in WRITER.task(script(line(7, ends_at=at), written_at=late)).body
