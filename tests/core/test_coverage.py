from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from core.coverage import Coverage, Shared, coverage, shared, told_to
from core.eligibility import Scope
from core.reasons import Reason
from core.schema import accounts, contacts, order_contacts
from core.suppressions import suppress
from core.words import Channel, Nature, Role
from tests.builders import House, account, facts, person
from tests.core.conftest import MakeHouse, on_sqlite

DAY = date(2026, 6, 10)


def order(number: str, **said: Any) -> Any:
    usual: dict[str, Any] = {"ends_on": DAY + timedelta(days=30 + int(number)), "account": account(f"a{number}")}
    return facts(number, **usual | {"people": (person(f"ann@a{number}.example"),)} | said)


def looked(house: House, within: int | None = None) -> Coverage:
    with house.store.read() as connection:
        return coverage(connection, house.policy, DAY, within)


def lines(house: House, number: str = "1") -> list[str]:
    with house.store.read() as connection:
        return list(told_to(connection, f"digicert:{number}", house.policy, DAY))


def test_each_order_without_anybody_with_its_reason(make_house: MakeHouse) -> None:
    rows = [order(str(number)) for number in range(1, 7)]
    rows[1] = order("2", people=())
    rows[2] = order("3", people=(person("bob@ours.example"),))
    rows[5] = order("6", auto_renew=True)
    house = make_house(rows, scope=Scope(own_domains=("ours.example",)))
    house.sync(DAY)
    house.write(update(accounts).where(accounts.c.account_key == "a4").values(do_not_contact=True))
    house.write(update(contacts).where(contacts.c.email == "ann@a5.example").values(phone="+49 40 5550100"))
    with house.store.begin() as connection:
        now = datetime.now(UTC)
        suppress(connection, "ann@a5.example", Channel.MAIL, Nature.SERVICE, "unsubscribe", "", now)
    found = looked(house)
    assert [(one.order_key, one.reason, one.by_phone) for one in found.untold] == [
        ("digicert:2", Reason.NO_CONTACT, False),
        ("digicert:3", Reason.OWN_DOMAIN, False),
        ("digicert:4", Reason.DO_NOT_CONTACT, False),
        ("digicert:5", Reason.UNSUBSCRIBED, True),
    ]
    assert (found.told, sum(found.reasons.values())) == (2, 4)
    house.write(update(accounts).values(do_not_call=True))
    assert [one.by_phone for one in looked(house).untold] == [False] * 4
    assert [one.order_key for one in looked(house, within=32).untold] == ["digicert:2"]


@on_sqlite
def test_what_is_settled_or_lost_is_no_gap(make_house: MakeHouse) -> None:
    house = make_house([order("1", people=()), order("2", people=())])
    house.sync(DAY)
    house.hear("1", DAY)
    assert [one.order_key for one in looked(house).untold] == ["digicert:2"]
    assert looked(house).told == 0


@on_sqlite
def test_whom_explain_names(make_house: MakeHouse) -> None:
    house = make_house([order("1"), order("2", people=())])
    house.sync(DAY)
    assert lines(house) == [
        "renewal: mails go to ann@a1.example (organisation)",
        "renewal: service only: no basis for selling to the person is known (rule default)",
    ]
    assert lines(house, "2") == ["renewal: nobody is written to: there is nobody to write to"]
    house.write(update(accounts).where(accounts.c.account_key == "a2").values(route="silent"))
    assert lines(house, "2") == ["renewal: nobody is written to: the customer's route is silent"]
    house.may_sell_to("ann@a1.example")
    assert lines(house)[1] == "renewal: offers may go along: customer since 2026-01-01, rule default"
    with house.store.begin() as connection:
        suppress(connection, "ann@a1.example", Channel.MAIL, Nature.COMMERCIAL, "crm", "", datetime.now(UTC))
    assert lines(house)[1] == "renewal: service only: the person does not want to be sold to (rule default)"


@on_sqlite
def test_who_is_only_written_to_when_it_is_urgent(make_house: MakeHouse) -> None:
    running = order("1", ends_on=DAY + timedelta(days=200), certificate_expires_on=DAY + timedelta(days=30),
                    people=(person("pay@a1.example", Role.BILLING),))  # fmt: skip
    house = make_house([running])
    house.sync(DAY)
    reissue = next(line for line in lines(house) if line.startswith("reissue"))
    assert reissue == "reissue: nobody at first, then mails go to pay@a1.example (billing)"
    assert looked(house).untold == []


@pytest.mark.parametrize(("open_orders", "dropped"), [(2, False), (0, True)])
def test_addresses_of_several_accounts(make_house: MakeHouse, open_orders: int, dropped: bool) -> None:
    agency = (person("office@agency.example"),)
    house = make_house([order("1", people=agency), order("2", people=agency), order("3")])
    house.sync(DAY)
    if dropped:
        house.write(delete(order_contacts))
    with house.store.read() as connection:
        assert shared(connection) == [Shared("office@agency.example", ("a1", "a2"), open_orders)]
