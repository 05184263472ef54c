"""Salesforce's refusals as our errors, each named by what the caller must do, with what Salesforce said of it.

A message of Salesforce may quote the value it refuses, and that may be a person's address or number: both are blotted out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from connectors.crm.foreign import dicts_of, mapping_of, text_of
from connectors.crm.wording import plain
from connectors.salesforce.transport import Answer
from core.errors import ConfigurationError, FatalError, NolapseError, PostponedError, RetriableError, SkippableError

_PERSONAL = frozenset(
    {
        "Name", "LastName", "FirstName", "Salutation", "Title", "Email", "Phone", "MobilePhone", "HomePhone", "OtherPhone",
        "Fax", "Subject", "Description", "TextBody", "HtmlBody", "Headers", "ToAddress", "CcAddress", "BccAddress",
        "FromAddress", "FromName", "SuppliedEmail", "SuppliedName", "SuppliedPhone",
    }
)  # fmt: skip
"""Fields with values that may say who somebody is."""

_QUOTES_NOTHING = frozenset(
    {
        "REQUIRED_FIELD_MISSING", "INVALID_FIELD_FOR_INSERT_UPDATE", "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "FIELD_FILTER_VALIDATION_EXCEPTION", "INSUFFICIENT_ACCESS_OR_READONLY",
    }
)  # fmt: skip
"""Refusals whose words are the org's own, without the value."""


@dataclass(frozen=True, slots=True)
class Details:
    """What Salesforce said: its code and message, and the record and fields it was about where it said so.

    `matches` are the ids of the records that a duplicate rule found.
    """

    status: int = 0
    code: str = ""
    message: str = ""
    fields: tuple[str, ...] = ()
    record: str = ""
    matches: tuple[str, ...] = ()

    def words(self) -> str:
        """All of it in one line, without personal data."""
        quoted = not _PERSONAL.isdisjoint(self.fields) and self.code not in _QUOTES_NOTHING
        message = "(not shown)" if quoted and self.message else plain(self.message)
        parts = [message or f"status {self.status}"]
        if self.fields:
            parts.append(f"field {plain(', '.join(self.fields))}")
        if self.record:
            parts.append(f"record {plain(self.record)}")
        if self.code:
            parts.append(f"code {plain(self.code)}")
        return ", ".join(parts)


class SalesforceError(NolapseError):
    """Something that Salesforce did not do. `details` holds what it said."""

    def __init__(self, text: str, details: Details | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.details = details or Details()

    def about(self, record: str) -> Self:
        """The same error for one record of a batch."""
        return type(self)(self.text, replace(self.details, record=record))

    def __str__(self) -> str:
        said = self.details.words() if self.details != Details() else ""
        return f"Salesforce: {self.text}{f' ({said})' if said else ''}"


class Refused(SalesforceError, SkippableError):
    """A record is refused for good: a value, a missing field, a rule of the org, an id that does not exist."""


class Denied(SalesforceError, ConfigurationError):
    """The login, the user's permissions, the org's features or the address must be mended by the operator."""


class Busy(SalesforceError, RetriableError):
    """Salesforce did nothing and cannot now: its limit of calls is used up, it is under maintenance."""


class Locked(SalesforceError, PostponedError):
    """One record could not be locked, since somebody else is changing it or its parent; the others are done."""


class Unclear(SalesforceError, RetriableError):
    """No answer, or none that tells: a write may or may not have happened. Look before repeating what is not idempotent."""


class Broken(SalesforceError, FatalError):
    """An answer that no version of the API gives; nothing further may be sent until somebody has looked."""


def details_of(answer: Answer) -> Details:
    """What an answer that is no success says."""
    try:
        said = answer.json()
    except ValueError:
        return Details(status=answer.status)
    return error_of(said, answer.status)


def error_of(said: Any, status: int = 0) -> Details:
    """What one error says, in any of its forms: of a call (`errorCode`), a record (`statusCode`), a login (`error`)."""
    body = mapping_of(next(iter(dicts_of(said)), {}) if isinstance(said, list) else said)
    names = body.get("fields")
    return Details(
        status=status,
        code=text_of(body.get("errorCode")) or text_of(body.get("statusCode")) or text_of(body.get("error")),
        message=text_of(body.get("message")) or text_of(body.get("error_description")),
        fields=tuple(text_of(name) for name in names) if isinstance(names, list) else (),
        matches=_matches(body),
    )


def _matches(body: Mapping[str, Any]) -> tuple[str, ...]:
    result = mapping_of(body.get("duplicateResult"))
    found = [
        text_of(mapping_of(record.get("record")).get("Id"))
        for match in dicts_of(result.get("matchResults"))
        for record in dicts_of(match.get("matchRecords"))
    ]
    return tuple(id for id in found if id)
