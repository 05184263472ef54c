"""Our words ↔ HubSpot's properties. Pure. Every value is a text; an empty one clears the property."""

import html
from collections.abc import Mapping
from datetime import UTC, date, datetime

from connectors.crm.values import contact_key, day, minor_of, money
from core.crm_ports import Note
from core.model import digest_of
from core.ports import MailLog, Record, RecordPerson, TaskDraft
from core.words import Stage, TaskKind, Urgency

_LONGEST = 65_000  # HubSpot takes 65,536 characters in a property

PRIORITIES = {
    Urgency.NOTICE: "LOW",
    Urgency.REMINDER: "MEDIUM",
    Urgency.WARNING: "HIGH",
    Urgency.CRITICAL: "HIGH",
    Urgency.EXPIRED: "HIGH",
}
DONE = "COMPLETED"


def clean(text: str) -> str:
    """The text as HubSpot takes it: no NUL, no half characters, cut where a property ends."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")[:_LONGEST]


def flag(value: bool) -> str:
    """A yes or no."""
    return "true" if value else "false"


def day_of(text: str) -> date | None:
    """The day of a date or time as HubSpot writes it: ISO 8601, or milliseconds since 1970 in UTC."""
    if text.lstrip("-").isdigit():
        return datetime.fromtimestamp(int(text) / 1000, UTC).date()
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def milliseconds(moment: datetime) -> str:
    """A moment as HubSpot's search takes it: since 1970, in UTC."""
    return str(round(moment.timestamp() * 1000))


def record_properties(record: Record) -> dict[str, str]:
    """Our properties of an order's record. Pipeline, title and owner are the portal's."""
    said = {
        "nolapse_order_key": record.order_key,
        "nolapse_record_key": record.key,
        "nolapse_account_key": record.account_key,
        "nolapse_account_name": clean(record.account_name),
        "nolapse_rep_key": record.owner_key,
        "nolapse_common_name": clean(record.common_name),
        "nolapse_product": clean(record.product_name),
        "nolapse_status": clean(record.status),
        "nolapse_stage": str(record.stage),
        "nolapse_starts_on": day(record.starts_on),
        "nolapse_order_ends_on": day(record.order_expires_on),
        "nolapse_order_end_inferred": flag(record.order_expires_inferred),
        "nolapse_certificate_ends_on": day(record.certificate_expires_on),
        "nolapse_auto_renew": flag(record.auto_renew),
        "nolapse_value": money(record.value_minor, record.currency),
        "nolapse_currency": record.currency,
    }
    return said | ({"nolapse_renewal_link": record.renewal_link} if record.renewal_link else {})


def record_of(said: Mapping[str, str]) -> Record:
    """The record that HubSpot holds, without its people."""
    currency = said.get("nolapse_currency", "")
    stage = said.get("nolapse_stage", "")
    return Record(
        key=said.get("nolapse_record_key", ""),
        order_key=said.get("nolapse_order_key", ""),
        account_key=said.get("nolapse_account_key", ""),
        account_name=said.get("nolapse_account_name", ""),
        owner_key=said.get("nolapse_rep_key", ""),
        common_name=said.get("nolapse_common_name", ""),
        product_name=said.get("nolapse_product", ""),
        status=said.get("nolapse_status", ""),
        stage=Stage(stage) if stage in set(Stage) else Stage.UPCOMING,
        starts_on=day_of(said.get("nolapse_starts_on", "")),
        order_expires_on=day_of(said.get("nolapse_order_ends_on", "")),
        order_expires_inferred=said.get("nolapse_order_end_inferred") == "true",
        certificate_expires_on=day_of(said.get("nolapse_certificate_ends_on", "")),
        auto_renew=said.get("nolapse_auto_renew") == "true",
        value_minor=minor_of(said.get("nolapse_value", ""), currency),
        currency=currency,
    )


def renewal_properties(person: RecordPerson, link: str = "") -> dict[str, str]:
    """What marketing people build workflows on. They change at a touchpoint, never by the day."""
    said = {
        "nolapse_contact_key": contact_key(person.email),
        "nolapse_next_touchpoint_on": day(person.next_on),
        "nolapse_urgency": "" if person.urgency is None else str(person.urgency),
        "nolapse_offer_code": person.offer_code,
        "nolapse_language": person.language,
    }
    return said | ({"nolapse_renewal_link": link} if link else {})


def renewal_digest(said: Mapping[str, str]) -> bytes:
    """What tells whether a contact is to be written again; a link that was only signed afresh is no reason."""
    return digest_of(sorted((name, value) for name, value in said.items() if name != "nolapse_renewal_link"))


def contact_properties(person: RecordPerson) -> dict[str, str]:
    """A new contact as HubSpot itself has it; what is not known is left out."""
    first, _, last = clean(person.name).strip().rpartition(" ")
    said = {"email": person.email, "firstname": first, "lastname": last, "phone": clean(person.phone)}
    return {name: value for name, value in said.items() if value}


def person_name(said: Mapping[str, str]) -> str:
    """A contact's name as one text."""
    return " ".join(filter(None, (said.get("firstname", "").strip(), said.get("lastname", "").strip())))


def language_of(said: Mapping[str, str]) -> str:
    """A contact's language as ours are named: `de`, `zh`; empty where HubSpot knows none."""
    return said.get("hs_language", "").replace("_", "-").lower().partition("-")[0]


def task_properties(draft: TaskDraft, hour: int) -> dict[str, str]:
    """A new task; its owner is added where HubSpot knows the rep. `hour` (UTC) is when it is due on its day."""
    return {
        "nolapse_task_key": draft.key,
        "nolapse_order_keys": " ".join(draft.order_keys),
        "nolapse_urgency": str(draft.urgency),
        "hs_timestamp": due_at(draft.due_on, hour),
        "hs_task_subject": clean(draft.subject),
        "hs_task_body": rich(draft.body),
        "hs_task_status": "NOT_STARTED",
        "hs_task_priority": PRIORITIES[draft.urgency],
        "hs_task_type": "CALL" if draft.kind is TaskKind.CALL else "TODO",
    }


def due_at(due_on: date, hour: int) -> str:
    """The moment (UTC) at which a task is due."""
    return f"{due_on.isoformat()}T{hour:02}:00:00Z"


def moment_text(moment: datetime) -> str:
    """A moment as HubSpot takes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rich(text: str) -> str:
    """Plain text as a body of HubSpot's, which is HTML."""
    return html.escape(clean(text), quote=False).replace("\r\n", "\n").replace("\n", "<br>")[:_LONGEST]


def mail_properties(log: MailLog) -> dict[str, str]:
    """A mail that went out, for the timeline."""
    return {
        "nolapse_mail_key": log.key,
        "hs_timestamp": moment_text(log.sent_at),
        "hs_email_direction": "EMAIL",
        "hs_email_status": "SENT",
        "hs_email_subject": clean(log.subject),
        "hs_email_text": clean(log.text),
    }


def note_properties(note: Note) -> dict[str, str]:
    """A note, which has no subject of its own; its owner is added where HubSpot knows the rep."""
    return {
        "nolapse_note_key": note.key,
        "hs_timestamp": moment_text(note.at),
        "hs_note_body": rich(f"{note.subject}\n\n{note.body}"),
    }
