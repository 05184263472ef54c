from datetime import date
from typing import Any

import pytest

from core.consoles import Console, Consoles, StepRule
from core.messages import ConsoleEnd, Picture, Step
from core.words import Clock

FIND = StepRule({"en": "Find order {order} in {console}."}, {"en": "Find the orders in {console}."})
OPEN = StepRule({"en": "Open {console}."}, screenshot="https://x.example/1.png", alt={"en": "The menu"})
OWN = Console("Own", "https://own.example", renewal=(OPEN, FIND), ends_on=date(2027, 6, 30), next="new")
NEW = Console("New", "https://new.example")


def test_steps_name_console_and_order_and_have_their_pictures() -> None:
    assert OWN.steps(Clock.RENEWAL, "en", "77") == (
        Step("Open Own.", Picture("https://x.example/1.png", "The menu")),
        Step("Find order 77 in Own."),
    )


def test_for_several_orders_there_are_words_of_their_own() -> None:
    assert OWN.steps(Clock.RENEWAL, "en", "")[1].text == "Find the orders in Own."


def test_the_operators_name_for_it_counts() -> None:
    assert OWN.steps(Clock.RENEWAL, "en", "77", name="the console")[0].text == "Open the console."


def test_nothing_in_an_orders_id_is_taken_for_a_place_to_fill() -> None:
    assert OWN.steps(Clock.RENEWAL, "en", "{console}")[1].text == "Find order {console} in Own."


def test_a_language_that_a_step_lacks_has_none() -> None:
    assert OWN.steps(Clock.RENEWAL, "it", "77") == ()
    assert OWN.steps(Clock.REISSUE, "en", "77") == ()


def test_the_end_is_told_up_to_the_last_day_with_what_follows() -> None:
    consoles = Consoles({"own": OWN, "new": NEW})
    told = ConsoleEnd("Own", date(2027, 6, 30), "New", "https://new.example")
    assert consoles.end("own", date(2027, 6, 30)) == told
    assert consoles.end("own", date(2027, 7, 1)) is None
    assert consoles.end("new", date(2027, 1, 1)) is None
    assert consoles.end("unknown", date(2027, 1, 1)) is None
    named = consoles.end("own", date(2027, 1, 1), called="ours")
    assert named is not None
    assert named.name == "ours"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"text": {}}, "needs its words"),
        ({"text": {"en": "Find {order}."}}, r"needs several\.en"),
        ({"text": {"en": "a"}, "several": {"en": "Find {order}."}}, "cannot be named"),
        ({"text": {"en": "a"}, "screenshot": "http://x.example/1.png", "alt": {"en": "a"}}, "with https://"),
        ({"text": {"en": "a", "it": "b"}, "screenshot": "https://x.example/1.png", "alt": {"en": "a"}}, r"alt\.it"),
    ],
)
def test_what_cannot_be_meant_is_refused(said: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        StepRule(**said)


def test_what_follows_must_be_known() -> None:
    with pytest.raises(ValueError, match=r"own\.next: new is not in this file"):
        Consoles({"own": OWN})
