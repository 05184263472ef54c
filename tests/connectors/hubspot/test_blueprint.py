from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from connectors.crm.choices import STAGES
from connectors.hubspot.blueprint import (
    OPEN_STAGES,
    SEGMENTS,
    holders,
    list_body,
    missing_options,
    pipeline_stages,
    property_body,
    schema_body,
)
from connectors.hubspot.client import HubSpotClient
from connectors.hubspot.fields import FIELDS, Field, Holder
from connectors.hubspot.portal import Portal
from connectors.hubspot.settings import HubSpotSettings
from core.words import Stage
from tests.connectors.hubspot.conftest import quick_client
from tests.fakes.hubspot import HubSpotServer, ManualClock, World, running_hubspot

NOW = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)  # already tomorrow where the account is


@pytest.fixture
def late() -> Iterator[HubSpotServer]:
    with running_hubspot(World(clock=ManualClock(NOW))) as running:
        yield running


@pytest.fixture
def late_client(late: HubSpotServer) -> Iterator[HubSpotClient]:
    with closing(quick_client(late)) as opened:
        yield opened


def test_the_lists_hold_the_orders_they_name(late: HubSpotServer, late_client: HubSpotClient) -> None:
    portal = Portal(late_client)
    for field in FIELDS[Holder.RECORD]:
        if field.name in ("nolapse_order_ends_on", "nolapse_stage"):
            portal.make_property("tickets", property_body(field, "ticketinformation"))
    for segment in SEGMENTS:
        portal.make_list(list_body(segment, "0-5"))
    held: dict[str, list[int]] = {}
    for one in late.world.lists.values():
        assert one.test is not None
        for days in range(-10, 100):
            values = {"nolapse_order_ends_on": f"{NOW.date() + timedelta(days=days)}", "nolapse_stage": "contacted"}
            if one.test(values, NOW):
                held.setdefault(one.name, []).append(days)
            assert not one.test(values | {"nolapse_stage": "renewed"}, NOW)
        assert not one.test({"nolapse_stage": "contacted"}, NOW)
    assert {name: (days[0], days[-1], len(days)) for name, days in held.items()} == {
        "Nolapse: ends within 30 days": (0, 30, 31),
        "Nolapse: ends within 60 days": (0, 60, 61),
        "Nolapse: ends within 90 days": (0, 90, 91),
        "Nolapse: expired for less than 7 days": (-7, -1, 7),
    }


def test_what_lapsed_lately_is_still_among_the_expired(late: HubSpotServer, late_client: HubSpotClient) -> None:
    assert [Stage.LAPSED in segment.stages for segment in SEGMENTS] == [False, False, False, True]


@pytest.mark.parametrize(
    ("record", "key", "open_value", "won", "lost"),
    [("ticket", "ticketState", "OPEN", "CLOSED", "CLOSED"), ("deal", "probability", None, "1.0", "0.0")],
)
def test_the_stages_are_open_or_closed_in_their_objects_way(
    record: str, key: str, open_value: str | None, won: str, lost: str
) -> None:
    bodies = pipeline_stages(HubSpotSettings(record=record))  # type: ignore[arg-type]
    said = {stage: body["metadata"][key] for (stage, _), body in zip(STAGES, bodies, strict=True)}
    assert [body["displayOrder"] for body in bodies] == list(range(8))
    assert {said[Stage.RENEWED], said[Stage.WON_BACK]} == {won}
    assert {said[Stage.LOST], said[Stage.LAPSED]} == {lost}
    for stage in OPEN_STAGES:
        assert said[stage] == open_value or 0 < float(said[stage]) < 1


def test_a_choice_keeps_its_options_and_gets_those_it_lacks() -> None:
    choice = Field("x", "X", "enumeration", "select", (("a", "A"), ("b", "B")))
    there = [{"value": "z", "label": "Z", "displayOrder": 3, "hidden": True, "description": "", "readOnly": None}]
    assert missing_options(choice, there) == [
        {"value": "z", "label": "Z", "displayOrder": 3, "hidden": True, "description": ""},
        {"value": "a", "label": "A", "displayOrder": 1, "hidden": False},
        {"value": "b", "label": "B", "displayOrder": 2, "hidden": False},
    ]
    assert missing_options(choice, [{"value": "b"}, {"value": "a"}, {"value": "z"}]) == []
    assert missing_options(Field("y", "Y"), []) == []


def test_no_object_gets_more_than_one_unique_property_of_ours() -> None:
    for holder in Holder:
        assert sum(field.unique for field in FIELDS[holder]) == 1
        assert len({field.name for field in FIELDS[holder]}) == len(FIELDS[holder])
        assert all(field.name.startswith("nolapse_") for field in FIELDS[holder])


def test_the_custom_object_shows_and_searches_properties_that_it_has() -> None:
    body = schema_body(HubSpotSettings(record="custom"))
    names = {one["name"] for one in body["properties"]}
    asked = {body["primaryDisplayProperty"], *body["secondaryDisplayProperties"], *body["requiredProperties"]}
    assert asked | set(body["searchableProperties"]) <= names


def test_deals_are_only_touched_where_they_are_wanted() -> None:
    assert Holder.FORECAST not in holders(HubSpotSettings())
    assert Holder.FORECAST in holders(HubSpotSettings(forecast_deals=True))
