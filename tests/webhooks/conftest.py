"""A web app on a ledger of its own, and somebody who signs what it is told."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from standardwebhooks import Webhook
from werkzeug.test import TestResponse

from core.store import Store, open_store
from tests.builders import make_live_ledger
from tests.conftest import Prepared
from tests.core.conftest import make_house
from webhooks import renewals
from webhooks.app import WebLimits, create_app
from webhooks.inlet import Inlet
from webhooks.metrics import Metrics
from webhooks.operations import operations

__all__ = ["make_house"]

SECRET = "whsec_bm9sYXBzZS1ub2xhcHNlLW5vbGFwc2UtMDE="
BEFORE = "whsec_bm9sYXBzZS1ub2xhcHNlLW5vbGFwc2UtMDA="


@dataclass
class Doors:
    """The app, whose senders share a secret with it."""

    store: Store
    secrets: tuple[str, ...] = (SECRET, BEFORE)
    limits: WebLimits = field(default_factory=WebLimits)
    woken: int = 0

    @property
    def client(self) -> FlaskClient:
        metrics = Metrics(self.store)
        inlet = Inlet(self.store, metrics, self._wake)
        blueprints = [renewals.door(inlet, self.secrets), operations(self.store, metrics, figures=True)]
        app = create_app(blueprints, metrics, self.limits)
        return app.test_client()

    def _wake(self) -> None:
        self.woken += 1

    def send(
        self,
        said: Any,
        key: str = "msg_1",
        *,
        secret: str = SECRET,
        late: timedelta = timedelta(),
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        return self.client.post(
            "/webhooks/renewals",
            data=body,
            headers={"Content-Type": "application/json"} | signed(body, key, secret, late) | dict(headers or {}),
        )


def signed(body: bytes, key: str, secret: str = SECRET, late: timedelta = timedelta()) -> dict[str, str]:
    """The three headers of the convention."""
    moment = datetime.now(UTC) - late
    signature = Webhook(secret).sign(key, moment, body.decode("utf-8", "replace"))
    return {"webhook-id": key, "webhook-timestamp": str(int(moment.timestamp())), "webhook-signature": signature}


def told(
    order: str = "digicert:1", kind: str = "renewal.confirmed", at: str = "2026-06-10T09:00:00Z", **more: Any
) -> dict[str, Any]:
    """An event of the general door."""
    return {"type": kind, "timestamp": at, "data": {"order": order} | more}


@pytest.fixture
def doors(prepared_store_url: Prepared) -> Iterator[Doors]:
    store = open_store(prepared_store_url("live", make_live_ledger))
    yield Doors(store)
    store.close()
