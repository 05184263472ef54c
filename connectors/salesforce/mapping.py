"""Our words ↔ Salesforce's fields. Pure. Values are JSON values; None empties a field."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from connectors.crm.foreign import text_of
from connectors.crm.values import contact_key, day, minor_of, money, record_title
from connectors.salesforce.describing import FieldInfo
from connectors.salesforce.fields import ContactField, OrderField, TaskField
from core.crm_ports import Note
from core.model import digest_of
from core.ports import Record, RecordPerson, TaskDraft
from core.words import Role, Stage, TaskKind, Urgency

PRIORITIES = {
    Urgency.NOTICE: "Low",
    Urgency.REMINDER: "Normal",
    Urgency.WARNING: "High",
    Urgency.CRITICAL: "High",
    Urgency.EXPIRED: "High",
}
OPEN_STATUS = "Not Started"
_ROLES = (Role.ORGANISATION, Role.BILLING, Role.REQUESTER, Role.TECHNICAL)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")


def is_id(text: str, prefix: str = "") -> bool:
    """Whether the text has the form of an id, of an object with this key prefix; a query with any other is refused."""
    return bool(_ID.fullmatch(text)) and text.startswith(prefix)


def clean(text: str) -> str:
    """The text as Salesforce takes it: no control characters, no half characters."""
    return _CONTROLS.sub("", text.encode("utf-8", "replace").decode("utf-8"))


def cut(text: str, length: int) -> str:
    """The text within a field's length, which Salesforce counts in UTF-16."""
    octets = text.encode("utf-16-le", "replace")
    return text if len(octets) <= length * 2 else octets[: length * 2].decode("utf-16-le", "ignore")


def fitted(value: Any, field: FieldInfo) -> Any:
    """A value as the field takes it; a link that is too long would lead nowhere and is left out."""
    if not isinstance(value, str):
        return value
    text = clean(value)
    if field.kind == "url" and field.length and len(text) > field.length:
        return None
    return (cut(text, field.length) if field.length else text) or None


def title_of(record: Record, length: int) -> str:
    """What an order is called in lists; where that is too long, its end stays, which names the order."""
    title, end = clean(record_title(record)), f"… ({record.order_key})"
    return title if cut(title, length) == title else cut(title, length - len(end)) + end


def day_of(value: Any) -> date | None:
    """The day of a date field."""
    try:
        return date.fromisoformat(text_of(value)[:10])
    except ValueError:
        return None


def moment_of(moment: datetime) -> str:
    """A moment as Salesforce takes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def number(minor: int | None, currency: str) -> float | None:
    """An amount in major units."""
    return None if minor is None else float(money(minor, currency))


def record_fields(record: Record) -> dict[str, Any]:
    """Our fields of an order's record. Title, owner, people and the stage that reps move are the object's own."""
    said: dict[str, Any] = {
        OrderField.KEY: record.order_key,
        OrderField.RECORD_KEY: record.key,
        OrderField.ACCOUNT_KEY: record.account_key,
        OrderField.ACCOUNT_NAME: record.account_name,
        OrderField.REP_KEY: record.owner_key,
        OrderField.COMMON_NAME: record.common_name,
        OrderField.PRODUCT: record.product_name,
        OrderField.STATUS: record.status,
        OrderField.STAGE: str(record.stage),
        OrderField.STARTS_ON: day(record.starts_on) or None,
        OrderField.ENDS_ON: day(record.order_expires_on) or None,
        OrderField.END_INFERRED: record.order_expires_inferred,
        OrderField.CERTIFICATE_ENDS_ON: day(record.certificate_expires_on) or None,
        OrderField.AUTO_RENEW: record.auto_renew,
        OrderField.VALUE: number(record.value_minor, record.currency),
        OrderField.CURRENCY: record.currency,
    }
    if record.renewal_link:
        said[OrderField.RENEWAL_LINK] = record.renewal_link
    return {str(name): value for name, value in said.items()}


def record_digest(said: Mapping[str, Any]) -> bytes:
    """What tells whether a record is to be written: not its delivery's key, nor a link that was only signed afresh."""
    left_out = (OrderField.RECORD_KEY, OrderField.RENEWAL_LINK)
    return digest_of(sorted((name, str(value)) for name, value in said.items() if name not in left_out))


def record_of(said: Mapping[str, Any]) -> Record:
    """The record that Salesforce holds, without its people."""
    currency, stage = text_of(said.get(OrderField.CURRENCY)), text_of(said.get(OrderField.STAGE))
    value = said.get(OrderField.VALUE)
    return Record(
        key=text_of(said.get(OrderField.RECORD_KEY)),
        order_key=text_of(said.get(OrderField.KEY)),
        account_key=text_of(said.get(OrderField.ACCOUNT_KEY)),
        account_name=text_of(said.get(OrderField.ACCOUNT_NAME)),
        owner_key=text_of(said.get(OrderField.REP_KEY)),
        common_name=text_of(said.get(OrderField.COMMON_NAME)),
        product_name=text_of(said.get(OrderField.PRODUCT)),
        status=text_of(said.get(OrderField.STATUS)),
        stage=Stage(stage) if stage in set(Stage) else Stage.UPCOMING,
        starts_on=day_of(said.get(OrderField.STARTS_ON)),
        order_expires_on=day_of(said.get(OrderField.ENDS_ON)),
        order_expires_inferred=said.get(OrderField.END_INFERRED) is True,
        certificate_expires_on=day_of(said.get(OrderField.CERTIFICATE_ENDS_ON)),
        auto_renew=said.get(OrderField.AUTO_RENEW) is True,
        value_minor=None if value is None else minor_of(str(value), currency),
        currency=currency,
    )


def first_contact(people: Iterable[RecordPerson], contacts: Mapping[str, str]) -> str:
    """The id of the contact who stands for an order: the one that Salesforce knows whose role comes first."""
    known = [one for one in people if one.email.strip().lower() in contacts]
    if not known:
        return ""
    chosen = min(known, key=_rank)
    return contacts[chosen.email.strip().lower()]


def _rank(person: RecordPerson) -> int:
    return min((place for place, role in enumerate(_ROLES) if role in person.roles), default=len(_ROLES))


def renewal_fields(person: RecordPerson, link: str = "") -> dict[str, Any]:
    """What marketing people build on. They change at a touchpoint, never by the day."""
    said: dict[str, Any] = {
        ContactField.KEY: contact_key(person.email),
        ContactField.NEXT_ON: day(person.next_on) or None,
        ContactField.URGENCY: None if person.urgency is None else str(person.urgency),
        ContactField.OFFER_CODE: person.offer_code,
        ContactField.LANGUAGE: person.language,
    }
    if link:
        said[ContactField.RENEWAL_LINK] = link
    return {str(name): value for name, value in said.items()}


def renewal_digest(said: Mapping[str, Any]) -> bytes:
    """What tells whether a contact is to be written again; a link that was only signed afresh is no reason."""
    return digest_of(sorted((name, str(value)) for name, value in said.items() if name != ContactField.RENEWAL_LINK))


def contact_fields(person: RecordPerson) -> dict[str, Any]:
    """A new contact. Salesforce wants a last name: where none is known it is what stands before the @."""
    first, _, last = clean(person.name).strip().rpartition(" ")
    said = {
        "Email": person.email,
        "FirstName": first,
        "LastName": last or person.email.partition("@")[0],
        "Phone": person.phone,
    }
    return {name: value for name, value in said.items() if value}


def person_name(said: Mapping[str, Any]) -> str:
    """A contact's name as one text; empty where it is only what we put in place of one."""
    name = " ".join(filter(None, (text_of(said.get(part)).strip() for part in ("FirstName", "LastName"))))
    return "" if name.lower() == text_of(said.get("Email")).partition("@")[0].lower() else name


def task_fields(draft: TaskDraft, reminder_hour: int) -> dict[str, Any]:
    """A new task; owner and what it hangs on are added where Salesforce knows them. `reminder_hour` is UTC; -1: none."""
    said: dict[str, Any] = {
        TaskField.KEY: draft.key,
        TaskField.ORDER_KEYS: order_keys(draft.order_keys),
        TaskField.URGENCY: str(draft.urgency),
        "Subject": draft.subject,
        "Description": draft.body,
        "Status": OPEN_STATUS,
        "Priority": PRIORITIES[draft.urgency],
        "ActivityDate": day(draft.due_on),
        "TaskSubtype": "Call" if draft.kind is TaskKind.CALL else "Task",
    }
    if draft.kind is TaskKind.CALL:
        said |= {"Type": "Call", "CallType": "Outbound"}
    if reminder_hour >= 0:
        said |= {"IsReminderSet": True, "ReminderDateTime": reminder_at(draft.due_on, reminder_hour)}
    return {str(name): value for name, value in said.items()}


def note_fields(note: Note) -> dict[str, Any]:
    """A note, as a task; status and owner are added, and what it hangs on."""
    said: dict[str, Any] = {
        TaskField.NOTE_KEY: note.key,
        TaskField.ORDER_KEYS: order_keys(note.order_keys),
        "Subject": note.subject,
        "Description": note.body,
        "ActivityDate": day(note.at.date()),
        "TaskSubtype": "Task",
    }
    return {str(name): value for name, value in said.items()}


def reminder_at(due_on: date, hour: int) -> str:
    """The moment (UTC) at which Salesforce reminds of a task."""
    return moment_of(datetime.combine(due_on, time(hour), UTC))


def order_keys(keys: Iterable[str]) -> str:
    """The orders of a task as far as they fit: an activity has no field for more than 255 characters."""
    shown = ""
    for key in keys:
        longer = f"{shown} {key}" if shown else key
        if len(longer) > 253:
            return f"{shown} …"
        shown = longer
    return shown
