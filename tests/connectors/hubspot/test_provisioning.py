from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest

from connectors.crm.choices import STAGES
from connectors.hubspot.blueprint import SEGMENTS
from connectors.hubspot.errors import Denied
from connectors.hubspot.fields import FIELDS, GROUP, Holder, unique_field
from connectors.hubspot.layout import PIPELINE_LABEL, Layout, layout_of
from connectors.hubspot.made import Made
from connectors.hubspot.paths import ApiVersion
from connectors.hubspot.portal import Portal
from connectors.hubspot.provisioning import Setup, undo
from core.errors import ConfigurationError
from core.ports import Finding
from core.store import Store
from core.words import Stage
from tests.connectors.hubspot.accounts import settings_for
from tests.connectors.hubspot.conftest import quick_client
from tests.fakes.hubspot import HubSpotServer, World, running_hubspot


class Hands:
    """Somebody who sets an account up, again and again."""

    def __init__(self, server: HubSpotServer, store: Store) -> None:
        self.server = server
        self.world = server.world
        self.store = store
        self.client = quick_client(server)

    @property
    def portal(self) -> Portal:
        return Portal(self.client)

    @property
    def made(self) -> Made:
        return Made(self.store.engine, str(self.world.portal_id))

    def setup(self, *, dry_run: bool = False, **changes: Any) -> list[Finding]:
        return Setup(settings_for(self.server, **changes), self.portal, self.made, dry_run).run()

    def undo(self, *, dry_run: bool = False) -> list[Finding]:
        return undo(self.portal, self.made, dry_run)

    def layout(self, **changes: Any) -> Layout:
        return layout_of(self.portal, settings_for(self.server, **changes), self.made)

    def properties(self, object_type: str) -> dict[str, Any]:
        return {
            name: one for name, one in self.world.kind(object_type).properties.items()
            if name.startswith("nolapse_") and one.archived_at is None
        }  # fmt: skip

    def everything(self) -> list[Any]:
        """All that setup may touch."""
        kinds = [
            (kind.name, sorted(kind.groups.items(), key=str), sorted(kind.properties.items(), key=str))
            for kind in self.world.kinds.values()
        ]
        return [kinds, self.world.pipelines, [one for one in self.world.lists.values() if one.deleted_at is None]]


@pytest.fixture
def hands(ledger: Store, server: HubSpotServer) -> Iterator[Hands]:
    opened = Hands(server, ledger)
    with closing(opened.client):
        yield opened


@pytest.fixture
def enterprise(ledger: Store) -> Iterator[Hands]:
    with running_hubspot(World(tier="enterprise")) as server:
        opened = Hands(server, ledger)
        with closing(opened.client):
            yield opened


def about(found: Sequence[Finding], subject: str) -> Finding:
    (one,) = [finding for finding in found if finding.subject == f"HubSpot {subject}"]
    return one


def bad(found: Sequence[Finding]) -> list[str]:
    return [f"{one.subject}: {one.text}" for one in found if not one.ok]


@pytest.mark.parametrize("record", ["ticket", "deal"])
def test_everything_that_is_missing_is_made(hands: Hands, record: str) -> None:
    assert bad(hands.setup(record=record, forecast_deals=True)) == []
    names = {field.name for field in FIELDS[Holder.RECORD]}
    assert names <= set(hands.properties(f"{record}s"))
    for holder in (Holder.COMPANY, Holder.CONTACT, Holder.TASK, Holder.EMAIL, Holder.FORECAST):
        there = hands.properties(holder)
        assert {field.name for field in FIELDS[holder]} <= set(there)
        assert there[unique_field(holder).name].unique
    assert hands.properties("companies")["nolapse_account_key"].group == GROUP
    assert hands.properties("tasks")["nolapse_task_key"].group != GROUP
    layout = hands.layout(record=record)
    pipeline = hands.world.pipelines[f"{record}s"][layout.pipeline_id]
    assert pipeline.label == PIPELINE_LABEL
    assert list(layout.stages) == [stage for stage, _ in STAGES]
    assert layout.stage_of(layout.stages[Stage.LOST]) is Stage.LOST
    assert layout.stage_of("elsewhere") is None
    assert [one.name for one in hands.world.lists.values()] == [segment.name for segment in SEGMENTS]
    assert {one.processing_type for one in hands.world.lists.values()} == {"DYNAMIC"}


def test_a_dry_run_shows_the_plan_and_changes_nothing(hands: Hands) -> None:
    before = hands.everything()
    planned = hands.setup(dry_run=True)
    assert hands.everything() == before
    assert hands.made.known() == {}
    assert hands.server.writes() == []
    assert bad(planned) == []
    assert "would make nolapse_order_key" in about(planned, "properties of tickets").text
    assert about(planned, "pipeline").text == "would make Certificate renewals with 8 stages"
    done = hands.setup()
    assert [(one.subject, one.text.replace("would make", "made")) for one in planned] == [
        (one.subject, one.text) for one in done
    ]


@pytest.mark.parametrize("record", ["ticket", "deal"])
def test_it_may_be_repeated(hands: Hands, record: str) -> None:
    hands.setup(record=record)
    before = hands.everything()
    hands.server.forget_calls()
    again = hands.setup(record=record)
    assert hands.everything() == before
    assert hands.server.writes() == []
    assert bad(again) == []
    assert about(again, f"properties of {record}s").text == f"all {len(FIELDS[Holder.RECORD])} are there"


def test_what_is_there_is_left_as_it_is(hands: Hands) -> None:
    hands.setup()
    layout = hands.layout()
    hands.client.call("PATCH", "/crm/v3/properties/tickets/nolapse_product", body={"label": "Produkt"}, repeatable=True)
    hands.client.call(
        "PATCH", f"/crm/v3/pipelines/tickets/{layout.pipeline_id}", body={"label": "Erneuerungen"}, repeatable=True
    )
    stage = f"/crm/v3/pipelines/tickets/{layout.pipeline_id}/stages/{layout.stages[Stage.LOST]}"
    body = {"label": "Verloren", "metadata": {"ticketState": "CLOSED"}}
    hands.client.call("PATCH", stage, body=body, repeatable=True)
    hands.server.forget_calls()
    found = hands.setup()
    assert bad(found) == []
    assert hands.server.writes() == []
    assert about(found, "pipeline").text == "Erneuerungen: all 8 stages are there"
    assert hands.layout() == layout


def test_a_stage_that_somebody_removed_is_made_again(hands: Hands) -> None:
    hands.setup()
    layout = hands.layout()
    path = f"/crm/v3/pipelines/tickets/{layout.pipeline_id}/stages/{layout.stages[Stage.WON_BACK]}"
    hands.client.call("DELETE", path, repeatable=True)
    found = hands.setup()
    assert about(found, "pipeline").text == "Certificate renewals: made stages won_back"
    assert set(hands.layout().stages) == set(layout.stages)
    assert hands.layout().stages[Stage.WON_BACK] != layout.stages[Stage.WON_BACK]


def test_options_that_are_missing_are_added_to_those_that_are_there(hands: Hands) -> None:
    own = {"label": "Bankrupt", "value": "bankrupt", "displayOrder": 0, "hidden": False}
    body = {
        "name": "nolapse_lost_reason",
        "label": "Lost",
        "groupName": "ticketinformation",
        "type": "enumeration",
        "fieldType": "select",
        "options": [own, {"label": "Preis", "value": "price", "displayOrder": 1, "hidden": False}],
    }
    hands.client.call("POST", "/crm/v3/properties/tickets", body=body, repeatable=False)
    found = hands.setup()
    assert bad(found) == []
    assert about(found, "property nolapse_lost_reason of tickets").text == "made 6 options that were missing"
    there = hands.portal.properties("tickets")["nolapse_lost_reason"]
    assert [(one["value"], one["label"]) for one in there.options][:3] == [
        ("bankrupt", "Bankrupt"),
        ("price", "Preis"),
        ("competitor", "Bought elsewhere"),
    ]


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ({"type": "number", "fieldType": "number"}, "is there as number, but must be string"),
        ({"type": "string", "fieldType": "text"}, "is there without unique values"),
    ],
)
def test_a_property_of_another_kind_is_told_and_left_alone(hands: Hands, kind: dict[str, str], told: str) -> None:
    body = {"name": "nolapse_order_key", "label": "K", "groupName": "ticketinformation", **kind}
    hands.client.call("POST", "/crm/v3/properties/tickets", body=body, repeatable=False)
    found = hands.setup()
    finding = about(found, "property nolapse_order_key of tickets")
    assert (finding.ok, finding.text) == (False, told)
    assert "HubSpot" in finding.advice
    assert bad(found) == [f"{finding.subject}: {told}"]
    assert hands.properties("tickets")["nolapse_order_key"].label == "K"


def test_where_tasks_take_no_unique_property_a_plain_one_is_made(hands: Hands) -> None:
    hands.world.unique_on_tasks = False
    found = hands.setup()
    assert bad(found) == []
    assert "without a unique value" in about(found, "property nolapse_task_key of tasks").text
    assert not hands.properties("tasks")["nolapse_task_key"].unique
    assert bad(hands.setup()) == []


def test_one_thing_that_cannot_be_made_keeps_no_other_from_being_made(hands: Hands) -> None:
    hands.server.fail(400, "properties.create", object_type="companies")
    hands.server.fail(500, "properties.groups.create", object_type="contacts", times=9)
    found = hands.setup()
    assert len(bad(found)) == 2
    assert "HubSpot property nolapse_account_key of companies" in bad(found)[0]
    assert about(found, "pipeline").ok
    hands.server.recover()
    assert bad(hands.setup()) == []


def test_a_pipeline_that_the_tier_does_not_allow_is_told_with_the_way_out(hands: Hands) -> None:
    hands.server.fail(403, "pipelines.create", category="FORBIDDEN")
    finding = about(hands.setup(), "pipeline")
    assert not finding.ok
    assert "set hubspot.pipeline and hubspot.stages" in finding.advice
    assert "Support Pipeline" in finding.advice


MAP = ("upcoming=New", "renewed=Closed", "lost=closed", "contacted=Waiting on contact")


def test_a_pipeline_that_exists_is_used_by_a_map(hands: Hands) -> None:
    found = hands.setup(pipeline="Support Pipeline", stages=MAP)
    assert bad(found) == []
    assert "Support Pipeline is used: upcoming is New, contacted is Waiting on contact" in about(found, "pipeline").text
    assert hands.server.count("pipelines.create") == 0
    layout = hands.layout(pipeline="Support Pipeline", stages=MAP)
    (id,) = hands.world.pipelines["tickets"]
    assert layout.pipeline_id == id
    assert set(layout.stages) == {Stage.UPCOMING, Stage.CONTACTED, Stage.RENEWED, Stage.LOST}
    assert layout.stages[Stage.RENEWED] == layout.stages[Stage.LOST]
    assert hands.layout(pipeline=id, stages=MAP) == layout


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"pipeline": "Support Pipeline"}, "names no stage for upcoming"),
        (
            {"pipeline": "Support Pipeline", "stages": ("new=New",)},
            "'new=New' is no \"ours=theirs\"; ours are upcoming",
        ),
        ({"pipeline": "Support Pipeline", "stages": ("upcoming=",)}, 'is no "ours=theirs"'),
    ],
)
def test_a_map_that_cannot_be_meant_is_refused_before_anything_is_made(
    hands: Hands, changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigurationError, match=told):
        hands.setup(**changes)
    assert hands.server.count() == 0


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"pipeline": "Sales", "stages": ("upcoming=New",)}, "there is no 'Sales'; this account has Support Pipeline"),
        ({"pipeline": "Support Pipeline", "stages": ("upcoming=Neu",)}, "has no stage 'Neu'; it has New, "),
    ],
)
def test_a_map_onto_what_is_not_there_is_told(hands: Hands, changes: dict[str, Any], told: str) -> None:
    assert told in about(hands.setup(**changes), "pipeline").text
    with pytest.raises(Denied, match=r"hubspot\.pipeline: there is no|has no stage"):
        hands.layout(**changes)


def test_without_a_setup_the_layout_asks_for_one(hands: Hands, enterprise: Hands) -> None:
    with pytest.raises(Denied, match="run `nolapse setup hubspot`"):
        hands.layout()
    with pytest.raises(Denied, match="the custom object certificate_order is missing; run `nolapse setup hubspot`"):
        enterprise.layout(record="custom")


@pytest.mark.parametrize("version", ["2026-03", "2026-09", "numbered"])
def test_a_custom_object_is_made_with_everything(enterprise: Hands, version: ApiVersion) -> None:
    enterprise.client = quick_client(enterprise.server, version=version)
    planned = enterprise.setup(dry_run=True, record="custom")
    assert enterprise.server.writes() == []
    assert about(planned, "custom object").text.startswith("would make certificate_order with ")
    assert about(planned, "pipeline").text.startswith("would make")
    assert bad(enterprise.setup(record="custom")) == []
    layout = enterprise.layout(record="custom")
    assert layout.object_type == layout.object_type_id
    assert layout.object_type.startswith("2-")
    assert len(layout.stages) == len(STAGES)
    there = enterprise.properties(layout.object_type)
    assert there["nolapse_order_key"].unique
    assert set(there) == {field.name for field in FIELDS[Holder.RECORD]}
    enterprise.server.forget_calls()
    assert bad(enterprise.setup(record="custom")) == []
    assert enterprise.server.writes() == []


def test_without_enterprise_the_custom_object_falls_back_by_advice(hands: Hands) -> None:
    found = hands.setup(record="custom")
    finding = about(found, "custom object")
    assert not finding.ok
    assert finding.advice == 'custom objects are part of Enterprise; set hubspot.record = "ticket"'
    assert hands.server.count("pipelines.create") == 0


def test_lists_that_are_not_allowed_are_left_out(hands: Hands) -> None:
    hands.server.fail(403, "lists.*", times=99, category="FORBIDDEN")
    found = hands.setup()
    assert bad(found) == []
    finding = about(found, f"list {SEGMENTS[0].name}")
    assert finding.text.startswith("left out")
    assert "connectors/hubspot/README.md" in finding.advice


def test_undo_removes_what_was_made_and_nothing_else(hands: Hands) -> None:
    mine = {"name": "our_own", "label": "Own", "groupName": "ticketinformation", "type": "string", "fieldType": "text"}
    hands.client.call("POST", "/crm/v3/properties/tickets", body=mine, repeatable=False)
    ours = {"name": "nolapse_product", **{name: mine[name] for name in ("label", "groupName", "type", "fieldType")}}
    hands.client.call("POST", "/crm/v3/properties/tickets", body=ours, repeatable=False)
    before = set(hands.world.kind("tickets").properties)
    pipelines = hands.portal.pipelines("tickets")
    hands.setup()
    assert bad(hands.undo(dry_run=True)) == []
    assert len(hands.properties("tickets")) == len(FIELDS[Holder.RECORD])
    removed = hands.undo()
    assert bad(removed) == []
    assert {one.text for one in removed} == {"removed"}
    alive = {name for name, one in hands.world.kind("tickets").properties.items() if one.archived_at is None}
    assert alive == before
    assert hands.properties("contacts") == {}
    assert hands.portal.pipelines("tickets") == pipelines
    assert [one for one in hands.world.lists.values() if one.deleted_at is None] == []
    assert hands.made.known() == {}
    assert "nothing that `nolapse setup hubspot` has made" in hands.undo()[0].text


def test_undo_leaves_what_is_still_in_use(hands: Hands) -> None:
    hands.setup()
    layout = hands.layout()
    id = hands.world.add(
        "tickets", subject="x", hs_pipeline=layout.pipeline_id, hs_pipeline_stage=layout.stages[Stage.UPCOMING]
    )
    (kept,) = [one for one in hands.undo() if not one.ok]
    assert kept.subject == "HubSpot pipeline Certificate renewals of tickets"
    assert kept.text.startswith("stays: ")
    hands.world.archive("tickets", id)
    assert bad(hands.undo()) == []
    assert hands.made.known() == {}


def test_undo_takes_note_of_what_somebody_else_has_removed(enterprise: Hands) -> None:
    enterprise.setup(record="custom")
    (list_id, *_) = enterprise.world.lists
    enterprise.client.call("DELETE", f"/crm/v3/lists/{list_id}", repeatable=True)
    found = enterprise.undo()
    assert bad(found) == []
    assert {one.text for one in found} == {"removed", "is no longer there"}
    assert enterprise.made.known() == {}


def test_what_was_made_in_one_account_is_not_undone_in_another(hands: Hands) -> None:
    hands.setup()
    other = Made(hands.store.engine, "99")
    assert undo(hands.portal, other, dry_run=False)[0].text.startswith("there is nothing")
    other.remember("list/0-5/x", "7")
    other.remember("list/0-5/x", "8")
    assert other.known() == {"list/0-5/x": "7"}
    other.forget("list/0-5/x")
    assert other.known() == {}
    assert hands.made.known()
