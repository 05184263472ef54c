"""Pipelines and their stages."""

from collections.abc import Mapping
from typing import Any

from tests.fakes.hubspot.calls import Answer, Call, route
from tests.fakes.hubspot.errors import ApiError, invalid, not_found
from tests.fakes.hubspot.kinds import ObjectKind
from tests.fakes.hubspot.pipelines import Pipeline, Stage
from tests.fakes.hubspot.properties_api import schema_scope
from tests.fakes.hubspot.shapes import FLAG, TEXT, WHOLE, Fields, ListOf, MapOf

STAGE = Fields({"displayOrder": WHOLE, "label": TEXT, "metadata": MapOf(TEXT)}, {"stageId": TEXT})
STAGE_REPLACE = Fields({"displayOrder": WHOLE, "label": TEXT, "metadata": MapOf(TEXT)})
STAGE_UPDATE = Fields({"metadata": MapOf(TEXT)}, {"archived": FLAG, "displayOrder": WHOLE, "label": TEXT})
PIPELINE = Fields({"displayOrder": WHOLE, "label": TEXT, "stages": ListOf(STAGE)}, {"pipelineId": TEXT})
PIPELINE_REPLACE = Fields({"displayOrder": WHOLE, "label": TEXT, "stages": ListOf(STAGE)})
PIPELINE_UPDATE = Fields({}, {"archived": FLAG, "displayOrder": WHOLE, "label": TEXT})
FREE_PIPELINES = {"free": 1, "starter": 2, "professional": 15, "enterprise": 100}
REMOVE_QUERY = ("validateReferencesBeforeDelete", "validateDealStageUsagesBeforeDelete")
ONE = "/<object_type>/<pipeline_id>"
ONE_STAGE = f"{ONE}/stages/<stage_id>"


def _kind(call: Call, object_type: str, *, writes: bool) -> ObjectKind:
    kind = call.world.kind(object_type)
    scope = schema_scope(kind)
    if kind.name == "tickets":
        call.require(("tickets",))
    elif writes:
        call.require((f"crm.schemas.{scope}.write",))
    else:
        call.require((*kind.read_scopes, f"crm.schemas.{scope}.read"))
    return kind


def _one(call: Call, kind: ObjectKind, pipeline_id: str) -> Pipeline:
    found = call.world.pipelines.get(kind.name, {}).get(pipeline_id)
    if found is None or found.archived:
        raise not_found(f"Pipeline {pipeline_id} does not exist")
    return found


def _stage(pipeline: Pipeline, stage_id: str) -> Stage:
    found = pipeline.stages.get(stage_id)
    if found is None or found.archived:
        raise not_found(f"Stage {stage_id} does not exist")
    return found


def _metadata(kind: ObjectKind, given: Mapping[str, str]) -> dict[str, str]:
    kept = dict(given)
    if kind.name == "deals":
        try:
            probability = float(kept["probability"])
        except (KeyError, ValueError):
            raise invalid("metadata.probability is needed, from 0.0 to 1.0", field_name="metadata") from None
        if not 0 <= probability <= 1:
            raise invalid("metadata.probability is needed, from 0.0 to 1.0", field_name="metadata")
        kept["isClosed"] = "true" if probability in (0.0, 1.0) else "false"
    elif kind.name == "tickets":
        state = kept.setdefault("ticketState", "OPEN")
        if state not in ("OPEN", "CLOSED"):
            raise invalid("metadata.ticketState must be OPEN or CLOSED", field_name="metadata")
        kept["isClosed"] = "true" if state == "CLOSED" else "false"
    return kept


def _add_stage(call: Call, kind: ObjectKind, pipeline: Pipeline, body: Mapping[str, Any]) -> Stage:
    if any(stage.label == body["label"] for stage in pipeline.live_stages()):
        raise invalid(f"The pipeline has a stage {body['label']} already", field_name="label")
    stage_id = body.get("stageId") or str(call.world.number("stages") + 1_000_000)
    if any(stage_id in other.stages for other in call.world.pipelines[kind.name].values()):
        raise ApiError(409, "CONFLICT", f"There is a stage {stage_id} already")
    made = Stage(stage_id, body["label"], body["displayOrder"], _metadata(kind, body["metadata"]), call.now, call.now)
    pipeline.stages[stage_id] = made
    return made


@route("GET", "pipelines", "/<object_type>", "pipelines.list")
def list_pipelines(call: Call, object_type: str) -> Answer:
    kind = _kind(call, object_type, writes=False)
    found = [each.as_json() for each in call.world.pipelines.get(kind.name, {}).values() if not each.archived]
    return 200, {"results": sorted(found, key=lambda each: (each["displayOrder"], each["label"]))}


@route("POST", "pipelines", "/<object_type>", "pipelines.create")
def create_pipeline(call: Call, object_type: str) -> Answer:
    kind = _kind(call, object_type, writes=True)
    if not kind.stage_property:
        raise invalid(f"{kind.name} have no pipelines", field_name="objectType")
    body = call.body(PIPELINE)
    there = call.world.pipelines.setdefault(kind.name, {})
    live = [each for each in there.values() if not each.archived]
    if len(live) >= FREE_PIPELINES[call.world.tier]:
        raise ApiError(403, "PORTAL_LIMIT_REACHED", f"The account has its {len(live)} pipelines of {kind.name} already")
    if any(each.label == body["label"] for each in live):
        raise ApiError(409, "CONFLICT", f"There is a pipeline {body['label']} already")
    pipeline_id = body.get("pipelineId") or str(call.world.number("pipelines") + 900_000)
    if pipeline_id in there:
        raise ApiError(409, "CONFLICT", f"There is a pipeline {pipeline_id} already")
    made = Pipeline(pipeline_id, body["label"], body["displayOrder"], created_at=call.now, updated_at=call.now)
    there[pipeline_id] = made
    try:
        for stage in body["stages"]:
            _add_stage(call, kind, made, stage)
    except ApiError:
        del there[pipeline_id]
        raise
    return 201, made.as_json()


@route("GET", "pipelines", ONE, "pipelines.read")
def read_pipeline(call: Call, object_type: str, pipeline_id: str) -> Answer:
    return 200, _one(call, _kind(call, object_type, writes=False), pipeline_id).as_json()


@route("PATCH", "pipelines", ONE, "pipelines.update", query=REMOVE_QUERY)
def update_pipeline(call: Call, object_type: str, pipeline_id: str) -> Answer:
    kind, body = _kind(call, object_type, writes=True), call.body(PIPELINE_UPDATE)
    found = call.world.pipelines.get(kind.name, {}).get(pipeline_id)
    if found is None:
        raise not_found(f"Pipeline {pipeline_id} does not exist")
    if "archived" in body and not found.archived:
        raise invalid("archived may only be given to restore an archived pipeline", field_name="archived")
    found.archived = body.get("archived", found.archived)
    found.label = body.get("label", found.label)
    found.display_order = body.get("displayOrder", found.display_order)
    found.updated_at = call.now
    return 200, found.as_json()


@route("PUT", "pipelines", ONE, "pipelines.replace", query=REMOVE_QUERY)
def replace_pipeline(call: Call, object_type: str, pipeline_id: str) -> Answer:
    kind, body = _kind(call, object_type, writes=True), call.body(PIPELINE_REPLACE)
    found = _one(call, kind, pipeline_id)
    found.label, found.display_order, found.updated_at = body["label"], body["displayOrder"], call.now
    kept = {stage["stageId"] for stage in body["stages"] if "stageId" in stage}
    for stage in found.live_stages():
        if stage.id not in kept:
            _check_unused(call, kind, found, stage)
            stage.archived = True
    for entry in body["stages"]:
        there = found.stages.get(entry.get("stageId", ""))
        if there is None:
            _add_stage(call, kind, found, entry)
        else:
            there.label, there.display_order = entry["label"], entry["displayOrder"]
            there.metadata, there.archived, there.updated_at = _metadata(kind, entry["metadata"]), False, call.now
    return 200, found.as_json()


def _check_unused(call: Call, kind: ObjectKind, pipeline: Pipeline, stage: Stage | None = None) -> None:
    for record in call.world.records(kind.name):
        if record.values.get(kind.pipeline_property) != pipeline.id:
            continue
        if stage is None or record.values.get(kind.stage_property) == stage.id:
            raise invalid(f"{kind.singular} {record.id} is in it", field_name="pipelineId")


@route("DELETE", "pipelines", ONE, "pipelines.archive", query=REMOVE_QUERY)
def archive_pipeline(call: Call, object_type: str, pipeline_id: str) -> Answer:
    kind = _kind(call, object_type, writes=True)
    found = _one(call, kind, pipeline_id)
    if call.flag("validateReferencesBeforeDelete"):
        _check_unused(call, kind, found)
    found.archived, found.updated_at = True, call.now
    return 204, None


@route("GET", "pipelines", f"{ONE}/stages", "pipelines.stages.list")
def list_stages(call: Call, object_type: str, pipeline_id: str) -> Answer:
    found = _one(call, _kind(call, object_type, writes=False), pipeline_id)
    return 200, {"results": [stage.as_json() for stage in found.live_stages()]}


@route("POST", "pipelines", f"{ONE}/stages", "pipelines.stages.create")
def create_stage(call: Call, object_type: str, pipeline_id: str) -> Answer:
    kind = _kind(call, object_type, writes=True)
    made = _add_stage(call, kind, _one(call, kind, pipeline_id), call.body(STAGE))
    return 201, made.as_json()


@route("GET", "pipelines", ONE_STAGE, "pipelines.stages.read")
def read_stage(call: Call, object_type: str, pipeline_id: str, stage_id: str) -> Answer:
    return 200, _stage(_one(call, _kind(call, object_type, writes=False), pipeline_id), stage_id).as_json()


@route("PATCH", "pipelines", ONE_STAGE, "pipelines.stages.update")
def update_stage(call: Call, object_type: str, pipeline_id: str, stage_id: str) -> Answer:
    kind, body = _kind(call, object_type, writes=True), call.body(STAGE_UPDATE)
    found = _stage(_one(call, kind, pipeline_id), stage_id)
    found.label = body.get("label", found.label)
    found.display_order = body.get("displayOrder", found.display_order)
    found.metadata = _metadata(kind, {**found.metadata, **body["metadata"]})
    found.archived = body.get("archived", False)
    found.updated_at = call.now
    return 200, found.as_json()


@route("PUT", "pipelines", ONE_STAGE, "pipelines.stages.replace")
def replace_stage(call: Call, object_type: str, pipeline_id: str, stage_id: str) -> Answer:
    kind, body = _kind(call, object_type, writes=True), call.body(STAGE_REPLACE)
    found = _stage(_one(call, kind, pipeline_id), stage_id)
    found.label, found.display_order = body["label"], body["displayOrder"]
    found.metadata, found.updated_at = _metadata(kind, body["metadata"]), call.now
    return 200, found.as_json()


@route("DELETE", "pipelines", ONE_STAGE, "pipelines.stages.archive")
def archive_stage(call: Call, object_type: str, pipeline_id: str, stage_id: str) -> Answer:
    kind = _kind(call, object_type, writes=True)
    pipeline = _one(call, kind, pipeline_id)
    found = _stage(pipeline, stage_id)
    _check_unused(call, kind, pipeline, found)
    found.archived, found.updated_at = True, call.now
    return 204, None
