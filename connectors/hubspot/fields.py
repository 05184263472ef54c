"""The properties of ours in HubSpot, and who writes each. `setup` creates them; `mapping` fills and reads them."""

from dataclasses import dataclass
from enum import StrEnum

from connectors.crm.choices import LOST_REASONS, LOST_SCOPES, STAGES, TASK_OUTCOMES, URGENCIES

GROUP = "nolapse"
GROUP_LABEL = "Certificate renewals"


def opted_out_field(subscription_id: int) -> str:
    """HubSpot's own property of contacts that are opted out of one subscription type; empty for none."""
    return f"hs_email_optout_{subscription_id}" if subscription_id else ""


class Holder(StrEnum):
    """The kind of thing in HubSpot that carries a property. A `record` is a ticket, deal or custom object."""

    RECORD = "record"
    COMPANY = "companies"
    CONTACT = "contacts"
    TASK = "tasks"
    EMAIL = "emails"
    NOTE = "notes"
    FORECAST = "deals"


@dataclass(frozen=True, slots=True)
class Field:
    """A property: type and field type as HubSpot calls them; `options` are (value, label) of an enumeration.

    `by_rep` marks what people fill in and we only read.
    """

    name: str
    label: str
    type: str = "string"
    field_type: str = "text"
    options: tuple[tuple[str, str], ...] = ()
    unique: bool = False
    by_rep: bool = False
    description: str = ""


def _text(name: str, label: str, description: str = "", *, unique: bool = False) -> Field:
    return Field(name, label, unique=unique, description=description)


def _day(name: str, label: str, *, by_rep: bool = False, description: str = "") -> Field:
    return Field(name, label, "date", "date", by_rep=by_rep, description=description)


def _choice(
    name: str, label: str, options: tuple[tuple[str, str], ...], *, by_rep: bool = False, description: str = ""
) -> Field:
    return Field(name, label, "enumeration", "select", options, by_rep=by_rep, description=description)


def _flag(name: str, label: str, *, by_rep: bool = False, description: str = "") -> Field:
    return Field(
        name, label, "bool", "booleancheckbox", (("true", "Yes"), ("false", "No")), by_rep=by_rep,
        description=description,
    )  # fmt: skip


FIELDS: dict[Holder, tuple[Field, ...]] = {
    Holder.RECORD: (
        _text("nolapse_order_key", "Order key", "Names the order; written once, never changed by hand.", unique=True),
        _text("nolapse_record_key", "Last written by"),
        _text("nolapse_account_key", "Account key"),
        _text("nolapse_account_name", "Account"),
        _text("nolapse_rep_key", "Rep key"),
        _text("nolapse_common_name", "Common name"),
        _text("nolapse_product", "Product"),
        _text("nolapse_status", "Status at the CA"),
        _choice("nolapse_stage", "Stage of the renewal", STAGES, description="As the renewal engine sees it."),
        _day("nolapse_starts_on", "Order started on"),
        _day(
            "nolapse_order_ends_on", "Order ends on", description="23:59:59 UTC of that day. For lists and workflows."
        ),
        _flag("nolapse_order_end_inferred", "Order end worked out", description="The CA did not tell the end."),
        _day("nolapse_certificate_ends_on", "Certificate ends on", description="23:59:59 UTC of that day."),
        _flag("nolapse_auto_renew", "Renews by itself"),
        Field("nolapse_value", "Value", "number", "number"),
        _text("nolapse_currency", "Currency"),
        _text("nolapse_renewal_link", "Renewal link"),
        _day("nolapse_snooze_until", "Leave alone until", by_rep=True),
        _flag("nolapse_do_not_renew", "Will not be renewed", by_rep=True),
        _choice("nolapse_lost_reason", "Lost because", LOST_REASONS, by_rep=True),
        _choice("nolapse_lost_scope", "Lost for", LOST_SCOPES, by_rep=True),
        _day("nolapse_win_back_on", "Ask again on", by_rep=True),
    ),
    Holder.COMPANY: (
        _text("nolapse_account_key", "Account key", "Names the customer in the renewal engine.", unique=True),
        _flag("nolapse_do_not_contact", "Never contact about renewals", by_rep=True),
        _flag("nolapse_do_not_call", "Never call about renewals", by_rep=True),
    ),
    Holder.CONTACT: (
        _text("nolapse_contact_key", "Contact key", "Names the person in the renewal engine.", unique=True),
        _day("nolapse_next_touchpoint_on", "Next renewal touchpoint on"),
        _choice("nolapse_urgency", "Urgency of renewal", URGENCIES),
        _text("nolapse_offer_code", "Offer code"),
        _text("nolapse_renewal_link", "Renewal link"),
        _text("nolapse_language", "Language of renewal messages"),
        _flag("nolapse_do_not_call", "Does not want renewal calls"),
        _flag("nolapse_no_offers", "Does not want renewal offers"),
        _flag("nolapse_use_sequence", "Renewal mails by sequence", by_rep=True),
    ),
    Holder.TASK: (
        _text("nolapse_task_key", "Task key", "Names the task in the renewal engine.", unique=True),
        Field("nolapse_order_keys", "Orders", "string", "textarea"),
        _choice("nolapse_task_outcome", "What came of it", TASK_OUTCOMES, by_rep=True),
        _choice("nolapse_urgency", "Urgency", URGENCIES),
        _text("nolapse_closed_because", "Closed because"),
    ),
    Holder.EMAIL: (_text("nolapse_mail_key", "Mail key", "Names the mail in the renewal engine.", unique=True),),
    Holder.NOTE: (_text("nolapse_note_key", "Note key", "Names the note in the renewal engine.", unique=True),),
    Holder.FORECAST: (
        _text("nolapse_forecast_key", "Forecast key", "Names account and month of the renewals.", unique=True),
        _text("nolapse_forecast_amount", "Forecast last written", "The amount last written by the renewal engine."),
    ),
}
"""Every property of ours by what carries it. Nothing in them changes from one day to the next by itself."""


def unique_field(holder: Holder) -> Field:
    """The property by which we know what is ours."""
    return next(field for field in FIELDS[holder] if field.unique)
