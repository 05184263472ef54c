"""What is noted as evidence of a renewal, from orders, replacements and by hand."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from core.confirmations import Confirmation, awaited, note, note_by_hand, retract
from core.model import OrderFacts
from core.schema import confirmations
from core.words import Certainty, Clock, ConfirmationState, OrderStatus, ProductKind
from tests.builders import House, account, facts

TODAY = date(2026, 3, 2)
END = date(2026, 4, 10)
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SAID = Confirmation("operator", "", "digicert:1", TODAY, Certainty.PROVISIONAL, "confirmed by hand")


def later(days: int, day: date = TODAY) -> date:
    return day + timedelta(days=days)


def take(house: House, *rows: OrderFacts, day: date = TODAY) -> None:
    house.source.rows = rows
    house.sync(day)


def told(house: House) -> list[tuple[str, str, str, date]]:
    """Old order, new order, certainty and day of each confirmation."""
    return [(row.order_key, row.new_order_key, row.certainty, row.renewed_on) for row in house.rows(confirmations)]


class TestNote:
    def test_the_same_evidence_counts_once_and_the_first_word_stands(self, house: House) -> None:
        assert house.hear("1", TODAY, source_key="a") == 1
        assert house.hear("1", later(3), Certainty.PROVISIONAL, source_key="a") == 0
        assert told(house) == [("digicert:1", "", "confirmed", TODAY)]

    def test_another_source_or_key_is_other_evidence(self, house: House) -> None:
        with house.store.begin() as connection:
            given = [replace(SAID, source=source, source_key=key) for source in "ab" for key in "xyx"]
            assert note(connection, given, NOW) == 4
            assert note(connection, [], NOW) == 0

    def test_what_is_noted_waits_and_keeps_when_it_came(self, house: House) -> None:
        house.hear("1", TODAY)
        [row] = house.rows(confirmations)
        assert (row.state, row.cycle_id, row.applied_at) == (ConfirmationState.WAITING, None, None)
        assert row.received_at == datetime(2026, 1, 1, 12, tzinfo=UTC)


class TestByHand:
    def test_the_same_said_twice_counts_once(self, house: House) -> None:
        with house.store.begin() as connection:
            assert note_by_hand(connection, SAID, NOW)
            assert not note_by_hand(connection, SAID, NOW)
            assert note_by_hand(connection, replace(SAID, renewed_on=later(1)), NOW)
            assert note_by_hand(connection, replace(SAID, clock=Clock.REISSUE), NOW)
        assert len(house.rows(confirmations)) == 3

    def test_said_again_after_it_was_taken_back_it_counts_anew(self, house: House) -> None:
        with house.store.begin() as connection:
            note_by_hand(connection, SAID, NOW)
            for times in (2, 3):
                connection.execute(update(confirmations).values(state=ConfirmationState.RETRACTED))
                assert note_by_hand(connection, SAID, NOW), times
                assert not note_by_hand(connection, SAID, NOW), times
        assert len(house.rows(confirmations)) == 3


def test_only_what_was_named_is_taken_back(house: House) -> None:
    for key in "abc":
        house.hear("1", TODAY, source_key=key)
    with house.store.begin() as connection:
        retract(connection, "outside", ["a", "b"])
        retract(connection, "other", ["c"])
        retract(connection, "outside", [])
    assert [row.state for row in house.rows(confirmations)] == ["retracted", "retracted", "waiting"]


class TestLinks:
    def test_the_new_order_names_the_old_one(self, house: House) -> None:
        new = facts("2", ends_on=later(365, END), placed_on=TODAY, renewal_of="digicert:1")
        take(house, facts("1", ends_on=END), new)
        assert told(house) == [("digicert:1", "digicert:2", "confirmed", TODAY)]

    def test_the_old_order_names_the_new_one(self, house: House) -> None:
        take(house, facts("1", ends_on=END, renewed_by="digicert:2", is_renewed=True))
        assert told(house) == [("digicert:1", "digicert:2", "confirmed", TODAY)]

    def test_both_name_each_other_and_it_counts_once(self, house: House) -> None:
        old = facts("1", ends_on=END, renewed_by="digicert:2")
        new = facts("2", ends_on=later(365, END), placed_on=TODAY, renewal_of="digicert:1")
        take(house, old, new)
        assert len(told(house)) == 1

    def test_renewed_is_enough_without_a_link(self, house: House) -> None:
        take(house, facts("1", ends_on=END, is_renewed=True))
        assert told(house) == [("digicert:1", "", "confirmed", TODAY)]

    def test_what_ended_before_it_was_seen_was_renewed_by_its_end(self, house: House) -> None:
        take(house, facts("1", ends_on=later(-50), is_renewed=True))
        assert told(house) == [("digicert:1", "", "confirmed", later(-50))]

    @pytest.mark.parametrize("status", [OrderStatus.PENDING, OrderStatus.UNKNOWN])
    def test_placed_and_not_issued_is_in_progress(self, house: House, status: OrderStatus) -> None:
        new = facts("2", ends_on=later(365, END), placed_on=TODAY, renewal_of="digicert:1", status=status)
        take(house, replace(new, certificate_issued_on=None, certificate_expires_on=None))
        assert told(house) == [("digicert:1", "digicert:2", "in_progress", TODAY)]

    @pytest.mark.parametrize("status", [OrderStatus.REJECTED, OrderStatus.CANCELLED])
    def test_a_renewal_that_fell_through_takes_its_evidence_back(self, house: House, status: OrderStatus) -> None:
        new = facts("2", ends_on=later(365, END), placed_on=TODAY, renewal_of="digicert:1", certificate_issued_on=None)
        take(house, replace(new, status=OrderStatus.PENDING))
        take(house, replace(new, status=status))
        assert [(row.certainty, row.state) for row in house.rows(confirmations)] == [("in_progress", "retracted")]

    @pytest.mark.parametrize("status", [OrderStatus.REJECTED, OrderStatus.CANCELLED])
    def test_a_renewal_first_seen_as_fallen_through_is_no_evidence(self, house: House, status: OrderStatus) -> None:
        take(house, facts("2", ends_on=END, renewal_of="digicert:1", status=status))
        assert told(house) == []

    def test_issued_later_it_is_confirmed(self, house: House) -> None:
        new = facts("2", ends_on=later(365, END), placed_on=TODAY, renewal_of="digicert:1")
        take(house, replace(new, status=OrderStatus.PENDING, certificate_issued_on=None))
        take(house, new, day=later(3))
        assert [certainty for *_, certainty, _ in told(house)] == ["in_progress", "confirmed"]


def shop(outside_id: str, *, ends_on: date, **said: Any) -> OrderFacts:
    usual: dict[str, Any] = {"common_name": "shop.example.com", "dns_names": ("shop.example.com",)}
    return facts(outside_id, ends_on=ends_on, **usual | said)


class TestReplacements:
    OLD = shop("1", ends_on=END)
    NEW = shop("2", ends_on=later(365, END), placed_on=TODAY)

    def test_a_newer_order_that_covers_all_names_replaces(self, house: House) -> None:
        take(house, self.OLD, self.NEW)
        assert told(house) == [("digicert:1", "digicert:2", "confirmed", TODAY)]
        assert house.rows(confirmations)[0].source == "replacement"

    def test_part_of_the_names_is_only_probable(self, house: House) -> None:
        old = replace(self.OLD, dns_names=("shop.example.com", "pay.example.com", "www.example.com"))
        new = replace(self.NEW, dns_names=("shop.example.com", "pay.example.com"))
        take(house, old, new)
        assert [certainty for *_, certainty, _ in told(house)] == ["probable"]
        take(house, old, replace(new, dns_names=old.dns_names), day=later(1))
        assert [certainty for *_, certainty, _ in told(house)] == ["probable", "confirmed"]

    def test_what_stands_for_another_customers_order_replaces_nothing(self, house: House) -> None:
        moved = facts("3", ends_on=END, account=account("other"), renewed_by=self.NEW.key)
        take(house, moved, self.OLD, self.NEW)
        assert told(house) == [("digicert:3", "digicert:2", "confirmed", TODAY)]

    def test_upper_case_and_wildcards_are_understood(self, house: House) -> None:
        take(house, self.OLD, replace(self.NEW, common_name="*.Example.com", dns_names=("*.Example.com",)))
        assert [certainty for *_, certainty, _ in told(house)] == ["confirmed"]

    @pytest.mark.parametrize(
        "said",
        [
            {"account": account("globex")},
            {"placed_on": later(-91, END)},
            {"ends_on": END},
            {"status": OrderStatus.REVOKED},
            {"status": OrderStatus.REJECTED},
            {"kind": ProductKind.CODE_SIGNING},
            {"certificate_issued_on": None},
            {"renewal_of": "digicert:77"},
            {"common_name": "other.example.com", "dns_names": ("other.example.com",)},
        ],
        ids=lambda said: "-".join(said),
    )
    def test_what_replaces_nothing(self, house: House, said: dict[str, Any]) -> None:
        new = shop("2", **{"ends_on": later(365, END), "placed_on": TODAY} | said)
        take(house, self.OLD, new)
        assert [row for row in told(house) if row[0] == "digicert:1"] == []

    def test_an_order_that_is_not_near_its_end_is_not_replaced(self, house: House) -> None:
        take(
            house, shop("1", ends_on=later(120), placed_on=later(-240)), shop("2", ends_on=later(400), placed_on=TODAY)
        )
        assert told(house) == []

    def test_one_new_order_replaces_one_old_order_and_no_second_one_later(self, house: House) -> None:
        second = shop("3", ends_on=later(5, END), placed_on=later(-300))
        take(house, self.OLD, self.NEW, second)
        assert [old for old, *_ in told(house)] == ["digicert:1"]
        house.settle(TODAY)
        take(house, self.OLD, self.NEW, replace(second, status_text="Issued"), day=later(1))
        house.settle(later(1))
        assert [old for old, *_ in told(house)] == ["digicert:1"]
        assert house.cycles("3")[0].open

    def test_an_order_that_renews_another_by_its_word_replaces_no_third(self, house: House) -> None:
        take(house, replace(self.OLD, renewed_by="digicert:2"), self.NEW, shop("3", ends_on=later(5, END)))
        assert [(old, new) for old, new, *_ in told(house)] == [("digicert:1", "digicert:2")]

    def test_it_is_found_whichever_of_both_comes_first(self, house: House) -> None:
        take(house, self.NEW)
        take(house, self.NEW, self.OLD)
        assert [(old, new) for old, new, *_ in told(house)] == [("digicert:1", "digicert:2")]


def test_what_settle_has_not_applied_is_awaited_by_order_and_clock(house: House) -> None:
    house.hear("1", TODAY)
    house.hear("1", TODAY, Certainty.PROBABLE)
    house.hear("1", TODAY, clock=Clock.REISSUE, source_key="reissued")
    house.hear("2", TODAY)
    house.hear("3", TODAY)
    house.write(
        update(confirmations).where(confirmations.c.order_key == "digicert:2").values(state=ConfirmationState.STALE)
    )
    with house.store.read() as connection:
        found = awaited(connection, ["digicert:1", "digicert:2", "digicert:4"])
    assert found == {
        ("digicert:1", Clock.RENEWAL): [(TODAY, Certainty.CONFIRMED), (TODAY, Certainty.PROBABLE)],
        ("digicert:1", Clock.REISSUE): [(TODAY, Certainty.CONFIRMED)],
    }
