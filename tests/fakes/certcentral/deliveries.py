"""What the account's webhook is told, by a thread of its own: a listener may call back before it answers."""

import json
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import urllib3

from tests.fakes.certcentral.records import Webhook
from tests.fakes.certcentral.world import World

_SECONDS = 5.0


class Deliveries:
    """Delivers what happens in the world, while its webhook is active.

    One attempt for each event, as nothing tells of more; what came of it is in the webhook's log.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._sender = ThreadPoolExecutor(1, "certcentral-webhook")
        self._waiting: list[Future[None]] = []
        world.heard.append(self._hear)

    def wait(self) -> None:
        """Waits until everything that has happened was delivered."""
        while self._waiting:
            self._waiting.pop(0).result()

    def close(self) -> None:
        """Hears nothing any more; what waits is still delivered."""
        self._world.heard.remove(self._hear)
        self._sender.shutdown()
        self.wait()

    def _hear(self, event: str, order_id: int, certificate_id: int, at_once: bool) -> None:
        hook = self._world.webhook
        if hook is None or hook.status != "active" or event not in hook.events:
            return
        if at_once and hook.settings.get("instant_issue_webhook_notification", "0") != "1":
            return
        data: dict[str, Any] = {"order_id": order_id, "certificate_id": certificate_id}
        chain = "webhook_send_instant_issued_certificate_chain" if at_once else "webhook_send_certificate_chain"
        if event == "certificate_issued" and hook.settings.get(chain) == "1":
            pem = "-----BEGIN CERTIFICATE-----\r\nMIIB\r\n-----END CERTIFICATE-----\r\n"
            data["certificate_chain"] = [{"subject_common_name": self._world.order(order_id).names[0], "pem": pem}]
        self._waiting.append(self._sender.submit(self._deliver, hook, event, data))

    def _deliver(self, hook: Webhook, event: str, data: dict[str, Any]) -> None:
        sent_at = self._world.clock.now()
        status = post(hook.endpoint, hook.secret, {"event": event, "data": data})
        hook.log.append({
            "event_name": event,
            "event_info": {name: data[name] for name in ("order_id", "certificate_id")},
            "request_status": "success" if 200 <= status < 300 else "failed",
            "request_sent_time": sent_at.isoformat(timespec="seconds")[:19],
            "response_received_time": self._world.clock.now().isoformat(timespec="seconds")[:19],
            "response_code": status,
        })  # fmt: skip


def post(endpoint: str, secret: str, told: dict[str, Any]) -> int:
    """Posts JSON, with the secret in clear where there is one. The status of the answer; 0 where there was none."""
    headers = {"Content-Type": "application/json", "User-Agent": "CertCentral"}
    if secret:
        headers["X-WEBHOOK-KEY"] = secret
    with urllib3.PoolManager(timeout=_SECONDS, retries=False) as pool:
        try:
            return pool.request("POST", endpoint, body=json.dumps(told).encode(), headers=headers).status
        except urllib3.exceptions.HTTPError:
            return 0
