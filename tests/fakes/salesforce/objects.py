"""The objects of an org as it comes: fields, defaults, who may own what."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.salesforce.fields import FieldDef, Record


@dataclass(frozen=True)
class RecordTypeDef:
    """A record type."""

    id: str
    name: str
    developer_name: str
    available: bool = True


@dataclass
class ObjectDef:
    """An object. `writable`: records are made and changed through the API; else the org fills it."""

    name: str
    prefix: str
    fields: dict[str, FieldDef] = field(default_factory=dict)
    label: str = ""
    writable: bool = True
    owned: bool = True
    owners: tuple[str, ...] = ("Group", "User")
    activities: bool = False
    record_types: list[RecordTypeDef] = field(default_factory=list)

    @property
    def custom(self) -> bool:
        """Whether somebody added it to the org."""
        return self.name.endswith("__c")

    def add(self, *fields: FieldDef) -> None:
        """Adds fields."""
        self.fields |= {one.name: one for one in fields}

    def named(self, name: str) -> FieldDef | None:
        """A field by its name in any letter case."""
        return self.fields.get(name) or next(
            (one for one in self.fields.values() if one.name.lower() == name.lower()), None
        )

    def by_relationship(self, name: str) -> FieldDef | None:
        """A lookup by the name of its relationship, as `Owner`, `Account__r`."""
        return next((one for one in self.fields.values() if one.relationship.lower() == name.lower() != ""), None)


def _ref(name: str, *to: str, required: bool = False, **more: Any) -> FieldDef:
    relationship = more.pop("relationship", name.removesuffix("Id"))
    return FieldDef(name, "reference", refers_to=to, relationship=relationship, nillable=not required, **more)


def _flag(name: str, **more: Any) -> FieldDef:
    return FieldDef(name, "boolean", default=False, **more)


def _pick(name: str, *values: str, **more: Any) -> FieldDef:
    return FieldDef(name, "picklist", values=values, **more)


def _text(name: str, length: int = 255, **more: Any) -> FieldDef:
    return FieldDef(name, "string", length, **more)


def _long(name: str, length: int = 32_000) -> FieldDef:
    return FieldDef(name, "textarea", length)


def _full_name(record: Record) -> str:
    return " ".join(part for part in (record.get("FirstName"), record.get("LastName")) if part)


def _person() -> list[FieldDef]:
    return [
        _text("LastName", 80, nillable=False),
        _text("FirstName", 40),
        _text("Name", 121, formula=_full_name),
        FieldDef("Email", "email", 80, id_lookup=True),
        FieldDef("Phone", "phone", 40),
        FieldDef("MobilePhone", "phone", 40),
        _text("Title", 128),
        _pick("Salutation", "Mr.", "Ms.", "Dr."),
    ]


def _consenting() -> list[FieldDef]:
    return [
        _flag("HasOptedOutOfEmail"),
        _flag("DoNotCall"),
        _text("EmailBouncedReason"),
        FieldDef("EmailBouncedDate", "datetime"),
        _ref("IndividualId", "Individual"),
    ]


def _labels(*more: FieldDef) -> list[FieldDef]:
    return [_text("MasterLabel"), _text("ApiName"), FieldDef("SortOrder", "int"), _flag("IsDefault"), *more]


_USERS = ("User",)
"""Queues own no accounts, contacts and opportunities."""

TASK_SUBTYPES = ("Task", "Email", "ListEmail", "Cadence", "Call", "LinkedIn")
ACTIVITY_PARENTS = ("Account", "Opportunity", "Case")


def _activity() -> list[FieldDef]:
    return [
        FieldDef("Subject", "combobox", 255, values=("Call", "Email", "Send Letter", "Other")),
        FieldDef("ActivityDate", "date"),
        _long("Description"),
        _ref("WhoId", "Contact", "Lead"),
        _ref("WhatId", *ACTIVITY_PARENTS),
        _ref("AccountId", "Account", createable=False, updateable=False),
        _flag("IsReminderSet"),
        FieldDef("ReminderDateTime", "datetime"),
        _flag("IsArchived", createable=False, updateable=False),
    ]


def _define(name: str, prefix: str, fields: Iterable[FieldDef], **more: Any) -> ObjectDef:
    return ObjectDef(name, prefix, {one.name: one for one in fields}, **more)


def standard_objects() -> list[ObjectDef]:
    """The objects that every org has, as far as anybody asks for them here."""
    return [
        _define("Account", "001", [
            _text("Name", nillable=False), _text("AccountNumber", 40), _ref("ParentId", "Account"), _text("Site", 80),
            _pick("Type", "Prospect", "Customer - Direct", "Customer - Channel", "Other"),
            _pick("Industry", "Banking", "Technology", "Other"), FieldDef("Phone", "phone", 40),
            FieldDef("Website", "url"), _text("BillingStreet"), _text("BillingCity", 40), _text("BillingState", 80),
            _text("BillingPostalCode", 20), _text("BillingCountry", 80), _long("Description"),
            FieldDef("NumberOfEmployees", "int"), FieldDef("AnnualRevenue", "currency"),
        ], activities=True, owners=_USERS),
        _define("Contact", "003", [
            _ref("AccountId", "Account"), *_person(), *_consenting(), _text("Department", 80), _long("Description"),
            _text("MailingCountry", 80), _pick("LeadSource", "Web", "Other"), _ref("ReportsToId", "Contact"),
        ], activities=True, owners=_USERS),
        _define("Lead", "00Q", [
            *_person(), *_consenting(), _text("Company", nillable=False), _flag("IsConverted", createable=False),
            _pick("Status", "Open - Not Contacted", "Working - Contacted", default="Open - Not Contacted", nillable=False),
            _pick("LeadSource", "Web", "Other"), FieldDef("Website", "url"), _text("Country", 80),
        ], activities=True),
        _define("Individual", "0PK", [
            _text("LastName", 80, nillable=False), _text("FirstName", 40), _text("Name", 121, formula=_full_name),
            *(_flag(name) for name in ("HasOptedOutProcessing", "HasOptedOutProfiling", "HasOptedOutSolicit",
                                       "HasOptedOutTracking", "SendIndividualData", "ShouldForget")),
        ], owners=_USERS),
        _define("Opportunity", "006", [
            _text("Name", 120, nillable=False), _ref("AccountId", "Account"), FieldDef("CloseDate", "date", nillable=False),
            _pick("StageName", "Prospecting", "Qualification", "Proposal/Price Quote", "Negotiation/Review", "Closed Won",
                  "Closed Lost", nillable=False),
            FieldDef("Amount", "currency", scale=2), FieldDef("Probability", "percent"), _long("Description"),
            _pick("Type", "New Customer", "Existing Customer - Upgrade"), _text("NextStep"),
            _pick("LeadSource", "Web", "Other"), _ref("ContactId", "Contact", updateable=False),
            _pick("ForecastCategoryName", "Omitted", "Pipeline", "Best Case", "Commit", "Closed"),
            _flag("IsClosed", createable=False, updateable=False), _flag("IsWon", createable=False, updateable=False),
        ], activities=True, owners=_USERS),
        _define("Case", "500", [
            _ref("AccountId", "Account"), _ref("ContactId", "Contact"), _text("Subject"), _long("Description"),
            _pick("Status", "New", "Working", "Escalated", "Closed", default="New"), _text("SuppliedEmail", 80),
            _pick("Priority", "High", "Medium", "Low", default="Medium"), _pick("Origin", "Phone", "Email", "Web"),
            _pick("Type", "Mechanical", "Electronic", "Other"), _pick("Reason", "Installation", "Other"),
            _text("CaseNumber", 30, createable=False, updateable=False), _ref("ParentId", "Case"),
            _flag("IsClosed", createable=False, updateable=False),
            FieldDef("ClosedDate", "datetime", createable=False, updateable=False),
        ], activities=True),
        _define("Task", "00T", [
            *_activity(), _pick("Status", "Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred",
                                default="Not Started", nillable=False),
            _pick("Priority", "High", "Normal", "Low", default="Normal", nillable=False),
            _pick("Type", "Call", "Email", "Meeting", "Other"),
            _pick("TaskSubtype", *TASK_SUBTYPES, restricted=True, updateable=False),
            _pick("CallType", "Internal", "Inbound", "Outbound", restricted=True), _text("CallDisposition"),
            FieldDef("CallDurationInSeconds", "int"), _text("CallObject"),
            _flag("IsClosed", createable=False, updateable=False),
            _flag("IsHighPriority", createable=False, updateable=False), _flag("IsRecurrence", updateable=False),
            FieldDef("CompletedDateTime", "datetime", createable=False, updateable=False),
        ]),
        _define("Event", "00U", [
            *_activity(), FieldDef("StartDateTime", "datetime", nillable=False), FieldDef("EndDateTime", "datetime"),
            FieldDef("DurationInMinutes", "int"), _text("Location"), _pick("Type", "Call", "Email", "Meeting", "Other"),
        ]),
        _define("EmailMessage", "02s", [
            _ref("ParentId", "Case"), _ref("ActivityId", "Task", updateable=False), _ref("RelatedToId", *ACTIVITY_PARENTS),
            _text("Subject", 3000), _long("TextBody", 131_072), _long("HtmlBody", 131_072), _long("Headers"),
            _text("FromAddress", 1000), _text("FromName", 1000), _text("ToAddress", 4000), _text("CcAddress", 4000),
            _text("BccAddress", 4000), *(FieldDef(name, "JunctionIdList") for name in ("ToIds", "CcIds", "BccIds")),
            _flag("Incoming"), _flag("IsExternallyVisible"), _flag("IsClientManaged"), FieldDef("MessageDate", "datetime"),
            _text("MessageIdentifier"), _text("ThreadIdentifier"),
            _pick("Status", "0", "1", "2", "3", "4", "5", restricted=True, default="5"),
        ], owned=False),
        _define("EmailMessageRelation", "0CZ", [
            _ref("EmailMessageId", "EmailMessage", required=True), _ref("RelationId", "Contact", "Lead", "User"),
            _pick("RelationType", "ToAddress", "CcAddress", "BccAddress", "FromAddress", "OtherAddress"),
            _text("RelationAddress"), _text("RelationObjectType"),
            _pick("DeliveryResponse", "SoftBounce", "HardBounce", "OutOfOffice"),
        ], owned=False),
        _define("User", "005", [
            *_person(), _text("Username", 80, nillable=False, unique=True, id_lookup=True), _flag("IsActive"),
            _text("Alias", 8), _ref("ManagerId", "User"), _ref("ProfileId", "Profile"), _text("FederationIdentifier", 512),
            _pick("UserType", "Standard", "Guest", "PowerCustomerSuccess", default="Standard"),
            _text("TimeZoneSidKey", 40), _text("LanguageLocaleKey", 40),
        ], writable=False, owned=False),
        _define("Group", "00G", [
            _text("Name", 40), _text("DeveloperName", 80), _pick("Type", "Queue", "Regular"), FieldDef("Email", "email"),
        ], writable=False, owned=False),
        _define("Profile", "00e", [_text("Name")], writable=False, owned=False),
        _define("PermissionSet", "0PS", [_text("Name", 80), _text("Label", 80)], writable=False, owned=False),
        _define("PermissionSetAssignment", "0Pa", [
            _ref("AssigneeId", "User", required=True), _ref("PermissionSetId", "PermissionSet", required=True),
        ], owned=False),
        _define("RecordType", "012", [
            _text("Name", 80), _text("DeveloperName", 80), _text("SobjectType", 40), _flag("IsActive"),
        ], writable=False, owned=False),
        _define("Organization", "00D", [
            _text("Name", 80), _flag("IsSandbox"), _text("OrganizationType", 40), _text("InstanceName", 20),
            _text("NamespacePrefix", 15), FieldDef("TrialExpirationDate", "datetime"), _text("TimeZoneSidKey", 40),
            _text("LanguageLocaleKey", 40), _text("DefaultLocaleSidKey", 40), _text("Country", 80),
        ], writable=False, owned=False),
        _define("TaskStatus", "01m", _labels(_flag("IsClosed")), writable=False, owned=False),
        _define("TaskPriority", "01p", _labels(_flag("IsHighPriority")), writable=False, owned=False),
        _define("CaseStatus", "0Cs", _labels(_flag("IsClosed")), writable=False, owned=False),
        _define("OpportunityStage", "01J", _labels(
            _flag("IsActive"), _flag("IsClosed"), _flag("IsWon"), FieldDef("DefaultProbability", "percent"),
        ), writable=False, owned=False),
        _define("EmailTemplate", "00X", [
            _text("Name", 80), _text("DeveloperName", 80), _text("Subject"), _flag("IsActive"), _text("FolderName", 256),
        ], writable=False, owned=False),
        _define("OrgWideEmailAddress", "0D2", [
            FieldDef("Address", "email", 255), _text("DisplayName"), _flag("IsVerified"),
        ], writable=False, owned=False),
    ]  # fmt: skip


def cadence_objects() -> list[ObjectDef]:
    """What Sales Engagement adds."""
    states = ("Initializing", "Running", "Paused", "Processing", "Complete", "Error")
    reasons = ("ManuallyRemoved", "NormalCompletion", "RemovedByFlow")
    return [
        _define("ActionCadence", "77A", [_text("Name"), _pick("State", "Draft", "Active")], writable=False, owned=False),
        _define("ActionCadenceTracker", "77T", [
            _ref("ActionCadenceId", "ActionCadence"), _ref("TargetId", "Contact", "Lead"), _pick("State", *states),
            _pick("CompletionReason", *reasons), _ref("RelatedToId", "Opportunity"),
        ], writable=False),
    ]  # fmt: skip


def system_fields(owned: bool, owners: tuple[str, ...]) -> list[FieldDef]:
    """What the org itself writes on every record."""
    kept: dict[str, Any] = {"createable": False, "updateable": False}
    fields = [
        FieldDef("Id", "id", 18, nillable=False, **kept),
        FieldDef("IsDeleted", "boolean", nillable=False, **kept),
        FieldDef("CreatedDate", "datetime", nillable=False, **kept),
        _ref("CreatedById", "User", required=True, relationship="CreatedBy", **kept),
        FieldDef("LastModifiedDate", "datetime", nillable=False, **kept),
        _ref("LastModifiedById", "User", required=True, relationship="LastModifiedBy", **kept),
        FieldDef("SystemModstamp", "datetime", nillable=False, **kept),
    ]
    return [*fields, _ref("OwnerId", *owners)] if owned else fields
