import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigurationError
from core.messages import Letter, WordedMail, Writer
from core.words import Certainty, Clock, Nature, TaskKind, Urgency
from templates.writer import JinjaWriter
from tests.templates.build import BRAND, flat, inner, letter, line, script, seen

WRITER = JinjaWriter()
RISING = [
    (Urgency.NOTICE, 60),
    (Urgency.REMINDER, 30),
    (Urgency.WARNING, 7),
    (Urgency.CRITICAL, 3),
    (Urgency.EXPIRED, -1),
]


def mail(*lines: object, **changes: object) -> WordedMail:
    return WRITER.mail(letter(*lines, **changes))  # type: ignore[arg-type]


def both(mail: WordedMail) -> tuple[str, str]:
    return flat(mail.text), seen(mail.html)


def of_every_kind() -> list[Letter]:
    seoul = line(1).ends_at.astimezone(ZoneInfo("Asia/Seoul"))
    early = line(20, certificate_expires_on=date(2026, 12, 9), order_id="900", common_name="xn--bcher-kva.example")
    return [
        letter(line(60), urgency=Urgency.NOTICE, nature=Nature.COMMERCIAL, paid_days_lost=60),
        letter(line(0, ends_at=seoul)),
        letter(line(-3)),
        letter(early),
        letter(line(-3), line(1, order_id="777", inferred=True), early, nature=Nature.COMMERCIAL),
        letter(inner(9), clock=Clock.REISSUE),
        letter(inner(9), inner(12, order_id="777", inferred=True), clock=Clock.REISSUE),
        letter(inner(3), clock=Clock.INSTALL),
        letter(inner(3), inner(-2, order_id="777"), clock=Clock.INSTALL),
        letter(line(45, auto_renew=True), auto_renew_notice=True),
        letter(line(45, auto_renew=True), line(50, auto_renew=True, order_id="777")),
        letter(line(7), unsubscribe_url="", reply_to_name="", reply_to_phone="", person_name=""),
    ]


class _Page(HTMLParser):
    """Counts tags, gathers links, and sees that every tag is closed in its order."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "a":
            self.links.append(dict(attrs)["href"] or "")
        if tag not in ("br", "meta"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    @classmethod
    def read(cls, page: str) -> "_Page":
        parser = cls()
        parser.feed(page)
        parser.close()
        assert parser._open == []
        return parser


def test_it_is_a_writer() -> None:
    writer: Writer = WRITER
    assert writer.mail(letter()).subject


def test_a_mail_has_all_essentials_in_both_parts() -> None:
    worded = mail(line(7))
    for part in (flat(worded.text).replace(": ", " "), seen(worded.html).replace(": ", " ")):
        for fact in (
            "Order ID 11223344",
            "Product Secure Site OV",
            "Common name www.acme.example",
            "Issue date 15 June 2026",
            "Expiry date 8 December 2026, 23:59 UTC",
            "Validity 365 days",
            "Days left 7",
            "Dear Anna Muster,",
            "of ACME GmbH",
            "If you have already renewed, please disregard this message.",
            "Robin Rep Partner Ltd Reply to this message or call +44 20 7946 0000.",
            "Support help@partner.example.",
            "Partner Ltd 1 Main Street, Town",
            "You receive this message because",
            "Unsubscribe from these messages",
        ):
            assert fact in part


def test_a_digest_has_all_essentials_of_each_order_in_both_parts() -> None:
    worded = mail(line(7), line(20, order_id="777", common_name="shop.acme.example", product_name="GeoTrust DV"))
    for part in both(worded):
        for fact in (
            "11223344",
            "777",
            "www.acme.example",
            "shop.acme.example",
            "Secure Site OV",
            "GeoTrust DV",
        ):
            assert fact in part
        for fact in ("8 December 2026, 23:59 UTC", "21 December 2026, 23:59 UTC", "15 June 2026", "365 days"):
            assert fact in part


@pytest.mark.parametrize("given_letter", of_every_kind())
def test_both_parts_say_the_same(given_letter: Letter) -> None:
    worded = WRITER.mail(given_letter)
    text, page = both(worded)
    urls = [given_letter.action_url, given_letter.unsubscribe_url or given_letter.unsubscribe_mailto]
    assert _Page.read(worded.html).links == urls
    assert re.findall(r"(?:https?://|mailto:)\S+", text) == urls
    for pattern in (r"\d+ [A-Z][a-z]+ 20\d\d", r"\d\d:\d\d", r"\b\d{3,}\b", r"worked out", r"xn--\S+"):
        assert set(re.findall(pattern, text)) == set(re.findall(pattern, page))
    words = set(re.findall(r"[a-z]{3,}", re.sub(r"(?:https?://|mailto:)\S+", "", text).lower()))
    assert words == set(re.findall(r"[a-z]{3,}", page.lower()))


@pytest.mark.parametrize("given_letter", of_every_kind())
def test_there_is_one_call_to_action_and_numbered_steps(given_letter: Letter) -> None:
    worded = WRITER.mail(given_letter)
    assert worded.html.count(f'href="{given_letter.action_url}"') == 1
    assert worded.text.count(given_letter.action_url) == 1
    assert worded.html.count("<li>") == 3
    assert [worded.text.count(f"\n{number}. ") for number in (1, 2, 3, 4)] == [1, 1, 1, 0]


@pytest.mark.parametrize("given_letter", of_every_kind())
def test_the_page_is_plain_and_fits_a_small_screen(given_letter: Letter) -> None:
    page = WRITER.mail(given_letter).html
    parsed = _Page.read(page)
    assert page.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert not {"img", "script", "link", "style", "iframe", "form"} & set(parsed.tags)
    assert not {"class", "id", "onclick", "src"} & parsed.attributes
    assert "url(" not in page
    assert page.count('role="presentation"') == 3
    assert "width:100%;max-width:600px" in page
    assert not re.search(r"[^-]width:\d{3,}px", page)


@pytest.mark.parametrize("given_letter", of_every_kind())
def test_the_text_part_is_text(given_letter: Letter) -> None:
    text = WRITER.mail(given_letter).text
    assert not re.search(r"&\w+;|&#|<[a-z/]", text)
    assert all(len(row) <= 76 or "://" in row or "mailto:" in row for row in text.splitlines())
    assert "\n\n\n" not in text
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


@pytest.mark.parametrize("clock", Clock)
@pytest.mark.parametrize("several", [False, True])
def test_subject_first_line_and_colour_rise_with_urgency(clock: Clock, several: bool) -> None:
    subjects, first_lines, colours = [], [], []
    for urgency, days in RISING:
        make = line if clock is Clock.RENEWAL else inner
        lines = [make(days + 2 * more, urgency=urgency) for more in range(2 if several else 1)]
        worded = mail(*lines, clock=clock, urgency=urgency, carried_over=True)
        subjects.append(worded.subject)
        first_lines.append(worded.text.splitlines()[0])
        colours.append(re.findall(r"background:(#\w+);padding:20px", worded.html)[0])
        assert "<h1 style=" in worded.html
    starts = [subject.partition(":")[0] for subject in subjects]
    assert starts == ["Plan ahead", "Reminder", "Action needed", "Urgent", "Act now"]
    assert len(set(first_lines)) == len(set(colours)) == 5


def test_white_letters_can_be_read_on_every_colour() -> None:
    for urgency, days in RISING:
        page = mail(line(days, urgency=urgency), urgency=urgency).html
        colour = re.findall(r"background:#(\w{6});padding:20px", page)[0]
        parts = [int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        assert 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) >= 4.5


@pytest.mark.parametrize(
    ("days_left", "expected"),
    [
        (60, "Action needed: the certificate for www.acme.example ends in 60 days"),
        (1, "Urgent: the certificate for www.acme.example ends tomorrow"),
        (0, "Urgent: the certificate for www.acme.example ends today"),
        (-1, "Act now: the certificate for www.acme.example has expired (yesterday)"),
        (-7, "Act now: the certificate for www.acme.example has expired (7 days ago)"),
    ],
)
def test_the_subject_of_a_single_mail(days_left: int, expected: str) -> None:
    assert mail(line(days_left)).subject == expected


def test_the_subject_says_whether_the_order_alone_ends_and_whether_its_date_is_sure() -> None:
    alone = line(7, certificate_expires_on=date(2026, 12, 4), inferred=True)
    expected = "Action needed: the certificate order for www.acme.example ends in 7 days [date worked out]"
    assert mail(alone).subject == expected


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ((7, 20, 45), "3 certificates of ACME GmbH end in the next 45 days, the first in 7 days"),
        ((7, 7), "2 certificates of ACME GmbH end in 7 days"),
        ((20, 7), "2 certificates of ACME GmbH end in the next 20 days, the first in 7 days"),
        ((0, 4), "2 certificates of ACME GmbH end in the next 4 days, the first today"),
        ((0, 0), "2 certificates of ACME GmbH end today"),
        ((1, 9), "2 certificates of ACME GmbH end in the next 9 days, the first tomorrow"),
        ((-1, 5), "1 certificate of ACME GmbH has expired, 1 other ends in 5 days"),
        (
            (-1, -2, 5, 9),
            "2 certificates of ACME GmbH have expired, 2 others end in the next 9 days, the first in 5 days",
        ),
        ((-1, -2), "2 certificates of ACME GmbH have expired"),
    ],
)
def test_the_subject_of_a_digest(days: tuple[int, ...], expected: str) -> None:
    assert mail(*map(line, days)).subject.partition(": ")[2] == expected


def test_the_subject_of_a_digest_leaves_out_what_renews_by_itself() -> None:
    worded = mail(line(7), line(9), line(2, auto_renew=True, order_id="777"))
    assert worded.subject == "Action needed: 2 certificates of ACME GmbH end in the next 9 days, the first in 7 days"
    for part in both(worded):
        assert 'Orders marked "renews by itself" have automatic renewal switched on' in part
        assert "777" in part


def test_a_reissue_is_free_and_names_the_day() -> None:
    worded = mail(inner(7), clock=Clock.REISSUE, brand=replace(BRAND, steps=()))
    assert worded.subject.endswith("ends in 7 days: replacing it is free")
    for part in both(worded):
        assert "The order runs on until 17 May 2027, so the replacement is free, already paid" in part
        assert "replace the certificate (a reissue) by 8 December 2026" in part
        assert "no new order is needed and nothing is charged" in part


def test_a_replacement_that_may_not_be_paid_is_not_called_free() -> None:
    for lines in ([inner(7, order_expires_on=None)], [inner(7), inner(8, order_expires_on=None)]):
        worded = mail(*lines, clock=Clock.REISSUE, brand=replace(BRAND, steps=()))
        for part in (worded.subject, *both(worded)):
            assert not re.search(r"free|paid|charged", part)


def test_an_installation_speaks_of_the_old_and_the_new_certificate() -> None:
    worded = mail(inner(3), clock=Clock.INSTALL)
    assert worded.subject.endswith("install the new certificate for www.acme.example, the old one ends in 3 days")
    for part in both(worded):
        assert "By our records a new certificate has been issued" in part
        assert "already installed" in part


def test_an_automatic_renewal_leaves_nothing_to_do() -> None:
    worded = mail(line(45, auto_renew=True), auto_renew_notice=True, urgency=Urgency.NOTICE)
    assert worded.subject == (
        "For your information: the certificate for www.acme.example renews by itself, it ends in 45 days"
    )
    for part in both(worded):
        assert "It renews by itself by 15 January 2027: nothing to do now" in part
        assert "Renew now" not in part
        assert "Choose Renew" not in part


@pytest.mark.parametrize("days_left", [0, -1])
def test_an_automatic_renewal_that_has_not_come_is_to_be_checked(days_left: int) -> None:
    for lines in (
        [line(days_left, auto_renew=True)],
        [line(days_left, auto_renew=True), line(9, auto_renew=True)],
    ):
        worded = mail(*lines)
        assert "check the automatic renewal" in worded.subject
        for part in both(worded):
            assert "nothing to do" not in part
            assert "we have not yet seen that it has taken place" in part


def test_days_that_would_be_given_away_are_told_exactly() -> None:
    for part in both(
        mail(line(60), urgency=Urgency.NOTICE, paid_days_lost=60, early_window_opens_on=date(2026, 11, 1))
    ):
        assert "time to plan the renewal" in part
        assert "ask us for a quote" in part
        assert "organisation's data" in part
        assert "a renewal today would give up 60 days" in part
        assert "Plan the renewal" in part
        assert "Renew now" not in part


def test_what_is_carried_over_is_told_with_its_dates() -> None:
    dated = mail(line(60), carried_over=True, early_window_opens_on=date(2026, 11, 1))
    undated = mail(line(60), carried_over=True)
    ended = mail(line(-1), carried_over=True, early_window_opens_on=date(2026, 11, 1))
    assert "where the renewal is placed from 1 November 2026 to 30 January 2027" in flat(dated.text)
    assert "By the CA's terms, what is left of the order is carried over" in flat(undated.text)
    assert "carried over" not in flat(ended.text)


def test_an_order_whose_certificate_ends_first_says_so() -> None:
    for part in both(mail(line(20, certificate_expires_on=date(2026, 12, 9)))):
        assert "has its own, earlier expiry date: 9 December 2026." in part
        assert "already paid" in part


def test_only_commercial_mails_invite() -> None:
    invitation = "Would you like to compare products or terms first?"
    for lines in ([line(7)], [line(7), line(9)]):
        assert invitation in flat(mail(*lines, nature=Nature.COMMERCIAL).text)
        assert invitation not in flat(mail(*lines, nature=Nature.SERVICE).text)
    assert invitation not in flat(mail(inner(7), clock=Clock.REISSUE, nature=Nature.COMMERCIAL).text)


@pytest.mark.parametrize("clock", Clock)
@pytest.mark.parametrize("count", [1, 2])
def test_the_steps_are_those_of_the_brand_or_ours(clock: Clock, count: int) -> None:
    lines = [line(7)] * count
    for part in both(mail(*lines, clock=clock)):
        assert re.search(r"Log in and open the order\. (?:2\. )?Choose Renew\. (?:3\. )?Install it ahead", flat(part))
    worded = mail(*lines, clock=clock, brand=replace(BRAND, steps=(), console_name="", postal_address="", support=""))
    assert "\n1. Open the link above" in worded.text
    assert "log in to" not in worded.text
    assert worded.html.count("<li>") == 3


def test_without_a_way_to_unsubscribe_a_reply_will_do() -> None:
    worded = mail(line(7), unsubscribe_url="", unsubscribe_mailto="")
    for part in both(worded):
        assert "To get no more of these messages, reply and say so." in part
    assert _Page.read(worded.html).links == ["https://go.partner.example/r/abc.def"]


HOSTILE = (
    "<script>alert('x')</script>\r\nBcc: a@b.example \u202egnp.exe & \"q\" {{ 7*7 }} {% raw %} 🎉\x00\x1esubject\n"
)


@pytest.mark.parametrize("clock", Clock)
@pytest.mark.parametrize("count", [1, 2])
def test_hostile_facts_come_out_harmless(clock: Clock, count: int) -> None:
    evil = {"order_id": HOSTILE, "common_name": HOSTILE, "product_name": HOSTILE, "currency": HOSTILE}
    brand = replace(
        BRAND,
        company=HOSTILE,
        console_name=HOSTILE,
        steps=(HOSTILE,),
        postal_address=HOSTILE,
        support=HOSTILE,
    )
    given_letter = letter(
        *[line(7, **evil)] * count,
        clock=clock,
        account_name=HOSTILE,
        person_name=HOSTILE,
        reply_to_name=HOSTILE,
        reply_to_phone=HOSTILE,
        brand=brand,
    )
    usual = WRITER.mail(replace(letter(*[line(7)] * count, clock=clock), brand=replace(BRAND, steps=("One.",))))
    worded = WRITER.mail(given_letter)
    assert _Page.read(worded.html).tags == _Page.read(usual.html).tags
    assert "&lt;script&gt;" in worded.html
    for part in (worded.subject, worded.text, worded.html):
        assert not set(part) & set("\x00\x1e\r\u202e")
    assert worded.subject.isprintable()
    assert "49" not in worded.subject
    assert len(worded.text.splitlines()) < 120


def test_hostile_facts_come_out_harmless_in_tasks() -> None:
    for kind in TaskKind:
        worded = WRITER.task(
            script(
                line(7, order_id=HOSTILE, common_name=HOSTILE, product_name=HOSTILE, currency=HOSTILE),
                kind=kind,
                account_name=HOSTILE,
                contact_name=HOSTILE,
                contact_email=HOSTILE,
                contact_phone=HOSTILE,
                note=HOSTILE,
                brand=replace(BRAND, company=HOSTILE, console_name=HOSTILE),
            )
        )
        assert worded.subject.isprintable()
        assert not set(worded.body) & set("\x00\x1e\r\u202e")
        assert not re.search(r"^Bcc:", worded.body, re.MULTILINE)


@given(name=st.text(max_size=400), account=st.text(max_size=400), person=st.text(max_size=400))
def test_no_text_breaks_a_mail(name: str, account: str, person: str) -> None:
    worded = mail(line(7, common_name=name), account_name=account, person_name=person)
    assert worded.subject.isprintable()
    assert len(worded.subject) <= 180
    assert _Page.read(worded.html).links[0] == "https://go.partner.example/r/abc.def"


def test_very_long_names_are_bounded() -> None:
    endless = "a" * 10_000 + ".example.com"
    worded = mail(line(7, common_name=endless), account_name="b" * 10_000)
    assert len(worded.subject) <= 180
    assert ".example.com ends in 7 days" in worded.subject
    assert len(worded.text) < 4000
    digest = mail(line(7, common_name=endless), line(9), account_name="b" * 10_000)
    assert digest.subject.endswith("the first in 7 days")


def test_internationalised_names_are_shown_both_ways() -> None:
    worded = mail(line(7, common_name="xn--bcher-kva.example"))
    assert "bücher.example ends in 7 days" in worded.subject
    for part in both(worded):
        assert "bücher.example (xn--bcher-kva.example)" in part


def test_a_call_script_has_what_the_rep_needs() -> None:
    worded = WRITER.task(script(line(7), mailed_on=date(2026, 11, 30), note="Prefers mornings."))
    assert worded.subject == "Call ACME GmbH: certificate for www.acme.example ends in 7 days"
    for fact in (
        "Contact: Anna Muster (ACME GmbH)",
        "Phone: +49 30 123456",
        "E-mail: anna@acme.example",
        "Due on 2 December 2026. A mail went out on 30 November 2026.",
        "1. www.acme.example: the certificate ends in 7 days, on 8 December 2026, 23:59 UTC",
        "Order ID 11223344, Secure Site OV, worth EUR 399.00",
        "Issue date 15 June 2026, validity 365 days, days left 7",
        '"Good day, this is ... of Partner Ltd.',
        "Has the renewal been placed already",
        "Who decides on it",
        "personal information",
        "payment information",
        "promise nothing",
        "https://go.partner.example/r/abc.def",
        "Prefers mornings.",
        "renewed (only where the order has been placed)",
    ):
        assert fact in worded.body
    assert "ASK FIRST" not in worded.body


@pytest.mark.parametrize(
    ("kind", "clock", "expected"),
    [
        (TaskKind.CALL, Clock.RENEWAL, "Call ACME GmbH: 3 certificates, first ends in 7 days"),
        (TaskKind.SUPPORT, Clock.REISSUE, "Help ACME GmbH: replace 3 certificates, first ends in 7 days"),
        (TaskKind.SUPPORT, Clock.INSTALL, "Help ACME GmbH: install 3 certificates, first ends in 7 days"),
        (
            TaskKind.CHECK,
            Clock.RENEWAL,
            "Check ACME GmbH: has the automatic renewal happened? 3 certificate orders, first ends in 7 days",
        ),
        (
            TaskKind.CONTACT,
            Clock.RENEWAL,
            "Find a contact at ACME GmbH: 3 certificates, first ends in 7 days",
        ),
    ],
)
def test_the_subject_of_a_task_about_several_orders(kind: TaskKind, clock: Clock, expected: str) -> None:
    make = line if clock is Clock.RENEWAL else inner
    assert WRITER.task(script(make(7), make(9), make(20), kind=kind, clock=clock)).subject == expected


def test_the_subject_of_a_task_about_ended_orders() -> None:
    assert WRITER.task(script(line(-1))).subject == (
        "Call ACME GmbH: certificate for www.acme.example has expired (yesterday)"
    )
    assert WRITER.task(script(line(-1), line(4))).subject == "Call ACME GmbH: 2 certificates, 1 has expired"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (TaskKind.SUPPORT, "Was the new certificate installed"),
        (TaskKind.CHECK, "show a renewal of each order above?"),
        (TaskKind.CONTACT, "Who renews the certificates, who installs them, who pays?"),
    ],
)
def test_each_kind_of_task_asks_its_own_questions(kind: TaskKind, expected: str) -> None:
    assert expected in WRITER.task(script(line(7), kind=kind)).body


def test_a_service_call_sells_nothing() -> None:
    for kind in (TaskKind.CALL, TaskKind.SUPPORT):
        body = WRITER.task(script(inner(7), kind=kind, clock=Clock.REISSUE)).body
        assert "sell nothing" in body
        assert "recommend" not in body
        assert "replacing the certificate is free, already paid" in body


def test_a_task_without_a_contact_or_link_says_so() -> None:
    bare = script(line(7), contact_name="", contact_email="", contact_phone="", action_url="")
    body = WRITER.task(bare).body
    assert body.startswith("Customer: ACME GmbH; no contact is known.\n")
    assert "LINK" not in body


@pytest.mark.parametrize("certainty", Certainty)
def test_a_likely_renewal_is_asked_about_first(certainty: Certainty) -> None:
    assert "\nASK FIRST\n" in WRITER.task(script(line(7), certainty=certainty)).body


def test_a_task_of_very_many_long_orders_stays_within_what_crms_hold() -> None:
    many = [line(7, common_name="a" * 300 + ".example.com", product_name="p" * 300) for _ in range(500)]
    body = WRITER.task(script(*many)).body
    assert "... and 460 others." in body
    assert len(body) < 32_000


def test_a_broken_frame_of_a_task_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "en"
    folder.mkdir()
    (folder / "task_call.j2").write_text("no body", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"task_call\.j2: has no body"):
        JinjaWriter(folder.parent).task(script())
