"""The account's one webhook: made and confirmed by `nolapse setup certcentral`, and the log of what it has sent."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.certcentral.client import AbsentError, Client, RefusedError
from core.errors import NolapseError
from core.listening import LoggedEvent, Webhook
from core.ports import Finding

EVENTS = ("certificate_issued", "certificate_revoked", "order_rejected")
# Without it nothing is told of certificates that are issued while the order is placed.
_SETTINGS = {"instant_issue_webhook_notification": "1"}
_SUBJECT = "webhook"
_PAGE = 1000
_MOST_PAGES = 50
# Nothing tells in which zone the log's times are.
_ANY_ZONE = timedelta(hours=15)


def setup(client: Client, wanted: Webhook, dry_run: bool) -> list[Finding]:
    """Makes the webhook where there is none, or takes the next step to make it active. It may be repeated."""
    try:
        there = _webhooks(client)
        ours = next((one for one in there if one.get("endpoint") == wanted.url), None)
        if ours is None and there:
            other = f"the account's one webhook leads to {there[0].get('endpoint', 'another address')}"
            return [Finding(_SUBJECT, False, other, "let it lead here in the console, or remove it")]
        if ours is None:
            return _make(client, wanted, dry_run)
        return [_next_step(client, ours, wanted, dry_run)]
    except NolapseError as error:
        advice = "webhooks are enabled by DigiCert's account manager; the key must be an administrator's"
        return [Finding(_SUBJECT, False, str(error), advice)]


def _make(client: Client, wanted: Webhook, dry_run: bool) -> list[Finding]:
    if dry_run:
        return [Finding(_SUBJECT, True, f"would be made, for {wanted.url}")]
    body = {"endpoint": wanted.url, "secret": wanted.secret, "events": list(EVENTS), "webhook_settings": _SETTINGS}
    client.post("/webhook/test-endpoint", {"endpoint": wanted.url, "secret": wanted.secret})
    client.post("/webhook", body)
    made = Finding(_SUBJECT, True, f"made, for {wanted.url}")
    ours = next((one for one in _webhooks(client) if one.get("endpoint") == wanted.url), None)
    return [made] if ours is None else [made, _next_step(client, ours, wanted, dry_run)]


def _next_step(client: Client, ours: Mapping[str, Any], wanted: Webhook, dry_run: bool) -> Finding:
    number = str(ours.get("webhook_id", ""))
    if ours.get("status") == "active":
        return Finding(_SUBJECT, True, f"webhook {number} is active")
    token = next((token for which, token in wanted.challenges if which == number), "")
    if not token and ours.get("status") != "inactive":
        if not dry_run:
            client.put(f"/webhook/{number}/send-challenge")
        told = f"webhook {number} {'would be' if dry_run else 'is'} challenged"
        return Finding(_SUBJECT, True, told, "once `nolapse inbox list --all` shows the token, run this again")
    if not dry_run:
        if token:
            client.put(f"/webhook/{number}/check-challenge", {"token": token})
        client.put(f"/webhook/{number}/activate")
    return Finding(_SUBJECT, True, f"webhook {number} {'would be' if dry_run else 'is'} confirmed and active")


def logged_events(client: Client, since: datetime) -> list[LoggedEvent]:
    """What the webhook has sent since then, about orders, whatever was answered."""
    found = []
    for row in _log(client):
        info = row.get("event_info")
        info = info if isinstance(info, dict) else {}
        if row.get("event_name") in EVENTS and _may_be_since(row.get("request_sent_time"), since):
            numbers = (str(info.get(name) or "") for name in ("order_id", "certificate_id"))
            found.append(LoggedEvent(str(row["event_name"]), *numbers))
    return found


def _log(client: Client) -> Iterator[Mapping[str, Any]]:
    """The rows of the log, under either address that the documentation knows."""
    numbers = [str(one.get("webhook_id", "")) for one in _webhooks(client)]
    for number in numbers:
        try:
            yield from _pages(client, f"/webhook/{number}/event-logs")
        except (AbsentError, RefusedError) as error:
            if isinstance(error, RefusedError) and error.status != 404:
                raise
            yield from _pages(client, "/webhook/event-logs")


def _pages(client: Client, path: str) -> Iterator[Mapping[str, Any]]:
    for page in range(_MOST_PAGES):
        rows = _rows(client.get(path, {"offset": str(page * _PAGE), "limit": str(_PAGE)}), "events")
        yield from rows
        if len(rows) < _PAGE:
            return


def _webhooks(client: Client) -> Sequence[Mapping[str, Any]]:
    return _rows(client.get("/webhook"), "webhooks")


def _rows(told: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    rows = told.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _may_be_since(text: object, since: datetime) -> bool:
    try:
        sent = datetime.fromisoformat(str(text))
    except ValueError:
        return True
    return (sent if sent.tzinfo is not None else sent.replace(tzinfo=since.tzinfo)) >= since - _ANY_ZONE
