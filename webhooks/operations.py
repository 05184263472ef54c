"""For whoever runs it: whether it lives, whether it can work, and its figures."""

from flask import Blueprint, Response, jsonify

from core import migrations
from core.errors import StoreError
from core.store import Store
from webhooks.inlet import refusal
from webhooks.metrics import CONTENT_TYPE, Metrics


def operations(store: Store, metrics: Metrics, *, figures: bool) -> Blueprint:
    """`/healthz` answers while the process lives, `/readyz` while the database does; `/metrics` only with `figures`."""
    blueprint = Blueprint("operations", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return jsonify({"status": "ok"})

    @blueprint.get("/readyz")
    def readyz() -> Response:
        try:
            migrations.require_newest(store)
        except StoreError as error:
            return refusal(503, str(error))
        return jsonify({"status": "ok"})

    if figures:

        @blueprint.get("/metrics")
        def show() -> Response:
            return Response(metrics.text(), content_type=CONTENT_TYPE)

    return blueprint
