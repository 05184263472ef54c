import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core.messages import Letter
from core.offers import Case, OfferRule, Offers, Promise
from core.policy import MessagePolicy
from core.promises import promise
from core.schema import cycles, offer_counts, promises
from core.words import Block, TouchState
from tests.builders import House, account, facts
from tests.core.conftest import MakeHouse

DAY = date(2026, 6, 10)
MOMENT = datetime(2026, 6, 10, 9, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def messages(**rules: OfferRule) -> MessagePolicy:
    return MessagePolicy(offers=Offers(rules))


def case(cycle_id: int, account_id: int = 1, days: int = 60, moment: datetime = MOMENT) -> Case:
    return Case(cycle_id, account_id, "ssl_plus", "", DAY + timedelta(days=days), BERLIN, moment)


def stocked(make_house: MakeHouse, count: int, accounts: int = 1) -> House:
    """Renewals of so many orders, the accounts in turn."""
    rows = [
        facts(str(number), ends_on=DAY + timedelta(days=60), account=account(f"a{number % accounts}"))
        for number in range(count)
    ]
    house = make_house(rows)
    house.sync(DAY)
    return house


def asked(house: House, offers: dict[str, OfferRule], *told: list[Case]) -> dict[int, Promise]:
    with house.store.begin() as connection:
        return promise(connection, Offers(offers), list(told))


def test_what_was_promised_stands_whatever_the_settings_say_later(make_house: MakeHouse) -> None:
    house = stocked(make_house, 1)
    first = asked(house, {"early": OfferRule(percent=10, code="A")}, [case(1)])
    assert first == {1: Promise(1, 1, "early", 10, "A", DAY + timedelta(days=30))}
    better = {"early": OfferRule(percent=30, code="B"), "other": OfferRule(percent=50)}
    assert asked(house, better, [case(1)]) == first
    assert asked(house, {}, [case(1)]) == first


def test_after_it_has_ended_no_other_follows_in_the_same_cycle(make_house: MakeHouse) -> None:
    house = stocked(make_house, 1)
    asked(house, {"early": OfferRule(percent=10)}, [case(1)])
    later = datetime(2026, 7, 11, 9, tzinfo=UTC)
    better = {"late": OfferRule(percent=40, until_days_before=0)}
    assert asked(house, better, [case(1, moment=later)]) == {}
    assert len(house.rows(promises)) == 1


def test_a_budget_counts_renewals_and_is_never_overspent(make_house: MakeHouse) -> None:
    house = stocked(make_house, 4)
    offers = {"few": OfferRule(percent=20, budget=2), "all": OfferRule(percent=5)}
    found = asked(house, offers, [case(1)], [case(2)], [case(3)])
    assert [found[id].offer for id in (1, 2, 3)] == ["few", "few", "all"]
    assert asked(house, offers, [case(1)], [case(4)])[4].offer == "all"
    assert [(row.offer, row.promised) for row in house.rows(offer_counts)] == [("few", 2)]


def test_two_processes_do_not_overspend_together(make_house: MakeHouse) -> None:
    house = stocked(make_house, 12, accounts=12)
    offers = {"few": OfferRule(percent=20, budget=5)}
    failures: list[BaseException] = []

    def work(ids: range) -> None:
        try:
            for id in ids:
                asked(house, offers, [case(id, id)])
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(ids,)) for ids in (range(1, 7), range(7, 13), range(1, 13))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(house.rows(promises)) == 5
    assert [row.promised for row in house.rows(offer_counts)] == [5]


def test_each_account_gets_one_single_use_code_and_keeps_it(make_house: MakeHouse) -> None:
    house = stocked(make_house, 5, accounts=3)
    accounts = {row.id: row.order_id for row in house.rows(cycles)}
    assert len(accounts) == 5
    offers = {"codes": OfferRule(percent=10, codes=("ONE", "TWO"))}
    first = asked(house, offers, [case(1, 1), case(4, 1)], [case(2, 2)])
    assert [first[id].code for id in (1, 4, 2)] == ["ONE", "ONE", "TWO"]
    assert asked(house, offers, [case(5, 2)], [case(3, 3)]) == {5: Promise(5, 2, "codes", 10, "TWO", first[2].ends_on)}


def test_a_message_tells_of_one_offer(make_house: MakeHouse) -> None:
    house = stocked(make_house, 2)
    offers = {"big": OfferRule(percent=30, products=frozenset({"ssl_basic"})), "small": OfferRule(percent=5)}
    both = [case(1), Case(2, 1, "ssl_basic", "", DAY + timedelta(days=60), BERLIN, MOMENT)]
    assert {id: one.offer for id, one in asked(house, offers, both).items()} == {1: "small", 2: "small"}


def test_without_renewals_nothing_is_asked(make_house: MakeHouse) -> None:
    assert asked(make_house(), {"early": OfferRule(percent=10)}, [], []) == {}


class TestInMails:
    """From settings to the letter: what is told, and what is not."""

    RULES = messages(early=OfferRule(percent=15, code="EARLY15", conditions={"en": "Once only."}))

    def mailed(self, make_house: MakeHouse, days: int = 60, *, consent: bool = True, **said: Any) -> Letter:
        house = make_house([facts("1", ends_on=DAY + timedelta(days=days), **said)], messages=self.RULES)
        house.sync(DAY)
        if consent:
            house.may_sell_to("ann@acme.example")
        house.plan(DAY)
        house.deliver(DAY)
        (letter,) = house.writer.letters
        return letter

    def test_an_offer_stands_with_its_last_day_code_and_conditions(self, make_house: MakeHouse) -> None:
        letter = self.mailed(make_house)
        assert letter.offer is not None
        assert (letter.offer.percent, letter.offer.code, letter.offer.conditions) == (15, "EARLY15", "Once only.")
        assert letter.offer.ends_on == DAY + timedelta(days=30)
        assert letter.offer.ends_at.tzinfo == BERLIN
        assert letter.offer.order_ids == ("1",)
        assert Block.OFFER in letter.blocks

    def test_never_in_service_messages(self, make_house: MakeHouse) -> None:
        letter = self.mailed(make_house, consent=False)
        assert (letter.offer, Block.OFFER in letter.blocks) == (None, False)

    def test_never_after_it_has_ended(self, make_house: MakeHouse) -> None:
        assert self.mailed(make_house, 14).offer is None

    def test_never_in_reissues(self, make_house: MakeHouse) -> None:
        letter = self.mailed(
            make_house, 200, certificate_expires_on=DAY + timedelta(days=30), certificate_issued_on=date(2026, 1, 1)
        )
        assert (letter.clock, letter.offer) == ("reissue", None)

    def test_never_where_the_order_renews_by_itself(self, make_house: MakeHouse) -> None:
        assert self.mailed(make_house, 45, auto_renew=True).offer is None

    def test_a_mail_that_waited_too_long_promises_nothing(self, make_house: MakeHouse) -> None:
        house = make_house([facts("1", ends_on=DAY + timedelta(days=60))], messages=messages(
            early=OfferRule(percent=15, valid_until=DAY)
        ))  # fmt: skip
        house.sync(DAY)
        house.may_sell_to("ann@acme.example")
        house.plan(DAY)
        house.plan(DAY + timedelta(days=1))
        house.deliver(DAY + timedelta(days=1))
        assert [letter.offer for letter in house.writer.letters] == [None]
        assert house.rows(promises) == []

    def test_the_promise_is_kept_from_mail_to_mail_and_counted_once(self, make_house: MakeHouse) -> None:
        rules = messages(early=OfferRule(percent=15, until_days_before=10))
        house = make_house([facts("1", ends_on=DAY + timedelta(days=60))], messages=rules)
        house.sync(DAY)
        house.may_sell_to("ann@acme.example")
        house.work(DAY, DAY + timedelta(days=55), idle_days=False)
        told = [(letter.touchpoint, letter.offer.percent if letter.offer else 0) for letter in house.writer.letters]
        assert told == [("before-60", 15), ("before-30", 15), ("before-14", 15), ("before-7", 0)]
        assert len(house.rows(promises)) == 1
        scripts = [(script.lines[0].days_left, script.offer is not None) for script in house.writer.scripts]
        assert [offered for days, offered in scripts if days > 10] == [True] * len(
            [1 for days, _ in scripts if days > 10]
        )
        assert scripts

    def test_nothing_is_promised_where_the_block_is_switched_off(self, make_house: MakeHouse) -> None:
        from core.blocks import Switch, Switches

        off = MessagePolicy(offers=self.RULES.offers, switches=Switches({Block.OFFER: Switch(on=False)}))
        house = make_house([facts("1", ends_on=DAY + timedelta(days=60))], messages=off)
        house.sync(DAY)
        house.may_sell_to("ann@acme.example")
        house.plan(DAY)
        house.deliver(DAY)
        assert [letter.offer for letter in house.writer.letters] == [None]
        assert house.rows(promises) == []


def test_a_touch_is_done_as_without_offers(make_house: MakeHouse) -> None:
    house = make_house([facts("1", ends_on=DAY + timedelta(days=60))], messages=messages(early=OfferRule(percent=15)))
    house.run(DAY)
    assert house.touches()["1", "before-60", "mail"][0] == TouchState.DONE
