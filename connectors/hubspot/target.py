"""What is to be known of the account before anything is written: asked once, when it is first needed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Engine, select

from connectors.hubspot.batches import Link as Ends
from connectors.hubspot.client import HubSpotClient
from connectors.hubspot.errors import Denied
from connectors.hubspot.fields import Holder, unique_field
from connectors.hubspot.foreign import dicts_of, mapping_of
from connectors.hubspot.layout import Layout, layout_of
from connectors.hubspot.made import Made
from connectors.hubspot.objects import Owner, results_of
from connectors.hubspot.portal import Portal
from connectors.hubspot.settings import HubSpotSettings
from core.schema import reps
from core.store import Store

# HubSpot's own types of unlabelled associations; those with custom objects differ from account to account.
_TYPES = {
    ("tasks", "contacts"): 204,
    ("tasks", "companies"): 192,
    ("tasks", "deals"): 216,
    ("tasks", "tickets"): 230,
    ("emails", "contacts"): 198,
    ("emails", "companies"): 186,
    ("emails", "deals"): 210,
    ("emails", "tickets"): 224,
    ("notes", "contacts"): 202,
    ("notes", "companies"): 190,
    ("notes", "deals"): 214,
    ("notes", "tickets"): 228,
    ("contacts", "companies"): 279,
}


@dataclass(frozen=True, slots=True)
class DealPipeline:
    """A pipeline of deals; its stages by id in their order, and the ids of those that close a deal."""

    id: str
    label: str
    stages: tuple[str, ...]
    won: str
    lost: str


def _deal_pipeline(said: Mapping[str, Any]) -> DealPipeline:
    stages = sorted(dicts_of(said.get("stages")), key=lambda stage: int(stage.get("displayOrder") or 0))
    chances = {str(one.get("id", "")): str(mapping_of(one.get("metadata")).get("probability", "")) for one in stages}
    closing = {float(chance): id for id, chance in reversed(chances.items()) if chance in ("0", "0.0", "1", "1.0")}
    label, id = str(said.get("label", "")), str(said.get("id", ""))
    return DealPipeline(id, label, tuple(chances), closing.get(1.0, ""), closing.get(0.0, ""))


@dataclass
class Target:
    """One account as the connector writes to it."""

    client: HubSpotClient
    settings: HubSpotSettings
    engine: Engine
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __post_init__(self) -> None:
        self._types: dict[tuple[str, str], tuple[int, str]] = {}
        self._unique: dict[Holder, bool] = {}

    @cached_property
    def portal(self) -> Portal:
        """The account's make-up."""
        return Portal(self.client)

    @cached_property
    def layout(self) -> Layout:
        """How records are held. Raises `ConfigurationError` where `nolapse setup hubspot` comes first."""
        made = Made(self.engine, self.portal.account.portal_id)
        return layout_of(self.portal, self.settings, made)

    def has_unique_key(self, holder: Holder) -> bool:
        """Whether the account has taken our key as unique on such activities. Raises `ConfigurationError` without it."""
        if holder not in self._unique:
            name = unique_field(holder).name
            there = self.portal.properties(holder).get(name)
            if there is None:
                raise Denied(f"the property {name} of {holder} is missing; run `nolapse setup hubspot`")
            self._unique[holder] = there.unique
        return self._unique[holder]

    @cached_property
    def deal_pipelines(self) -> list[DealPipeline]:
        """The pipelines of deals, with the stages in which a deal is won and lost."""
        said = self.client.call("GET", "/crm/v3/pipelines/deals", repeatable=True)
        return [_deal_pipeline(one) for one in results_of(said)]

    @cached_property
    def owners(self) -> list[Owner]:
        """Everybody who can own records."""
        return self.client.owners()

    @cached_property
    def former_owners(self) -> list[Owner]:
        """Everybody who could once."""
        return self.client.owners(archived=True)

    def look_again(self) -> None:
        """Forgets who owners and reps are: people come and go while a server runs."""
        for name in ("owners", "former_owners", "_owner_ids", "_rep_keys", "_reps"):
            self.__dict__.pop(name, None)

    @cached_property
    def _named_owners(self) -> Mapping[str, str]:
        """The operator's own map: rep key → owner id."""
        pairs = (entry.partition("=") for entry in self.settings.owners)
        return {ours.strip(): theirs.strip() for ours, _, theirs in pairs}

    def owner_id(self, rep_key: str) -> str:
        """The owner in HubSpot of a rep of ours; empty where there is none."""
        return self._owner_ids.get(rep_key, "") or rep_key.removeprefix("hubspot:") * rep_key.startswith("hubspot:")

    def rep_key(self, owner_id: str) -> str:
        """The rep of ours behind an owner; one that we do not know yet is named after HubSpot."""
        return self._rep_keys.get(owner_id, f"hubspot:{owner_id}")

    def owner(self, rep_key: str) -> Owner | None:
        """The active owner behind a rep of ours."""
        wanted = self.owner_id(rep_key)
        return next((one for one in self.owners if one.id == wanted and one.active), None)

    @cached_property
    def _owner_ids(self) -> Mapping[str, str]:
        return self._by_rep(self.owners) | dict(self._named_owners)

    @cached_property
    def _rep_keys(self) -> Mapping[str, str]:
        """Those who have left too: what they own is still theirs until somebody else takes it."""
        of_owners = self._by_rep(self.former_owners) | dict(self._owner_ids)
        return {owner_id: rep_key for rep_key, owner_id in of_owners.items()}

    def _by_rep(self, owners: Sequence[Owner]) -> dict[str, str]:
        by_email = {one.email.lower(): one.id for one in owners if one.email}
        return {key: by_email[email] for key, email in self._reps.items() if email in by_email}

    @cached_property
    def _reps(self) -> Mapping[str, str]:
        """The addresses of our reps."""
        with Store(self.engine).read() as connection:
            known = connection.execute(select(reps.c.rep_key, reps.c.email)).all()
        return {key: email.lower() for key, email in known if email}

    def ends(self, from_type: str, to_type: str, to_id: str) -> Ends:
        """The plain association of a new record with another."""
        type_id, category = self._type(from_type, to_type)
        return Ends(to_id, type_id, category)

    def _type(self, from_type: str, to_type: str) -> tuple[int, str]:
        if (from_type, to_type) in _TYPES:
            return _TYPES[from_type, to_type], "HUBSPOT_DEFINED"
        if (from_type, to_type) not in self._types:
            found = self.client.association_types(from_type, to_type)
            plain = next((one for one in found if not one.label), next(iter(found), None))
            if plain is None:
                raise Denied(f"HubSpot does not associate {from_type} with {to_type}")
            self._types[from_type, to_type] = (plain.type_id, plain.category)
        return self._types[from_type, to_type]
