"""How this account holds an order: the object, its pipeline, the stage of it for each of ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connectors.crm.choices import STAGES
from connectors.crm.stages import stage_map
from connectors.hubspot.errors import Denied
from connectors.hubspot.fields import Holder
from connectors.hubspot.made import Made
from connectors.hubspot.portal import Pipeline, Portal, Schema
from connectors.hubspot.settings import HubSpotSettings
from core.words import Stage

PIPELINE_LABEL = "Certificate renewals"

_TYPE_IDS = {"tickets": "0-5", "deals": "0-3", "companies": "0-2", "contacts": "0-1", "tasks": "0-27"}


@dataclass(frozen=True, slots=True)
class Layout:
    """The object type of records by name and by id, and where a record stands in its pipeline.

    `stages` has no entry for a stage of ours that the operator gave no place: such a record stays where it is.
    """

    object_type: str
    object_type_id: str
    pipeline_id: str
    stages: Mapping[Stage, str] = field(default_factory=dict)
    pipeline_property: str = "hs_pipeline"
    stage_property: str = "hs_pipeline_stage"

    def stage_of(self, stage_id: str) -> Stage | None:
        """Our stage for one of the pipeline; the first, where the operator gave one place to several."""
        return next((stage for stage, id in self.stages.items() if id == stage_id), None)


def layout_of(portal: Portal, settings: HubSpotSettings, made: Made) -> Layout:
    """The layout as it stands. Raises `ConfigurationError` where `nolapse setup hubspot` has something to do first."""
    if settings.record == "custom":
        schema = find_schema(portal.schemas(), settings)
        if schema is None:
            raise Denied(f"the custom object {settings.custom_object} is missing; run `nolapse setup hubspot`")
        object_type = schema.object_type_id
    else:
        object_type = f"{settings.record}s"
    known = made.known()
    pipeline = find_pipeline(portal.pipelines(object_type), settings, known.get(pipeline_key(object_type), ""))
    if pipeline is None:
        raise Denied(_no_pipeline(settings))
    stages = {stage: id for stage, id in stages_in(pipeline, object_type, settings, known).items() if id}
    if Stage.UPCOMING not in stages:
        raise Denied(f"the pipeline {pipeline.label} has no stage for upcoming; {_stage_advice(settings)}")
    properties = ("pipeline", "dealstage") if settings.record == "deal" else ("hs_pipeline", "hs_pipeline_stage")
    return Layout(object_type, type_id_of(object_type), pipeline.id, stages, *properties)


def object_type_of(holder: Holder, record_type: str) -> str:
    """The object that carries these properties, where records are of that type."""
    return record_type if holder is Holder.RECORD else str(holder)


def type_id_of(object_type: str) -> str:
    """The object type by its id; a custom object is named by it already."""
    return _TYPE_IDS.get(object_type, object_type)


def find_schema(schemas: Sequence[Schema], settings: HubSpotSettings) -> Schema | None:
    """The custom object of the settings."""
    return next((one for one in schemas if one.name == settings.custom_object), None)


def find_pipeline(pipelines: Sequence[Pipeline], settings: HubSpotSettings, known: str) -> Pipeline | None:
    """The pipeline that the operator names by id or label, else our own, whatever it is called by now."""
    wanted = (settings.pipeline,) if settings.pipeline else (known, PIPELINE_LABEL)
    for name in filter(None, wanted):
        found = [one for one in pipelines if one.id == name] or [one for one in pipelines if one.label == name]
        if found:
            return found[0]
    return None


def stages_in(
    pipeline: Pipeline, object_type: str, settings: HubSpotSettings, known: Mapping[str, str]
) -> dict[Stage, str]:
    """For each stage of ours its id in the pipeline; empty where it has none. Raises `ConfigurationError`."""
    by_label = {label.casefold(): id for id, label in reversed(list(pipeline.stages.items()))}
    if not settings.pipeline:
        found = {}
        for stage, label in STAGES:
            remembered = known.get(stage_key(object_type, stage), "")
            found[stage] = remembered if remembered in pipeline.stages else by_label.get(label.casefold(), "")
        return found
    said = stage_map(settings.stages, "hubspot.stages")
    missing = [name for name in said.values() if name not in pipeline.stages and name.casefold() not in by_label]
    if missing:
        raise Denied(
            f"hubspot.stages: the pipeline {pipeline.label} has no stage {missing[0]!r}; it has "
            f"{', '.join(pipeline.stages.values())}"
        )
    named = {stage: said[stage] for stage, _ in STAGES if stage in said}
    return {stage: name if name in pipeline.stages else by_label[name.casefold()] for stage, name in named.items()}


def pipeline_key(object_type: str) -> str:
    """The key of our pipeline in the list of what we made."""
    return f"pipeline/{object_type}/{PIPELINE_LABEL}"


def stage_key(object_type: str, stage: Stage) -> str:
    """The key of a stage of our pipeline in the list of what we made."""
    return f"stage/{object_type}/{stage}"


def _no_pipeline(settings: HubSpotSettings) -> str:
    if settings.pipeline:
        return f"hubspot.pipeline: there is no pipeline {settings.pipeline!r}; give its name or id"
    return "the pipeline for renewals is missing; run `nolapse setup hubspot`"


def _stage_advice(settings: HubSpotSettings) -> str:
    return "name it in hubspot.stages" if settings.pipeline else "run `nolapse setup hubspot`"
