from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import update

from core.coverage import told_to
from core.messages import Brand
from core.model import AccountFacts
from core.policy import Branding
from core.reasons import Reason
from core.routes import Family, known_route, loose_ends
from core.schema import accounts, tasks
from core.words import Route
from tests.builders import BRAND, House, account, facts, person
from tests.core.conftest import MakeHouse, on_sqlite

DAY = date(2026, 6, 10)


def row(key: str, parent: str = "", route: str = "", brand: str = "", price_list: str = "") -> Any:
    return SimpleNamespace(account_key=key, parent_key=parent, route=route, brand=brand, price_list=price_list)


def family(*rows: Any, heads: tuple[str, ...] = ()) -> Family:
    return Family({one.account_key: one for one in rows}, heads)


class TestHandling:
    """What an account inherits, without a store."""

    def test_alone_it_is_told_directly_in_the_usual_brand(self) -> None:
        own = row("a")
        found = family(own).handling(own)
        assert (found.route, found.addressee, found.brand, found.price_list) == (Route.DIRECT, own, "", "")

    def test_its_own_words_go_before_those_above(self) -> None:
        own = row("a", "b", "direct", "own", "mine")
        found = family(own, row("b", "", "reseller", "theirs", "theirs")).handling(own)
        assert (found.route, found.brand, found.price_list) == (Route.DIRECT, "own", "mine")

    def test_what_it_does_not_say_comes_from_above_and_further_above(self) -> None:
        own = row("a", "b")
        found = family(own, row("b", "c", brand="near"), row("c", "", "silent", "far", "far")).handling(own)
        assert (found.route, found.addressee, found.brand, found.price_list) == (Route.SILENT, own, "near", "far")

    def test_by_a_reseller_its_people_brand_and_prices_count(self) -> None:
        own, reseller = row("a", "b", "reseller", "end", "end"), row("b", price_list="wholesale")
        found = family(own, reseller).handling(own)
        assert (found.addressee, found.brand, found.price_list) == (reseller, "", "wholesale")

    def test_a_reseller_of_resellers_tells_all_below(self) -> None:
        own, middle, top = row("a", "b"), row("b", "c"), row("c", "", "reseller")
        known = family(own, middle, top, heads=("c",))
        assert [known.handling(one).addressee for one in (own, middle, top)] == [top, top, top]

    @pytest.mark.parametrize(("parent", "heads"), [("", ()), ("gone", ()), ("gone", ("a",))])
    def test_without_a_known_reseller_there_is_nobody(self, parent: str, heads: tuple[str, ...]) -> None:
        own = row("a", parent, "reseller")
        assert family(own, heads=heads).handling(own).addressee is None

    def test_a_ring_of_accounts_ends(self) -> None:
        one, other = row("a", "b"), row("b", "a")
        assert family(one, other).handling(one).route is Route.DIRECT
        told = row("a", "b", "reseller")
        assert family(told, row("b", "a", "reseller")).handling(told).addressee is None

    def test_a_word_that_is_no_route_says_nothing(self) -> None:
        assert known_route("") is known_route("pigeon") is None
        assert known_route("silent") is Route.SILENT


SELLER = account(
    "seller", name="Seller", country="FR", zone="Europe/Paris", language="fr", brand="Hanse", owner_key="rep-2",
    people=(person("desk@seller.example"),),
)  # fmt: skip
HANSE = Branding(
    Brand("Hanse Hosting", "certs@hanse.example", "Hanse console", "https://hanse.example"), {"": "Hamburg"}
)


def order(number: str, key: str, *, days: int = 14, **said: Any) -> Any:
    customer = account(key, **({"parent_key": "seller", "route": "reseller"} | said))
    people = (person(f"ann@{key}.example"),)
    return facts(number, ends_on=DAY + timedelta(days=days), account=customer, people=people)


def house_of(make_house: MakeHouse, *rows: Any, known: tuple[AccountFacts, ...] = (SELLER,)) -> House:
    house = make_house(list(rows), brands={"hanse": HANSE})
    house.source.known_accounts = known
    house.sync(DAY)
    return house


def test_a_reseller_is_told_of_all_its_customers_in_its_own_brand(make_house: MakeHouse) -> None:
    house = house_of(make_house, order("1", "acme"), order("2", "beta"), order("3", "late", days=40))
    house.plan(DAY)
    house.deliver(DAY)
    (mail,), (letter,) = house.mailer.sent, house.writer.letters
    assert (mail.to, mail.sender, mail.sender_name) == ("desk@seller.example", "certs@hanse.example", "Hanse Hosting")
    assert mail.headers["List-Unsubscribe"] == "<mailto:certs@hanse.example?subject=unsubscribe>"
    assert (mail.account_key, mail.owner_key) == ("seller", "rep-2")
    assert (letter.account_name, letter.country, letter.language) == ("Seller", "FR", "fr")
    assert [(line.order_id, line.account_name) for line in letter.lines] == [
        ("1", "Acme"),
        ("2", "Beta"),
        ("3", "Late"),
    ]
    assert (letter.brand.legal_footer, letter.action_url) == ("Hamburg", "https://hanse.example")


@on_sqlite
def test_a_reseller_who_does_not_want_to_be_contacted_is_not(make_house: MakeHouse) -> None:
    house = house_of(make_house, order("1", "acme"))
    house.write(update(accounts).where(accounts.c.account_key == "seller").values(do_not_contact=True))
    house.plan(DAY)
    assert house.touches()["1", "before-14", "mail"] == ("skipped", Reason.DO_NOT_CONTACT)


@on_sqlite
def test_customers_that_are_told_directly_wear_the_inherited_brand(make_house: MakeHouse) -> None:
    house = house_of(make_house, order("1", "acme", route=""))
    house.plan(DAY)
    house.deliver(DAY)
    assert [(mail.to, mail.sender_name) for mail in house.mailer.sent] == [("ann@acme.example", "Hanse Hosting")]


@on_sqlite
def test_a_brand_that_is_not_known_is_the_usual_one(make_house: MakeHouse) -> None:
    house = house_of(make_house, order("1", "acme", route="", parent_key="", brand="gone"))
    house.plan(DAY)
    house.deliver(DAY)
    assert [mail.sender for mail in house.mailer.sent] == [BRAND.sender]


@on_sqlite
def test_the_silent_are_neither_written_to_nor_called(make_house: MakeHouse) -> None:
    house = house_of(make_house, order("1", "acme", route="silent", days=21), order("2", "beta", route="silent"))
    house.plan(DAY)
    assert set(house.touches().values()) == {("skipped", Reason.SILENT), ("missed", Reason.PASSED_OVER)}
    house.deliver(DAY)
    assert (house.mailer.sent, house.rows(tasks)) == ([], [])


@on_sqlite
def test_who_falls_silent_meanwhile_hears_no_more(make_house: MakeHouse) -> None:
    house = house_of(make_house, order("1", "acme", route=""))
    house.plan(DAY)
    house.write(update(accounts).where(accounts.c.account_key == "acme").values(route="silent"))
    house.deliver(DAY)
    assert house.mailer.sent == []
    assert house.touches()["1", "before-14", "mail"] == ("withdrawn", Reason.SILENT)


@on_sqlite
def test_without_people_of_the_reseller_the_rep_is_asked_for_one(make_house: MakeHouse) -> None:
    house = house_of(make_house, order("1", "acme"), known=(account("seller"),))
    house.plan(DAY)
    assert house.touches()["1", "before-14", "mail"] == ("skipped", Reason.NO_RESELLER)
    assert "contact" in [task.kind for task in house.rows(tasks)]


@on_sqlite
def test_consent_counts_by_the_country_of_the_reader(make_house: MakeHouse) -> None:
    house = house_of(make_house, order("1", "acme"))
    house.may_sell_to("desk@seller.example", "ann@acme.example")
    with house.store.read() as connection:
        lines = list(told_to(connection, "digicert:1", house.policy, DAY))
    assert lines[0] == "renewal: mails go to desk@seller.example (organisation) of Seller, by the route reseller"
    assert lines[1].startswith("renewal: offers may go along: customer since 2026-01-01")


def test_what_accounts_name_and_nobody_knows(make_house: MakeHouse) -> None:
    house = house_of(
        make_house,
        order("1", "acme", parent_key="gone", brand="Hansa", price_list="none"),
        order("2", "beta", route="pigeon"),
    )
    with house.store.read() as connection:
        told = [text for text, _ in loose_ends(connection, house.policy)]
    assert told == [
        "1 accounts have an account above them that is not known",
        "1 accounts have the route pigeon, which is not known",
        "1 accounts have the brand hansa, which is not known",
        "1 accounts have the price list none, which is not known",
    ]


def test_a_resellers_many_open_orders_are_counted_for_the_digest(make_house: MakeHouse) -> None:
    rows = [order(str(number), f"c{number}") for number in range(1, 13)]
    house = house_of(make_house, *rows)
    house.plan(DAY)
    house.deliver(DAY)
    (letter,) = house.writer.letters
    assert len(letter.lines) == 12
