"""Pipelines and their stages."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.fakes.hubspot.clock import iso
from tests.fakes.hubspot.properties import EPOCH


@dataclass
class Stage:
    """A stage of a pipeline."""

    id: str
    label: str
    display_order: int
    metadata: dict[str, str]
    created_at: datetime = EPOCH
    updated_at: datetime = EPOCH
    archived: bool = False

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "label": self.label,
            "displayOrder": self.display_order,
            "metadata": self.metadata,
            "createdAt": iso(self.created_at),
            "updatedAt": iso(self.updated_at),
            "archived": self.archived,
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
        }


@dataclass
class Pipeline:
    """A pipeline of deals, tickets or custom objects."""

    id: str
    label: str
    display_order: int
    stages: dict[str, Stage] = field(default_factory=dict)
    created_at: datetime = EPOCH
    updated_at: datetime = EPOCH
    archived: bool = False

    def live_stages(self) -> list[Stage]:
        found = [stage for stage in self.stages.values() if not stage.archived]
        return sorted(found, key=lambda stage: (stage.display_order, stage.label))

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "label": self.label,
            "displayOrder": self.display_order,
            "stages": [stage.as_json() for stage in self.live_stages()],
            "createdAt": iso(self.created_at),
            "updatedAt": iso(self.updated_at),
            "archived": self.archived,
        }


def standard_pipelines(now: datetime) -> dict[str, dict[str, Pipeline]]:
    """The pipelines that every portal has."""
    deals = Pipeline("default", "Sales Pipeline", 0, updated_at=now)
    for order, (stage_id, label, probability) in enumerate(
        (
            ("appointmentscheduled", "Appointment Scheduled", "0.2"),
            ("qualifiedtobuy", "Qualified To Buy", "0.4"),
            ("presentationscheduled", "Presentation Scheduled", "0.6"),
            ("contractsent", "Contract Sent", "0.9"),
            ("closedwon", "Closed Won", "1.0"),
            ("closedlost", "Closed Lost", "0.0"),
        )
    ):
        closed = "true" if probability in ("1.0", "0.0") else "false"
        metadata = {"probability": probability, "isClosed": closed}
        deals.stages[stage_id] = Stage(stage_id, label, order, metadata, updated_at=now)
    tickets = Pipeline("0", "Support Pipeline", 0, updated_at=now)
    for order, (label, state) in enumerate(
        (("New", "OPEN"), ("Waiting on contact", "OPEN"), ("Waiting on us", "OPEN"), ("Closed", "CLOSED"))
    ):
        stage_id = str(order + 1)
        metadata = {"ticketState": state, "isClosed": "true" if state == "CLOSED" else "false"}
        tickets.stages[stage_id] = Stage(stage_id, label, order, metadata, updated_at=now)
    return {"deals": {"default": deals}, "tickets": {"0": tickets}}
