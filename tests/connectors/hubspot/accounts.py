"""An account in the stand-in, set up, and our connector in front of it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import SecretStr, TypeAdapter
from sqlalchemy import insert, select

from connectors.crm.links import Links
from connectors.crm.tables import crm_links
from connectors.hubspot.connector import HubSpotCrm, open_crm, open_mailer
from connectors.hubspot.mailer import HubSpotMailer
from connectors.hubspot.settings import HubSpotSettings
from core.intake import store_reps
from core.model import RepFacts
from core.store import Store, open_store
from tests.builders import make_ledger
from tests.fakes.hubspot import HubSpotServer, ManualClock, World, running_hubspot

REPS = ("rep-1", "rep-2", "rep-3")


@dataclass
class Account:
    """The stand-in with its world, a store, and how to open the connector again."""

    server: HubSpotServer
    store: Store
    settings: HubSpotSettings

    @property
    def world(self) -> World:
        return self.server.world

    @property
    def links(self) -> Links:
        return Links(self.store.engine, "hubspot")

    def crm(self, **changes: Any) -> HubSpotCrm:
        """A connector as a new process opens it, which lives by HubSpot's clock."""
        opened = open_crm(settings_for(self.server, **changes) if changes else self.settings, self.store.engine)
        opened._target.now = self.world.clock.now
        return opened

    def mailer(self, **changes: Any) -> HubSpotMailer:
        return open_mailer(settings_for(self.server, **changes), self.store.engine)

    def one(self, object_type: str, **values: str) -> Any:
        """The only live record with these values."""
        (found,) = self.all(object_type, **values)
        return found

    def all(self, object_type: str, **values: str) -> list[Any]:
        """All live records with these values."""
        return [
            record
            for record in self.world.records(object_type)
            if all(record.values.get(name, "") == value for name, value in values.items())
        ]


def settings_for(server: HubSpotServer, **changes: Any) -> HubSpotSettings:
    """Settings for the stand-in, without pauses and without limits to wait for."""
    usual: dict[str, Any] = {
        "token": SecretStr(server.token),
        "base_url": server.base_url,
        "create": "always",
        "calls_per_10_seconds": 1_000_000,
        "calls_per_day": 625_000,
        "daily_reserve_percent": 0,
        "searches_per_second": 100_000,
        "longest_pause": 0.05,
        "read_timeout": 10.0,
    }
    return TypeAdapter(HubSpotSettings).validate_python(usual | changes)


@contextmanager
def running_account(store: Store, *, unique: bool = True, **changes: Any) -> Iterator[Account]:
    """A professional account with three reps, set up as `nolapse setup hubspot` does it.

    Without `unique` it refuses unique properties on tasks and mails.
    """
    tier = changes.pop("tier", "professional")
    world = _new_world(unique, tier)
    with running_hubspot(world) as server:
        with store.begin() as connection:
            store_reps(connection, [RepFacts(rep, rep.capitalize(), f"{rep}@ours.example") for rep in REPS])
        account = Account(server, store, settings_for(server, **changes))
        if account.settings.record == "custom":
            _set_up(account)
        else:
            _prepared(unique, tier, account.settings.record, account.settings.forecast_deals).put_into(account)
        server.forget_calls()
        yield account


def _new_world(unique: bool, tier: str) -> World:
    world = World(clock=ManualClock(), unique_on_tasks=unique, tier=tier)
    for rep in REPS:
        world.add_owner(f"{rep}@ours.example", rep.capitalize(), "Example")
    return world


def _set_up(account: Account) -> None:
    findings = account.crm().setup(False)
    assert [one for one in findings if not one.ok] == [], findings


@dataclass(frozen=True)
class _Prepared:
    """What setting up left in an account and in our store: setting up anew for every test takes long."""

    properties: Mapping[str, Mapping[str, Any]]
    groups: Mapping[str, Mapping[str, Any]]
    pipelines: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]

    def put_into(self, account: Account) -> None:
        world = account.world
        for name, kind in world.kinds.items():
            kind.properties = dict(self.properties[name])
            kind.groups = dict(self.groups[name])
        world.pipelines = deepcopy(dict(self.pipelines))
        with account.store.begin() as connection:
            connection.execute(insert(crm_links), list(self.rows))


@cache
def _prepared(unique: bool, tier: str, record: str, forecast: bool) -> _Prepared:
    with TemporaryDirectory() as folder, running_hubspot(_new_world(unique, tier)) as server:
        make_ledger(f"sqlite:///{folder}/nolapse.db")
        store = open_store(f"sqlite:///{folder}/nolapse.db")
        try:
            _set_up(Account(server, store, settings_for(server, record=record, forecast_deals=forecast)))
            with store.read() as connection:
                rows = [dict(row) for row in connection.execute(select(crm_links)).mappings()]
        finally:
            store.close()
        kinds = server.world.kinds
        properties = {name: dict(kind.properties) for name, kind in kinds.items()}
        if not unique:
            for there, key in ((properties["emails"], "nolapse_mail_key"), (properties["notes"], "nolapse_note_key")):
                there[key] = replace(there[key], unique=False)
        groups = {name: dict(kind.groups) for name, kind in kinds.items()}
        return _Prepared(properties, groups, deepcopy(server.world.pipelines), rows)
