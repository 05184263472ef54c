"""The documented paths, and what is known of a call."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.salesforce.errors import ApiError
from tests.fakes.salesforce.org import Org
from tests.fakes.salesforce.saving import Saver

JSON = "application/json;charset=UTF-8"
CSV = "text/csv"


@dataclass
class Reply:
    """An answer: its body is JSON, or text of another type."""

    status: int = 200
    body: Any = None
    type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Call:
    """A request, and the org it came to. `user` is who it acts for."""

    org: Org
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    octets: bytes
    version: str = ""
    user: str = ""

    @property
    def saver(self) -> Saver:
        """Writes as the user of the call."""
        return Saver(self.org, self.user)

    @property
    def body(self) -> Any:
        """The body as JSON. Raises `ApiError`."""
        if not self.headers.get("content-type", "").startswith("application/json"):
            raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", f"Content-Type header specified in HTTP request is not supported:"
                           f" {self.headers.get('content-type', '')}")  # fmt: skip
        try:
            return json.loads(self.octets)
        except ValueError:
            raise ApiError(400, "JSON_PARSER_ERROR", "Unexpected character at [line:1, column:1]") from None

    @property
    def object(self) -> dict[str, Any]:
        """The body as a JSON object. Raises `ApiError`."""
        body = self.body
        if not isinstance(body, dict):
            raise ApiError(
                400, "JSON_PARSER_ERROR", "The HTTP entity body is required, but this request has no entity body."
            )
        return body

    def taking(self, *names: str) -> dict[str, Any]:
        """The body, which may only have these entries. Raises `ApiError`."""
        body = self.object
        unknown = sorted(set(body) - set(names))
        if unknown:
            raise ApiError(400, "JSON_PARSER_ERROR", f'Unrecognized field "{unknown[0]}" at [line:1, column:1]')
        return body


Handler = Callable[..., Reply]


@dataclass(frozen=True)
class Route:
    """A documented path below the version, or below the host where it begins with a slash."""

    name: str
    method: str
    pattern: re.Pattern[str]
    handler: Handler
    free: bool
    """Whether it needs no session."""


ROUTES: list[Route] = []


def route(method: str, path: str, name: str, *, free: bool = False) -> Callable[[Handler], Handler]:
    """Registers the handler of a path; `{x}` is one part of it, `{x...}` the rest."""
    pattern = re.sub(
        r"\\\{(\w+)(\\\.\\\.\\\.)?\\\}",
        lambda found: f"(?P<{found[1]}>{'.+' if found[2] else '[^/]+'})",
        re.escape(path),
    )

    def register(handler: Handler) -> Handler:
        ROUTES.append(Route(name, method, re.compile(f"{pattern}/?"), handler, free))
        return handler

    return register


def find(method: str, path: str) -> tuple[Route, str, dict[str, str]]:
    """The route of a request, its version, and the parts of its path. Raises `ApiError`."""
    versioned = re.fullmatch(r"/services/data/v(\d+\.\d)(?:/(.*))?", path)
    version, rest = (versioned[1], versioned[2] or "") if versioned else ("", path)
    others = False
    for one in ROUTES:
        found = one.pattern.fullmatch(rest)
        if found is not None and one.method == method:
            return one, version, found.groupdict()
        others = others or found is not None
    if others:
        raise ApiError(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{method}' not allowed. Allowed are other ones")
    raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
