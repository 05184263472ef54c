"""Finding an order by what an operator types, and telling how it stands."""

from datetime import date, timedelta

import pytest

from core.errors import UsageError
from core.lookup import find_order, order_key_for, order_summary
from core.model import AccountFacts
from tests.builders import House, facts

DAY = date(2026, 3, 2)
END = date(2026, 5, 29)


@pytest.fixture
def told(house: House) -> House:
    """Order 12 of two CAs, order 7 of one."""
    house.source.rows = [
        facts("12", ends_on=END),
        facts("12", ends_on=END, ca="other", key="other:12"),
        facts("7", ends_on=END),
    ]
    house.sync(DAY)
    return house


@pytest.mark.parametrize(
    ("typed", "key"), [("digicert:12", "digicert:12"), ("other:12", "other:12"), ("7", "digicert:7")]
)
def test_by_its_key_or_by_a_bare_id_that_is_unique(told: House, typed: str, key: str) -> None:
    with told.store.read() as connection:
        assert find_order(connection, typed) == key
        assert order_key_for(connection, typed) == (key, True)


def test_a_bare_id_of_several_is_never_guessed(told: House) -> None:
    with told.store.read() as connection:
        for search in (find_order, order_key_for):
            with pytest.raises(UsageError, match=r"called 12: digicert:12, other:12; write the whole key"):
                search(connection, "12")


@pytest.mark.parametrize("typed", ["8", "digicert:8", "", "%", "digicert:"])
def test_an_unknown_order_is_said_to_be_unknown(told: House, typed: str) -> None:
    with told.store.read() as connection, pytest.raises(UsageError, match="is known; check the number"):
        find_order(connection, typed)


def test_a_confirmation_may_name_an_order_that_is_not_known_yet(told: House) -> None:
    with told.store.read() as connection:
        assert order_key_for(connection, "8") == ("digicert:8", False)
        assert order_key_for(connection, "8", "other") == ("other:8", False)
        assert order_key_for(connection, "third:8") == ("third:8", False)


def test_the_summary_tells_dates_cycles_and_evidence(house: House) -> None:
    acme = AccountFacts("acme", name="Acme GmbH")
    expires = END - timedelta(days=40)
    house.source.rows = [
        facts(ends_on=END, account=acme, order_expires_inferred=True, certificate_expires_on=expires, status_text="")
    ]
    house.sync(DAY)
    house.hear("1", DAY, new_order_key="digicert:2")
    house.hear("1", date(2030, 1, 1))
    house.settle(DAY)
    with house.store.read() as connection:
        assert order_summary(connection, "digicert:1") == [
            "digicert:1  www1.example.com  Standard SSL  issued",
            "Acme GmbH; order ends 2026-05-29 (worked out, not told by the CA), certificate ends 2026-04-19",
            "reissue cycle 1: ends 2026-04-19, renewed on 2026-03-02",
            "install cycle 1: ends 2026-04-19, open",
            "renewal cycle 1: ends 2026-05-29, renewed on 2026-03-02, renewed",
            "confirmed by outside for 2026-03-02, new order digicert:2: applied",
            "confirmed by outside for 2030-01-01: stale (no cycle's window holds its day)",
        ]


def test_the_summary_of_an_order_without_dates_or_names(house: House) -> None:
    bare = facts(
        ends_on=END,
        account=AccountFacts("acme"),
        starts_on=END,
        order_expires_on=None,
        certificate_expires_on=None,
        status_text="Pending",
    )
    house.source.rows = [bare]
    house.sync(DAY)
    with house.store.read() as connection:
        assert order_summary(connection, "digicert:1") == [
            "digicert:1  www1.example.com  Standard SSL  Pending",
            "acme; order ends on no known day, certificate ends on no known day",
        ]
