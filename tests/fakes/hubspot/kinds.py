"""The kinds of objects of a portal: HubSpot's own, and custom ones."""

from dataclasses import dataclass, field
from typing import Any

from tests.fakes.hubspot.properties import Property, define

OWN = """
hs_object_id* number
hs_createdate* datetime
hs_lastmodifieddate* datetime
hs_object_source*
hs_object_source_id*
hs_merged_object_ids*
hs_unique_creation_key!*
hubspot_owner_id+ enumeration
hubspot_owner_assigneddate* datetime
hs_all_owner_ids*
"""

ACTIVITY = """
hs_timestamp datetime
hs_activity_type
hs_created_by_user_id* number
hs_attachment_ids
"""

OF_CONTACTS = """
email!
firstname
lastname
phone
mobilephone
jobtitle
company
website
country
city
zip
address
hs_language enumeration en,de,fr,it,es,nl,pt,ja,zh-cn,ko
hs_timezone+ enumeration
lifecyclestage enumeration subscriber,lead,opportunity,customer,evangelist,other
hs_lead_status enumeration NEW,OPEN,IN_PROGRESS,UNQUALIFIED,CONNECTED
createdate* datetime
lastmodifieddate* datetime
hs_additional_emails*
hs_email_optout* bool
hs_email_optout_1001* bool
hs_email_optout_1002* bool
hs_sequences_is_enrolled* bool
hs_latest_sequence_enrolled* number
hs_marketable_status* enumeration true,false
associatedcompanyid* number
notes_last_contacted* datetime
hs_last_sales_activity_timestamp* datetime
hs_is_unworked* bool
"""

OF_COMPANIES = """
name
domain
phone
country
city
zip
address
industry
description
website
numberofemployees number
lifecyclestage enumeration subscriber,lead,opportunity,customer,evangelist,other
createdate* datetime
hs_additional_domains*
notes_last_contacted* datetime
hs_parent_company_id* number
"""

OF_DEALS = """
dealname
pipeline+ enumeration
dealstage+ enumeration
amount number
closedate datetime
dealtype enumeration newbusiness,existingbusiness
description
deal_currency_code enumeration EUR,USD,GBP,CHF
hs_priority enumeration low,medium,high
hs_is_closed* bool
hs_is_closed_won* bool
createdate* datetime
closed_lost_reason
closed_won_reason
"""

OF_TICKETS = """
subject
content
hs_pipeline+ enumeration
hs_pipeline_stage+ enumeration
hs_ticket_priority enumeration LOW,MEDIUM,HIGH,URGENT
hs_ticket_category enumeration PRODUCT_ISSUE,BILLING_ISSUE,FEATURE_REQUEST,GENERAL_INQUIRY
hs_is_closed* bool
source_type enumeration CHAT,EMAIL,FORM,PHONE
createdate* datetime
closed_date datetime
"""

OF_TASKS = """
hs_task_subject
hs_task_body
hs_task_status enumeration NOT_STARTED,IN_PROGRESS,WAITING,COMPLETED,DEFERRED
hs_task_priority enumeration NONE,LOW,MEDIUM,HIGH
hs_task_type enumeration CALL,EMAIL,TODO,LINKED_IN,MEETING
hs_task_reminders
hs_task_completion_date* datetime
hs_task_is_completed* number
hs_queue_membership_ids
"""

OF_EMAILS = """
hs_email_direction enumeration EMAIL,INCOMING_EMAIL,FORWARDED_EMAIL
hs_email_status enumeration BOUNCED,FAILED,SCHEDULED,SENDING,SENT
hs_email_subject
hs_email_text
hs_email_html
hs_email_headers
hs_email_message_id
hs_email_thread_id
"""

OF_NOTES = """
hs_note_body
"""

OF_CALLS = """
hs_call_title
hs_call_body
hs_call_duration number
hs_call_direction enumeration INBOUND,OUTBOUND
hs_call_disposition
hs_call_status enumeration BUSY,CALLING_CRM_USER,CANCELED,COMPLETED,CONNECTING,FAILED,IN_PROGRESS,NO_ANSWER,QUEUED,RINGING
"""

OF_MEETINGS = """
hs_meeting_title
hs_meeting_body
hs_meeting_start_time datetime
hs_meeting_end_time datetime
hs_meeting_outcome enumeration SCHEDULED,COMPLETED,RESCHEDULED,NO_SHOW,CANCELED
"""

OF_CUSTOM = """
hs_pipeline+ enumeration
hs_pipeline_stage+ enumeration
"""


@dataclass
class ObjectKind:
    """A kind of object: its names, its scopes, its properties."""

    type_id: str
    name: str
    singular: str
    read_scopes: tuple[str, ...]
    write_scopes: tuple[str, ...]
    group: str
    defaults: tuple[str, ...] = ()
    """Properties that a read gives where it names none."""
    required: tuple[str, ...] = ()
    pipeline_property: str = ""
    stage_property: str = ""
    modified: str = "hs_lastmodifieddate"
    created: str = "hs_createdate"
    schema: dict[str, Any] | None = None
    """What a custom object was created with."""
    properties: dict[str, Property] = field(default_factory=dict)
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)

    def unique_names(self) -> list[str]:
        return [found.name for found in self.properties.values() if found.unique and found.archived_at is None]

    def live(self, name: str) -> Property | None:
        """A property that is not archived."""
        found = self.properties.get(name)
        return None if found is None or found.archived_at is not None else found

    def add_group(self, name: str, label: str, display_order: int = -1) -> dict[str, Any]:
        self.groups[name] = {"name": name, "label": label, "displayOrder": display_order, "archived": False}
        return self.groups[name]


def _own(lines: str, group: str) -> dict[str, Property]:
    found = [define(line, group) for line in lines.strip().splitlines()]
    return {definition.name: definition for definition in found}


def _kind(
    type_id: str, name: str, singular: str, scopes: tuple[str, ...], lines: str, group: str, **more: Any
) -> ObjectKind:
    created = "createdate" if "\ncreatedate*" in lines else "hs_createdate"
    reading = tuple(scope for scope in scopes if not scope.endswith(".write"))
    writing = tuple(scope for scope in scopes if not scope.endswith(".read"))
    kind = ObjectKind(type_id, name, singular, reading, writing, group, created=created, **more)
    kind.properties = _own(OWN + lines, group)
    kind.add_group(group, group.capitalize(), 0)
    return kind


def custom_kind(type_id: str, name: str, schema: dict[str, Any]) -> ObjectKind:
    """A kind of object that an account made for itself, with a pipeline of its own if it likes."""
    return _kind(
        type_id,
        name,
        name,
        _scopes("custom"),
        OF_CUSTOM,
        f"{name}_information",
        pipeline_property="hs_pipeline",
        stage_property="hs_pipeline_stage",
        schema=schema,
    )


def _scopes(name: str) -> tuple[str, str]:
    return f"crm.objects.{name}.read", f"crm.objects.{name}.write"


def standard_kinds() -> list[ObjectKind]:
    """HubSpot's own kinds, as far as they are of use here."""
    contacts = _scopes("contacts")
    due = ("hs_timestamp",)
    return [
        _kind(
            "0-1",
            "contacts",
            "contact",
            contacts,
            OF_CONTACTS,
            "contactinformation",
            defaults=("firstname", "lastname", "email", "createdate", "lastmodifieddate"),
            modified="lastmodifieddate",
        ),
        _kind(
            "0-2",
            "companies",
            "company",
            _scopes("companies"),
            OF_COMPANIES,
            "companyinformation",
            defaults=("name", "domain", "createdate", "hs_lastmodifieddate"),
        ),
        _kind(
            "0-3",
            "deals",
            "deal",
            _scopes("deals"),
            OF_DEALS,
            "dealinformation",
            defaults=(
                "dealname",
                "amount",
                "closedate",
                "pipeline",
                "dealstage",
                "createdate",
                "hs_lastmodifieddate",
            ),
            pipeline_property="pipeline",
            stage_property="dealstage",
        ),
        _kind(
            "0-5",
            "tickets",
            "ticket",
            ("tickets",),
            OF_TICKETS,
            "ticketinformation",
            defaults=(
                "subject",
                "content",
                "hs_pipeline",
                "hs_pipeline_stage",
                "hs_ticket_category",
                "hs_ticket_priority",
                "createdate",
                "hs_lastmodifieddate",
            ),
            required=("hs_pipeline_stage",),
            pipeline_property="hs_pipeline",
            stage_property="hs_pipeline_stage",
        ),
        _kind("0-27", "tasks", "task", contacts, ACTIVITY + OF_TASKS, "task", required=due),
        _kind(
            "0-49",
            "emails",
            "email",
            ("sales-email-read",),
            ACTIVITY + OF_EMAILS,
            "email",
            required=(*due, "hs_email_direction"),
        ),
        _kind("0-46", "notes", "note", contacts, ACTIVITY + OF_NOTES, "note", required=due),
        _kind("0-47", "meetings", "meeting", contacts, ACTIVITY + OF_MEETINGS, "meeting", required=due),
        _kind("0-48", "calls", "call", contacts, ACTIVITY + OF_CALLS, "call", required=due),
    ]
