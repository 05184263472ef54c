"""The document is served, complete and true: the app is asked all that it says, and more, signed as senders sign."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from zlib import crc32

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from config.assembly import App
from config.settings import load
from config.web import web_app
from tests.builders import make_live_ledger
from tests.webhooks.conftest import SECRET, signed
from tests.webhooks.test_hubspot import headers_for
from webhooks import salesforce
from webhooks.hubspot_signature import raw_target
from webhooks.openapi import document

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
EXAMPLES = 12
SECRETS = {
    "RENEWALS_SECRET": SECRET,
    "CERTCENTRAL_SECRET": "a secret of this door, of which CertCentral wants 32 signs",
    "HUBSPOT_SECRET": "the client secret of the app",
    "SALESFORCE_SECRET": "the key of the external credential",
    "MAIL_SECRET": "the secret of the mail server",
    "LINK_SECRET": "the secret of links",
}
TOML = """
[sync]
crm = "hubspot"
sources = ["certcentral"]
[web]
public_url = "https://renew.example"
public_limit = "100000 per second"
metrics = true
[web.modes]
default = "form"
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An installation with every door open but Salesforce's, which is another CRM's."""
    folder = tmp_path_factory.mktemp("openapi")
    (folder / "nolapse.toml").write_text(TOML, encoding="utf-8")
    environment = {f"NOLAPSE_WEB__{name}": value for name, value in SECRETS.items()} | {
        "NOLAPSE_HUBSPOT__TOKEN": "t", "NOLAPSE_CERTCENTRAL__KEY": "k",
    }  # fmt: skip
    make_live_ledger(f"sqlite:///{folder / 'nolapse.db'}")
    app = App(load(folder / "nolapse.toml", environment))
    yield app
    app.close()


@pytest.fixture(scope="module")
def flask_app(app: App) -> Flask:
    return web_app(app, lambda: None)


def test_every_door_is_in_it_and_nothing_else(flask_app: Flask) -> None:
    told = flask_app.test_client().get("/openapi.json").json
    assert told == json.loads(json.dumps(document(public=True, figures=True)))
    methods = {"get", "post"}
    said = {(path, method) for path, entry in told["paths"].items() for method in entry if method in methods}
    there = {
        (rule.rule.replace("<", "{").replace(">", "}"), method.lower())
        for rule in flask_app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert said == there


def test_it_tells_only_of_what_there_is() -> None:
    assert {"/r/{token}", "/u/{token}", "/page.css", "/metrics"}.isdisjoint(
        document(public=False, figures=False)["paths"]
    )


class Sender:
    """Signs what passes as its sender would, but for a quarter of it."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        environ["wsgi.input"] = BytesIO(body)
        if crc32(body) % 4:
            given = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers(environ, body).items()}
            environ |= {name: value for name, value in given.items() if name != "HTTP_CONTENT_TYPE"}
        return self._app(environ, start_response)


def headers(environ: dict[str, Any], body: bytes) -> dict[str, str]:
    """The headers that make a request of this sender good."""
    match environ["PATH_INFO"]:
        case "/webhooks/renewals":
            return signed(body, f"msg_{crc32(body)}")
        case "/webhooks/certcentral":
            return {"X-WEBHOOK-KEY": SECRETS["CERTCENTRAL_SECRET"]}
        case "/webhooks/hubspot":
            return headers_for(body, target=raw_target(environ))
        case "/webhooks/salesforce":
            key = SECRETS["SALESFORCE_SECRET"].encode()
            return {"X-Nolapse-Signature": hmac.new(key, body, hashlib.sha256).hexdigest()}
        case "/webhooks/mail":
            return {"Authorization": f"Bearer {SECRETS['MAIL_SECRET']}"}
    return {}


@pytest.fixture(scope="module")
def api(app: App) -> Any:
    """What the document says, asked of the app itself, whose doors are all open."""
    with pytest.MonkeyPatch.context() as patch:
        door = salesforce.door
        patch.setattr(salesforce, "door", lambda *said, open_: door(*said, open_=True))
        flask_app = web_app(app, lambda: None)
    flask_app.wsgi_app = Sender(flask_app.wsgi_app)  # type: ignore[method-assign]
    return schemathesis.openapi.from_wsgi("/openapi.json", flask_app)


DOORS = [
    (path, method)
    for path, told in document(public=True, figures=True)["paths"].items()
    for method in told
    if method in ("get", "post")
]


@pytest.mark.parametrize(("path", "method"), DOORS, ids=lambda one: one)
def test_what_it_says_is_true(api: Any, path: str, method: str) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=api[path][method.upper()].as_strategy())
    def ask(case: "Case[Any]") -> None:
        case.call_and_validate(checks=CHECKS)

    ask()
