"""The validity calculator: DigiCert's figures to the day, and what must hold for any figures."""

import tomllib
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UsageError
from core.validity import (
    LONGEST_ORDER_DAYS,
    CaRules,
    Maximum,
    ReissueAction,
    ReissueAdvice,
    RenewedOrder,
    RestReason,
    Schedule,
    ValidityRules,
    days_left,
    early_window_opens_on,
    reissue_advice,
    renewed_order,
    rest_of_order,
    uncovered_days,
)

PACKAGED = ValidityRules.from_toml(tomllib.loads((files("config") / "validity.toml").read_text("utf-8")))
ORDER_END = date(2021, 1, 1)
START = date(2027, 1, 1)


def day(offset: int) -> date:
    return START + timedelta(days=offset)


def rules_of(*steps: tuple[int, int], margin: int = 1, window: int = 90) -> ValidityRules:
    """Rules of one CA named `ca`; steps are (day offset, longest certificate)."""
    schedule = Schedule(tuple(Maximum(day(offset), longest) for offset, longest in steps))
    return ValidityRules(cas={"ca": CaRules("ca", schedule)}, safety_margin_days=margin, early_window_days=window)


def renewed(
    renew_on: date,
    *,
    carry_over: bool | None = None,
    term_days: int = 365,
    order_expires_on: date = ORDER_END,
    rules: ValidityRules = PACKAGED,
    ca: str = "digicert",
    product: str | None = None,
) -> RenewedOrder:
    return renewed_order(
        order_expires_on=order_expires_on,
        renew_on=renew_on,
        term_days=term_days,
        rules=rules,
        ca=ca,
        product=product,
        carry_over=carry_over,
    )


def advice(order: date, certificate: date, today: date, rules: ValidityRules, ca: str = "ca") -> ReissueAdvice:
    return reissue_advice(order_expires_on=order, certificate_expires_on=certificate, today=today, rules=rules, ca=ca)


class TestTheGuidesExample:
    """An order ends on 1 January 2021 and is renewed for 365 days."""

    def test_a_month_early_keeps_the_31_days_left(self) -> None:
        order = renewed(date(2020, 12, 1), carry_over=True)
        assert order.days == 365 + 31 == 396
        assert order.expires_on == date(2022, 1, 1)
        assert order.max_certificate_days == 397
        assert [(c.issue_on, c.expires_on, c.days) for c in order.certificates] == [
            (date(2020, 12, 1), date(2022, 1, 1), 396)
        ]

    def test_on_the_day_it_is_the_plain_term(self) -> None:
        order = renewed(ORDER_END, carry_over=True)
        assert (order.days, order.expires_on) == (365, date(2022, 1, 1))
        assert order.rest.reason is RestReason.NOTHING_LEFT

    def test_days_left_and_window(self) -> None:
        assert days_left(ORDER_END, date(2020, 12, 1)) == 31
        assert early_window_opens_on(ORDER_END, PACKAGED) == date(2020, 10, 3)


class TestRest:
    @pytest.mark.parametrize(
        ("renew_on", "carry_over", "carried", "given_away", "reason"),
        [
            (date(2020, 10, 2), True, 0, 91, RestReason.BEFORE_WINDOW),
            (date(2020, 10, 3), True, 90, 0, RestReason.CARRIED_OVER),
            (date(2020, 12, 31), True, 1, 0, RestReason.CARRIED_OVER),
            (date(2021, 1, 1), True, 0, 0, RestReason.NOTHING_LEFT),
            (date(2021, 1, 2), True, 0, 0, RestReason.AFTER_END),
            (date(2026, 1, 2), True, 0, 0, RestReason.AFTER_END),
            (date(2020, 10, 2), False, 0, 91, RestReason.BEFORE_WINDOW),
            (date(2020, 10, 3), False, 0, 90, RestReason.NOT_OFFERED),
            (date(2020, 12, 31), False, 0, 1, RestReason.NOT_OFFERED),
            (date(2021, 1, 2), False, 0, 0, RestReason.AFTER_END),
            (date(2020, 12, 1), None, 0, 31, RestReason.NOT_OFFERED),
        ],
    )
    def test_what_becomes_of_it(
        self, renew_on: date, carry_over: bool | None, carried: int, given_away: int, reason: RestReason
    ) -> None:
        rest = rest_of_order(
            order_expires_on=ORDER_END,
            renew_on=renew_on,
            rules=PACKAGED,
            ca="digicert",
            carry_over=carry_over,
        )
        assert (rest.carried_over_days, rest.given_away_days, rest.reason) == (carried, given_away, reason)

    def test_policy_is_the_products_before_the_cas(self) -> None:
        schedule = Schedule((Maximum(START, 398),))
        rules = ValidityRules({"ca": CaRules("ca", schedule, True, {"basic": False})})
        reasons = [
            renewed(day(90), product=name, order_expires_on=day(100), rules=rules, ca="ca").rest.reason
            for name in (None, "other", "basic")
        ]
        assert reasons == [RestReason.CARRIED_OVER, RestReason.CARRIED_OVER, RestReason.NOT_OFFERED]

    def test_an_answer_asked_for_wins_over_the_policy(self) -> None:
        rules = ValidityRules({"ca": CaRules("ca", Schedule((Maximum(START, 398),)), True)})
        order = renewed(day(90), order_expires_on=day(100), rules=rules, ca="ca", carry_over=False)
        assert order.rest.given_away_days == 10


class TestCertificates:
    @pytest.mark.parametrize(
        ("renew_on", "lengths"),
        [
            (date(2020, 8, 26), [365]),
            (date(2026, 2, 23), [365]),
            (date(2026, 2, 24), [199, 166]),
            (date(2026, 11, 21), [199, 100, 66]),
            (date(2027, 3, 15), [100, 100, 100, 65]),
            (date(2029, 3, 15), [47] * 7 + [36]),
            (date(2029, 1, 1), [100, 47, 47, 47, 47, 47, 30]),
        ],
    )
    def test_a_plan_of_365_days_takes_what_the_day_of_issue_allows(self, renew_on: date, lengths: list[int]) -> None:
        assert [c.days for c in renewed(renew_on, order_expires_on=renew_on).certificates] == lengths

    @pytest.mark.parametrize("term", [1, 47, 199, 200, LONGEST_ORDER_DAYS])
    def test_any_term_is_covered_to_its_end(self, term: int) -> None:
        order = renewed(date(2029, 4, 1), order_expires_on=date(2029, 4, 1), term_days=term)
        assert sum(c.days for c in order.certificates) == term


class TestUncoveredDays:
    """DigiCert's table for a 365-day plan whose first certificate has 199 days."""

    issued = date(2026, 3, 1)
    certificate = issued + timedelta(days=199)
    order = issued + timedelta(days=365)

    @pytest.mark.parametrize(
        ("days_before", "uncovered"),
        [(199, 167), (90, 58), (60, 28), (33, 1), (32, 0), (31, 0), (1, 0), (0, 0)],
    )
    def test_the_cas_own_table(self, days_before: int, uncovered: int) -> None:
        reissue_on = self.certificate - timedelta(days=days_before)
        found = uncovered_days(order_expires_on=self.order, reissue_on=reissue_on, rules=PACKAGED, ca="digicert")
        assert found == uncovered

    @pytest.mark.parametrize(
        ("days_before", "action", "extra"),
        [
            (199, ReissueAction.LATER, 1),
            (90, ReissueAction.LATER, 1),
            (33, ReissueAction.LATER, 1),
            (32, ReissueAction.NOW, 0),
            (1, ReissueAction.NOW, 0),
            (0, ReissueAction.NOW, 0),
            (-1, ReissueAction.LAPSED, 0),
        ],
    )
    def test_advice_says_from_32_days_before_the_end(self, days_before: int, action: ReissueAction, extra: int) -> None:
        today = self.certificate - timedelta(days=days_before)
        found = advice(self.order, self.certificate, today, PACKAGED, "digicert")
        assert (found.action, found.extra_reissues, found.reissues) == (action, extra, 1)
        assert found.reissue_from == self.certificate - timedelta(days=32)
        assert found.reissue_by == max(today, self.certificate - timedelta(days=1))

    def test_without_margin_the_bare_dates_decide(self) -> None:
        rules = rules_of((0, 199), margin=0)
        found = advice(day(365), day(199), day(0), rules)
        assert (found.reissue_from, found.reissue_by) == (day(199 - 33), day(199))


class TestReissueAdvice:
    def test_a_certificate_that_lasts_as_long_as_the_order_needs_none(self) -> None:
        for certificate in (day(100), day(101)):
            found = advice(day(100), certificate, day(50), rules_of((0, 199)))
            assert found == ReissueAdvice(ReissueAction.NOT_NEEDED)

    def test_an_ended_order_is_not_reissued(self) -> None:
        for today in (day(100), day(101), day(5000)):
            found = advice(day(100), day(80), today, rules_of((0, 199)))
            assert found == ReissueAdvice(ReissueAction.ORDER_ENDED)

    def test_spare_days_are_shared_among_several_reissues(self) -> None:
        # 265 days need three certificates of 99: 32 days to spare, one of them the margin at the end.
        found = advice(day(365), day(100), day(0), rules_of((0, 100)))
        assert (found.reissues, found.reissue_from, found.reissue_by) == (3, day(89), day(99))

    @pytest.mark.parametrize("today", [0, 60, 70, 80, 88])
    def test_the_day_advised_stands_still_while_time_goes_on(self, today: int) -> None:
        found = advice(day(365), day(100), day(today), rules_of((0, 100)))
        assert (found.action, found.reissue_from) == (ReissueAction.LATER, day(89))

    def test_the_eve_of_a_lower_maximum_is_used_where_it_saves_a_certificate(self) -> None:
        found = advice(day(300), day(120), day(0), rules_of((0, 200), (110, 100)))
        assert (found.reissues, found.reissue_from, found.reissue_by) == (1, day(101), day(109))

    def test_the_eve_is_left_alone_where_it_saves_nothing(self) -> None:
        found = advice(day(200), day(120), day(0), rules_of((0, 200), (110, 100)))
        assert (found.reissues, found.reissue_by) == (1, day(119))

    def test_a_past_eve_is_no_choice(self) -> None:
        found = advice(day(300), day(120), day(110), rules_of((0, 200), (110, 100)))
        assert (found.reissues, found.reissue_by) == (2, day(119))

    def test_a_higher_maximum_is_waited_for(self) -> None:
        found = advice(day(300), day(120), day(0), rules_of((0, 100), (115, 250)))
        assert (found.reissues, found.reissue_from, found.reissue_by) == (1, day(115), day(119))

    def test_a_lapsed_certificate_is_reissued_today(self) -> None:
        found = advice(day(365), day(100), day(150), rules_of((0, 100)))
        assert (found.action, found.reissue_by, found.extra_reissues) == (ReissueAction.LAPSED, day(150), 0)

    def test_days_before_the_first_known_maximum_are_not_looked_at(self) -> None:
        found = advice(day(20), day(10), day(0), rules_of((0, 199)))
        assert (found.action, found.reissue_from) == (ReissueAction.NOW, day(0))


class TestRefusals:
    @pytest.mark.parametrize("term", [0, -1, LONGEST_ORDER_DAYS + 1, 10**30])
    def test_a_term_that_cannot_be_meant(self, term: int) -> None:
        with pytest.raises(UsageError, match="A term must have from 1 to 3660 days"):
            renewed(date(2026, 1, 1), term_days=term)

    def test_a_day_before_any_known_maximum(self) -> None:
        with pytest.raises(UsageError, match=r"issued on 2018-02-28 .*from 2018-03-01"):
            renewed(date(2018, 2, 28))
        with pytest.raises(UsageError, match="2018-02-28"):
            advice(date(2019, 1, 1), date(2018, 6, 1), date(2018, 2, 28), PACKAGED, "digicert")

    def test_an_unknown_ca_is_named_with_the_known_ones(self) -> None:
        for ask in (
            lambda: renewed(date(2026, 1, 1), ca="acme"),
            lambda: advice(date(2027, 1, 1), date(2026, 6, 1), date(2026, 1, 1), PACKAGED, "acme"),
        ):
            with pytest.raises(UsageError, match=r"'acme' has no rules .*known: digicert"):
                ask()

    def test_ends_beyond_the_calendar(self) -> None:
        with pytest.raises(UsageError, match="9999-12-01 is too near the end of the calendar"):
            renewed(date(9999, 12, 1))
        with pytest.raises(UsageError, match="0001-01-01 is too near"):
            early_window_opens_on(date.min, PACKAGED)

    def test_an_order_that_ends_in_the_far_future(self) -> None:
        with pytest.raises(UsageError, match="more than ten years away"):
            renewed(date(2026, 1, 1), order_expires_on=date(2226, 1, 1))
        with pytest.raises(UsageError, match="more than ten years away"):
            advice(date.max, date(2026, 6, 1), date(2026, 1, 1), PACKAGED, "digicert")

    def test_the_last_day_of_the_calendar_can_be_an_order_end(self) -> None:
        found = advice(date.max, date(9999, 12, 1), date(9999, 11, 1), PACKAGED, "digicert")
        assert found.reissue_by == date(9999, 11, 30)


renewal_days = st.dates(date(2018, 3, 1), date(2032, 1, 1))
terms = st.integers(1, 1200)
lefts = st.integers(-400, 400)


class TestAnyRenewal:
    @given(renewal_days, terms, lefts, st.booleans())
    def test_certificates_follow_each_other_and_obey_the_rule_of_their_day(
        self, renew_on: date, term: int, left: int, carry_over: bool
    ) -> None:
        end = renew_on + timedelta(days=left)
        order = renewed(renew_on, order_expires_on=end, term_days=term, carry_over=carry_over)
        ca = PACKAGED.ca("digicert")
        assert order.certificates[0].issue_on == order.starts_on == renew_on
        assert order.certificates[-1].expires_on == order.expires_on
        for one, following in pairwise(order.certificates):
            assert following.issue_on == one.expires_on
            assert one.days == ca.max_certificate_days(one.issue_on)  # only the last may be shorter
        assert all(1 <= one.days <= ca.max_certificate_days(one.issue_on) for one in order.certificates)
        assert sum(one.days for one in order.certificates) == order.days

    @given(renewal_days, terms, lefts, st.booleans())
    def test_every_paid_day_is_carried_over_or_given_away(
        self, renew_on: date, term: int, left: int, carry_over: bool
    ) -> None:
        end = renew_on + timedelta(days=left)
        order = renewed(renew_on, order_expires_on=end, term_days=term, carry_over=carry_over)
        assert order.rest.carried_over_days >= 0
        assert order.rest.given_away_days >= 0
        assert order.rest.carried_over_days + order.rest.given_away_days == max(left, 0)
        assert order.days == term + order.rest.carried_over_days
        assert (order.rest.carried_over_days > 0) is (order.rest.reason is RestReason.CARRIED_OVER)

    @given(renewal_days, terms, st.integers(0, 90))
    def test_inside_the_window_carry_over_loses_no_day(self, end: date, term: int, left: int) -> None:
        renew_on = max(end - timedelta(days=left), date(2018, 3, 1))
        order = renewed(renew_on, order_expires_on=end, term_days=term, carry_over=True)
        assert order.expires_on == end + timedelta(days=term)

    @given(renewal_days, terms, st.integers(-30, 200), st.booleans())
    def test_renewing_a_day_later_ends_sooner_only_where_the_window_closes(
        self, renew_on: date, term: int, left: int, carry_over: bool
    ) -> None:
        end = renew_on + timedelta(days=left)
        ends = [
            renewed(day_, order_expires_on=end, term_days=term, carry_over=carry_over).expires_on
            for day_ in (renew_on, renew_on + timedelta(days=1))
        ]
        assert ends[0] <= ends[1]

    @given(renewal_days, terms, lefts)
    def test_carry_over_never_makes_an_order_shorter(self, renew_on: date, term: int, left: int) -> None:
        end = renew_on + timedelta(days=left)
        kept, lost = (
            renewed(renew_on, order_expires_on=end, term_days=term, carry_over=carry_over)
            for carry_over in (True, False)
        )
        assert kept.days >= lost.days == term
        assert kept.days - lost.days <= PACKAGED.early_window_days


@st.composite
def small_rules(draw: st.DrawFn) -> ValidityRules:
    """Rules with short certificates whose maximum changes, mostly down, up to three times in 90 days."""
    changes = draw(st.lists(st.integers(1, 90), max_size=3, unique=True))
    longest = draw(st.lists(st.integers(4, 40), min_size=len(changes) + 1, max_size=len(changes) + 1))
    return rules_of(*zip([-100, *sorted(changes)], longest, strict=True), margin=draw(st.integers(0, 3)), window=30)


class TestAnyReissue:
    @given(small_rules(), st.integers(2, 120), st.data())
    def test_following_the_advice_covers_every_day_with_the_fewest_certificates(
        self, rules: ValidityRules, order_days: int, data: st.DataObject
    ) -> None:
        order, today = day(order_days), day(0)
        first_days = data.draw(st.integers(1, 40))
        margin = rules.safety_margin_days
        certificate = min(order, day(first_days))
        ca = rules.ca("ca")
        promised: int | None = None
        reissues = 0
        while (found := advice(order, certificate, today, rules)).action is not ReissueAction.NOT_NEEDED:
            assert found.reissue_from is not None
            assert found.reissue_by is not None
            promised = found.reissues if promised is None else promised
            assert reissues + found.reissues <= promised
            assert today <= found.reissue_by <= max(today, certificate - timedelta(days=margin))
            earliest = max(today, found.reissue_from)
            spare = (found.reissue_by - earliest).days
            assert spare >= 0
            today = earliest + timedelta(days=data.draw(st.integers(0, spare)))
            if found.reissues == 1:
                assert uncovered_days(order_expires_on=order, reissue_on=today, rules=rules, ca="ca") == 0
            assert today <= certificate  # no gap between the old certificate and the new one
            certificate = min(order, today + timedelta(days=ca.max_certificate_days(today)))
            reissues += 1
        assert reissues <= (promised or 0)
        if margin == 0:  # with a margin, not counted on, the certificates may reach further than promised
            assert reissues == (promised or 0)

    @given(small_rules(), st.integers(2, 120), st.integers(0, 40), st.integers(0, 119))
    def test_no_plan_by_hand_needs_fewer(
        self, rules: ValidityRules, order_days: int, certificate_days: int, today: int
    ) -> None:
        found = advice(day(order_days), day(certificate_days), day(today), rules)
        if found.action in (ReissueAction.NOT_NEEDED, ReissueAction.ORDER_ENDED):
            return
        ca, margin = rules.ca("ca"), rules.safety_margin_days

        @cache
        def fewest(issued: int) -> int:
            reach = issued + ca.max_certificate_days(day(issued)) - margin
            if reach >= order_days:
                return 1
            return 1 + min(fewest(following) for following in range(issued + 1, reach + 1))

        last = max(today, certificate_days - margin)
        assert found.reissues == min(fewest(issued) for issued in range(today, last + 1))
        assert found.extra_reissues == fewest(today) - found.reissues
        assert found.reissue_by is not None
        assert fewest((found.reissue_by - START).days) == found.reissues

    @given(small_rules(), st.integers(2, 120), st.integers(0, 118))
    def test_a_later_reissue_under_one_maximum_leaves_no_more_uncovered(
        self, rules: ValidityRules, order_days: int, on: int
    ) -> None:
        ca = rules.ca("ca")
        if ca.max_certificate_days(day(on)) > ca.max_certificate_days(day(on + 1)):
            return
        sooner, later = (
            uncovered_days(order_expires_on=day(order_days), reissue_on=day(at), rules=rules, ca="ca")
            for at in (on, on + 1)
        )
        assert 0 <= later <= sooner
