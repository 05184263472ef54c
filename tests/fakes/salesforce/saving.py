"""Records are made, changed and deleted, by the rules of the org."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.salesforce.errors import ApiError, RecordError, no_column
from tests.fakes.salesforce.fields import FieldDef, Record
from tests.fakes.salesforce.ids import checked, is_id
from tests.fakes.salesforce.objects import ObjectDef
from tests.fakes.salesforce.org import Org, closing

_DRAFT = "5"


@dataclass
class Saver:
    """Writes as one user. `free`: a person in the browser, whom field-level security does not hold here.

    Raises `RecordError` for what one record is refused for, and `ApiError` for what a whole call is.
    """

    org: Org
    user: str
    free: bool = False

    def read(self, sobject: str, fields: Mapping[str, Any]) -> Record:
        """The fields of a record out of JSON, by their true names. Raises `ApiError`."""
        one = self._define(sobject)
        visible = one.fields if self.free else self.org.visible(one)
        read: Record = {}
        for name, value in fields.items():
            if name == "attributes":
                continue
            found = next((each for each in visible if each.lower() == name.lower()), None)
            if found is not None:
                read[found] = one.fields[found].read_json(value)
            elif isinstance(value, dict) and (lookup := one.by_relationship(name)) and lookup.name in visible:
                read[lookup.name] = _Reference(value)
            else:
                raise no_column(name, one.name)
        return read

    def insert(self, sobject: str, fields: Mapping[str, Any], *, given: Record | None = None) -> str:
        """Makes a record; its id."""
        one = self._define(sobject)
        self._permit(one, "create")
        wanted = self.read(sobject, fields) if given is None else given
        if wanted.pop("Id", None):
            raise RecordError("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", "Id")
        self._writable(one, wanted, "createable")
        record: Record = {name: each.default for name, each in one.fields.items()}
        if one.owned:
            record["OwnerId"] = self.user
        record |= self._checked(one, wanted)
        missing = [name for name, each in one.fields.items() if each.required and record.get(name) is None]
        if missing:
            raise RecordError(
                "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", *missing
            )
        record["Id"] = self.org.ids.new(one.prefix)
        record |= {"IsDeleted": False, "CreatedDate": self.org.now(), "CreatedById": self.user}
        self._rules(one, record, None)
        self._keep(one, record)
        self._afterwards(one, record)
        return str(record["Id"])

    def update(self, sobject: str, id: str, fields: Mapping[str, Any], *, given: Record | None = None) -> None:
        """Changes a record."""
        one = self._define(sobject)
        self._permit(one, "update")
        wanted = self.read(sobject, fields) if given is None else given
        wanted.pop("Id", None)
        before = self._existing(one, id)
        self._writable(one, wanted, "updateable")
        if one.name == "EmailMessage" and before["Status"] != _DRAFT:
            self._sent(one, wanted)
        record = before | self._checked(one, wanted)
        empty = [name for name in wanted if one.fields[name].required and record.get(name) is None]
        if empty:
            raise RecordError("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(empty)}]", *empty)
        self._rules(one, record, before)
        self.org.index(one.name, before, out=True)
        self._keep(one, record)

    def upsert(
        self, sobject: str, key: str, fields: Mapping[str, Any], *, given: Record | None = None
    ) -> tuple[str, bool]:
        """Makes or changes a record by a field that it may be looked up by: its id, and whether it was made."""
        one = self._define(sobject)
        wanted = self.read(sobject, fields) if given is None else given
        by = self.key_field(one, key)
        value = wanted.get(by.name)
        if by.name == "Id":
            if not value:
                return self.insert(sobject, {}, given=wanted), True
            self.update(sobject, checked(value), {}, given=wanted)
            return checked(value), False
        if value is None or value == "":
            raise RecordError("MISSING_ARGUMENT", f"{by.name} not specified", by.name)
        found = self.org.holders(one.name, by.name, value) if not by.unique else []
        if len(found) > 1:
            raise RecordError(
                "DUPLICATE_EXTERNAL_ID", f"{by.name}: more than one record found for external id field:"
                f" [{', '.join(each['Id'] for each in found)}]", by.name,
            )  # fmt: skip
        holder = self.org.holder(one.name, by.name, value)
        if holder is None:
            return self.insert(sobject, {}, given=wanted), True
        self.update(sobject, holder["Id"], {}, given={name: each for name, each in wanted.items() if name != by.name})
        return holder["Id"], False

    def delete(self, id: str) -> None:
        """Puts a record into the recycle bin."""
        one = self._define(self.org.name_of(id))
        self._permit(one, "delete")
        record = self._existing(one, id)
        self._locks(record)
        self.org.index(one.name, record, out=True)
        now = self.org.now()
        record |= {"IsDeleted": True, "SystemModstamp": now, "LastModifiedDate": now, "LastModifiedById": self.user}

    def key_field(self, one: ObjectDef, name: str) -> FieldDef:
        """A field by which records may be looked up. Raises `ApiError` for another."""
        found = one.named(name)
        if found is None or found.name in self.org.hidden[one.name]:
            raise no_column(name, one.name)
        if not (found.external_id or found.id_lookup or found.name == "Id"):
            raise ApiError(
                400,
                "INVALID_FIELD",
                f"Field name provided, {name} is not an External ID or indexed field for {one.name}",
            )
        return found

    def _define(self, sobject: str) -> ObjectDef:
        return self.org.objects[sobject] if self.free else self.org.define(sobject, code="INVALID_TYPE")

    def _permit(self, one: ObjectDef, what: str) -> None:
        if not self.free and (not one.writable or what in self.org.denied[one.name]):
            raise RecordError(
                "INSUFFICIENT_ACCESS_OR_READONLY" if what != "create" else "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
                f"entity type cannot be {what}d: {one.label}"
                if what != "update"
                else "insufficient access rights on object id",
            )

    def _existing(self, one: ObjectDef, id: str) -> Record:
        if not is_id(id) or id[:3] != one.prefix:
            raise RecordError("MALFORMED_ID", f"{one.name} ID: id value of incorrect type: {id}", "Id")
        record = self.org.shelves[one.name].get(checked(id))
        if record is None:
            raise RecordError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if record["IsDeleted"]:
            raise RecordError("ENTITY_IS_DELETED", "entity is deleted")
        return record

    def _writable(self, one: ObjectDef, wanted: Record, what: str) -> None:
        held = set() if self.free else self.org.read_only[one.name]
        fixed = [name for name in wanted if name in held or not getattr(one.fields[name], what)]
        if fixed:
            raise RecordError(
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                f"Unable to create/update fields: {', '.join(sorted(fixed))}. Please check the security settings of this"
                " field and verify that it is read/write for your profile or permission set.",
                *sorted(fixed),
            )

    def _checked(self, one: ObjectDef, wanted: Record) -> Record:
        """The values as they are kept, references resolved."""
        checked_values: Record = {}
        for name, value in wanted.items():
            each = one.fields[name]
            if isinstance(value, _Reference):
                value = self._by_external_id(one, each, value)
            checked_values[name] = each.check(value)
            if each.type == "reference" and checked_values[name] is not None:
                self._refer(one, each, checked_values[name])
        return checked_values

    def _by_external_id(self, one: ObjectDef, lookup: FieldDef, said: "_Reference") -> str:
        types = lookup.refers_to if len(lookup.refers_to) == 1 else (said.type,)
        key, value = next(iter(said.key.items()), ("", None))
        target = self.org.objects.get(types[0])
        if target is None or target.named(key) is None:
            raise no_column(key, types[0] or lookup.relationship)
        if key == "Id":
            return str(value)
        holder = self.org.holder(target.name, key, value)
        if holder is None:
            raise RecordError(
                "INVALID_FIELD",
                f"Foreign key external ID: {str(value).lower()} not found for field {key} in entity {target.name}",
            )
        return str(holder["Id"])

    def _refer(self, one: ObjectDef, lookup: FieldDef, id: str) -> None:
        named = next((each.name for each in self.org.objects.values() if each.prefix == id[:3]), "")
        if named not in lookup.refers_to:
            code = "FIELD_INTEGRITY_EXCEPTION"
            raise RecordError(code, f"{lookup.label}: id value of incorrect type: {id}", lookup.name)
        found = self.org.shelves[named].get(id)
        if found is None:
            raise RecordError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", lookup.name)
        if found["IsDeleted"]:
            raise RecordError("ENTITY_IS_DELETED", "entity is deleted", lookup.name)
        if lookup.name == "OwnerId" and named == "User" and not found["IsActive"]:
            raise RecordError(
                "INACTIVE_OWNER_OR_USER",
                f"operation performed with inactive user [{id[:15]}] as owner of {one.label.lower()}",
                "OwnerId",
            )
        if lookup.name == "RecordTypeId" and id not in {each.id for each in one.record_types if each.available}:
            raise RecordError(
                "INVALID_CROSS_REFERENCE_KEY",
                "Record Type ID: this ID value isn't valid for the user: " + id,
                "RecordTypeId",
            )

    def _sent(self, one: ObjectDef, wanted: Record) -> None:
        fixed = [name for name in wanted if name != "IsExternallyVisible" and not one.fields[name].custom]
        if fixed:
            raise RecordError("INSUFFICIENT_ACCESS_OR_READONLY", "You can only edit a draft email message.", *fixed)

    def _rules(self, one: ObjectDef, record: Record, before: Record | None) -> None:
        for name, each in one.fields.items():
            if each.unique and record.get(name) is not None:
                holder = self.org.holder(one.name, name, record[name])
                if holder is not None and holder["Id"] != record["Id"]:
                    raise RecordError(
                        "DUPLICATE_VALUE",
                        f"duplicate value found: {name} duplicates value on record with id: {holder['Id'][:15]}",
                    )
        for validation in self.org.validations:
            if validation.sobject == one.name:
                validation.check(self.org.seen(one.name, record))
        if before is None:
            for rule in self.org.duplicate_rules:
                if rule.sobject == one.name and not self.free:
                    rule.check(record, list(self.org.shelves[one.name].values()))
        self._locks(record)

    def _locks(self, record: Record) -> None:
        if not self.free:
            for lock in self.org.locks:
                lock.check(record)

    def _keep(self, one: ObjectDef, record: Record) -> None:
        now = self.org.now()
        record |= {"LastModifiedDate": now, "LastModifiedById": self.user, "SystemModstamp": now}
        record |= self._worked_out(one, record)
        self.org.shelves[one.name][record["Id"]] = record
        self.org.index(one.name, record)

    def _worked_out(self, one: ObjectDef, record: Record) -> Record:
        """What the org itself fills in."""
        if one.name == "Task":
            closed = bool(closing(self.org, "TaskStatus").get(record["Status"], {}).get("IsClosed"))
            done = record.get("CompletedDateTime") or self.org.now() if closed else None
            return {
                "IsClosed": closed, "CompletedDateTime": done, "IsHighPriority": record["Priority"] == "High",
                "TaskSubtype": record.get("TaskSubtype") or "Task", "AccountId": self._account_of(record),
            }  # fmt: skip
        if one.name == "Event":
            return {"AccountId": self._account_of(record)}
        if one.name == "Opportunity":
            stage = closing(self.org, "OpportunityStage").get(record["StageName"], {})
            return {"IsClosed": bool(stage.get("IsClosed")), "IsWon": bool(stage.get("IsWon"))}
        if one.name == "Case":
            closed = bool(closing(self.org, "CaseStatus").get(record["Status"], {}).get("IsClosed"))
            return {"IsClosed": closed, "CaseNumber": record.get("CaseNumber") or record["Id"][7:15]}
        return {}

    def _account_of(self, record: Record) -> str | None:
        """The account of an activity: that of its parent, or else of its contact."""
        for id in (record.get("WhatId"), record.get("WhoId")):
            found = self.org.find(id) if id else None
            if found is None:
                continue
            if found["Id"].startswith("001"):
                return str(found["Id"])
            account = found.get("AccountId") or found.get("Account__c")
            if account:
                return str(account)
        return None

    def _afterwards(self, one: ObjectDef, record: Record) -> None:
        if one.name != "EmailMessage" or record["Status"] == _DRAFT:
            return
        if not record.get("ActivityId") and not record.get("ParentId"):
            fields = {"Subject": record.get("Subject"), "Status": "Completed", "TaskSubtype": "Email",
                      "WhatId": record.get("RelatedToId"), "WhoId": (record.get("ToIds") or [None])[0]}  # fmt: skip
            record["ActivityId"] = Saver(self.org, self.user, free=True).insert("Task", fields)
        for kind in ("ToIds", "CcIds", "BccIds"):
            for id in record.get(kind) or []:
                Saver(self.org, self.user, free=True).insert(
                    "EmailMessageRelation",
                    {"EmailMessageId": record["Id"], "RelationId": id, "RelationType": f"{kind[:-3]}Address"},
                )


def named_record(said: Mapping[str, Any]) -> Any:
    """A record named by its external id, as the value of a lookup."""
    return _Reference(said)


class _Reference:
    """A record named by another of its fields than the id."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        attributes = said.get("attributes")
        self.type = str(attributes.get("type", "")) if isinstance(attributes, dict) else ""
        self.key = {name: value for name, value in said.items() if name != "attributes"}
