"""Whether new certificates are installed: said by somebody, or seen on the servers."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import pytest

from core.errors import UsageError
from core.installs import InstallCounts, Looked, Served, hosts, judge, look, say_installed
from core.ports import Finding
from core.reasons import Reason
from core.schema import confirmations
from core.side_tables import install_looks
from core.standing import standing
from core.timing import WholeDay
from core.words import Certainty, Clock
from tests.builders import House, facts

END = date(2026, 6, 26)
DAY = END - timedelta(days=20)
NEXT_END = END + timedelta(days=200)
ORDER = facts("1", ends_on=END, common_name="a.example", dns_names=("a.example", "*.b.example", "c.example"))
NEW = facts("2", ends_on=NEXT_END, placed_on=DAY, starts_on=DAY, renewal_of=ORDER.key)


@pytest.mark.parametrize(
    ("ends", "new_ends", "looked"),
    [
        ([NEXT_END, None], {NEXT_END}, Looked(1, 0, 1)),
        ([NEXT_END, END], {NEXT_END}, Looked(1, 1, 0)),
        ([END + timedelta(days=9)], {NEXT_END}, Looked(0, 0, 1)),
        ([END + timedelta(days=9)], set(), Looked(1, 0, 0)),
        ([END - timedelta(days=400)], set(), Looked(0, 1, 0)),
        ([], set(), Looked(0, 0, 0)),
    ],
)
def test_which_certificate_is_served(ends: list[date | None], new_ends: set[date], looked: Looked) -> None:
    found = judge([Served("x.example", one) for one in ends], END, frozenset(new_ends))
    assert found == looked
    assert found.is_installed is (looked.new > 0 and looked.old == 0)


def test_where_a_certificate_is_looked_for() -> None:
    names = ["A.example", "*.b.example", "a.example", "host", "x@y.example", "*.*.example", "::1"]
    assert hosts(names) == ["a.example", "www.b.example"]


@dataclass
class Servers:
    """Servers by name: the end of what each serves."""

    ends: dict[str, date]
    asked: list[str] = field(default_factory=list)
    name: str = "servers"
    names_per_order: int = 2

    def look(self, names: Sequence[str]) -> list[Served]:
        self.asked += names
        return [Served(name, self.ends.get(name)) for name in names]

    def check(self) -> list[Finding]:
        return []


@pytest.fixture
def renewed(house: House) -> House:
    house.source.rows = [ORDER, NEW]
    house.sync(DAY)
    house.settle(DAY)
    return house


class TestLooking:
    def test_seen_on_the_servers_the_clock_stops(self, renewed: House) -> None:
        servers = Servers({"a.example": NEXT_END})
        assert look(renewed.store, servers, WholeDay(DAY)) == InstallCounts(1, 1)
        assert servers.asked == ["a.example", "www.b.example"]
        renewed.settle(DAY)
        assert [cycle.outcome for cycle in renewed.cycles(clock=Clock.INSTALL)] == [Reason.INSTALLED]
        assert renewed.rows(confirmations)[-1].certainty == Certainty.CONFIRMED

    def test_the_old_one_is_looked_at_again_the_next_day(self, renewed: House) -> None:
        servers = Servers({"a.example": NEXT_END, "www.b.example": END})
        assert look(renewed.store, servers, WholeDay(DAY)) == InstallCounts(1, 0)
        assert look(renewed.store, servers, WholeDay(DAY)) == InstallCounts(0, 0)
        (row,) = renewed.rows(install_looks)
        assert (row.looked_on, row.new_names, row.old_names, row.silent_names) == (DAY, 1, 1, 0)
        with renewed.store.read() as connection:
            assert standing(connection, ORDER.key)[-1] == (
                f"install 1: looked at on {DAY}: 1 names serve the new certificate, 1 the old one, 0 neither"
            )
        assert look(renewed.store, Servers({"a.example": NEXT_END}), WholeDay(DAY + timedelta(days=1))).installed == 1

    def test_of_a_reissue_the_orders_own_next_certificate_is_looked_for(self, house: House) -> None:
        longer = facts("1", ends_on=NEXT_END, certificate_expires_on=END, common_name="a.example", dns_names=())
        house.source.rows = [longer]
        house.sync(DAY)
        house.source.rows = [replace(longer, certificate_id="c2", certificate_expires_on=NEXT_END)]
        house.sync(DAY)
        house.settle(DAY)
        assert look(house.store, Servers({"a.example": NEXT_END}), WholeDay(DAY)) == InstallCounts(1, 1)

    def test_asked_to_stop_it_looks_at_nothing(self, renewed: House) -> None:
        servers = Servers({})
        assert look(renewed.store, servers, WholeDay(DAY), stop=lambda: True) == InstallCounts(0, 0)
        assert servers.asked == []


class TestSaying:
    def test_a_customers_word_stops_the_clock(self, renewed: House) -> None:
        with renewed.store.begin() as connection:
            said = {"source": "link", "evidence": "the customer said so by the link of a mail"}
            assert say_installed(connection, ORDER.key, WholeDay(DAY), **said)
            assert not say_installed(connection, ORDER.key, WholeDay(DAY), **said)
        renewed.settle(DAY)
        assert [cycle.outcome for cycle in renewed.cycles(clock=Clock.INSTALL)] == [Reason.INSTALLED]

    def test_where_nothing_waits_to_be_installed_there_is_nothing_to_say(self, house: House) -> None:
        house.source.rows = [ORDER]
        house.sync(DAY)
        with house.store.begin() as connection, pytest.raises(UsageError, match="waits to be installed"):
            say_installed(connection, ORDER.key, WholeDay(DAY), source="link", evidence="")
