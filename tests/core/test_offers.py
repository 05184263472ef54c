from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.offers import Case, OfferRule, Offers, Promise, ends_at, highest

END = date(2026, 12, 31)
BERLIN, SEOUL, LOS_ANGELES = (ZoneInfo(name) for name in ("Europe/Berlin", "Asia/Seoul", "America/Los_Angeles"))
EARLY = OfferRule(percent=10)


def case(moment: datetime = datetime(2026, 11, 20, 9, tzinfo=UTC), zone: ZoneInfo = BERLIN, **said: object) -> Case:
    return replace(Case(1, 1, "ssl_plus", "smb", END, zone, moment), **said)  # type: ignore[arg-type]


def eligible(rule: OfferRule, of: Case) -> bool:
    return bool(Offers({"early": rule}).eligible(of))


def test_it_ends_before_the_order_does_or_on_its_own_last_day() -> None:
    assert EARLY.last_day(END) == date(2026, 12, 1)
    assert OfferRule(percent=10, until_days_before=0).last_day(END) == END
    assert OfferRule(percent=10, valid_until=date(2026, 11, 25)).last_day(END) == date(2026, 11, 25)
    assert OfferRule(percent=10, valid_until=date(2027, 11, 25)).last_day(END) == date(2026, 12, 1)


@pytest.mark.parametrize(
    ("zone", "last_second"),
    [
        (BERLIN, "2026-12-01T23:59:59+01:00"),
        (SEOUL, "2026-12-01T23:59:59+09:00"),
        # There the day ends eight hours after the shop's, so that it may not be promised whole.
        (LOS_ANGELES, "2026-11-30T23:59:59-08:00"),
    ],
)
def test_a_promise_holds_to_the_last_second_that_its_reader_is_told(zone: ZoneInfo, last_second: str) -> None:
    last = ends_at(date(2026, 12, 1), zone)
    assert last.isoformat() == last_second
    assert last <= datetime(2026, 12, 1, 23, 59, 59, tzinfo=UTC)
    assert eligible(EARLY, case(last, zone))
    assert not eligible(EARLY, case(last + timedelta(seconds=1), zone))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (OfferRule(percent=10, products=frozenset({"ssl_plus"})), True),
        (OfferRule(percent=10, products=frozenset({"ssl_basic"})), False),
        (OfferRule(percent=10, products=frozenset({" SSL_Plus"})).in_lower_case(), True),
        (OfferRule(percent=10, segments=frozenset({"smb"})), True),
        (OfferRule(percent=10, segments=frozenset({"enterprise"})), False),
        (OfferRule(percent=10, valid_from=date(2026, 11, 20)), True),
        (OfferRule(percent=10, valid_from=date(2026, 11, 21)), False),
        (OfferRule(percent=10, valid_until=date(2026, 11, 20)), True),
        (OfferRule(percent=10, valid_until=date(2026, 11, 19)), False),
    ],
)
def test_it_holds_for_what_it_names(rule: OfferRule, expected: bool) -> None:
    assert eligible(rule, case()) is expected


def test_of_several_the_highest_is_chosen_then_the_longest_then_the_first_by_name() -> None:
    rules = {
        "b": OfferRule(percent=20, until_days_before=40),
        "c": OfferRule(percent=20, until_days_before=35),
        "a": OfferRule(percent=15),
        "d": OfferRule(percent=20, until_days_before=35),
    }
    assert highest(rules, case()) == "c"
    del rules["c"]
    assert highest(rules, case()) == "d"


def test_whoever_compares_offers_may_choose_otherwise() -> None:
    rules = {"a": OfferRule(percent=5), "b": OfferRule(percent=20)}
    lowest = Offers(rules, choose=lambda found, _: min(found, key=lambda name: found[name].percent))
    assert lowest.choose(lowest.eligible(case()), case()) == "a"


def test_a_promise_is_told_only_while_it_holds() -> None:
    promise = Promise(1, 1, "early", 10, "", date(2026, 12, 1))
    assert promise.holds(case(datetime(2026, 12, 1, 22, 59, 59, tzinfo=UTC)))
    assert not promise.holds(case(datetime(2026, 12, 1, 23, 0, 0, tzinfo=UTC)))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"percent": 0}, "percent must be from 1 to 100"),
        ({"percent": 101}, "percent must be from 1 to 100"),
        ({"percent": 5, "until_days_before": -1}, "ends before the order does"),
        ({"percent": 5, "code": "A", "codes_file": "b"}, "give only one of them"),
        ({"percent": 5, "budget": -1}, "budget must not be negative"),
        ({"percent": 5, "valid_from": date(2026, 2, 1), "valid_until": date(2026, 1, 1)}, "before valid_from"),
    ],
)
def test_what_cannot_be_meant_is_refused(said: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        OfferRule(**said)  # type: ignore[arg-type]
