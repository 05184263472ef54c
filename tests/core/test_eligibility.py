from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.eligibility import Scope, Standing, Suppressions, why_not
from core.reasons import Reason
from core.words import Certainty, Channel, Clock, Nature, OrderStatus, ProductKind, Stage

DAY = date(2026, 6, 10)
OPEN = Standing(
    clock=Clock.RENEWAL,
    open=True,
    outcome="",
    closing="",
    stage=Stage.UPCOMING,
    kind=ProductKind.TLS,
    status=OrderStatus.ISSUED,
    auto_renew=False,
    ca_notices_off=False,
    do_not_contact=False,
    do_not_call=False,
)
STRICT = Scope(respect_ca_notice_switch=True)
later, earlier = DAY + timedelta(days=1), DAY - timedelta(days=1)
days = st.dates(earlier, later)
standings = st.builds(
    Standing,
    clock=st.sampled_from(Clock),
    open=st.booleans(),
    outcome=st.sampled_from(["", Reason.RENEWED, Reason.LAPSED]),
    closing=st.sampled_from(["", Reason.REVOKED, Reason.SUPERSEDED]),
    stage=st.sampled_from(Stage),
    kind=st.sampled_from(ProductKind),
    status=st.sampled_from(OrderStatus),
    auto_renew=st.booleans(),
    ca_notices_off=st.booleans(),
    do_not_contact=st.booleans(),
    do_not_call=st.booleans(),
    snoozed_until=st.none() | days,
    committed_until=st.none() | days,
    awaited=st.none() | st.sampled_from(Certainty),
)
scopes = st.builds(Scope, st.just((ProductKind.TLS,)), st.booleans())


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize("clock", Clock)
def test_nothing_speaks_against_an_open_order(channel: Channel, clock: Clock) -> None:
    assert why_not(OPEN._replace(clock=clock), channel, DAY, Scope()) is None


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"open": False, "outcome": "renewed"}, Reason.RENEWED),
        ({"open": False, "outcome": "replaced"}, Reason.REPLACED),
        ({"open": False, "outcome": "lapsed"}, Reason.LAPSED),
        ({"closing": "superseded"}, Reason.SUPERSEDED),
        ({"status": OrderStatus.CANCELLED}, Reason.CANCELLED),
        ({"status": OrderStatus.REVOKED}, Reason.REVOKED),
        ({"status": OrderStatus.REJECTED}, Reason.REJECTED),
        ({"kind": ProductKind.CODE_SIGNING}, Reason.OUT_OF_SCOPE),
        ({"awaited": Certainty.CONFIRMED}, Reason.RENEWED),
        ({"awaited": Certainty.PROVISIONAL}, Reason.RENEWED),
        ({"awaited": Certainty.IN_PROGRESS}, Reason.IN_PROGRESS),
        ({"stage": Stage.IN_PROGRESS}, Reason.IN_PROGRESS),
        ({"do_not_contact": True}, Reason.DO_NOT_CONTACT),
        ({"snoozed_until": later}, Reason.SNOOZED),
        ({"committed_until": later}, Reason.COMMITTED),
        ({"stage": Stage.LOST}, Reason.LOST),
        ({"auto_renew": True}, Reason.AUTO_RENEW),
    ],
)
@pytest.mark.parametrize("channel", Channel)
def test_each_reason(said: dict[str, Any], reason: Reason, channel: Channel) -> None:
    assert why_not(OPEN._replace(**said), channel, DAY, Scope()) is reason


@pytest.mark.parametrize(
    "said",
    [
        {"snoozed_until": DAY},
        {"committed_until": DAY},
        {"awaited": Certainty.PROBABLE},
        {"ca_notices_off": True},
        {"stage": Stage.CONTACTED},
        {"stage": Stage.COMMITTED},
    ],
)
def test_what_is_no_reason(said: dict[str, Any]) -> None:
    assert why_not(OPEN._replace(**said), Channel.MAIL, DAY, Scope()) is None


def test_the_ca_switch_counts_only_where_the_operator_says_so() -> None:
    standing = OPEN._replace(ca_notices_off=True)
    assert why_not(standing, Channel.MAIL, DAY, STRICT) is Reason.CA_NOTICES_OFF
    assert why_not(standing._replace(clock=Clock.REISSUE), Channel.MAIL, DAY, STRICT) is None


def test_do_not_call_stops_calls_and_no_mails() -> None:
    standing = OPEN._replace(do_not_call=True)
    assert why_not(standing, Channel.CALL, DAY, Scope()) is Reason.DO_NOT_CALL
    assert why_not(standing, Channel.MAIL, DAY, Scope()) is None


def test_the_steps_made_for_automatic_renewal_go() -> None:
    assert why_not(OPEN._replace(auto_renew=True), Channel.MAIL, DAY, Scope(), automatic=True) is None


@pytest.mark.parametrize("clock", [Clock.REISSUE, Clock.INSTALL])
@pytest.mark.parametrize(
    "said", [{"auto_renew": True}, {"stage": Stage.LOST}, {"committed_until": later}, {"stage": Stage.IN_PROGRESS}]
)
def test_what_concerns_the_sale_stops_no_service(clock: Clock, said: dict[str, Any]) -> None:
    standing = OPEN._replace(clock=clock, **said)
    assert why_not(standing, Channel.MAIL, DAY, STRICT) is None


@pytest.mark.parametrize(("clock", "reason"), [(Clock.REISSUE, Reason.REISSUED), (Clock.INSTALL, Reason.INSTALLED)])
def test_a_confirmation_that_waits_names_what_has_happened(clock: Clock, reason: Reason) -> None:
    standing = OPEN._replace(clock=clock, awaited=Certainty.CONFIRMED)
    assert why_not(standing, Channel.MAIL, DAY, Scope()) is reason


@given(standings, st.sampled_from(list(Channel)), scopes, st.booleans())
def test_closed_orders_are_never_contacted(standing: Standing, channel: Channel, scope: Scope, own: bool) -> None:
    closed = standing._replace(open=False)
    assert why_not(closed, channel, DAY, scope, automatic=own) is not None


@given(standings, scopes, st.booleans())
def test_whoever_must_not_be_mailed_is_not_called_either(standing: Standing, scope: Scope, own: bool) -> None:
    by_mail = why_not(standing, Channel.MAIL, DAY, scope, automatic=own)
    by_call = why_not(standing, Channel.CALL, DAY, scope, automatic=own)
    assert by_mail is None or by_call is not None


@given(standings, st.sampled_from(list(Channel)), scopes)
def test_automatic_steps_are_stopped_by_everything_but_being_automatic(
    standing: Standing, channel: Channel, scope: Scope
) -> None:
    usual = why_not(standing, channel, DAY, scope)
    own = why_not(standing, channel, DAY, scope, automatic=True)
    if usual is not Reason.AUTO_RENEW:
        assert own is usual
    else:
        assert own in (None, Reason.CA_NOTICES_OFF)


@given(standings, st.sampled_from(list(Channel)), scopes, days)
def test_every_answer_has_a_sentence(standing: Standing, channel: Channel, scope: Scope, day: date) -> None:
    reason = why_not(standing, channel, day, scope)
    assert reason is None or reason.sentence


SERVICE, COMMERCIAL = Nature.SERVICE, Nature.COMMERCIAL


@pytest.mark.parametrize(
    ("refused", "channel", "nature", "reason"),
    [
        (("mail", "service", "unsubscribe"), Channel.MAIL, SERVICE, Reason.UNSUBSCRIBED),
        (("mail", "service", "unsubscribe"), Channel.MAIL, COMMERCIAL, Reason.UNSUBSCRIBED),
        (("mail", "commercial", "unsubscribe"), Channel.MAIL, SERVICE, None),
        (("mail", "commercial", "unsubscribe"), Channel.MAIL, COMMERCIAL, Reason.UNSUBSCRIBED),
        (("mail", "service", "operator"), Channel.MAIL, SERVICE, Reason.SUPPRESSED),
        (("mail", "service", "unsubscribe"), Channel.CALL, SERVICE, None),
        (("call", "service", "operator"), Channel.MAIL, SERVICE, None),
    ],
)
def test_what_an_address_refuses(
    refused: tuple[str, str, str], channel: Channel, nature: Nature, reason: Reason | None
) -> None:
    told = Suppressions({"ann@acme.example": [refused]})
    assert told.why_not("Ann@ACME.example", channel, nature) is reason
    assert told.why_not("bob@acme.example", channel, nature) is None
