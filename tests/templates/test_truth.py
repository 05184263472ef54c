"""What no message may say, whatever the facts."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.messages import Letter, OrderLine, Script
from core.words import Block, Certainty, Clock, Nature, TaskKind, Urgency
from templates.catalogues import read_catalogue
from templates.language import language
from templates.parts import parts
from templates.samples import with_all_parts
from templates.writer import JinjaWriter
from tests.templates.build import NOW, flat, letter, line, script, seen

WRITER = JinjaWriter()
ENGLISH = language(read_catalogue("en"))
PROMISES = re.compile(
    r"(?i)no days? (?:is |are )?lost|you won't lose|losing|discount|save |saving|\d ?%|special offer|\boffer|deal|396|"
    r"full validity|added to (?:the|your) (?:new )?certificate|guarante|bonus|"
    r"None|Undefined|\{\{|\{%|-\d+ days|\b1 days|  "
)


@st.composite
def order_lines(draw: st.DrawFn) -> OrderLine:
    days_left = draw(st.sampled_from([-9, -1, 0, 1, 2, 7, 29, 30, 31, 45, 90]))
    ends_on = NOW.date() + timedelta(days=days_left)
    return line(
        days_left,
        ends_at=datetime.combine(ends_on, time(23, 59, 59), UTC),
        ended=days_left < 0 or (days_left == 0 and draw(st.booleans())),
        inferred=draw(st.booleans()),
        certificate_expires_on=draw(
            st.sampled_from([None, ends_on, ends_on - timedelta(days=20), ends_on + timedelta(days=9)])
        ),
        order_expires_on=draw(st.sampled_from([None, ends_on, ends_on + timedelta(days=100)])),
        issued_on=draw(st.sampled_from([None, date(2026, 6, 1)])),
        validity_days=draw(st.sampled_from([None, 1, 199, 365])),
        urgency=draw(st.sampled_from(Urgency)),
        auto_renew=draw(st.booleans()),
    )


@st.composite
def letters(draw: st.DrawFn) -> Letter:
    carried_over = draw(st.booleans())
    lines = draw(st.lists(order_lines(), min_size=1, max_size=4))
    return letter(
        *lines,
        clock=draw(st.sampled_from(Clock)),
        urgency=draw(st.sampled_from(Urgency)),
        nature=draw(st.sampled_from(Nature)),
        person_name=draw(st.sampled_from(["", "Anna Muster"])),
        reply_to_name=draw(st.sampled_from(["", "Robin Rep"])),
        reply_to_phone=draw(st.sampled_from(["", "+44 20 7946 0000"])),
        unsubscribe_url=draw(st.sampled_from(["", "https://go.partner.example/u/abc.def"])),
        auto_renew_notice=draw(st.booleans()),
        early_window_opens_on=draw(st.sampled_from([None, date(2026, 11, 1), date(2026, 12, 24)])),
        carried_over=carried_over,
        paid_days_lost=0 if carried_over else max(lines[0].days_left, 0),
    )


def said(given_letter: Letter) -> tuple[str, str, str]:
    worded = WRITER.mail(given_letter)
    return worded.subject, flat(worded.text), seen(worded.html)


def all_renew_by_themselves(given_letter: Letter) -> bool:
    lines = given_letter.lines
    return given_letter.clock is Clock.RENEWAL and (
        all(one.auto_renew for one in lines) or (given_letter.auto_renew_notice and len(lines) == 1)
    )


@given(letters())
def test_no_mail_promises_or_stumbles(given_letter: Letter) -> None:
    subject, *parts = said(given_letter)
    for part in (subject, *parts):
        assert not PROMISES.search(part), part


@given(letters())
def test_nothing_has_expired_before_it_has(given_letter: Letter) -> None:
    if not any(one.ended for one in given_letter.lines):
        for part in said(given_letter):
            told = re.sub(r"[Oo]nce (?:a certificate|the order) has (?:expired|ended)", "", part)
            assert not re.search(r"(?:has|have) (?:expired|ended)|[Ee]xpired on|expired:|ago\b|Act now", told), told


@given(letters())
def test_what_has_ended_is_not_said_to_end_and_the_other_way_round(given_letter: Letter) -> None:
    if len(given_letter.lines) == 1 and given_letter.clock is Clock.RENEWAL and not given_letter.lines[0].auto_renew:
        one = given_letter.lines[0]
        subject, text, _ = said(given_letter)
        if one.ended:
            assert subject.startswith("Act now") or given_letter.auto_renew_notice
            assert not re.search(r"(?:ends|expires) (?:today|on)", text)
        elif not given_letter.auto_renew_notice:
            assert "Act now" not in subject
            assert ("today" in subject) is (one.days_left <= 0)
            assert one.days_left <= 1 or f"{one.days_left} days" in subject


@given(letters())
def test_carrying_over_is_said_only_in_its_block(given_letter: Letter) -> None:
    for part in said(given_letter):
        assert not re.search(r"carried over|added to your new order", part)


@given(letters())
def test_renewing_is_not_urged_while_it_would_give_days_away(given_letter: Letter) -> None:
    active = [one for one in given_letter.lines if not one.auto_renew] or list(given_letter.lines)
    far = given_letter.clock is Clock.RENEWAL and all(one.days_left > 30 and not one.ended for one in active)
    if far and not given_letter.carried_over and not all_renew_by_themselves(given_letter):
        subject, *parts = said(given_letter)
        assert not re.search(r"(?i)renew (?:now|soon|today|at once|early)|without delay", subject)
        for part in parts:
            assert re.search(r"no need to place the renewals? today", part)
            assert not re.search(r"(?i)renew (?:now|soon|today|at once|early)|without delay|please renew", part)


@given(letters())
def test_only_paid_replacements_are_called_paid(given_letter: Letter) -> None:
    today = NOW.date()
    for part in said(given_letter)[1:]:
        if given_letter.clock is Clock.RENEWAL:
            assert "free" not in part
        if "is free" in part or "are free" in part:
            assert all(one.order_expires_on and one.order_expires_on >= today for one in given_letter.lines)
        if given_letter.clock is not Clock.RENEWAL:
            assert not re.search(r"(?i)\bquote|compare products|renew now|give up", part)


@given(letters())
def test_nothing_to_do_is_said_only_of_automatic_renewals_that_can_still_come(given_letter: Letter) -> None:
    running = all(not one.ended and one.days_left > 0 for one in given_letter.lines)
    expected = all_renew_by_themselves(given_letter) and running
    for part in said(given_letter)[1:]:
        assert ("Nothing to do now" in part) is expected


@given(letters())
def test_worked_out_dates_are_marked_and_explained(given_letter: Letter) -> None:
    _, text, page = said(given_letter)
    if given_letter.clock is Clock.RENEWAL:
        for one in given_letter.lines:
            if one.inferred and one.order_expires_on in (None, one.ends_on):
                shown = f"{one.ends_on.day} {one.ends_on:%B %Y}, 23:59 UTC [calculated]"
                assert shown in text
                assert shown in page
    explained = "the console of the certificate authority shows the exact date" in text
    assert explained is any(one.inferred for one in given_letter.lines)


@given(letters())
def test_a_service_mail_states_facts_only(given_letter: Letter) -> None:
    if given_letter.nature is Nature.SERVICE:
        for part in said(given_letter):
            assert "Would you like" not in part


@given(letters(), st.sampled_from(TaskKind), st.sampled_from([None, *Certainty]))
def test_no_task_promises_or_stumbles(given_letter: Letter, kind: TaskKind, certainty: Certainty | None) -> None:
    given_script: Script = script(*given_letter.lines, kind=kind, clock=given_letter.clock, certainty=certainty)
    worded = WRITER.task(given_script)
    words = (
        re.sub(r"\n +", "\n", worded.body)
        .replace("promise no discount", "nothing")
        .replace("Offer: none", "nothing")
        .replace("Last contact: none", "nothing")
    )
    assert not PROMISES.search(worded.subject), worded.subject
    assert not PROMISES.search(words), worded.body
    assert "\n\n\n" not in worded.body
    for before in re.findall(r"\n(.*)\n[A-Z]{3}[A-Z ]+\n", worded.body):
        assert before in ("", "-" * 40)
    if not any(one.ended for one in given_letter.lines):
        assert not re.search(r"(?:has|have) (?:expired|run out)|Ended", worded.subject + words)


@given(letters())
def test_a_service_mail_sells_nothing_though_it_is_told_to(given_letter: Letter) -> None:
    full = with_all_parts(given_letter)
    selling = Block.OFFER, Block.BENEFITS, Block.SEAL, Block.AUTOMATION, Block.UPSELL
    shown = parts(full, ENGLISH).shown
    sells = given_letter.nature is Nature.COMMERCIAL and given_letter.clock is Clock.RENEWAL
    if not sells or all_renew_by_themselves(given_letter):
        assert not {block.value for block in selling} & set(shown)
        for part in said(full):
            assert not re.search(r"Save 20|EARLY20|Trust seal|Upgrade|more than encryption|automate future", part)


@given(letters())
def test_no_day_is_promised_where_the_policy_does_not_carry_it_over(given_letter: Letter) -> None:
    full = replace(with_all_parts(given_letter), carried_over=False)
    for part in said(full):
        assert not re.search(r"won't lose|added to your new order", part)
