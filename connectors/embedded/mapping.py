"""The engine's words ↔ the rows of the embedded CRM. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.crm_ports import Note, TaskAssign
from core.ports import CrmChange, MailLog, OptOut, Record, TaskClose, TaskDraft, TaskRaise
from core.words import Stage

OPEN = "open"
DONE = "done"

# People and links are with the contacts and mails already.
_RECORD_FIELDS = tuple(name for name in Record.__slots__ if name not in ("people", "renewal_link"))
_CHANGE_FIELDS = ("what", "task_key", "order_key", "account_key", "value", "at", "facts")


def storable(text: str) -> str:
    """The text as any database takes it: characters that have no place in UTF-8 text become the replacement character."""
    if "\0" in text:
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = "".join("\N{REPLACEMENT CHARACTER}" if "\ud800" <= c <= "\udfff" else c for c in text)
    return text


def task_row(draft: TaskDraft, now: datetime) -> dict[str, Any]:
    """A new task, open."""
    fields = _fields(draft)
    return {"task_key": fields.pop("key"), **fields, "status": OPEN, "created_at": now}


def raise_values(step: TaskRaise) -> dict[str, Any]:
    """The parameters of the statement that raises a task."""
    return {
        "raised_key": step.outside_id,
        "to_urgency": str(step.urgency),
        "to_due_on": step.due_on,
        "if_urgency": str(step.was_urgency),
        "if_due_on": step.was_due_on,
        "to_order_keys": list(step.order_keys),
    }


def close_values(close: TaskClose, now: datetime) -> dict[str, Any]:
    """The parameters of the statement that closes a task."""
    return {"closed_key": close.outside_id, "why": storable(close.reason), "now": now}


def assign_values(assign: TaskAssign) -> dict[str, Any]:
    """The parameters of the statement that gives a task to somebody else."""
    return {"assigned_key": assign.outside_id, "to_owner": assign.owner_key, "if_owner": assign.was_owner_key}


def note_row(note: Note) -> dict[str, Any]:
    """A note about a customer."""
    return _fields(note)


def record_row(record: Record) -> dict[str, Any]:
    """An order's record."""
    return {name: _plain(getattr(record, name)) for name in _RECORD_FIELDS}


def record_of(row: Mapping[str, Any]) -> Record:
    """The record that a row holds."""
    return Record(**{name: row[name] for name in _RECORD_FIELDS} | {"stage": Stage(row["stage"])})


def mail_log_row(log: MailLog) -> dict[str, Any]:
    """A line of a customer's history."""
    fields = {name: _plain(getattr(log, name)) for name in MailLog.__slots__ if name not in ("person", "renewal_link")}
    return {"address": fields.pop("to"), **fields}


def optout_row(optout: OptOut) -> dict[str, Any]:
    """A wish not to be contacted."""
    return _fields(optout)


def change_of(row: Mapping[str, Any]) -> CrmChange:
    """What a person did, keyed by its place in the list."""
    return CrmChange(key=f"embedded:{row['id']}", **{name: row[name] for name in _CHANGE_FIELDS})


def _fields(item: Any) -> dict[str, Any]:
    return {name: _plain(getattr(item, name)) for name in item.__slots__}


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return storable(str(value))
    return list(value) if isinstance(value, tuple) else value
