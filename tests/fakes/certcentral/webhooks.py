"""The account's one webhook: its set-up with test and challenge, and the log of its deliveries."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

from flask import Response

from tests.fakes.certcentral import query as read
from tests.fakes.certcentral.deliveries import post
from tests.fakes.certcentral.errors import ApiError, invalid, not_found
from tests.fakes.certcentral.gate import Route, View, answer, empty_or, nothing
from tests.fakes.certcentral.query import Query
from tests.fakes.certcentral.records import Webhook
from tests.fakes.certcentral.world import World

EVENTS = (
    "certificate_issued", "certificate_revoked", "order_rejected", "domain_validated", "domain_expired",
    "domain_revalidation_notice", "organization_validated", "organization_expired",
    "organization_revalidation_notice",
)  # fmt: skip
CHALLENGE_GOOD_FOR = timedelta(minutes=30)
SHORTEST_SECRET = 32
PAGE = 1000
_SETTINGS = {
    "instant_issue_webhook_notification", "webhook_notification_frequency", "webhook_send_certificate_chain",
    "webhook_send_instant_issued_certificate_chain",
}  # fmt: skip
_ADDRESS = re.compile(r"https://[^\s/]+(/\S*)?|http://127\.0\.0\.1(:\d+)?(/\S*)?")


def create(world: World, query: Query, body: dict[str, Any]) -> Response:
    if world.webhook is not None:
        raise ApiError(400, "webhook_already_exists", "An account has one webhook.")
    events = tuple(body.get("events", ("certificate_issued",)))
    _check(body, events)
    settings = body.get("webhook_settings", {})
    world.webhook = Webhook(world.number(), body["endpoint"], body.get("secret", ""), events, settings)
    return answer({"webhook_id": world.webhook.id}, 201)


def show(world: World, query: Query, body: dict[str, Any]) -> Response:
    hook = world.webhook
    if hook is None:
        return empty_or(world, "webhooks", [])
    told = {"webhook_id": hook.id, "endpoint": hook.endpoint, "status": hook.status, "events": list(hook.events)}
    return answer({"webhooks": [told | {"webhook_settings": hook.settings}]})


def change(world: World, query: Query, body: dict[str, Any], webhook_id: str) -> Response:
    hook = _find(world, webhook_id)
    events = tuple(body.get("events", hook.events))
    _check({"endpoint": hook.endpoint} | body, events)
    if body.get("endpoint", hook.endpoint) != hook.endpoint:
        hook.endpoint, hook.status, hook.token = body["endpoint"], "pending", ""
    hook.secret, hook.events = body.get("secret", hook.secret), events
    hook.settings = body.get("webhook_settings", hook.settings)
    return nothing()


def remove(world: World, query: Query, body: dict[str, Any], webhook_id: str) -> Response:
    _find(world, webhook_id)
    world.webhook = None
    return nothing()


def try_endpoint(world: World, query: Query, body: dict[str, Any]) -> Response:
    _check(body, ())
    if post(body["endpoint"], body.get("secret", ""), {"event": "test_webhook_endpoint"}) != 200:
        raise ApiError(400, "invalid_webhook_endpoint", "The endpoint did not answer 200.")
    return nothing()


def send_challenge(world: World, query: Query, body: dict[str, Any], webhook_id: str) -> Response:
    hook = _find(world, webhook_id)
    hook.token, hook.challenged_at = f"token-{world.number()}", world.clock.now()
    told = {"event": "challenge_webhook_endpoint", "data": {"token": hook.token, "webhook_id": hook.id}}
    if not 200 <= post(hook.endpoint, hook.secret, told) < 300:
        raise ApiError(400, "invalid_webhook_endpoint", "The endpoint did not take the challenge.")
    return nothing()


def check_challenge(world: World, query: Query, body: dict[str, Any], webhook_id: str) -> Response:
    hook = _find(world, webhook_id)
    late = hook.challenged_at is None or world.clock.now() - hook.challenged_at > CHALLENGE_GOOD_FOR
    if not hook.token or late or body["token"] != hook.token:
        raise ApiError(400, "invalid_challenge_token", "The token is wrong or too old.")
    hook.status = "active"
    return nothing()


def activate(world: World, query: Query, body: dict[str, Any], webhook_id: str) -> Response:
    hook = _find(world, webhook_id)
    if hook.status == "pending":
        raise ApiError(400, "webhook_not_verified", "The endpoint has to be verified first.")
    hook.status = "active"
    return nothing()


def deactivate(world: World, query: Query, body: dict[str, Any], webhook_id: str) -> Response:
    hook = _find(world, webhook_id)
    if hook.status == "active":
        hook.status = "inactive"
    return nothing()


def event_log(world: World, query: Query, body: dict[str, Any], webhook_id: str = "") -> Response:
    if world.quirks.event_log != ("of_webhook" if webhook_id else "of_account"):
        raise not_found("route")
    log = _find(world, webhook_id or str(world.webhook.id if world.webhook else 0)).log
    page = read.read_page(query, PAGE, PAGE)
    return empty_or(world, "events", page.cut(log), page=page.of(len(log)))


def _find(world: World, webhook_id: str) -> Webhook:
    if world.webhook is None or str(world.webhook.id) != webhook_id:
        raise not_found("webhook")
    return world.webhook


def _check(body: dict[str, Any], events: tuple[str, ...]) -> None:
    if not _ADDRESS.fullmatch(body["endpoint"]):
        raise invalid("endpoint", "The endpoint is an address that begins with https.")
    if len(body.get("secret") or "x" * SHORTEST_SECRET) < SHORTEST_SECRET:
        raise invalid("secret", f"The secret has at least {SHORTEST_SECRET} characters.")
    wrong = [one for one in events if one not in EVENTS]
    if wrong:
        raise invalid("events", f"There is no event {wrong[0]}.")
    strange = set(body.get("webhook_settings", {})) - _SETTINGS
    if strange:
        raise invalid(f"webhook_settings.{min(strange)}")


def _only_enabled(route: Route) -> Route:
    view = route.view

    def enabled(world: World, query: Query, body: dict[str, Any], **parts: str) -> Response:
        if not world.quirks.webhooks:
            raise ApiError(403, "access_denied|webhooks", "Webhooks are not enabled for this account.")
        return view(world, query, body, **parts)

    guarded: View = enabled
    return replace(route, view=guarded)


_BODY: dict[str, type | tuple[type, ...]] = {
    "endpoint": str, "secret": str, "events": list, "webhook_settings": dict,
}  # fmt: skip
_PAGES = ("offset", "limit")
ROUTES = tuple(
    _only_enabled(route)
    for route in (
        Route("POST", "/webhook", create, body=_BODY, required=("endpoint",)),
        Route("GET", "/webhook", show),
        Route("PUT", "/webhook/<webhook_id>", change, body=_BODY),
        Route("DELETE", "/webhook/<webhook_id>", remove),
        Route(
            "POST", "/webhook/test-endpoint", try_endpoint, body={"endpoint": str, "secret": str},
            required=("endpoint",),
        ),
        Route("PUT", "/webhook/<webhook_id>/send-challenge", send_challenge),
        Route(
            "PUT", "/webhook/<webhook_id>/check-challenge", check_challenge, body={"token": str},
            required=("token",),
        ),
        Route("PUT", "/webhook/<webhook_id>/activate", activate),
        Route("PUT", "/webhook/<webhook_id>/deactivate", deactivate),
        Route("GET", "/webhook/<webhook_id>/event-logs", event_log, plain=_PAGES),
        Route("GET", "/webhook/event-logs", event_log, plain=_PAGES),
    )
)  # fmt: skip
