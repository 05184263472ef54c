"""`nolapse setup hubspot`: makes what is missing in the account, changes nothing else, and can take it away again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from connectors.crm.choices import STAGES
from connectors.crm.stages import stage_map
from connectors.hubspot.blueprint import (
    SEGMENTS,
    holders,
    list_body,
    missing_options,
    pipeline_stages,
    property_body,
    schema_body,
    stage_body,
)
from connectors.hubspot.errors import Denied, HubSpotError, Refused
from connectors.hubspot.fields import FIELDS, GROUP, GROUP_LABEL, Field, Holder
from connectors.hubspot.layout import (
    PIPELINE_LABEL,
    find_pipeline,
    find_schema,
    object_type_of,
    pipeline_key,
    stage_key,
    stages_in,
    type_id_of,
)
from connectors.hubspot.made import Made
from connectors.hubspot.portal import Pipeline, Portal, Property
from connectors.hubspot.settings import HubSpotSettings
from core.ports import Finding

ACTIVITIES = (Holder.TASK, Holder.EMAIL, Holder.NOTE)
"""What HubSpot may refuse a unique property; it has property groups of its own, and it is not told whether we may add."""

_TIER_LACKS = "not part of this account's subscription, or not allowed to the token"


@dataclass
class Setup:
    """One run over one account. With `dry_run` it only reads, and tells what it would do."""

    settings: HubSpotSettings
    portal: Portal
    made: Made
    dry_run: bool
    found: list[Finding] = field(default_factory=list)

    def run(self) -> list[Finding]:
        """Makes what is missing, one thing after the other; what cannot be made keeps nothing else from being made."""
        if self.settings.pipeline:
            stage_map(self.settings.stages, "hubspot.stages")  # a mistake in it is told before anything is made
        record_type = self._attempt("custom object", self._record_type)
        for holder in holders(self.settings):
            object_type = object_type_of(holder, record_type or "")
            if object_type:
                self._attempt(f"properties of {object_type}", partial(self._properties, holder, object_type))
        if record_type:
            self._attempt("pipeline", lambda: self._pipeline(record_type))
            for segment in SEGMENTS:
                body = list_body(segment, type_id_of(record_type))
                self._attempt(f"list {segment.name}", partial(self._list, body))
        elif record_type == "":
            self._tell("pipeline", self._did(f"{PIPELINE_LABEL} with {len(STAGES)} stages"))
            for segment in SEGMENTS:
                self._tell(f"list {segment.name}", self._did("it"))
        return self.found

    def _record_type(self) -> str | None:
        """The object type of records; empty where it would be made first, None where it cannot be."""
        if self.settings.record != "custom":
            return f"{self.settings.record}s"
        try:
            return self._custom_object(self.settings.custom_object)
        except Denied as error:
            advice = 'custom objects are part of Enterprise; set hubspot.record = "ticket"'
            self._tell("custom object", f"cannot be used: {error}", ok=False, advice=advice)
            return None

    def _custom_object(self, name: str) -> str:
        schema = find_schema(self.portal.schemas(), self.settings)
        if schema is not None:
            self._tell("custom object", f"{name} is there")
            return schema.object_type_id
        body = schema_body(self.settings)
        made = self._make(f"schema/{name}", lambda: self.portal.make_schema(body).object_type_id)
        self._tell("custom object", self._did(f"{name} with {len(FIELDS[Holder.RECORD])} properties"))
        return made

    def _properties(self, holder: Holder, object_type: str) -> None:
        there = self.portal.properties(object_type)
        wanted = FIELDS[holder]
        new = [one for one in wanted if one.name not in there]
        for one in wanted:
            if one.name in there:
                self._compare(holder, object_type, one, there[one.name])
        kept = len(wanted) - len(new)
        if not new:
            self._tell(f"properties of {object_type}", f"all {kept} are there")
            return
        group = self._group(holder, object_type)
        done = [one.name for one in new if self._property(holder, object_type, one, group)]
        if done:
            self._tell(
                f"properties of {object_type}", self._did(", ".join(done)) + (f"; {kept} are there" if kept else "")
            )

    def _group(self, holder: Holder, object_type: str) -> str:
        """The group for our properties: our own, or on activities and custom objects one that HubSpot has made."""
        groups = self.portal.groups(object_type)
        if GROUP in groups:
            return GROUP
        if groups and (holder in ACTIVITIES or (self.settings.record == "custom" and holder is Holder.RECORD)):
            return next((name for name in groups if name.endswith("information")), groups[0])
        self._make(f"group/{object_type}/{GROUP}", lambda: self.portal.make_group(object_type, GROUP, GROUP_LABEL))
        self._tell(f"property group of {object_type}", self._did(GROUP_LABEL))
        return GROUP

    def _property(self, holder: Holder, object_type: str, one: Field, group: str) -> bool:
        """Makes one property; on activities without uniqueness where that is refused."""
        key, subject = f"property/{object_type}/{one.name}", f"property {one.name} of {object_type}"
        try:
            self._make(key, lambda: self.portal.make_property(object_type, property_body(one, group)))
        except Refused as error:
            if not (one.unique and holder in ACTIVITIES):
                self._tell(subject, str(error), ok=False)
                return False
            plain = property_body(one, group, unique=False)
            self._make(key, lambda: self.portal.make_property(object_type, plain))
            self._tell(
                subject,
                "made without a unique value, which HubSpot refuses here; what is ours is then found by its associations",
            )
        except HubSpotError as error:
            self._tell(subject, str(error), ok=False)
            return False
        return True

    def _compare(self, holder: Holder, object_type: str, wanted: Field, there: Property) -> None:
        """A property of that name which is of another kind is told, never changed; a choice gets the options it lacks."""
        subject = f"property {wanted.name} of {object_type}"
        if there.type != wanted.type:
            text = f"is there as {there.type}, but must be {wanted.type}"
            self._tell(subject, text, ok=False, advice="delete or rename it in HubSpot, then run this again")
        elif wanted.unique and not there.unique and holder not in ACTIVITIES:
            advice = "HubSpot cannot change that; delete it in HubSpot, then run this again"
            self._tell(subject, "is there without unique values", ok=False, advice=advice)
        elif options := missing_options(wanted, there.options):
            if not self.dry_run:
                self.portal.set_options(object_type, wanted.name, options)
            self._tell(subject, self._did(f"{len(options) - len(there.options)} options that were missing"))

    def _pipeline(self, record_type: str) -> None:
        known = self.made.known()
        pipelines = self.portal.pipelines(record_type)
        pipeline = find_pipeline(pipelines, self.settings, known.get(pipeline_key(record_type), ""))
        if pipeline is None and self.settings.pipeline:
            names = ", ".join(one.label for one in pipelines)
            text = f"there is no {self.settings.pipeline!r}; this account has {names}"
            self._tell("pipeline", text, ok=False, advice="set hubspot.pipeline to one of them, or to nothing")
        elif pipeline is None:
            self._make_pipeline(record_type, pipelines)
        else:
            self._stages(record_type, pipeline, known)

    def _make_pipeline(self, record_type: str, there: list[Pipeline]) -> None:
        bodies = pipeline_stages(self.settings)
        if not self.dry_run:
            try:
                made = self.portal.make_pipeline(record_type, PIPELINE_LABEL, bodies)
            except (Denied, Refused) as error:
                names = ", ".join(one.label for one in there)
                advice = f"use one that is there ({names}): set hubspot.pipeline and hubspot.stages"
                self._tell("pipeline", f"cannot be made, some tiers allow only one: {error}", ok=False, advice=advice)
                return
            self.made.remember(pipeline_key(record_type), made.id)
            by_label = {label: id for id, label in made.stages.items()}
            for stage, label in STAGES:
                self.made.remember(stage_key(record_type, stage), by_label.get(label, ""))
        self._tell("pipeline", self._did(f"{PIPELINE_LABEL} with {len(bodies)} stages"))

    def _stages(self, record_type: str, pipeline: Pipeline, known: Mapping[str, str]) -> None:
        stages = stages_in(pipeline, record_type, self.settings, known)
        if self.settings.pipeline:
            self._tell(
                "pipeline",
                f"{pipeline.label} is used: "
                + ", ".join(f"{stage} is {pipeline.stages[id]}" for stage, id in stages.items()),
            )
            return
        missing = [stage for stage, id in stages.items() if not id]
        for stage in missing:
            if not self.dry_run:
                self.made.forget(stage_key(record_type, stage))
                id = self.portal.make_stage(record_type, pipeline.id, stage_body(self.settings, stage))
                self.made.remember(stage_key(record_type, stage), id)
        text = self._did(f"stages {', '.join(missing)}") if missing else f"all {len(stages)} stages are there"
        self._tell("pipeline", f"{pipeline.label}: {text}")

    def _list(self, body: Mapping[str, Any]) -> None:
        name, object_type_id = body["name"], body["objectTypeId"]
        subject = f"list {name}"
        try:
            if self.portal.list_id(object_type_id, name):
                self._tell(subject, "is there")
                return
            self._make(f"list/{object_type_id}/{name}", lambda: self.portal.make_list(body))
        except Denied as error:
            advice = "make it by hand as connectors/hubspot/README.md says, or do without: nothing depends on it"
            self._tell(subject, f"left out, {_TIER_LACKS}: {error}", advice=advice)
            return
        self._tell(subject, self._did("it"))

    def _make(self, key: str, make: Callable[[], str | None]) -> str:
        """Makes one thing and notes that it is ours; gives its id."""
        if self.dry_run:
            return ""
        id = make() or ""
        self.made.remember(key, id)
        return id

    def _attempt(self, subject: str, step: Callable[[], Any]) -> Any:
        try:
            return step()
        except HubSpotError as error:
            self._tell(subject, str(error), ok=False)
            return None

    def _did(self, what: str) -> str:
        return f"would make {what}" if self.dry_run else f"made {what}"

    def _tell(self, subject: str, text: str, *, ok: bool = True, advice: str = "") -> None:
        self.found.append(Finding(f"HubSpot {subject}", ok, text, advice))


_REMOVED_IN = ("list", "pipeline", "stage", "property", "group", "schema")


def undo(portal: Portal, made: Made, dry_run: bool) -> list[Finding]:
    """Removes what `Setup` has made and only that; what HubSpot still needs stays, and is told."""
    known = made.known()
    if not known:
        return [
            Finding("HubSpot setup", True, "there is nothing that `nolapse setup hubspot` has made in this account")
        ]
    found = []
    for key in sorted(known, key=lambda key: _REMOVED_IN.index(key.partition("/")[0])):
        finding = _remove(portal, made, key, known[key], dry_run)
        if finding is not None:
            found.append(finding)
    return found


def _remove(portal: Portal, made: Made, key: str, id: str, dry_run: bool) -> Finding | None:
    kind, object_type, name = (*key.split("/", 2), "", "")[:3]
    subject = f"HubSpot {kind} {name or object_type}" + (f" of {object_type}" if name and kind != "list" else "")
    loss = ", and what records hold in it" if kind in ("property", "schema") else ""
    if kind == "stage":  # goes with its pipeline
        if not dry_run and f"pipeline/{object_type}/{PIPELINE_LABEL}" not in made.known():
            made.forget(key)
        return None
    if dry_run:
        return Finding(subject, True, f"would be removed{loss}")
    removal: dict[str, Callable[[], None]] = {
        "list": lambda: portal.remove_list(id),
        "pipeline": lambda: portal.remove_pipeline(object_type, id),
        "property": lambda: portal.remove_property(object_type, name),
        "group": lambda: portal.remove_group(object_type, name),
        "schema": lambda: portal.remove_schema(id),
    }
    try:
        removal[kind]()
    except HubSpotError as error:
        if error.details.status != 404:
            return Finding(
                subject, False, f"stays: {error}", "remove in HubSpot what still needs it, then run this again"
            )
        made.forget(key)
        return Finding(subject, True, "is no longer there")
    made.forget(key)
    return Finding(subject, True, "removed")
