"""What every call passes: the count, the key, the limits, what is to go wrong, the shape of query and body."""

import json
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from tests.fakes.certcentral.errors import ApiError, invalid, missing, unknown
from tests.fakes.certcentral.limits import RollingLimits
from tests.fakes.certcentral.query import read_query
from tests.fakes.certcentral.records import ORDERS, ORDERS_AND_MORE, READ, Key
from tests.fakes.certcentral.trouble import Trouble, Troubles
from tests.fakes.certcentral.world import World

API = "/services/v2"
PARTNER_API = "/partner-subscription/api/v1"
COUNTS = "/stand-in/counts"  # no part of the API, and not counted: for a bench in another process
KEPT_CALLS = 20_000
_PLACE = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True, slots=True)
class Call:
    """A call as the server saw it. `path` is without its base, `query` as it was sent."""

    method: str
    path: str
    query: str
    status: int
    route: str
    at: float


@dataclass
class Told:
    """What the server was told, and what it has seen.

    `calls` counts by method and route, such as `GET /order/certificate/{order_id}`; `answers` by status.
    """

    world: World
    limits: RollingLimits
    troubles: Troubles = field(default_factory=Troubles)
    calls: Counter[str] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)
    log: deque[Call] = field(default_factory=lambda: deque(maxlen=KEPT_CALLS))
    faults: list[BaseException] = field(default_factory=list)  # the stand-in's own
    stopping: Event = field(default_factory=Event)
    lock: Lock = field(default_factory=Lock)

    def forget(self) -> None:
        """Counts afresh."""
        with self.lock:
            self.calls.clear()
            self.answers.clear()
            self.log.clear()


# What a view gets: the account, the query, the body, and the parts of the path by their names.
View = Callable[..., Response]


@dataclass(frozen=True, slots=True)
class Route:
    """One path with one method.

    `plain` and `filters`: the parameters that a query may have. `body`: the fields that a body may have, with their
    types; None: no body. `required`: those that must be there. `accepts`: the kinds of answer that may be asked for.
    """

    method: str
    path: str
    view: View
    plain: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    body: dict[str, type | tuple[type, ...]] | None = None
    required: tuple[str, ...] = ()
    api: str = API
    accepts: tuple[str, ...] = ("application/json",)

    @property
    def name(self) -> str:
        """As the calls are counted: `PUT /order/certificate/{order_id}/status`."""
        return f"{self.method} " + _PLACE.sub(r"{\1}", self.path)


def answer(said: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(json.dumps(said, separators=(",", ":")), status, content_type="application/json")


def nothing() -> Response:
    """204."""
    return Response(status=204)


def empty_or(world: World, name: str, rows: list[Any], **more: Any) -> Response:
    """A list under its name; `{}` for an empty one where the account does that."""
    return answer({} if not rows and world.quirks.empty_object else {name: rows, **more})


def register(app: Flask, routes: Iterable[Route]) -> None:
    """Adds the routes, and puts every call of the app through the gate."""
    app.url_map.strict_slashes = True
    app.url_map.redirect_defaults = False
    app.add_url_rule(COUNTS, "counts", lambda: answer({"calls": told().calls, "answers": told().answers}))
    for route in routes:
        app.add_url_rule(
            f"{route.api}{route.path}",
            endpoint=f"{route.api} {route.name}",
            view_func=_guarded(route),
            methods=[route.method],
            provide_automatic_options=False,
        )
    app.before_request(_admit)
    app.after_request(_note)
    app.register_error_handler(ApiError, _refuse)
    app.register_error_handler(HTTPException, _refuse_path)


def told() -> Told:
    """What the server of this call was told."""
    found: Told = request.environ["stand-in.told"]
    return found


def caller() -> Key:
    """The key of this call."""
    found: Key = request.environ["stand-in.key"]
    return found


def _admit() -> None:
    if request.path == COUNTS:
        return
    api = next((api for api in (API, PARTNER_API) if request.path.startswith(f"{api}/")), None)
    if api is None:
        raise NotFound
    if request.method == "HEAD":
        raise MethodNotAllowed
    world = told().world
    key = _key(world, request.environ["stand-in.region"], partner=api == PARTNER_API)
    if not told().limits.admit(key.secret, world.quirks.refused_calls_count):
        after = world.quirks.retry_after
        headers = {} if after is None else {"Retry-After": str(after)}
        message = "Service unavailable, please limit request volume"
        raise ApiError(429, "request_limit_exceeded", message, headers)
    if not request.headers.get("User-Agent"):
        raise missing("User-Agent")
    request.environ["stand-in.key"] = key
    path = request.path.removeprefix(api)
    reads, about_orders = request.method == "GET", path.startswith(("/order/", "/report/"))
    if key.restriction == READ and not reads:
        raise ApiError(403, "access_denied|view_only", "This API key may only read.")
    if (
        key.restriction in (ORDERS, ORDERS_AND_MORE)
        and not about_orders
        and not (reads and world.quirks.orders_key_reads_all)
    ):
        raise ApiError(403, "access_denied|restricted", f"This API key is restricted to {key.restriction}.")
    _befall(path)


def _note(response: Response) -> Response:
    if request.path == COUNTS:
        return response
    seen, rule = told(), request.url_rule
    path = request.path.removeprefix(API).removeprefix(PARTNER_API)
    name = f"{request.method} {path}" if rule is None else rule.endpoint.partition(" ")[2]
    with seen.lock:
        seen.calls[name] += 1
        seen.answers[response.status_code] += 1
        query = request.query_string.decode()
        seen.log.append(Call(request.method, path, query, response.status_code, name, seen.limits.clock()))
    for trouble in request.environ.get("stand-in.troubles", ()):
        _spoil(trouble, response)
    return response


def _refuse(error: ApiError) -> Response:
    said: Any = {"code": error.code, "message": error.message}
    as_list = told().world.quirks.errors == "list"
    response = answer({"errors": [said] if as_list else said}, error.status)
    response.headers.update(error.headers)
    return response


def _refuse_path(error: HTTPException) -> Response:
    if isinstance(error, MethodNotAllowed):
        return _refuse(ApiError(405, "method_not_allowed", "This method is not for this address."))
    if isinstance(error, NotFound):
        return _refuse(ApiError(404, "not_found|route", "Nothing lives here."))
    fault: BaseException | None = getattr(error, "original_exception", None)
    if fault is not None:
        told().faults.append(fault)
        return _refuse(ApiError(500, "fault_of_the_stand-in", repr(fault)))
    return _refuse(ApiError(error.code or 500, "bad_request", error.name))


def _key(world: World, region: str, *, partner: bool) -> Key:
    header = "X-PARTNER-APIKEY" if partner else "X-DC-DEVKEY"
    secret = request.headers.get(header, "")
    key = world.keys.get(secret)
    if key is None or key.region != region or key.partner != partner:
        fault = "is wrong" if secret else "is missing"
        raise ApiError(world.quirks.wrong_key_status, "access_denied|invalid_api_key", f"The {header} {fault}.")
    return key


def _befall(path: str) -> None:
    troubles = told().troubles.of(request.method, path)
    request.environ["stand-in.troubles"] = [one for one in troubles if one.kind in ("cut", "malformed", "truncated")]
    for trouble in troubles:
        if trouble.kind == "slow":
            told().stopping.wait(trouble.seconds)
        elif trouble.kind == "meanwhile" and trouble.do is not None:
            trouble.do()
    for trouble in troubles:
        if trouble.kind == "status":
            headers = {} if trouble.retry_after is None else {"Retry-After": trouble.retry_after}
            usual = {429: "request_limit_exceeded", 503: "service_unavailable"}.get(trouble.status, "internal_error")
            raise ApiError(trouble.status, trouble.code or usual, "As it was told.", headers)


def _spoil(trouble: Trouble, response: Response) -> None:
    if trouble.kind == "malformed":
        response.set_data(b"<html><body>Bad gateway</body></html>")
    elif trouble.kind == "truncated":
        whole = response.get_data()
        response.set_data(whole[: len(whole) // 2])
    else:
        _cut(response)


def _cut(response: Response) -> None:
    whole = response.get_data()
    link = request.environ["werkzeug.socket"]
    if not whole:
        link.shutdown(2)
        return

    def half() -> Iterator[bytes]:
        yield whole[: len(whole) // 2]
        link.shutdown(2)
        raise ConnectionAbortedError("as it was told")

    response.response = half()
    response.headers["Content-Length"] = str(len(whole))


def _guarded(route: Route) -> Callable[..., Response]:
    def call(**parts: str) -> Response:
        query = read_query(request.query_string.decode(), route.plain, route.filters)
        wanted = request.accept_mimetypes
        if wanted and not any(wanted.quality(kind) for kind in route.accepts):
            raise ApiError(406, "not_acceptable", f"This address answers {' or '.join(route.accepts)}.")
        body = _body(route)
        world = told().world
        with world.lock:
            return route.view(world, query, body, **parts)

    return call


def _body(route: Route) -> dict[str, Any]:
    sent = request.get_data()
    if route.body is None:
        if sent:
            raise ApiError(400, "invalid_body", "This address takes no body.")
        return {}
    if request.mimetype != "application/json":
        raise ApiError(415, "unsupported_media_type", "Content-Type has to be application/json.")
    try:
        said = json.loads(sent)
    except ValueError:
        raise ApiError(400, "invalid_json", "The body is no JSON.") from None
    if not isinstance(said, dict):
        raise ApiError(400, "invalid_json", "The body is no object.")
    for name, value in said.items():
        if name not in route.body:
            raise unknown(name)
        # True is an int to Python, not to the service.
        kinds = route.body[name]
        if type(value) not in (kinds if isinstance(kinds, tuple) else (kinds,)):
            raise invalid(name, f"{name} has the wrong type.")
    for name in route.required:
        if name not in said:
            raise missing(name)
    return said
