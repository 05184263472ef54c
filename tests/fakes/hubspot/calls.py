"""A request on its way, the routes it may take, and the list of those that came."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.fakes.hubspot.clock import iso
from tests.fakes.hubspot.errors import invalid, missing_scopes
from tests.fakes.hubspot.records import Shelf
from tests.fakes.hubspot.shapes import Kind, check
from tests.fakes.hubspot.world import World

Answer = tuple[int, Any]
Handler = Callable[..., Answer]

DATED = ("2026-03", "2026-09")

BASES: dict[str, tuple[str, str]] = {
    "objects": ("/crm/objects/{version}", "/crm/v3/objects"),
    "object_associations": ("/crm/objects/{version}", "/crm/v4/objects"),
    "associations": ("/crm/associations/{version}", "/crm/v4/associations"),
    "properties": ("/crm/properties/{version}", "/crm/v3/properties"),
    "pipelines": ("/crm/pipelines/{version}", "/crm/v3/pipelines"),
    "schemas": ("/crm-object-schemas/{version}/schemas", "/crm-object-schemas/v3/schemas"),
    "owners": ("/crm/owners/{version}", "/crm/v3/owners"),
    "lists": ("/crm/lists/{version}", "/crm/v3/lists"),
    "account": ("/account-info/{version}", "/account-info/v3"),
    "preferences": ("/communication-preferences/{version}", "/communication-preferences/v4"),
    "transactional": ("/marketing/transactional/{version}", "/marketing/v3/transactional"),
    "single_send": ("/marketing/email-campaigns/{version}/single-send", "/marketing/v4/email/single-send"),
    "sequences": ("/automation/sequences/{version}", "/automation/v4/sequences"),
}


@dataclass(frozen=True)
class Route:
    """A documented operation."""

    method: str
    area: str
    path: str
    name: str
    handler: Handler
    query: tuple[str, ...] = ()
    required_query: tuple[str, ...] = ()
    exempt: frozenset[str] = frozenset()
    """Limits that do not count it."""
    is_search: bool = False

    def places(self) -> list[tuple[str, str]]:
        """Its path under each version, with the version."""
        dated, numbered = BASES[self.area]
        number = next(part for part in numbered.split("/") if part in ("v3", "v4"))
        found = [(dated.format(version=version) + self.path, version) for version in DATED]
        return [*found, (numbered + self.path, number)]


ROUTES: list[Route] = []


def route(method: str, area: str, path: str, name: str, **more: Any) -> Callable[[Handler], Handler]:
    """Makes a function answer a documented operation."""

    def take(handler: Handler) -> Handler:
        ROUTES.append(Route(method, area, path, name, handler, **more))
        return handler

    return take


@dataclass
class Call:
    """A request as its handler sees it."""

    world: World
    version: str
    query: Mapping[str, list[str]]
    raw: Any
    """The parsed body; `None` without one."""
    now: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.now = self.world.clock.now()

    @property
    def is_dated(self) -> bool:
        return self.version in DATED

    def require(self, scopes: Sequence[str]) -> None:
        """Raises 403 unless the app has one of these scopes."""
        if not self.world.needs(scopes):
            raise missing_scopes(scopes)

    def reading(self, object_type: str) -> Shelf:
        """The records of a kind, if the app may read them."""
        shelf = self.world.shelf(object_type)
        self.require(shelf.kind.read_scopes)
        return shelf

    def writing(self, object_type: str) -> Shelf:
        """The records of a kind, if the app may write them."""
        shelf = self.world.shelf(object_type)
        self.require(shelf.kind.write_scopes)
        return shelf

    def body(self, shape: Kind) -> Any:
        """The body, if it has the documented fields only."""
        if self.raw is None:
            raise invalid("Invalid input JSON: a body is needed", field_name="body")
        check(self.raw, shape)
        return self.raw

    def text(self, name: str, default: str | None = None) -> str | None:
        """A query parameter."""
        found = self.query.get(name)
        return found[-1] if found else default

    def flag(self, name: str, default: bool = False) -> bool:
        """A query parameter that is `true` or `false`."""
        value = self.text(name)
        if value is None:
            return default
        if value.lower() not in ("true", "false"):
            raise invalid(f"{name} must be true or false", field_name=name)
        return value.lower() == "true"

    def whole(self, name: str, default: int, at_most: int) -> int:
        """A query parameter that is a number from 1."""
        value = self.text(name)
        if value is None:
            return default
        if not value.isdecimal() or not 1 <= int(value) <= at_most:
            raise invalid(f"{name} must be a number from 1 to {at_most}", field_name=name)
        return int(value)

    def names(self, name: str) -> list[str]:
        """A query parameter with several values, repeated or with commas."""
        return [part for value in self.query.get(name, []) for part in value.split(",") if part]

    def several(self, status: int, results: Sequence[Any], errors: Sequence[Any], *, may_207: bool = True) -> Answer:
        """The answer to a batch: errors as 207 or within the body, by version."""
        body: dict[str, Any] = {
            "status": "COMPLETE",
            "results": list(results),
            "requestedAt": iso(self.now),
            "startedAt": iso(self.now),
            "completedAt": iso(self.world.clock.now()),
        }
        if not errors:
            return status, body
        body |= {"numErrors": len(errors), "errors": list(errors)}
        multi_status = self.world.multi_status.get(self.version, self.version != "2026-09")
        return (207 if multi_status and may_207 else status), body


def page(entries: Sequence[Any], after: str | None, limit: int) -> tuple[list[Any], dict[str, Any] | None]:
    """A page of entries by position, and how to get the next one."""
    start = 0
    if after:
        if not after.isdecimal():
            raise invalid("after must be the value that the last page gave", field_name="after")
        start = int(after)
    shown = list(entries[start : start + limit])
    more = start + limit < len(entries)
    return shown, {"next": {"after": str(start + limit)}} if more else None


def paged(entries: Sequence[Any], call: Call, default: int = 100, at_most: int = 500) -> dict[str, Any]:
    """The body of a listing."""
    shown, paging = page(entries, call.text("after"), call.whole("limit", default, at_most))
    return {"results": shown} | ({"paging": paging} if paging else {})
