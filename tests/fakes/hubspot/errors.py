"""Refusals, and their bodies as the API words them."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SCOPES_PAGE = "https://developers.hubspot.com/scopes"
REFUSED_VALUE = "VALIDATION_ERROR"


class ApiError(Exception):
    """A request that is refused as a whole."""

    def __init__(
        self,
        status: int,
        category: str,
        message: str,
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        context: Mapping[str, list[str]] | None = None,
        links: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.category = category
        self.message = message
        self.errors = list(errors)
        self.context = dict(context or {})
        self.links = dict(links or {})

    def body(self, correlation_id: str) -> dict[str, Any]:
        """The answer's body: only what the descriptions name."""
        body: dict[str, Any] = {
            "message": self.message,
            "correlationId": correlation_id,
            "category": self.category,
        }
        for name in ("errors", "context", "links"):
            if value := getattr(self, name):
                body[name] = value
        return body


def invalid(message: str, *, field_name: str = "", context: Mapping[str, list[str]] | None = None) -> ApiError:
    """400: the request itself is not what is documented."""
    errors = [{"message": message, "in": field_name}] if field_name else []
    return ApiError(400, REFUSED_VALUE, message, errors=errors, context=context)


def not_found(message: str = "resource not found") -> ApiError:
    return ApiError(404, "OBJECT_NOT_FOUND", message)


def missing_scopes(any_of: Sequence[str]) -> ApiError:
    """403 with the scopes of which one is needed."""
    return ApiError(
        403,
        "MISSING_SCOPES",
        "This app hasn't been granted all required scopes to make this call. "
        f"Read more about required scopes here: {SCOPES_PAGE}.",
        errors=[
            {
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": list(any_of)},
            }
        ],
        links={"scopes": SCOPES_PAGE},
    )


@dataclass(frozen=True)
class Flaw:
    """What is wrong with one property of one record."""

    property_name: str
    code: str
    message: str


@dataclass
class RecordError(Exception):
    """A record that is refused; in a batch with results of its own the others go through."""

    category: str
    message: str
    status: int = 400
    flaws: Sequence[Flaw] = ()
    context: dict[str, list[str]] = field(default_factory=dict)

    def details(self) -> list[dict[str, Any]]:
        return [
            {"message": flaw.message, "code": flaw.code, "context": {"propertyName": [flaw.property_name]}}
            for flaw in self.flaws
        ]

    def alone(self) -> ApiError:
        """The refusal of a request that held only this record, or fails as a whole for it."""
        return ApiError(self.status, self.category, self.message, errors=self.details(), context=self.context)

    def among_others(self, trace_id: str | None) -> dict[str, Any]:
        """The record's entry in the errors of a batch."""
        context = dict(self.context)
        if trace_id is not None:
            context["objectWriteTraceId"] = [trace_id]
        return {
            "status": "error",
            "category": self.category,
            "message": self.message,
            "context": context,
            "errors": self.details(),
            "links": {},
        }


def bad_values(flaws: Sequence[Flaw]) -> RecordError:
    """The refusal of property values, in the words of the API: a list in JSON inside the message."""
    listed = [
        {
            "isValid": False,
            "message": flaw.message,
            "error": flaw.code,
            "name": flaw.property_name,
            "localizedErrorMessage": flaw.message,
        }
        for flaw in flaws
    ]
    return RecordError(
        REFUSED_VALUE, f"Property values were not valid: {json.dumps(listed, separators=(',', ':'))}", flaws=flaws
    )


def new_correlation_id() -> str:
    return str(uuid.uuid4())
