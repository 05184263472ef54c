"""An org: its objects, records and people, and the hand of a test in it."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.fakes.hubspot.clock import Clock, RealClock
from tests.fakes.salesforce.apps import App
from tests.fakes.salesforce.deploying import read_package
from tests.fakes.salesforce.errors import ApiError, RecordError
from tests.fakes.salesforce.fields import FieldDef, Record, stamp
from tests.fakes.salesforce.ids import Ids, checked
from tests.fakes.salesforce.objects import (
    ObjectDef,
    RecordTypeDef,
    cadence_objects,
    standard_objects,
    system_fields,
)
from tests.fakes.salesforce.rules import DuplicateRule, Lock, Validation

SESSION = "00DWz0000000001!AQEAQFAKESESSIONOFTHESTANDIN"
MASTER_TYPE = "012000000000000AAA"
_STATUSES = {
    "Not Started": False,
    "In Progress": False,
    "Completed": True,
    "Waiting on someone else": False,
    "Deferred": False,
}
_STAGES = {
    "Prospecting": (10, False, False), "Qualification": (10, False, False), "Proposal/Price Quote": (75, False, False),
    "Negotiation/Review": (90, False, False), "Closed Won": (100, True, True), "Closed Lost": (0, True, False),
}  # fmt: skip


@dataclass
class Org:
    """The state behind the API, and the hand of a test in it.

    `api_calls` is what the org may use in 24 hours. `cadences`: whether Sales Engagement is switched on.
    """

    clock: Clock = field(default_factory=RealClock)
    versions: tuple[str, ...] = ("64.0", "65.0", "66.0", "67.0", "68.0")
    edition: str = "Enterprise Edition"
    is_sandbox: bool = False
    my_domain: str = "acme.my.salesforce.com"
    api_calls: int = 100_000
    page_size: int = 2000
    cadences: bool = False
    verified_domains: set[str] = field(default_factory=set)
    mails_left: int = 5000
    session_life: timedelta = timedelta(hours=2)
    job_polls: int = 1
    """How often a bulk job says that it is in progress."""
    job_stops_after: int | None = None
    """After so many rows bulk jobs fail."""

    def __post_init__(self) -> None:
        self.ids = Ids()
        self.objects: dict[str, ObjectDef] = {}
        self.shelves: dict[str, dict[str, Record]] = {}
        self.hidden: defaultdict[str, set[str]] = defaultdict(set)
        self.read_only: defaultdict[str, set[str]] = defaultdict(set)
        self.denied: defaultdict[str, set[str]] = defaultdict(set)
        self.validations: list[Validation] = []
        self.duplicate_rules: list[DuplicateRule] = []
        self.locks: list[Lock] = []
        self.apps: list[App] = []
        self.passwords: dict[str, str] = {}
        self.sessions: dict[str, tuple[str, Any]] = {}
        self.scopes: dict[str, str] = {}
        """What the token of a session is good for."""
        self.calls_used = 0
        self.mails: list[dict[str, Any]] = []
        self.jobs: dict[str, Any] = {}
        self.cursors: dict[str, Any] = {}
        self._unique: dict[tuple[str, str], dict[str, str]] = {}
        for one in standard_objects():
            self.add_object(one)
        self.organization_id = self._fill("Organization", Name="Acme", IsSandbox=self.is_sandbox, InstanceName="EU62",
                                          OrganizationType=self.edition, TimeZoneSidKey="Europe/Berlin",
                                          LanguageLocaleKey="en_US", DefaultLocaleSidKey="de_DE")  # fmt: skip
        self._fill_tables()
        if self.cadences:
            for one in cadence_objects():
                self.add_object(one)
        self.admin = self.add_user("admin@acme.example", "Ada", "Admin")
        self.user = self.add_user("integration@acme.example", "Integration", "User")
        self.sessions[SESSION] = (self.user, None)

    # What a test builds.

    def add_object(self, one: ObjectDef) -> ObjectDef:
        """Adds an object, with the fields that every record has."""
        one.label = one.label or one.name.removesuffix("__c").replace("_", " ")
        one.fields = {one.name: one for one in system_fields(one.owned, one.owners)} | one.fields
        if one.custom and "Name" not in one.fields:
            one.add(FieldDef("Name", length=80, nillable=False))
        self.objects[one.name] = one
        self.shelves[one.name] = {}
        if one.activities and one.custom:
            for activity in ("Task", "Event", "EmailMessage"):
                for name in ("WhatId", "RelatedToId"):
                    if parent := self.objects[activity].fields.get(name):
                        parent.refers_to = (*parent.refers_to, one.name)
        return one

    def add_field(self, sobject: str, one: FieldDef) -> None:
        """Adds a field; one on `Activity` shows on tasks and events."""
        for name in ("Task", "Event") if sobject == "Activity" else (sobject,):
            self.objects[name].add(one)

    def deploy(self, folder: Path) -> None:
        """Adds the objects, fields and record types of a folder of metadata in source format."""
        found = read_package(folder)
        for one in found.objects:
            if one.name not in self.objects:
                self.add_object(one)
        for sobject, each in found.fields:
            self.add_field(sobject, each)
        for sobject, name, label in found.record_types:
            self.add_record_type(sobject, name, label)

    def add_record_type(self, sobject: str, developer_name: str, name: str = "", *, available: bool = True) -> str:
        """Adds a record type; its id."""
        one = self.objects[sobject]
        if "RecordTypeId" not in one.fields:
            one.add(FieldDef("RecordTypeId", "reference", refers_to=("RecordType",), relationship="RecordType"))
        id = self._fill("RecordType", Name=name or developer_name, DeveloperName=developer_name, SobjectType=sobject,
                        IsActive=True)  # fmt: skip
        one.record_types.append(RecordTypeDef(id, name or developer_name, developer_name, available))
        return id

    def add_user(self, email: str, first: str = "", last: str = "", *, active: bool = True, **more: Any) -> str:
        """Adds a user of the org; the id."""
        facts = {"Email": email, "Username": email, "FirstName": first, "LastName": last or email, **more}
        return self._fill("User", IsActive=active, **facts)

    def deactivate(self, user_id: str) -> None:
        """Makes a user inactive."""
        self._of(user_id)["IsActive"] = False

    def add_cadence(self, name: str) -> str:
        """Adds an active sales cadence; the id."""
        return self._fill("ActionCadence", Name=name, State="Active")

    def add_sender(self, address: str) -> str:
        """Adds an organisation-wide address; the id."""
        return self._fill("OrgWideEmailAddress", Address=address, DisplayName=address, IsVerified=True)

    def add_queue(self, name: str) -> str:
        """Adds a queue, which may own tasks and cases; the id."""
        return self._fill("Group", Name=name, DeveloperName=name.replace(" ", "_"), Type="Queue")

    def add_app(self, app: App) -> App:
        """Adds an External Client App."""
        self.apps.append(app)
        return app

    def hide(self, sobject: str, *fields: str) -> None:
        """Hides fields from the integration user by field-level security, or the whole object."""
        if fields:
            self.hidden[sobject].update(fields)
        else:
            self.denied[sobject].add("read")

    def show(self, sobject: str, *fields: str) -> None:
        """Undoes `hide`."""
        self.hidden[sobject].difference_update(fields)
        if not fields:
            self.denied[sobject].discard("read")

    def protect(self, sobject: str, *fields: str) -> None:
        """Makes fields read-only for the integration user."""
        self.read_only[sobject].update(fields)

    def deny(self, sobject: str, *what: str) -> None:
        """Takes permissions from the integration user: create, update, delete, read."""
        self.denied[sobject].update(what)

    def require(self, sobject: str, name: str) -> None:
        """Makes a field required."""
        self.objects[sobject].fields[name].nillable = False

    def validate(self, sobject: str, broken: Callable[[Record], bool], message: str, name: str = "") -> None:
        """Adds a validation rule, which refuses the records of which `broken` says so."""
        self.validations.append(Validation(sobject, broken, message, name))

    def forbid_duplicates(self, sobject: str, *fields: str) -> None:
        """Adds a duplicate rule, which refuses records that equal another in these fields."""
        self.duplicate_rules.append(DuplicateRule(sobject, fields))

    def lock(self, parent_id: str, times: int = 1) -> None:
        """Somebody changes this record: each write of it, or of what belongs to it, meets a lock so many times."""
        self.lock_rows(lambda record: checked(parent_id) in record.values(), times)

    def lock_rows(self, picks: Callable[[Record], bool], times: int = 1) -> None:
        """Each write of these records meets a lock so many times."""
        self.locks.append(Lock(picks, times))

    def end_sessions(self) -> None:
        """Ends every session."""
        self.sessions.clear()

    # What people do.

    def put(self, sobject: str, *, by: str = "", **fields: Any) -> str:
        """A person makes a record; its id."""
        id: str = self._saver(by).insert(sobject, fields)
        return id

    def edit(self, id: str, *, by: str = "", **fields: Any) -> None:
        """A person changes a record."""
        self._saver(by).update(self.name_of(id), checked(id), fields)

    def remove(self, id: str, *, by: str = "") -> None:
        """A person puts a record into the recycle bin."""
        self._saver(by).delete(checked(id))

    def row(self, id: str) -> Record:
        """A record as it is, deleted or not."""
        return self.seen(self.name_of(id), self._of(id))

    def rows(self, sobject: str, **equal: Any) -> list[Record]:
        """The records of an object that are not deleted, in the order in which they were made."""
        found = (self.seen(sobject, one) for one in self.shelves[sobject].values() if not one["IsDeleted"])
        return [one for one in found if all(one.get(name) == value for name, value in equal.items())]

    # What the API asks.

    def define(self, sobject: str, *, code: str = "NOT_FOUND") -> ObjectDef:
        """An object that the integration user may see. Raises `ApiError`."""
        one = self.objects.get(sobject)
        if one is None:
            one = next((each for each in self.objects.values() if each.name.lower() == sobject.lower()), None)
        if one is None or "read" in self.denied[one.name]:
            if code == "NOT_FOUND":
                raise ApiError(404, code, "The requested resource does not exist")
            raise ApiError(400, code, f"sObject type '{sobject}' is not supported.")
        return one

    def visible(self, one: ObjectDef) -> dict[str, FieldDef]:
        """The fields that the integration user may see."""
        return {name: each for name, each in one.fields.items() if name not in self.hidden[one.name]}

    def name_of(self, id: str) -> str:
        """The object of an id. Raises `RecordError` for an id of nothing."""
        named = next((one.name for one in self.objects.values() if one.prefix == id[:3]), None)
        if named is None:
            raise RecordError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        return named

    def find(self, id: str) -> Record | None:
        """A record by its id, deleted or not."""
        one = next((each for each in self.objects.values() if each.prefix == id[:3]), None)
        return self.shelves[one.name].get(checked(id)) if one else None

    def holder(self, sobject: str, name: str, value: Any) -> Record | None:
        """The record, not deleted, that has this value in a field that may be looked up."""
        field = self.objects[sobject].fields[name]
        if field.unique:
            for each in ("Task", "Event") if sobject in ("Task", "Event") and field.custom else (sobject,):
                id = self._unique.get((each, name), {}).get(plain(field, value))
                if id is not None:
                    return self.find(id)
            return None
        return next(iter(self.holders(sobject, name, value)), None)

    def holders(self, sobject: str, name: str, value: Any) -> list[Record]:
        """All of them, where the field is not unique."""
        field = self.objects[sobject].fields[name]
        wanted = plain(field, value)
        return [
            one
            for one in self.shelves[sobject].values()
            if not one["IsDeleted"] and one.get(name) is not None and plain(field, one[name]) == wanted
        ]

    def index(self, sobject: str, record: Record, *, out: bool = False) -> None:
        """Keeps the unique values of a record, or forgets them."""
        for name, each in self.objects[sobject].fields.items():
            if each.unique and record.get(name) is not None:
                kept = self._unique.setdefault((sobject, name), {})
                if out:
                    kept.pop(plain(each, record[name]), None)
                else:
                    kept[plain(each, record[name])] = record["Id"]

    def seen(self, sobject: str, record: Record) -> Record:
        """A record with what its formulas give."""
        one = self.objects[sobject]
        kept = {name: record.get(name) for name in one.fields}
        return kept | {name: each.formula(kept) for name, each in one.fields.items() if each.formula is not None}

    def now(self) -> str:
        """The time as it is written on records: to the second."""
        return stamp(self.clock.now().replace(microsecond=0))

    def _of(self, id: str) -> Record:
        found = self.find(id)
        assert found is not None, f"there is no {id}"
        return found

    def _saver(self, by: str) -> Any:
        from tests.fakes.salesforce.saving import Saver

        return Saver(self, by or self.admin, free=True)

    def _fill(self, sobject: str, **fields: Any) -> str:
        """A record of the org's own, past all rules."""
        one = self.objects[sobject]
        id = self.ids.new(one.prefix)
        by = getattr(self, "admin", None)
        stamps = {"CreatedDate": self.now(), "LastModifiedDate": self.now(), "SystemModstamp": self.now()}
        defaults = {name: each.default for name, each in one.fields.items()}
        record = {
            **defaults,
            **fields,
            **stamps,
            "Id": id,
            "IsDeleted": False,
            "CreatedById": by,
            "LastModifiedById": by,
        }
        self.shelves[sobject][id] = record
        self.index(sobject, record)
        return id

    def _fill_tables(self) -> None:
        for number, (label, closed) in enumerate(_STATUSES.items()):
            self._fill(
                "TaskStatus", MasterLabel=label, ApiName=label, IsClosed=closed, SortOrder=number, IsDefault=not number
            )
        for number, label in enumerate(("High", "Normal", "Low")):
            self._fill("TaskPriority", MasterLabel=label, ApiName=label, IsHighPriority=not number, SortOrder=number,
                       IsDefault=label == "Normal")  # fmt: skip
        for number, label in enumerate(("New", "Working", "Escalated", "Closed")):
            self._fill("CaseStatus", MasterLabel=label, ApiName=label, IsClosed=label == "Closed", SortOrder=number)
        for number, (label, (probability, closed, won)) in enumerate(_STAGES.items()):
            self._fill("OpportunityStage", MasterLabel=label, ApiName=label, IsActive=True, IsClosed=closed, IsWon=won,
                       DefaultProbability=float(probability), SortOrder=number)  # fmt: skip


def plain(field: FieldDef, value: Any) -> str:
    """A value as it is compared: letter case does not count, unless the field says so."""
    text = str(value)
    return text if field.case_sensitive else text.lower()


def closing(org: Org, table: str) -> dict[str, Record]:
    """The rows of a table of statuses by their label."""
    return {row["MasterLabel"]: row for row in org.shelves[table].values()}
