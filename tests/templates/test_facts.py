from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.errors import ConfigurationError
from core.messages import Occasion, OrderLine, Step
from core.words import Clock, Nature, TaskKind, Urgency
from templates.catalogues import read_catalogue
from templates.facts import COUNTED_FROM, LISTED, LetterView, TaskFacts, letter_view, task_facts
from templates.language import language
from templates.orders import DigestView, OrderView
from tests.templates.build import NOW, inner, letter, line, script

ENGLISH = language(read_catalogue("en"))


def order(shown: OrderLine, clock: Clock = Clock.RENEWAL) -> OrderView:
    return letter_view(letter(shown, clock=clock), ENGLISH)[1][0]


def view(*lines: OrderLine, **changes: object) -> LetterView:
    return letter_view(letter(*lines, **changes), ENGLISH)[0]


def digest(*lines: OrderLine, **changes: object) -> DigestView:
    return letter_view(letter(*lines, **changes), ENGLISH)[2]


def task(*lines: OrderLine, **changes: object) -> TaskFacts:
    return task_facts(script(*lines, **changes), ENGLISH, 40)


@pytest.mark.parametrize(
    ("days_left", "ended", "state", "days"),
    [
        (60, False, "ahead", 60),
        (2, False, "ahead", 2),
        (1, False, "tomorrow", 1),
        (0, False, "today", 0),
        (0, True, "ended", 0),
        (-1, True, "ended", 1),
        (-7, True, "ended", 7),
        (-1, False, "today", 0),
        (3, True, "ended", 0),
    ],
)
def test_the_state_follows_the_instant_and_the_readers_days(days_left: int, ended: bool, state: str, days: int) -> None:
    found = order(replace(line(0), days_left=days_left, ended=ended))
    assert (found.state, found.days) == (state, days)


@pytest.mark.parametrize(
    ("urgency", "days_left", "tone"),
    [
        (Urgency.NOTICE, 60, "notice"),
        (Urgency.REMINDER, 30, "reminder"),
        (Urgency.WARNING, 7, "warning"),
        (Urgency.CRITICAL, 3, "critical"),
        (Urgency.EXPIRED, -1, "expired"),
        (Urgency.NOTICE, 0, "critical"),
        (Urgency.REMINDER, 1, "critical"),
        (Urgency.EXPIRED, 2, "critical"),
        (Urgency.NOTICE, -3, "expired"),
    ],
)
def test_the_tone_is_the_urgency_held_to_the_truth(urgency: Urgency, days_left: int, tone: str) -> None:
    assert view(line(days_left, urgency=urgency), urgency=urgency).tone == tone


def test_the_loudest_order_sets_the_tone_but_not_one_that_renews_by_itself() -> None:
    calm = line(20, urgency=Urgency.REMINDER)
    assert view(calm, line(0, urgency=Urgency.CRITICAL), urgency=Urgency.REMINDER).tone == "critical"
    renewing = line(0, urgency=Urgency.CRITICAL, auto_renew=True)
    assert view(calm, renewing, urgency=Urgency.REMINDER).tone == "reminder"


def test_only_an_orders_end_is_marked_as_worked_out() -> None:
    renewal = order(line(7, inferred=True))
    assert renewal.ends == "8 December 2026, 23:59 UTC [calculated]"
    assert renewal.ends_day == renewal.order_end == "8 December 2026 [calculated]"
    reissue = order(inner(7, inferred=True), Clock.REISSUE)
    assert reissue.ends == "8 December 2026, 23:59 UTC"
    assert reissue.order_end == "17 May 2027 [calculated]"
    assert (reissue.end_inferred, reissue.inferred) == (False, True)


def test_a_task_about_renewals_does_not_mark_the_exact_end_of_a_certificate() -> None:
    orders = task(line(7, inferred=True), inner(9, inferred=True)).orders
    assert [shown.end_inferred for shown in orders] == [True, False]


def test_what_ends_is_the_certificate_or_the_order_alone() -> None:
    assert order(line(7)).certificate_ends
    assert order(line(7)).end_label == "Expiry date"
    alone = order(line(7, certificate_expires_on=date(2026, 12, 5)))
    assert not alone.certificate_ends
    assert (alone.end_label, alone.other_label) == ("Order expiry date", "Certificate expiry date")
    assert alone.other_end == "5 December 2026"
    assert not order(line(7, certificate_expires_on=None)).certificate_ends
    reissue = order(inner(7), Clock.REISSUE)
    assert reissue.certificate_ends
    assert (reissue.other_label, reissue.other_end) == ("Order runs until", "17 May 2027")


def test_replacing_first_is_asked_only_while_the_order_runs() -> None:
    earlier = date(2026, 12, 5)
    assert order(line(7, certificate_expires_on=earlier)).replace_first
    assert not order(line(-1, certificate_expires_on=date(2026, 11, 5))).replace_first
    assert not order(line(7)).replace_first
    assert not order(line(7, certificate_expires_on=date(2027, 5, 5))).replace_first


def test_a_replacement_is_paid_only_while_the_order_runs_on() -> None:
    assert order(inner(7), Clock.REISSUE).paid
    assert order(inner(-1), Clock.REISSUE).paid
    assert not order(inner(7, order_expires_on=None), Clock.REISSUE).paid
    assert not order(inner(-9, order_expires_on=date(2026, 11, 30)), Clock.REISSUE).paid


def test_what_is_not_known_is_said() -> None:
    found = order(line(7, issued_on=None, validity_days=None))
    assert (found.issued, found.validity) == ("not known", "not known")


def test_customers_are_not_told_what_an_order_is_worth() -> None:
    assert order(line(7)).value == ""
    assert task(line(7)).order.value == "€399.00"
    assert task(line(7, value_minor=None)).order.value == ""


def test_the_zone_of_the_end_is_the_readers() -> None:
    seoul = ZoneInfo("Asia/Seoul")
    at = line(7).ends_at.astimezone(seoul)
    late = datetime(2026, 12, 1, 20, 0, tzinfo=UTC)
    found = letter_view(letter(line(7, ends_at=at), written_at=late), ENGLISH)
    assert found[1][0].ends == "8 December 2026, 23:59 UTC (9 December 2026, 08:59 your time)"
    assert found[0].written == "2 December 2026"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "single"),
        ({"occasion": Occasion.WIN_BACK}, "win_back"),
        ({"occasion": Occasion.THANK_YOU}, "thank_you"),
        ({"clock": Clock.REISSUE}, "reissue"),
        ({"clock": Clock.INSTALL}, "install"),
        ({"auto_renew_notice": True}, "auto_renew"),
        ({"auto_renew_notice": True, "clock": Clock.REISSUE}, "reissue"),
    ],
)
def test_the_kind_of_a_letter(changes: dict[str, object], kind: str) -> None:
    assert view(line(7), **changes).kind == kind


def test_several_orders_renew_by_themselves_only_if_all_do() -> None:
    auto, by_hand = line(7, auto_renew=True), line(9)
    assert view(auto, auto).kind == "auto_renew"
    assert view(auto, by_hand, auto_renew_notice=True).kind == "digest"


@pytest.mark.parametrize(
    ("days_left", "changes", "plan"),
    [
        (31, {"paid_days_lost": 31}, True),
        (90, {"paid_days_lost": 90}, True),
        (30, {"paid_days_lost": 30}, False),
        (60, {"carried_over": True}, False),
        (60, {"clock": Clock.REISSUE, "paid_days_lost": 60}, False),
        (-1, {}, False),
    ],
)
def test_planning_is_asked_while_renewing_would_give_days_away(
    days_left: int, changes: dict[str, object], plan: bool
) -> None:
    assert view(line(days_left), **changes).plan is plan


def test_one_pressing_order_ends_the_planning() -> None:
    assert view(line(60), line(40), paid_days_lost=60).plan
    assert not view(line(60), line(20), paid_days_lost=60).plan
    assert not view(line(60), line(-1), paid_days_lost=60).plan


def test_a_digest_counts() -> None:
    found = digest(line(-2), line(5), line(40, inferred=True), line(9, auto_renew=True))
    assert (found.count, found.ended, found.open, found.renewing) == (3, 1, 2, 1)
    assert (found.first.days, found.last_ended, found.far) == (5, "29 November 2026", 1)
    assert (found.certificates, found.paid) == (True, False)


def test_a_digest_whose_orders_all_renew_by_themselves_counts_them() -> None:
    found = digest(line(5, auto_renew=True), line(9, auto_renew=True))
    assert (found.count, found.renewing) == (2, 0)


def test_a_digest_of_ended_orders_has_a_first() -> None:
    found = digest(line(-2), line(-5))
    assert (found.open, found.last_ended, found.first.days) == (0, "29 November 2026", 2)


def test_only_a_call_puts_orders_aside_that_renew_by_themselves() -> None:
    lines = (line(5), line(9, auto_renew=True))
    assert task(*lines, kind=TaskKind.CALL).digest.count == 1
    for kind in (TaskKind.CHECK, TaskKind.SUPPORT, TaskKind.CONTACT):
        assert task(*lines, kind=kind).digest.count == 2


def test_a_task_lists_so_many_orders_and_counts_all() -> None:
    few = task_facts(script(*[line(days) for days in range(1, COUNTED_FROM + 1)]), ENGLISH, 5)
    assert (len(few.orders), few.task.orders_left_out, few.digest.count, few.counted) == (5, 7, 12, ())
    many = task(*[line(days) for days in range(-5, 45)])
    assert (len(many.orders), many.task.orders_left_out, many.digest.count) == (LISTED, 40, 50)
    assert many.counted == (
        "already ended: 5",
        "ending within 7 days: 8",
        "ending in 8 to 30 days: 23",
        "ending later: 14",
        "Secure Site OV: 50",
    )


def test_only_a_renewal_letter_is_ever_commercial() -> None:
    assert view(nature=Nature.COMMERCIAL).commercial
    assert not view(nature=Nature.SERVICE).commercial
    assert not view(inner(7), nature=Nature.COMMERCIAL, clock=Clock.REISSUE).commercial


def test_the_early_window_is_open_from_its_day_on() -> None:
    today = NOW.date()
    assert view(early_window_opens_on=today).window_open
    assert not view(early_window_opens_on=today + timedelta(days=1)).window_open
    assert view().window_opens == ""


def test_unsubscribing_takes_the_link_then_the_address() -> None:
    assert view().unsubscribe_url == "https://go.partner.example/u/abc.def"
    assert view(unsubscribe_url="").unsubscribe_url == "mailto:renewals@partner.example?subject=unsubscribe"
    assert view(unsubscribe_url="", unsubscribe_mailto="").unsubscribe_url == ""


def test_empty_steps_are_left_out() -> None:
    assert view(steps=(Step("One."), Step(" \n"), Step("Two."))).steps == ("One.", "Two.")


@pytest.mark.parametrize("action_url", ["", "javascript:alert(1)"])
def test_a_mail_needs_its_link(action_url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"set \[web\] public_url or \[brand\] console_url"):
        view(action_url=action_url)


def test_a_message_needs_an_order() -> None:
    with pytest.raises(ConfigurationError, match="at least one order"):
        letter_view(replace(letter(), lines=()), ENGLISH)
