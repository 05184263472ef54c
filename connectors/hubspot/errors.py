"""HubSpot's refusals as our errors, each named by what the caller must do, with what HubSpot said of it.

A message of HubSpot may quote the value it refuses, and that may be a person's address or number: both are blotted out.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from connectors.crm.wording import plain
from connectors.hubspot.foreign import dicts_of, mapping_of, text_of
from core.errors import ConfigurationError, FatalError, NolapseError, RetriableError, SkippableError

_PERSONAL = frozenset(
    {
        "email", "hs_additional_emails", "work_email", "firstname", "lastname", "salutation", "jobtitle", "phone",
        "mobilephone", "fax", "address", "address2", "city", "zip", "date_of_birth", "hs_email_text", "hs_email_html",
        "hs_email_headers", "hs_email_subject", "hs_task_body", "hs_task_subject",
    }
)  # fmt: skip
_PROPERTY = re.compile(r"[Pp]ropert(?:y|ies) [\"'`]([A-Za-z0-9_]+)[\"'`]")
_LIST = re.compile(r"\[\s*\{.*\}\s*\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Details:
    """What HubSpot said: its category and correlation id, and the record and property it was about where it said so."""

    status: int = 0
    category: str = ""
    sub_category: str = ""
    correlation_id: str = ""
    message: str = ""
    record: str = ""
    property: str = ""
    value: str = ""
    policy: str = ""
    context: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def named(self, *keys: str) -> tuple[str, ...]:
        """The values of these entries of the context."""
        return tuple(value for key, values in self.context if key in keys for value in values)

    def words(self) -> str:
        """All of it in one line, without personal data."""
        hidden = self.property in _PERSONAL
        message = self.message.replace(self.value, "(not shown)") if hidden and self.value else self.message
        parts = [plain(message) or f"status {self.status}"]
        if self.property:
            value = "(not shown)" if hidden else repr(plain(self.value))
            parts.append(f"property {plain(self.property)}{f' = {value}' if self.value else ''}")
        if self.record:
            parts.append(f"record {plain(self.record)}")
        if self.category:
            kind = f"{self.category}/{self.sub_category}" if self.sub_category else self.category
            parts.append(f"category {plain(kind)}")
        if self.correlation_id:
            parts.append(f"correlation id {plain(self.correlation_id)}")
        return ", ".join(parts)


class HubSpotError(NolapseError):
    """Something that HubSpot did not do. `details` holds what it said; `retry_after` the seconds it asked to wait."""

    def __init__(self, text: str, details: Details | None = None, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.details = details or Details()
        self.retry_after = retry_after

    def about(self, record: str, *, value: str = "") -> Self:
        """The same error for one record of a batch; `value` is what we sent for the property that it names."""
        details = replace(self.details, record=record, value=self.details.value or value)
        return type(self)(self.text, details, self.retry_after)

    def __str__(self) -> str:
        said = self.details.words() if self.details != Details() else ""
        return f"HubSpot: {self.text}{f' ({said})' if said else ''}"


class Refused(HubSpotError, SkippableError):
    """A record is refused for good: a value, a missing property, a rule of the portal, an id that does not exist."""


class Denied(HubSpotError, ConfigurationError):
    """The token, its scopes, the portal's tier or the address of the API must be mended by the operator."""


class Busy(HubSpotError, RetriableError):
    """HubSpot did nothing and asks to come back later: a limit, a lock, a move of the account."""


class Unclear(HubSpotError, RetriableError):
    """No answer, or none that tells: a write may or may not have happened. Look before repeating what is not idempotent."""


class Broken(HubSpotError, FatalError):
    """An answer that no version of the API gives; nothing further may be sent until somebody has looked."""


def details_of(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Details:
    """What an error of HubSpot says, whichever of its several forms it has. All fields may be missing."""
    said = mapping_of(body)
    first = next(iter(dicts_of(said.get("errors"))), {})
    context = _context(said.get("context")) + _context(first.get("context"))
    message = text_of(said.get("message")) or text_of(first.get("message"))
    found = _PROPERTY.search(message)
    by_name = dict(context)
    wrong = _wrong_value(message)
    named = by_name.get("propertyName") or by_name.get("properties") or ()
    property = (
        named[0] if named else (text_of(first.get("in")) or text_of(wrong.get("name")) or (found[1] if found else ""))
    )
    values = by_name.get("propertyValue") or by_name.get(property) or ()
    correlation = text_of(said.get("correlationId")) or (headers or {}).get("x-hubspot-correlation-id", "")
    return Details(
        status=status,
        category=text_of(said.get("category")) or text_of(said.get("errorType")),
        sub_category=_sub_category(said, first, wrong),
        correlation_id=correlation[:64],
        message=text_of(wrong.get("message")) or message,
        property=str(property)[:100],
        value=values[0] if values else text_of(wrong.get("propertyValue")),
        policy=text_of(said.get("policyName")),
        context=context,
    )


def _sub_category(said: Mapping[str, Any], first: Mapping[str, Any], wrong: Mapping[str, Any]) -> str:
    for value in (said.get("subCategory"), first.get("subCategory"), first.get("code"), wrong.get("error")):
        if found := text_of(value):
            return found.rpartition(".")[2]
    return ""


def _wrong_value(message: str) -> Mapping[str, Any]:
    """The first of the refused values: HubSpot writes their list as JSON into the message."""
    found = _LIST.search(message)
    try:
        values = json.loads(found.group()) if found else []
    except ValueError:
        return {}
    return next(iter(dicts_of(values)), {})


def _context(said: Any) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not isinstance(said, Mapping):
        return ()
    return tuple(
        (str(name), tuple(str(one) for one in values) if isinstance(values, list) else (str(values),))
        for name, values in said.items()
    )
