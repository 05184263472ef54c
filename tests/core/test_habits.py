"""What customers and reps are taken to do: which days it falls on, and what their CA then tells."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.habits import Act, Conduct, Habits, Limits, after, ends_by, issued_by, next_reissue, runs
from core.model import OrderFacts
from core.validity_rules import CaRules, Maximum, Schedule, ValidityRules
from core.words import OrderStatus, ProductKind
from tests.builders import facts

DAY = date(2026, 11, 18)
TO_COME = date(2027, 3, 15)
BASELINE = Schedule((Maximum(date(2026, 3, 15), 200), Maximum(TO_COME, 100)))
VALIDITY = ValidityRules({"digicert": CaRules("digicert", BASELINE, auto_renew_days=30)}, baseline=BASELINE)
DATED, SHORTER = Limits(VALIDITY), Limits(VALIDITY, TO_COME)
ALWAYS = Habits({Conduct.RENEWS: 1.0})


def order(**said: Any) -> OrderFacts:
    """An order in the middle of its year, whose certificate ends before it."""
    return facts(
        **{
            "ends_on": DAY + timedelta(days=180),
            "certificate_issued_on": DAY - timedelta(days=100),
            "certificate_expires_on": DAY + timedelta(days=99),
        }
        | said
    )


keys = st.integers(0, 10_000).map(str)
habits = st.builds(
    Habits,
    conduct=st.fixed_dictionaries({conduct: st.floats(0, 1 / len(Conduct)) for conduct in Conduct}),
    renew_ahead=st.integers(0, 120),
    reissue_ahead=st.integers(0, 120),
    validation_days=st.integers(0, 30),
)


@st.composite
def orders(draw: st.DrawFn) -> OrderFacts:
    begun = DAY - timedelta(days=draw(st.integers(0, 400)))
    ends_on = begun + timedelta(days=draw(st.integers(1, 1100)))
    issued_on = begun + timedelta(days=draw(st.integers(0, 300)))
    return facts(
        draw(keys),
        ends_on=ends_on,
        starts_on=begun,
        certificate_issued_on=issued_on,
        certificate_expires_on=min(ends_on, issued_on + timedelta(days=draw(st.integers(1, 398)))),
        auto_renew=draw(st.booleans()),
    )


@given(orders(), habits, st.sampled_from([DATED, SHORTER]))
def test_nothing_ever_happens_before_today_and_the_same_always(one: OrderFacts, ours: Habits, limits: Limits) -> None:
    day, act = ends_by(one, ours, limits, DAY)
    assert day >= DAY
    assert ends_by(one, ours, limits, DAY) == (day, act)
    reissued = next_reissue(one, ours, DAY)
    assert reissued is None or reissued >= DAY
    assert reissued == next_reissue(one, ours, DAY)
    assert issued_by(one, ours, DAY) >= DAY


@given(orders(), st.integers(0, 800), st.sampled_from([DATED, SHORTER]))
def test_no_certificate_is_longer_than_its_limit_or_outlasts_its_order(
    one: OrderFacts, later: int, limits: Limits
) -> None:
    day = DAY + timedelta(days=later)
    for act in (Act.REISSUE, Act.RENEW, Act.REPLACE, Act.ISSUE):
        new = next(iter(after(act, one, day, limits)))
        assert new.certificate_issued_on == day
        assert new.certificate_expires_on is not None
        assert new.order_expires_on is not None
        assert new.certificate_expires_on <= new.order_expires_on
        assert new.certificate_expires_on - day <= timedelta(days=limits.longest(one, day))


@given(orders(), habits)
def test_an_order_that_follows_another_is_renewed_on_a_later_day_than_it_was_placed(
    one: OrderFacts, ours: Habits
) -> None:
    new = next(iter(after(Act.RENEW, one, DAY, DATED)))
    day, _ = ends_by(new, ours, DATED, DAY)
    assert day > DAY
    again = next_reissue(new, ours, DAY)
    assert again is None or again > DAY


def test_shares_of_conduct_come_out_as_they_were_said() -> None:
    ours = Habits({Conduct.RENEWS: 0.6, Conduct.CANCELS: 0.1})
    drawn = [ours.with_order(f"digicert:{number}", DAY) for number in range(3000)]
    assert drawn.count(Conduct.RENEWS) == pytest.approx(1800, rel=0.1)
    assert drawn.count(Conduct.CANCELS) == pytest.approx(300, rel=0.2)
    assert drawn.count(Conduct.DOES_NOTHING) == pytest.approx(900, rel=0.1)
    reached = [Habits(reached=0.25).reaches(f"call:account-{number}:1") for number in range(2000)]
    assert reached.count(True) == pytest.approx(500, rel=0.2)


def test_days_ahead_come_out_on_average_as_they_were_said() -> None:
    year = [facts(str(number), ends_on=DAY + timedelta(days=200)) for number in range(500)]
    ahead = [(DAY + timedelta(days=200) - ends_by(one, ALWAYS, DATED, DAY)[0]).days for one in year]
    assert sum(ahead) / len(ahead) == pytest.approx(21, abs=1.5)
    assert min(ahead) >= 0
    assert max(ahead) <= 42


@pytest.mark.parametrize(
    ("conduct", "act"),
    [
        (Conduct.RENEWS, Act.RENEW),
        (Conduct.IS_VALIDATED, Act.PLACE),
        (Conduct.REPLACES, Act.REPLACE),
        (Conduct.CANCELS, Act.CANCEL),
        (Conduct.REVOKES, Act.REVOKE),
        (Conduct.LEAVES, Act.LEAVE),
        (Conduct.DOES_NOTHING, Act.NOTHING),
    ],
)
def test_each_conduct_brings_its_act(conduct: Conduct, act: Act) -> None:
    day, found = ends_by(order(), Habits({conduct: 1.0}), DATED, DAY)
    assert found is act
    assert DAY <= day <= DAY + timedelta(days=180)


def test_who_renews_late_does_so_within_a_week_after_the_end() -> None:
    day, act = ends_by(order(), Habits({Conduct.RENEWS_LATE: 1.0}), DATED, DAY)
    assert act is Act.RENEW
    assert 181 <= (day - DAY).days <= 187


def test_what_renews_by_itself_does_so_on_the_day_of_its_ca_unless_it_is_cancelled() -> None:
    lazy = Habits({Conduct.DOES_NOTHING: 1.0})
    assert ends_by(order(auto_renew=True), lazy, DATED, DAY) == (DAY + timedelta(days=150), Act.RENEW)
    cancelled = ends_by(order(auto_renew=True), Habits({Conduct.CANCELS: 1.0}), DATED, DAY)
    assert cancelled[1] is Act.CANCEL
    elsewhere = order(auto_renew=True, ca="other", key="other:1")
    assert ends_by(elsewhere, lazy, DATED, DAY)[1] is Act.NOTHING


def test_a_certificate_that_ends_with_its_order_is_not_reissued() -> None:
    assert next_reissue(facts(ends_on=DAY + timedelta(days=50)), ALWAYS, DAY) is None
    assert next_reissue(order(certificate_expires_on=None), ALWAYS, DAY) is None
    assert next_reissue(order(), Habits(reissue_ahead=0), DAY) == DAY + timedelta(days=99)


def test_an_order_without_an_end_is_left_as_it_is() -> None:
    assert ends_by(order(order_expires_on=None, certificate_expires_on=None), ALWAYS, DATED, DAY) == (DAY, Act.NOTHING)


def test_limits_hold_by_the_day_of_issue_or_as_of_a_day_to_come() -> None:
    assert (DATED.longest(order(), DAY), DATED.longest(order(), TO_COME)) == (200, 100)
    assert SHORTER.longest(order(), DAY) == 100
    assert SHORTER.longest(order(ca="other"), DAY) == 100  # the baseline holds for every CA
    assert SHORTER.longest(order(kind=ProductKind.CODE_SIGNING), DAY) == 199  # and for no other certificates
    bare = Limits(ValidityRules({}))
    assert bare.longest(order(), DAY) == 199
    assert bare.longest(order(certificate_expires_on=None), DAY) == 365


def test_days_are_carried_over_where_the_ca_does_so() -> None:
    kept = Limits(ValidityRules({"digicert": CaRules("digicert", BASELINE, carry_over=True)}, baseline=BASELINE))
    one = facts(ends_on=DAY + timedelta(days=20))
    new = next(iter(after(Act.RENEW, one, DAY, kept)))
    assert new.order_expires_on == DAY + timedelta(days=385)
    assert next(iter(after(Act.RENEW, one, DAY, DATED))).order_expires_on == DAY + timedelta(days=365)
    assert kept.carried_over(one, DAY - timedelta(days=80)) == 0  # more than the early window before the end
    assert kept.carried_over(one, DAY + timedelta(days=30)) == 0


def test_what_a_source_tells_after_each_act() -> None:
    one = order()
    new, old = after(Act.RENEW, one, DAY, DATED)
    assert (new.key, new.renewal_of, new.placed_on, new.order_expires_on) == (
        "digicert:1+", one.key, DAY, DAY + timedelta(days=365),
    )  # fmt: skip
    assert (old.is_renewed, old.renewed_by) == (True, new.key)
    (replaced,) = after(Act.REPLACE, one, DAY, DATED)
    assert (replaced.key, replaced.renewal_of) == ("digicert:1+", "")
    (placed,) = after(Act.PLACE, one, DAY, DATED)
    assert (placed.status, placed.renewal_of, placed.order_expires_on) == (OrderStatus.PENDING, one.key, None)
    (issued,) = after(Act.ISSUE, placed, DAY + timedelta(days=5), DATED)
    assert (issued.status, issued.order_expires_on) == (OrderStatus.ISSUED, DAY + timedelta(days=370))
    (reissued,) = after(Act.REISSUE, one, DAY, DATED)
    assert reissued == replace(
        one,
        certificate_id=f"1:{DAY}",
        certificate_issued_on=DAY,
        certificate_expires_on=one.order_expires_on,
    )
    assert [each.status for each in after(Act.CANCEL, one, DAY, DATED)] == [OrderStatus.CANCELLED]
    assert [each.status for each in after(Act.REVOKE, one, DAY, DATED)] == [OrderStatus.REVOKED]
    assert not list(after(Act.LEAVE, one, DAY, DATED))


def test_what_is_renewed_or_over_runs_no_longer() -> None:
    assert runs(order())
    assert not runs(order(is_renewed=True))
    assert not runs(order(renewed_by="digicert:2"))
    assert not runs(order(status=OrderStatus.EXPIRED))


def test_what_waits_for_validation_is_issued_after_the_usual_days() -> None:
    assert issued_by(order(placed_on=DAY), Habits(validation_days=5), DAY) == DAY + timedelta(days=5)
    late = issued_by(order(placed_on=DAY - timedelta(days=60)), Habits(validation_days=5), DAY)
    assert DAY <= late <= DAY + timedelta(days=5)
