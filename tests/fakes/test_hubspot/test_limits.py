from datetime import UTC, datetime

import pytest

from tests.fakes.hubspot import ENTERPRISE, STARTER, Limits, ManualClock, World
from tests.fakes.test_hubspot.conftest import Api

OWNERS = "/crm/owners/{v}"


@pytest.fixture
def world(clock: ManualClock) -> World:
    return World(clock=clock, limits=Limits(per_ten_seconds=3, per_day=8, searches_per_second=2))


def test_calls_within_ten_seconds_are_bounded(api: Api, clock: ManualClock) -> None:
    assert [api.get(OWNERS).status for _ in range(4)] == [200, 200, 200, 429]
    refused = api.get(OWNERS)
    assert refused.body["policyName"] == "TEN_SECONDLY_ROLLING"
    assert refused.error == "You have reached your ten_secondly_rolling limit."
    assert "Retry-After" not in refused.headers
    clock.advance(seconds=9.9)
    assert api.get(OWNERS).status == 429
    clock.advance(seconds=0.1)
    assert api.get(OWNERS).status == 200


def test_the_window_rolls(api: Api, clock: ManualClock) -> None:
    for seconds in (4, 4, 0):
        assert api.get(OWNERS).status == 200
        clock.advance(seconds=seconds)
    assert api.get(OWNERS).status == 429
    clock.advance(seconds=2)
    assert [api.get(OWNERS).status for _ in range(2)] == [200, 429]


def test_a_day_ends_at_midnight_of_the_account(api: Api, clock: ManualClock) -> None:
    clock.set(datetime(2026, 11, 21, 22, 59, tzinfo=UTC))
    for _ in range(8):
        assert api.get(OWNERS).status == 200
        clock.advance(seconds=5)
    refused = api.get(OWNERS)
    assert (refused.status, refused.body["policyName"]) == (429, "DAILY")
    clock.advance(seconds=20)
    assert api.get(OWNERS).status == 200


def test_searches_have_a_limit_of_their_own(api: Api, clock: ManualClock) -> None:
    assert [api.search("companies").status for _ in range(3)] == [200, 200, 429]
    refused = api.search("companies")
    assert refused.body["policyName"] == "SECONDLY"
    assert not [name for name in refused.headers if "RateLimit" in name]
    assert api.get(OWNERS).status == 200
    clock.advance(seconds=1)
    assert api.search("companies").status == 200


def test_answers_tell_what_is_left(api: Api, world: World) -> None:
    api.get(OWNERS)
    headers = api.get(OWNERS).headers
    assert headers["X-HubSpot-RateLimit-Max"] == "3"
    assert headers["X-HubSpot-RateLimit-Remaining"] == "1"
    assert headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"
    assert headers["X-HubSpot-RateLimit-Daily"] == "8"
    assert headers["X-HubSpot-RateLimit-Daily-Remaining"] == "6"
    world.gate.use_up_day(left=1)
    usage = api.get("/account-info/{v}/api-usage/daily/private-apps").body["results"][0]
    assert (usage["usageLimit"], usage["currentUsage"]) == (8, 8)
    assert usage["resetsAt"] == "2026-11-21T23:00:00.000Z"


def test_transactional_mail_counts_towards_no_limit(api: Api, world: World) -> None:
    world.gate.use_up_day()
    assert api.post("/marketing/transactional/{v}/single-email/send", {}).status == 400
    assert api.get(OWNERS).status == 429


def test_retry_after_is_told_where_wanted(clock: ManualClock, api: Api, world: World) -> None:
    world.gate.limits = Limits(per_ten_seconds=0, retry_after=7)
    assert api.get(OWNERS).headers["Retry-After"] == "7"


def test_without_limits_nothing_is_refused_and_the_tier_tells_them() -> None:
    assert World(tier="starter").gate.limits.per_ten_seconds == STARTER.per_ten_seconds == 100
    assert World(tier="enterprise").gate.limits.per_day == ENTERPRISE.per_day == 1_000_000
    assert not World().gate.limits.enforced
