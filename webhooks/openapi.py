"""The OpenAPI document of the web app, served at `/openapi.json`: every door, what it takes, what it answers."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, jsonify

from webhooks.renewal_events import RenewalEvent
from webhooks.salesforce_events import Changed

_JSON, _HTML = "application/json", "text/html"
_REFUSALS = {
    400: "What was sent is not of the form that this door takes.",
    401: "It is not signed, or does not have the secret.",
    403: "Nothing is taken in from there.",
    404: "There is nothing here.",
    413: "It is too large.",
    415: "It is not of the type that this door takes.",
    429: "There were too many requests from this address.",
    503: "It cannot be done at the moment; send it again later.",
}


def openapi(*, public: bool, figures: bool) -> Blueprint:
    """The blueprint that serves the document. `public`: there are pages for customers; `figures`: there are metrics."""
    blueprint = Blueprint("openapi", __name__)
    told = document(public=public, figures=figures)

    @blueprint.get("/openapi.json")
    def show() -> Response:
        return jsonify(told)

    return blueprint


def document(*, public: bool, figures: bool) -> dict[str, Any]:
    """The document of an app with these parts."""
    paths = _doors() | _operations(figures)
    if public:
        paths |= _pages()
    return {
        "openapi": "3.1.0",
        "info": {"title": "Nolapse", "version": "1", "description": "Events in, and the pages behind links of mails."},
        "paths": paths,
        "components": {
            "schemas": {
                "Error": _object({"error": {"type": "string"}}),
                "Taken": _object({"status": {"enum": ["accepted", "known", "ignored", "ok"]}}),
                "Renewal": _schema(RenewalEvent),
                "Changed": _schema(Changed),
            }
        },
    }


def _doors() -> dict[str, Any]:
    signed = ("webhook-id", "webhook-timestamp", "webhook-signature")
    return {
        "/webhooks/renewals": _door(
            "A renewal was placed, confirmed, or withdrawn. Signed by the Standard Webhooks convention.",
            signed,
            {_JSON: _ref("Renewal")},
            (400, 401, 413, 415, 503),
        ),
        "/webhooks/certcentral": _door(
            "CertCentral tells of an order. The secret comes in X-WEBHOOK-KEY.",
            ("X-WEBHOOK-KEY",),
            {_JSON: _certcentral()},
            (400, 401, 403, 413, 503),
        ),
        "/webhooks/hubspot": _door(
            "HubSpot tells of changed records. Signed by version 3.",
            ("X-HubSpot-Signature-v3", "X-HubSpot-Request-Timestamp"),
            {_JSON: {"type": "array", "items": {"type": "object"}}},
            (400, 401, 413, 503),
        ),
        "/webhooks/salesforce": _door(
            "Salesforce tells of changed records: JSON with an HMAC, or an Outbound Message.",
            (),
            {_JSON: _ref("Changed"), "text/xml": {"type": "string"}},
            (400, 401, 403, 413, 415, 503),
            also={"text/xml": {"schema": {"type": "string"}}},
        ),
        "/webhooks/mail": _door(
            "A mail that came back: a bounce, a complaint, or an answer. The secret comes as Authorization: Bearer.",
            (),
            {"message/rfc822": {"type": "string"}, "application/octet-stream": {"type": "string"}},
            (400, 401, 413, 415, 503),
        ),
    }


def _door(
    summary: str,
    headers: Sequence[str],
    takes: Mapping[str, Any],
    refusals: Sequence[int],
    also: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    taken = {_JSON: {"schema": _ref("Taken")}}
    return {
        "post": {
            "summary": summary,
            "parameters": [
                {"name": name, "in": "header", "required": True, "schema": {"type": "string"}} for name in headers
            ],
            "requestBody": {
                "required": True,
                "content": {kind: {"schema": schema} for kind, schema in takes.items()},
            },
            "responses": {
                "200": {"description": "It is known already, or nothing follows.", "content": taken | dict(also or {})},
                "202": {"description": "It is stored, and will be applied once.", "content": taken},
            }
            | _refused(refusals),
        }
    }


def _operations(figures: bool) -> dict[str, Any]:
    ok = {"200": {"description": "It does.", "content": {_JSON: {"schema": _ref("Taken")}}}}
    found: dict[str, Any] = {
        "/healthz": {"get": {"summary": "Whether the process lives.", "responses": ok}},
        "/readyz": {"get": {"summary": "Whether it can work.", "responses": ok | _refused((503,))}},
        "/openapi.json": {
            "get": {
                "summary": "This document.",
                "responses": {"200": {"description": "It.", "content": {_JSON: {"schema": {"type": "object"}}}}},
            }
        },
    }
    if figures:
        text = {"200": {"description": "Figures for Prometheus.", "content": {"text/plain": {}}}}
        found["/metrics"] = {"get": {"summary": "Figures.", "responses": text}}
    return found


def _pages() -> dict[str, Any]:
    token = [{"name": "token", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}]
    page = {"description": "A page in the reader's language.", "content": {_HTML: {}}}
    shown: dict[str, Any] = {"200": page, "404": page, "503": page} | _refused((429,))
    asked = shown | {"400": page, "413": page | _refused((413,))["413"]}
    lead = {"302": {"description": "To where the renewal is done."}}
    return {
        "/page.css": {"get": {"summary": "The style of pages.", "responses": {
            "200": {"description": "It.", "content": {"text/css": {}}}} | _refused((429,))}},
        "/r/{token}": {
            "parameters": token,
            "get": {"summary": "The link of a mail to the renewal of an order.", "responses": shown | lead},
            "post": {
                "summary": "An answer of a customer who has no log-in.",
                "requestBody": _form({"answer": {"type": "string"}, "phone": {}, "why": {}, "name": {}, "mail": {}}),
                "responses": asked | lead,
            },
        },
        "/u/{token}": {
            "parameters": token,
            "get": {"summary": "Asks which mails are to stop.", "responses": shown},
            "post": {
                "summary": "Stops mails; one click of a mail program by RFC 8058.",
                "requestBody": _form({"wish": {"enum": ["offers", "all"]}, "List-Unsubscribe": {"const": "One-Click"}}),
                "responses": asked | {"200": {"description": "It is done.", "content": {_HTML: {}, "text/plain": {}}}},
            },
        },
    }  # fmt: skip


def _form(fields: Mapping[str, Any]) -> dict[str, Any]:
    properties = {name: {"type": "string"} | schema for name, schema in fields.items()}
    schema = {"type": "object", "properties": properties}
    return {"content": {"application/x-www-form-urlencoded": {"schema": schema}}}


def _refused(codes: Sequence[int]) -> dict[str, Any]:
    error = {_JSON: {"schema": _ref("Error")}}
    return {str(code): {"description": _REFUSALS[code], "content": error} for code in codes}


def _certcentral() -> dict[str, Any]:
    number = {"type": "integer", "minimum": 1}
    data = {"order_id": number, "certificate_id": number, "webhook_id": number, "token": {"type": "string"}}
    return {
        "type": "object",
        "properties": {"event": {"type": "string", "minLength": 1}, "data": {"type": "object", "properties": data}},
        "required": ["event"],
    }


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _schema(model: Any) -> dict[str, Any]:
    """A model with its parts inside, so that it stands on its own."""
    found: dict[str, Any] = model.model_json_schema()
    parts = found.pop("$defs", {})
    return dict(_inlined(found, parts))


def _inlined(value: Any, parts: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        if "$ref" in value:
            return _inlined(parts[str(value["$ref"]).rpartition("/")[2]], parts)
        return {name: _inlined(one, parts) for name, one in value.items()}
    return [_inlined(one, parts) for one in value] if isinstance(value, list) else value
