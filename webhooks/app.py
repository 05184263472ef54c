"""The web app: one blueprint per sender, and what holds for all of them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, Flask, Response, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from webhooks.inlet import refusal
from webhooks.metrics import Metrics

_POLICY = ("default-src 'none'", "style-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'")
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "; ".join(_POLICY),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), camera=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_WORDS = {404: "there is nothing here", 405: "this is not answered by that method", 413: "this is too large"}


@dataclass(frozen=True, slots=True)
class WebLimits:
    """The largest request (bytes), and how many proxies of ours stand before us and set X-Forwarded-… headers."""

    max_body_bytes: int = 262_144
    proxies: int = 0


def create_app(blueprints: Sequence[Blueprint], metrics: Metrics, limits: WebLimits) -> Flask:
    """The app with these blueprints. Every answer to a machine is JSON; nothing that went wrong inside is told outside."""
    app = Flask("nolapse", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = limits.max_body_bytes
    for blueprint in blueprints:
        app.register_blueprint(blueprint)

    @app.before_request
    def begin() -> None:
        g.began = time.monotonic()

    @app.after_request
    def end(response: Response) -> Response:
        there = {name.lower() for name, _ in response.headers}
        response.headers.extend([(name, value) for name, value in _HEADERS.items() if name.lower() not in there])
        if request.is_secure:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        metrics.answered(request.endpoint or "none", response.status_code, g.began)
        return response

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        code = error.code or 500
        answer = refusal(code, _WORDS.get(code, error.name.lower()))
        if allowed := error.get_response().headers.get("Allow"):
            answer.headers["Allow"] = allowed
        return answer

    @app.errorhandler(Exception)
    def broken(error: Exception) -> Response:
        app.logger.error("%s: something unforeseen went wrong (%s)", request.endpoint, type(error).__name__)
        return refusal(500, "something went wrong; send it again later")

    if limits.proxies:
        count = limits.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
    return app
