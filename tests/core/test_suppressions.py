"""Addresses that are not to be reached."""

from datetime import date

import pytest

from core.errors import UsageError
from core.reasons import Reason
from core.schema import deliveries, suppressions
from core.suppressions import lift, normal_address, of_addresses, queue_optout, suppress
from core.timing import WholeDay
from core.words import Channel, Nature
from tests.builders import House

DAY = date(2026, 3, 2)
TIMER = WholeDay(DAY)


def note(house: House, address: str, channel: Channel = Channel.MAIL, nature: Nature = Nature.SERVICE) -> bool:
    with house.store.begin() as connection:
        return suppress(connection, address, channel, nature, "operator", "asked by phone", TIMER.opening)


class TestAddress:
    @pytest.mark.parametrize("typed", ["ann@acme.example", " Ann@ACME.example\n", "ANN@acme.EXAMPLE"])
    def test_it_is_stored_one_way(self, typed: str) -> None:
        assert normal_address(typed) == "ann@acme.example"

    def test_only_the_last_at_sign_divides(self) -> None:
        assert normal_address('"a@b"@acme.example') == '"a@b"@acme.example'

    @pytest.mark.parametrize(
        "typed", ["", "ann", "ann@", "@acme.example", "ann@acme", "ann b@acme.example", "a@ac me.x"]
    )
    def test_what_is_none_is_refused_and_not_repeated(self, typed: str) -> None:
        with pytest.raises(UsageError) as told:
            normal_address(typed)
        assert str(told.value) == "this is no e-mail address; write NAME@DOMAIN"


class TestSuppress:
    def test_a_wish_is_kept_once_with_its_origin(self, house: House) -> None:
        assert note(house, "Ann@acme.example")
        assert not note(house, "ann@ACME.example")
        [row] = house.rows(suppressions)
        assert (row.address, row.source, row.reason, row.since) == (
            "ann@acme.example", "operator", "asked by phone", TIMER.opening,
        )  # fmt: skip

    def test_channels_and_natures_are_wishes_of_their_own(self, house: House) -> None:
        wishes = [(channel, nature) for channel in Channel for nature in Nature]
        assert all(note(house, "ann@acme.example", *wish) for wish in wishes)
        assert len(house.rows(suppressions)) == 4

    def test_a_mail_opt_out_does_not_stop_calls(self, house: House) -> None:
        note(house, "ann@acme.example")
        with house.store.read() as connection:
            found = of_addresses(connection, ["Ann@acme.example", "bob@acme.example"])
        assert found.why_not("ANN@acme.example", Channel.MAIL, Nature.SERVICE) is Reason.SUPPRESSED
        assert found.why_not("ann@acme.example", Channel.CALL, Nature.SERVICE) is None
        assert found.why_not("bob@acme.example", Channel.MAIL, Nature.SERVICE) is None

    def test_nobody_asked_for_nothing_found(self, house: House) -> None:
        note(house, "ann@acme.example")
        with house.store.read() as connection:
            assert of_addresses(connection, []).by_address == {}


class TestLift:
    def test_all_channels_or_one(self, house: House) -> None:
        for channel in Channel:
            for nature in Nature:
                note(house, "ann@acme.example", channel, nature)
        note(house, "bob@acme.example")
        with house.store.begin() as connection:
            assert lift(connection, " Ann@acme.example", Channel.CALL) == 2
            assert lift(connection, "ann@acme.example") == 2
            assert lift(connection, "ann@acme.example") == 0
        assert [row.address for row in house.rows(suppressions)] == ["bob@acme.example"]


def test_the_crm_is_told_once_a_day_and_the_key_shows_no_address(house: House) -> None:
    with house.store.begin() as connection:
        for _ in range(2):
            queue_optout(connection, "ann@acme.example", Channel.MAIL, Nature.SERVICE, TIMER)
    [row] = house.rows(deliveries)
    assert "ann" not in row.key
    assert (row.kind, row.state, row.day) == ("optout", "planned", DAY)
    house.deliver(DAY)
    [told] = house.crm.optouts.values()
    assert (told.address, told.channel, told.nature, told.since) == (
        "ann@acme.example", "mail", "service", TIMER.opening,
    )  # fmt: skip
