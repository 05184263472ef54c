from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from core.errors import RetriableError, SkippableError
from core.last_contacts import Reached, last_contacts
from core.messages import LastContact
from core.model import OrderFacts, Person, RepFacts
from core.offers import OfferRule, Offers
from core.policy import MessagePolicy, TaskPolicy
from core.schema import cycles, deliveries, promises, tasks, touches
from core.suppressions import suppress
from core.words import Certainty, Channel, DeliveryKind, Nature, Role
from tests.builders import House, account, facts, person
from tests.core.conftest import MakeHouse

DAY = date(2026, 6, 10)
LONG_AGO = datetime.now(UTC) - timedelta(hours=1)
KEY = "call:account-1:1"


def ends_in(days: int, number: str = "1", **said: Any) -> OrderFacts:
    return facts(number, ends_on=DAY + timedelta(days=days), **said)


def planned(make_house: MakeHouse, *rows: OrderFacts, **rules: Any) -> House:
    house = make_house(list(rows) or [ends_in(21)], **rules)
    house.sync(DAY)
    house.plan(DAY)
    return house


def of_kind(house: House, kind: str) -> list[Any]:
    return house.rows(deliveries, deliveries.c.kind == kind)


def task(house: House) -> Any:
    return house.rows(tasks)[-1]


def test_a_task_is_made_with_all_that_the_rep_needs(make_house: MakeHouse) -> None:
    phone = Person("bob@acme.example", (Role.BILLING,), name="Bob", phone="+49 30 1")
    people = (person("ann@acme.example"), phone)
    house = planned(make_house, ends_in(21, "1", people=people), ends_in(21, "2", people=people))
    house.deliver(DAY)
    draft = house.crm.tasks[f"#{KEY}"].draft
    assert (draft.kind, draft.account_key, draft.due_on, draft.urgency) == ("call", "acme", DAY, "reminder")
    assert draft.order_keys == ("digicert:1", "digicert:2")
    assert (draft.contact_name, draft.contact_phone) == ("Bob", "+49 30 1")  # who can be called before who cannot
    assert (task(house).state, task(house).outside_id) == ("open", f"#{KEY}")
    assert house.touches()["1", "before-21", "call"] == ("done", "")
    assert {row.stage for row in house.rows(cycles)} == {"contacted"}
    assert {record.stage for record in house.crm.records.values()} == {"contacted"}


def test_orders_that_fell_away_are_not_in_the_script(make_house: MakeHouse) -> None:
    house = planned(make_house, ends_in(21, "1"), ends_in(21, "2"))
    house.hear("1", DAY)
    house.deliver(DAY)
    assert house.crm.tasks[f"#{KEY}"].order_keys == ("digicert:2",)


def test_a_later_step_raises_priority_and_due_date(make_house: MakeHouse) -> None:
    house = planned(make_house)
    house.deliver(DAY)
    later = DAY + timedelta(days=14)
    house.source.rows = [*house.source.rows, ends_in(35, "2")]
    house.sync(later)
    house.work(later, later)
    made = house.crm.tasks[f"#{KEY}"]
    assert (made.urgency, made.due_on, made.order_keys) == ("warning", later, ("digicert:1", "digicert:2"))
    assert made.body == made.draft.body  # the rep's since its creation
    assert (task(house).urgency, task(house).due_on) == ("warning", later)
    assert [row.key for row in of_kind(house, "call_raise")] == ["call:account-1:renewal:2026-06-24:1"]


def test_what_the_rep_changed_is_the_reps(make_house: MakeHouse) -> None:
    from dataclasses import replace

    house = planned(make_house)
    house.deliver(DAY)
    mine = DAY + timedelta(days=60)
    house.crm.tasks[f"#{KEY}"] = replace(house.crm.tasks[f"#{KEY}"], due_on=mine)
    house.work(DAY + timedelta(days=14), DAY + timedelta(days=14))
    assert house.crm.tasks[f"#{KEY}"].due_on == mine
    assert house.crm.tasks[f"#{KEY}"].urgency == "warning"


def test_the_rep_closed_it_meanwhile_the_next_step_makes_a_new_one(make_house: MakeHouse) -> None:
    house = planned(make_house)
    house.deliver(DAY)
    later = DAY + timedelta(days=14)
    house.settle(later)
    house.plan(later)
    house.crm.finish(KEY, "no_answer")
    house.sync(later)
    done = house.deliver(later)
    assert done.kinds[DeliveryKind.CALL_RAISE].withdrawn == 1
    assert of_kind(house, "call_raise")[0].reason == "task_closed"
    assert list(house.crm.tasks) == [f"#{KEY}", "#call:account-1:2"]  # in the same run
    assert house.touches()["1", "before-7", "call"] == ("done", "")
    assert [(row.generation, row.state) for row in house.rows(tasks)] == [(1, "closed"), (2, "open")]


def test_the_last_order_settled_closes_it(make_house: MakeHouse) -> None:
    house = planned(make_house, ends_in(21, "1"), ends_in(21, "2"))
    house.deliver(DAY)
    house.hear("1", DAY)
    house.work(DAY, DAY)
    assert house.crm.tasks[f"#{KEY}"].is_open
    house.hear("2", DAY)
    house.work(DAY, DAY)
    assert not house.crm.tasks[f"#{KEY}"].is_open
    assert task(house).state == "closed"


def test_settled_before_anybody_saw_it_there_is_nothing_to_close(make_house: MakeHouse) -> None:
    house = planned(make_house)
    house.hear("1", DAY)
    done = house.work(DAY, DAY)[DAY]
    assert house.crm.tasks == {}
    assert task(house).state == "closed"
    assert of_kind(house, "call_close") == []
    assert done.kinds[DeliveryKind.CALL_CLOSE].failed == 0


def uncertain(house: House, kind: str = "call_create", **values: Any) -> None:
    said = {"state": "uncertain", "attempts": 1, "sending_at": LONG_AGO} | values
    house.write(update(deliveries).where(deliveries.c.kind == kind).values(**said))


def test_a_creation_that_may_have_arrived_is_looked_up(make_house: MakeHouse) -> None:
    house = planned(make_house)
    house.deliver(DAY)
    house.write(update(tasks).values(state="planned", outside_id=""))
    house.write(update(touches).values(state="planned"))
    uncertain(house, payload={"task_key": KEY})
    done = house.deliver(DAY).kinds[DeliveryKind.CALL_CREATE]
    assert (done.delivered, len(house.crm.tasks)) == (1, 1)
    assert (task(house).state, task(house).outside_id) == ("open", f"#{KEY}")
    assert house.touches()["1", "before-21", "call"] == ("done", "")


def test_a_creation_that_is_not_there_is_made_once_more(make_house: MakeHouse) -> None:
    house = planned(make_house)
    uncertain(house)
    assert house.deliver(DAY).kinds[DeliveryKind.CALL_CREATE].delivered == 1
    assert list(house.crm.tasks) == [f"#{KEY}"]


def test_an_order_settled_while_the_creation_was_uncertain_is_not_in_the_task(make_house: MakeHouse) -> None:
    house = planned(make_house, ends_in(7, "1"), ends_in(7, "2"))
    uncertain(house, sending_at=datetime.now(UTC))
    house.hear("1", DAY)
    house.settle(DAY)
    uncertain(house)
    house.deliver(DAY)
    assert house.crm.tasks[f"#{KEY}"].draft.order_keys == ("digicert:2",)
    assert house.touches()["1", "before-7", "call"] == ("withdrawn", "renewed")
    assert house.touches()["2", "before-7", "call"] == ("done", "")


def test_settled_while_its_creation_was_uncertain_it_is_closed_once_that_is_known(make_house: MakeHouse) -> None:
    house = planned(make_house)
    house.deliver(DAY)
    house.write(update(tasks).values(state="planned", outside_id=""))
    uncertain(house, payload={"task_key": KEY}, sending_at=datetime.now(UTC))
    house.hear("1", DAY)
    house.work(DAY, DAY)
    assert task(house).state == "closing"
    assert [row.state for row in of_kind(house, "call_close")] == ["planned"]  # waits
    uncertain(house, payload={"task_key": KEY})
    house.deliver(DAY)
    house.deliver(DAY)
    assert task(house).state == "closed"
    assert not house.crm.tasks[f"#{KEY}"].is_open


def test_settled_while_a_dead_process_held_its_creation_it_is_never_made(make_house: MakeHouse) -> None:
    house = planned(make_house)
    house.write(
        update(deliveries)
        .where(deliveries.c.kind == "call_create")
        .values(state="claimed", token="dead", lease_until=LONG_AGO)
    )
    house.hear("1", DAY)
    house.work(DAY, DAY)
    done = house.deliver(DAY)
    assert house.crm.tasks == {}
    assert task(house).state == "closed"
    assert [row.state for row in of_kind(house, "call_close")] == ["withdrawn"]
    assert all(one.failed == 0 for one in done.kinds.values())


def test_a_raise_waits_for_a_creation_that_is_uncertain(make_house: MakeHouse) -> None:
    house = planned(make_house)
    uncertain(house, sending_at=datetime.now(UTC))
    later = DAY + timedelta(days=14)
    house.work(later, later)
    assert [row.state for row in of_kind(house, "call_raise")] == ["planned"]
    uncertain(house)
    house.deliver(later)
    house.deliver(later)
    assert [row.state for row in of_kind(house, "call_raise")] == ["delivered"]
    assert house.crm.tasks[f"#{KEY}"].urgency == "warning"


def test_a_creation_refused_for_good_is_given_up_and_the_next_step_makes_a_new_one(make_house: MakeHouse) -> None:
    house = planned(make_house)
    house.crm.failing[KEY] = SkippableError("the owner is unknown")
    assert house.deliver(DAY).kinds[DeliveryKind.CALL_CREATE].failed == 1
    assert (task(house).state, task(house).reason) == ("closed", "the CRM refused it")
    house.work(DAY + timedelta(days=14), DAY + timedelta(days=14))
    assert list(house.crm.tasks) == ["#call:account-1:2"]


def test_a_raise_that_fails_for_now_is_tried_again(make_house: MakeHouse) -> None:
    house = planned(make_house)
    house.deliver(DAY)
    later = DAY + timedelta(days=14)
    house.crm.failing[KEY] = RetriableError("busy")
    assert house.work(later, later)[later].kinds[DeliveryKind.CALL_RAISE].waiting == 1
    assert house.deliver(later).kinds[DeliveryKind.CALL_RAISE].delivered == 1


def test_a_raise_that_is_uncertain_is_repeated(make_house: MakeHouse) -> None:
    house = planned(make_house)
    house.deliver(DAY)
    later = DAY + timedelta(days=14)
    house.settle(later)
    house.plan(later)
    uncertain(house, "call_raise")
    assert house.deliver(later).kinds[DeliveryKind.CALL_RAISE].delivered == 1


def test_a_task_left_without_its_creation_is_given_up_for_a_new_one(make_house: MakeHouse) -> None:
    house = planned(make_house)
    house.write(update(deliveries).where(deliveries.c.kind == "call_create").values(state="withdrawn"))
    later = DAY + timedelta(days=14)
    house.work(later, later)
    assert list(house.crm.tasks) == ["#call:account-1:2"]


def test_every_order_has_its_own_task_where_the_setting_says_so(make_house: MakeHouse) -> None:
    apart = TaskPolicy(one_open_per_account=False)
    house = planned(make_house, ends_in(21, "1"), ends_in(21, "2"), tasks=apart)
    house.work(DAY, DAY)
    assert sorted(house.crm.tasks) == [f"#{KEY}", "#call:account-1:2"]
    house.work(DAY + timedelta(days=14), DAY + timedelta(days=14))
    assert [made.urgency for made in house.crm.tasks.values()] == ["warning", "warning"]
    assert len(house.crm.tasks) == 2


def test_a_contact_task_that_is_needed_no_more_is_not_made(make_house: MakeHouse) -> None:
    house = planned(make_house, ends_in(30, people=()))
    assert [row.kind for row in house.rows(tasks, tasks.c.kind == "contact")] == ["contact"]
    house.hear("1", DAY)
    house.deliver(DAY)
    assert house.crm.tasks == {}
    assert {row.state for row in house.rows(tasks)} == {"closed"}


def test_an_outcome_renewed_confirms_for_the_time_being(make_house: MakeHouse) -> None:
    house = planned(make_house)
    house.deliver(DAY)
    house.crm.finish(KEY, "renewed")
    house.run(DAY)
    assert [row.outcome for row in house.cycles()] == ["renewed"]
    assert house.cycles()[0].certainty == Certainty.PROVISIONAL


@pytest.mark.parametrize("clock", ["reissue", "install"])
def test_service_clocks_ask_support(make_house: MakeHouse, clock: str) -> None:
    order = ends_in(200, certificate_expires_on=DAY + timedelta(days=7 if clock == "reissue" else 3))
    house = make_house([order], tasks=TaskPolicy(support_owner="sam"))
    house.sync(DAY)
    if clock == "install":
        house.write(update(cycles).where(cycles.c.clock == "reissue").values(clock="install"))
    house.plan(DAY)
    house.deliver(DAY)
    (made,) = house.crm.tasks.values()
    assert (made.draft.kind, made.owner_key) == ("support", "sam")
    assert made.draft.key == "support:account-1:1"


def test_a_closing_of_what_is_closed_already_falls_away(make_house: MakeHouse) -> None:
    house = planned(make_house)
    house.deliver(DAY)
    house.write(update(tasks).values(state="closed"))
    row = {
        "key": f"close:{KEY}",
        "kind": "call_close",
        "channel": "call",
        "state": "planned",
        "task_id": 1,
        "account_id": 1,
        "day": DAY,
        "send_after": datetime(2026, 6, 10, tzinfo=UTC),
    }
    house.write(insert(deliveries).values(row))
    assert house.deliver(DAY).kinds[DeliveryKind.CALL_CLOSE].withdrawn == 1
    assert of_kind(house, "call_close")[0].reason == "task_closed"


def test_a_script_is_worded_for_its_rep_and_knows_the_last_contact(make_house: MakeHouse) -> None:
    house = make_house([ends_in(22, account=account(owner_key="rita"))])
    house.source.known_reps = [RepFacts("rita", "Rita", "rita@certs.example", language="it")]
    house.sync(DAY)
    house.may_sell_to("ann@acme.example")
    house.work(DAY, DAY + timedelta(days=1))
    (script,) = house.writer.scripts
    assert (script.language, script.rep_name) == ("it", "Rita")
    assert (script.last_contact, script.mailed_on) == (LastContact(DAY, Channel.MAIL), DAY)
    assert [one.kind for one in script.advice] == ["automate"]


def test_the_last_contact_is_the_later_of_mail_and_call(make_house: MakeHouse) -> None:
    house = planned(make_house)
    closed = {"state": "closed", "outcome": "no answer", "closed_at": datetime(2026, 6, 12, 9, tzinfo=UTC)}
    with house.store.begin() as connection:
        assert last_contacts(connection, []) == {}
        assert last_contacts(connection, [1]) == {}
        connection.execute(update(tasks).values(closed))
        called = LastContact(date(2026, 6, 12), Channel.CALL)
        assert last_contacts(connection, [1]) == {1: Reached(None, called)}
        for key, day in (("mail:a", date(2026, 6, 11)), ("mail:b", date(2026, 6, 13))):
            mail = {"key": key, "kind": "mail", "channel": "mail", "state": "delivered", "account_id": 1, "day": day}
            connection.execute(insert(deliveries).values(mail | {"send_after": LONG_AGO}))
            expected = called if day < called.on else LastContact(day, Channel.MAIL)
            assert last_contacts(connection, [1]) == {1: Reached(day, expected)}


def test_whoever_refuses_to_be_sold_to_by_phone_is_not(make_house: MakeHouse) -> None:
    house = planned(
        make_house,
        ends_in(21),
        messages=MessagePolicy(offers=Offers({"early": OfferRule(percent=9, until_days_before=0)})),
    )
    house.may_sell_to("ann@acme.example")
    with house.store.begin() as connection:
        suppress(connection, "ann@acme.example", Channel.CALL, Nature.COMMERCIAL, "test", "", LONG_AGO)
    house.deliver(DAY)
    (script,) = house.writer.scripts
    assert (script.offer, script.advice, script.questions) == (None, (), ())
    assert house.rows(promises) == []
