"""What mails say: every kind, its facts, its urgency, both parts alike."""

import re
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.languages import LANGUAGES
from core.messages import ConsoleEnd, Letter, Occasion, OrderLine, Picture, Renewed, Step
from core.wording import WordedMail, Writer
from core.words import Block, Clock, LetterKind, Nature, Urgency
from templates.samples import of_kind
from templates.writer import JinjaWriter
from tests.templates.build import BRAND, flat, inner, letter, line, seen
from tests.templates.page import Page

WRITER = JinjaWriter()
RISING = [
    (Urgency.NOTICE, 60),
    (Urgency.REMINDER, 30),
    (Urgency.WARNING, 7),
    (Urgency.CRITICAL, 3),
    (Urgency.EXPIRED, -1),
]
STEPS = (Step("Log in and open the order."), Step("Choose Renew."), Step("Install it ahead of the end."))


def mail(*lines: OrderLine, **changes: object) -> WordedMail:
    return WRITER.mail(letter(*lines, **changes))


def both(mail: WordedMail) -> tuple[str, str]:
    return flat(mail.text), seen(mail.html)


def of_every_kind() -> list[Letter]:
    seoul = line(1).ends_at.astimezone(ZoneInfo("Asia/Seoul"))
    early = line(20, certificate_expires_on=date(2026, 12, 9), order_id="900", common_name="xn--bcher-kva.example")
    made = [
        letter(line(60), urgency=Urgency.NOTICE, nature=Nature.COMMERCIAL, paid_days_lost=60),
        letter(line(1, ends_at=seoul)),
        letter(early),
        letter(line(-3), line(1, order_id="777", inferred=True), early, nature=Nature.COMMERCIAL),
        letter(inner(9), inner(12, order_id="777", inferred=True), clock=Clock.REISSUE),
        letter(inner(3), inner(-2, order_id="777"), clock=Clock.INSTALL),
        letter(line(45, auto_renew=True), line(50, auto_renew=True, order_id="777")),
        letter(line(7), unsubscribe_url="", reply_to_name="", reply_to_phone="", person_name=""),
    ]
    return made + [of_kind(kind, "en", full=full) for kind in LetterKind for full in (True, False)]


def test_it_is_a_writer() -> None:
    writer: Writer = WRITER
    assert writer.mail(letter()).subject
    assert WRITER.languages == LANGUAGES


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
            "7 days until expiration",
            "Don't let your security lapse. Renew today.",
            "Dear Anna Muster,",
            "of ACME GmbH",
            "How to renew",
            "If you have already renewed, please disregard this message.",
            "Robin Rep Partner Ltd Reply to this message or call +44 20 7946 0000.",
            "Support help@partner.example",
            "Partner Ltd 1 Main Street, Town",
            "You receive this message because",
            "Unsubscribe from these messages",
        ):
            assert fact in part, fact


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", LetterKind)
def test_no_message_goes_without_its_facts(kind: LetterKind, language: str) -> None:
    for count in (1, 3):
        given_letter = of_kind(kind, language, count=count, full=True)
        worded = WRITER.mail(given_letter)
        assert worded.subject
        assert worded.preheader
        assert worded.preheader != worded.subject
        for part in both(worded):
            for one in given_letter.lines:
                assert one.order_id in part
                assert one.product_name in part
                assert one.common_name in part
                for day in (one.ends_on, one.issued_on):
                    assert day is None or (str(day.year) in part and str(day.day) in part)
                assert str(one.validity_days) in part
                assert one.ended or str(one.days_left) in part
        assert given_letter.action_url in worded.text
        assert given_letter.unsubscribe_url in worded.text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", LetterKind)
def test_both_parts_say_the_same(kind: LetterKind, language: str) -> None:
    for full in (True, False):
        assert_same(WRITER.mail(of_kind(kind, language, count=3, full=full)))


@pytest.mark.parametrize("given_letter", of_every_kind())
def test_both_parts_say_the_same_whatever_the_facts(given_letter: Letter) -> None:
    assert_same(WRITER.mail(given_letter))


def assert_same(worded: WordedMail) -> None:
    text, page = both(worded)
    links = Page.read(worded.html).links
    assert sorted(re.findall(r"(?:https?://|mailto:)\S+", text)) == sorted(links)
    bare = re.sub(r"(?:https?://|mailto:)\S+", " ", text)
    shown = re.sub(r"(?:https?://|mailto:)\S+", " ", page)
    assert set(re.findall(r"\w{2,}", bare)) == set(re.findall(r"\w{2,}", shown))


@pytest.mark.parametrize("given_letter", of_every_kind())
def test_there_is_one_call_to_action_and_numbered_steps(given_letter: Letter) -> None:
    worded = WRITER.mail(given_letter)
    assert Page.read(worded.html).links.count(given_letter.action_url) == 1
    assert worded.text.count(given_letter.action_url) == 1
    assert [worded.text.count(f"\n{number}. ") for number in (1, 2, 3, 4)] == [1, 1, 1, 0]


@pytest.mark.parametrize("given_letter", of_every_kind())
def test_the_text_part_is_text(given_letter: Letter) -> None:
    text = WRITER.mail(given_letter).text
    assert not re.search(r"&\w+;|&#|<[a-z/]", text)
    assert all(len(row) <= 76 or "://" in row or "mailto:" in row for row in text.splitlines())
    assert "\n\n\n" not in text
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("clock", Clock)
@pytest.mark.parametrize("several", [False, True])
def test_subject_preheader_headline_and_colour_rise_with_urgency(clock: Clock, several: bool, language: str) -> None:
    subjects, heads, colours, kickers, leads, preheaders = [], [], [], [], [], []
    for urgency, days in RISING:
        make = line if clock is Clock.RENEWAL else inner
        # The certificate alone is told of, so that no promise of a free replacement stands in place of the urgency.
        lines = [make(days + 2 * more, urgency=urgency, order_expires_on=None) for more in range(2 if several else 1)]
        if clock is Clock.RENEWAL:
            lines = [replace(one, order_expires_on=one.ends_on) for one in lines]
        worded = mail(*lines, clock=clock, urgency=urgency, carried_over=True, language=language)
        subjects.append(re.sub(r"\d+", "", worded.subject))
        rows = worded.text.splitlines()
        kickers.append(rows[0])
        heads.append(rows[1])
        leads.append(rows[2])
        preheaders.append(re.sub(r"\d+", "", worded.preheader))
        found = re.search(r'class="hero" style="background:(#\w{6})', worded.html)
        assert found
        colours.append(found[1])
    assert len(set(heads)) == len(set(kickers)) == len(set(colours)) == 5
    assert len(set(leads)) >= 4
    # Installing has three steps by default (reminder, critical, critical), and no more words when it is about several.
    assert len(set(subjects)) >= (3 if clock is Clock.INSTALL and several else 5)
    assert len(set(preheaders)) >= (2 if clock is Clock.INSTALL else 5)


def test_the_five_steps_are_named() -> None:
    said = [mail(line(days, urgency=urgency), urgency=urgency).text.splitlines()[0] for urgency, days in RISING]
    assert said == ["For your planning", "Reminder", "Action needed", "Urgent", "Expired: act now"]


@pytest.mark.parametrize(
    ("days_left", "urgency", "expected"),
    [
        (60, Urgency.NOTICE, "Plan ahead: 60 days left to renew the certificate for www.acme.example"),
        (30, Urgency.NOTICE, "Renew early: 30 days left for the certificate for www.acme.example"),
        (20, Urgency.REMINDER, "Reminder: 20 days left to renew the certificate for www.acme.example"),
        (7, Urgency.WARNING, "Action needed: only 7 days left to renew the certificate for www.acme.example"),
        (3, Urgency.CRITICAL, "Urgent: renew the certificate for www.acme.example now, 3 days left"),
        (1, Urgency.WARNING, "Urgent: the certificate for www.acme.example must be renewed by tomorrow"),
        (0, Urgency.CRITICAL, "Urgent: renew the certificate for www.acme.example today, it is the last day"),
        (-1, Urgency.EXPIRED, "Act now: the certificate for www.acme.example expired 1 day ago"),
        (-7, Urgency.EXPIRED, "Act now: the certificate for www.acme.example expired 7 days ago"),
    ],
)
def test_the_subject_of_a_single_mail(days_left: int, urgency: Urgency, expected: str) -> None:
    assert mail(line(days_left, urgency=urgency), urgency=urgency).subject == expected


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ((7, 20, 45), "Action needed: 3 certificates of ACME GmbH to renew, the first by 8 December 2026"),
        ((0, 4), "Urgent: 2 certificates of ACME GmbH to renew, the first today"),
        ((1, 9), "Urgent: 2 certificates of ACME GmbH to renew now, the first by 2 December 2026"),
        ((-1, 5), "Act now: 1 certificate of ACME GmbH has run out and must be renewed"),
        ((-1, -2, 5), "Act now: 2 certificates of ACME GmbH have run out and must be renewed"),
        ((60, 70), "Plan ahead: 2 certificates of ACME GmbH to renew, the first by 30 January 2027"),
    ],
)
def test_the_subject_of_a_digest(days: tuple[int, ...], expected: str) -> None:
    assert mail(*map(line, days)).subject == expected


def test_a_digest_leaves_out_what_renews_by_itself_and_lists_it() -> None:
    worded = mail(line(7), line(9), line(2, auto_renew=True, order_id="777"))
    assert worded.subject == "Action needed: 2 certificates of ACME GmbH to renew, the first by 8 December 2026"
    for part in both(worded):
        assert "Orders marked “renews by itself” have automatic renewal switched on" in part
        assert "777" in part


def test_a_reissue_is_free_and_names_the_day() -> None:
    worded = mail(inner(7), clock=Clock.REISSUE)
    assert worded.preheader == "Free, already paid: your order 11223344 runs until 17 May 2027."
    for part in both(worded):
        assert "Your order runs on until 17 May 2027, so the replacement (a reissue) is free and already paid" in part
        assert "Please replace the certificate by 8 December 2026" in part
        assert "no new order is needed and nothing is charged" in part


def test_a_replacement_that_may_not_be_paid_is_not_called_free() -> None:
    for lines in ([inner(7, order_expires_on=None)], [inner(7), inner(8, order_expires_on=None)]):
        worded = mail(*lines, clock=Clock.REISSUE)
        for part in (worded.subject, worded.preheader, *both(worded)):
            assert not re.search(r"free|paid|charged", part)


def test_an_installation_speaks_of_the_old_and_the_new_certificate() -> None:
    worded = mail(inner(3), clock=Clock.INSTALL)
    assert "install the new certificate for www.acme.example" in worded.subject
    for part in both(worded):
        assert "By our records, a new certificate for www.acme.example has been issued to ACME GmbH." in part
        assert "already installed" in part
    assert worded.entry is not None
    assert worded.entry.summary == "The old certificate for www.acme.example expires"


def test_an_automatic_renewal_leaves_nothing_to_do() -> None:
    worded = mail(
        line(45, auto_renew=True, auto_renews_on=date(2026, 12, 16)), auto_renew_notice=True, urgency=Urgency.NOTICE
    )
    assert worded.subject == (
        "For your information: the certificate for www.acme.example renews by itself on 16 December 2026"
    )
    for part in both(worded):
        assert "Renews by itself on 16 December 2026" in part
        assert "Nothing to do now." in part
        assert "Renew now" not in part


@pytest.mark.parametrize("days_left", [0, -1])
def test_an_automatic_renewal_that_has_not_come_is_to_be_checked(days_left: int) -> None:
    for lines in (
        [line(days_left, auto_renew=True)],
        [line(days_left, auto_renew=True), line(9, auto_renew=True)],
    ):
        worded = mail(*lines)
        assert "check the automatic renewal" in worded.subject
        for part in both(worded):
            assert "Nothing to do" not in part
            assert "we have not yet seen that it has taken place" in part


def test_a_win_back_asks_and_does_not_urge() -> None:
    worded = WRITER.mail(of_kind(LetterKind.WIN_BACK, "en"))
    assert worded.subject == "May we protect www.example.com again?"
    assert worded.entry is None
    for part in both(worded):
        assert "it was not renewed with us" in part
        assert not re.search(r"Urgent|Act now|without delay", part)


def test_a_thank_you_tells_what_remains() -> None:
    worded = mail(
        line(20),
        occasion=Occasion.THANK_YOU,
        renewed=Renewed(date(2026, 11, 30), "998877", date(2028, 1, 1), date(2026, 12, 21)),
    )
    assert worded.subject == "Thank you: the certificate for www.acme.example has been renewed"
    assert worded.entry is None
    for part in both(worded):
        assert "was renewed on 30 November 2026. The new order is 998877." in part
        assert "The new order runs until 1 January 2028." in part
        assert "The old certificate is valid until 21 December 2026." in part
    bare = mail(line(20), occasion=Occasion.THANK_YOU, renewed=Renewed(date(2026, 11, 30)))
    for part in both(bare):
        assert "Please install the new certificate wherever the old one is in use." in part


def test_days_that_would_be_given_away_are_told_exactly() -> None:
    for part in both(
        mail(line(60), urgency=Urgency.NOTICE, paid_days_lost=60, early_window_opens_on=date(2026, 11, 1))
    ):
        assert "Now is the time to plan the renewal." in part
        assert "ask us for a quote" in part
        assert "organisation's data" in part
        assert "a renewal today would give up 60 days already paid for" in part
        assert "Early renewal has been possible since 1 November 2026." in part
        assert "Plan the renewal" in part
        assert "Renew now" not in part


def test_an_order_whose_certificate_ends_first_says_so() -> None:
    for part in both(mail(line(20, certificate_expires_on=date(2026, 12, 9)))):
        assert "has an earlier expiry date of its own: 9 December 2026." in part
        assert "already paid" in part
        assert "Order expiry date" in part


def test_only_commercial_mails_invite() -> None:
    invitation = "Would you like to compare products or terms first?"
    for lines in ([line(7)], [line(7), line(9)]):
        assert invitation in flat(mail(*lines, nature=Nature.COMMERCIAL).text)
        assert invitation not in flat(mail(*lines, nature=Nature.SERVICE).text)
    assert invitation not in flat(mail(inner(7), clock=Clock.REISSUE, nature=Nature.COMMERCIAL).text)


@pytest.mark.parametrize("clock", Clock)
@pytest.mark.parametrize("count", [1, 2])
def test_the_steps_are_those_of_the_console_or_ours(clock: Clock, count: int) -> None:
    lines = [line(7)] * count
    for part in both(mail(*lines, clock=clock, steps=STEPS)):
        assert re.search(r"Log in and open the order\. (?:2\.? )?Choose Renew\. (?:3\.? )?Install it ahead", flat(part))
    bare = replace(BRAND, console_name="", postal_address="", support="")
    worded = mail(*lines, clock=clock, brand=bare)
    assert "\n1. Open the link above." in worded.text
    assert "sign in to" not in worded.text


def test_a_step_shows_its_screenshot_with_words_for_it() -> None:
    shown = Step("Choose Renew.", Picture("https://pictures.partner.example/renew.png", "The button Renew Now"))
    page = Page.read(mail(line(7), steps=(STEPS[0], shown)).html)
    assert [(image["src"], image["alt"]) for image in page.images] == [
        ("https://pictures.partner.example/renew.png", "The button Renew Now")
    ]


def test_the_brand_shows_its_logo_colours_footer_and_links() -> None:
    given_letter = of_kind(LetterKind.SINGLE, "en", Urgency.NOTICE)
    logo = Picture("https://www.partner.example/logo.png", "Partner")
    brand = replace(given_letter.brand, logo=logo, colours=replace(BRAND.colours, accent="#004d40"))
    worded = WRITER.mail(replace(given_letter, brand=brand))
    page = Page.read(worded.html)
    assert page.images[0]["alt"] == "Partner"
    assert "#004d40" in worded.html
    for part in both(worded):
        assert "registered in Exampletown, no. 123456" in part
    assert "https://www.certificates.example/" in page.links


def test_the_console_that_closes_is_told_with_its_day_and_the_next_one() -> None:
    end = ConsoleEnd("Old Console", date(2027, 6, 30), "New Console", "https://new.partner.example/")
    for part in both(mail(line(7), blocks=frozenset({Block.CONSOLE_END}), console_end=end)):
        assert "Old Console closes on 30 June 2027" in part
        assert "Afterwards New Console takes its place." in part
    last = mail(line(7), blocks=frozenset({Block.CONSOLE_END}), console_end=ConsoleEnd("Old", date(2027, 6, 30)))
    assert "Afterwards" not in last.text


def test_without_a_way_to_unsubscribe_a_reply_will_do() -> None:
    worded = mail(line(7), unsubscribe_url="", unsubscribe_mailto="")
    for part in both(worded):
        assert "If you no longer wish to receive these messages, reply and tell us so." in part
    assert Page.read(worded.html).links == ["https://go.partner.example/r/abc.def"]


def test_the_calendar_entry_names_the_certificate_and_its_order() -> None:
    entry = mail(line(7)).entry
    assert entry is not None
    assert entry.summary == "The certificate for www.acme.example expires"
    assert entry.description.startswith("Order 11223344, Secure Site OV, of ACME GmbH. It ends on 8 December 2026")
    assert mail(line(-1)).entry is None


def test_the_preheader_stands_hidden_at_the_head() -> None:
    worded = mail(line(7))
    assert worded.preheader == "Order 11223344 ends on 8 December 2026. Leave time for validation and installation."
    assert re.search(r"<body[^>]*><div\sstyle=\"display:none;[^>]*>" + re.escape(worded.preheader), worded.html)


@given(name=st.text(max_size=400), account=st.text(max_size=400), person=st.text(max_size=400))
def test_no_text_breaks_a_mail(name: str, account: str, person: str) -> None:
    worded = mail(line(7, common_name=name), account_name=account, person_name=person)
    assert worded.subject.isprintable()
    assert len(worded.subject) <= 180
    assert Page.read(worded.html).links[0] == "https://go.partner.example/r/abc.def"


HOSTILE = (
    "<script>alert('x')</script>\r\nBcc: a@b.example \u202egnp.exe & \"q\" {{ 7*7 }} {% raw %} 🎉\x00\x1esubject\n"
)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", LetterKind)
def test_hostile_facts_come_out_harmless(kind: LetterKind, language: str) -> None:
    usual = of_kind(kind, language, count=2, full=True)
    evil = {"order_id": HOSTILE, "common_name": HOSTILE, "product_name": HOSTILE, "currency": HOSTILE}
    first, *more = usual.lines
    brand = replace(
        usual.brand,
        company=HOSTILE,
        console_name=HOSTILE,
        postal_address=HOSTILE,
        support=HOSTILE,
        legal_footer=HOSTILE,
    )
    hostile = replace(
        usual,
        lines=(replace(first, **evil), *more),  # type: ignore[arg-type]
        account_name=HOSTILE,
        person_name=HOSTILE,
        reply_to_name=HOSTILE,
        reply_to_phone=HOSTILE,
        brand=brand,
        steps=tuple(Step(HOSTILE) for _ in usual.steps),
    )
    worded = WRITER.mail(hostile)
    assert Page.read(worded.html).tags == Page.read(WRITER.mail(usual).html).tags
    assert "&lt;script&gt;" in worded.html
    for part in (worded.subject, worded.preheader, worded.text, worded.html):
        assert not set(part) & set("\x00\x1e\x1f\r\u202e")
    assert worded.subject.isprintable()
    assert "49" not in worded.subject
    if worded.entry is not None:
        assert worded.entry.summary.isprintable()
        assert worded.entry.description.isprintable()


def test_right_to_left_text_turns_nothing_around_it() -> None:
    worded = mail(line(7, common_name="דוגמה.example"), account_name="شركة", person_name="דנה")
    assert "\u2068شركة\u2069" in worded.html
    assert "\u2068דנה\u2069," in worded.text
    assert "שרכ" not in worded.subject
    assert worded.subject.isprintable()


def test_very_long_names_are_bounded() -> None:
    endless = "a" * 10_000 + ".example.com"
    worded = mail(line(7, common_name=endless), account_name="b" * 10_000)
    assert len(worded.subject) <= 180
    assert worded.subject.endswith(".example.com")
    assert len(worded.text) < 4000
    long = "a" * 286 + ".example.com"
    assert "…" + "a" * (252 - 12) + ".example.com" in mail(line(7, common_name=long)).html


def test_internationalised_names_are_shown_both_ways() -> None:
    worded = mail(line(7, common_name="xn--bcher-kva.example"))
    assert worded.subject.endswith("bücher.example")
    for part in both(worded):
        assert "bücher.example (xn--bcher-kva.example)" in part


@pytest.mark.parametrize("language", ["de", "pt-BR", "zh-TW", "", "x" * 500])
def test_an_unknown_language_falls_back_to_english(language: str) -> None:
    assert mail(line(7), language=language) == mail(line(7), language="en")


@pytest.mark.parametrize(("code", "same"), [("zh_CN", "zh-Hans"), ("es-MX", "es"), ("fr_CA", "fr"), ("ko-KR", "ko")])
def test_a_language_is_found_by_its_codes(code: str, same: str) -> None:
    assert mail(line(7), language=code) == mail(line(7), language=same)
    assert f'lang="{same}"' in mail(line(7), language=code).html
