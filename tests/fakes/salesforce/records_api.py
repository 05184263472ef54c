"""Versions, objects, single records, queries."""

from itertools import count
from typing import Any

from tests.fakes.salesforce.errors import ApiError, not_found
from tests.fakes.salesforce.fields import FieldDef, Record
from tests.fakes.salesforce.ids import checked, is_id
from tests.fakes.salesforce.objects import ObjectDef
from tests.fakes.salesforce.org import MASTER_TYPE, Org
from tests.fakes.salesforce.routing import Call, Reply, route
from tests.fakes.salesforce.soql import Rows, attributes
from tests.fakes.salesforce.soql_parsing import malformed, parse

_SEASONS = ("Spring", "Summer", "Winter")
_RESOURCES = ("sobjects", "query", "queryAll", "composite", "jobs", "limits", "actions", "search")
_cursors = count(1)


@route("GET", "/services/data", "versions", free=True)
def versions(call: Call) -> Reply:
    def said(version: str) -> dict[str, str]:
        number = int(float(version)) - 57  # 57 was Spring '23
        year = 23 + (number + 1) // 3 if number % 3 == 2 else 23 + number // 3
        label = f"{_SEASONS[number % 3]} '{year}"
        return {"label": label, "url": f"/services/data/v{version}", "version": version}

    return Reply(200, [said(version) for version in call.org.versions])


@route("GET", "", "resources")
def resources(call: Call) -> Reply:
    said = {name: f"/services/data/v{call.version}/{name}" for name in _RESOURCES}
    host = call.headers.get("host", call.org.my_domain)
    return Reply(200, {**said, "identity": f"https://{host}/id/{call.org.organization_id}/{call.user}"})


@route("GET", "limits", "limits")
def limits(call: Call) -> Reply:
    org = call.org
    return Reply(200, {
        "DailyApiRequests": {"Max": org.api_calls, "Remaining": max(0, org.api_calls - org.calls_used)},
        "DailyBulkV2QueryJobs": {"Max": 10_000, "Remaining": 10_000},
        "DailyBulkApiBatches": {"Max": 15_000, "Remaining": 15_000},
        "DataStorageMB": {"Max": 10_240, "Remaining": 10_000},
        "SingleEmail": {"Max": 5000, "Remaining": org.mails_left},
        "MassEmail": {"Max": 5000, "Remaining": 5000},
    })  # fmt: skip


@route("GET", "sobjects", "describe.global")
def describe_global(call: Call) -> Reply:
    names = [one for one in call.org.objects.values() if "read" not in call.org.denied[one.name]]
    return Reply(200, {
        "encoding": "UTF-8", "maxBatchSize": 200, "sobjects": [_summary(call, one) for one in names],
    })  # fmt: skip


@route("GET", "sobjects/{sobject}", "sobject.get")
def sobject_info(call: Call, sobject: str) -> Reply:
    return Reply(200, {"objectDescribe": _summary(call, call.org.define(sobject)), "recentItems": []})


@route("GET", "sobjects/{sobject}/describe", "describe")
def describe(call: Call, sobject: str) -> Reply:
    org, one = call.org, call.org.define(sobject)
    denied = org.denied[one.name]
    held = org.read_only[one.name]
    fields = [
        each.describe(
            createable=one.writable and "create" not in denied and name not in held,
            updateable=one.writable and "update" not in denied and name not in held,
        )
        for name, each in org.visible(one).items()
    ]
    types = [
        {"active": True, "available": each.available, "defaultRecordTypeMapping": False, "name": each.name,
         "developerName": each.developer_name, "master": False, "recordTypeId": each.id, "urls": {}}
        for each in one.record_types
    ]  # fmt: skip
    master = {"active": True, "available": True, "defaultRecordTypeMapping": True, "name": "Master",
              "developerName": "Master", "master": True, "recordTypeId": MASTER_TYPE, "urls": {}}  # fmt: skip
    children: list[dict[str, Any]] = [
        {"childSObject": child.name, "field": each.name, "cascadeDelete": False, "restrictedDelete": False,
         "deprecatedAndHidden": False, "relationshipName": None, "junctionIdListNames": [], "junctionReferenceTo": []}
        for child in org.objects.values()
        for each in child.fields.values()
        if one.name in each.refers_to
    ]  # fmt: skip
    said = {"fields": fields, "recordTypeInfos": [*types, master], "childRelationships": children,
            "actionOverrides": [], "namedLayoutInfos": [], "supportedScopes": []}  # fmt: skip
    return Reply(200, {**_summary(call, one), **said})


def _summary(call: Call, one: ObjectDef) -> dict[str, Any]:
    denied = call.org.denied[one.name]
    url = f"/services/data/v{call.version}/sobjects/{one.name}"
    writable = {f"{what}able": one.writable and what not in denied for what in ("create", "update", "delete")}
    return {
        "activateable": False, "custom": one.custom, "customSetting": False, "deprecatedAndHidden": False,
        "keyPrefix": one.prefix, "label": one.label, "labelPlural": f"{one.label}s", "layoutable": True,
        "mergeable": False, "name": one.name, "queryable": True, "replicateable": True, "retrieveable": True,
        "searchable": True, "triggerable": True, "undeletable": True, "createable": writable["createable"],
        "updateable": writable["updateable"], "deletable": writable["deleteable"],
        "urls": {"sobject": url, "describe": f"{url}/describe", "rowTemplate": f"{url}/{{ID}}"},
    }  # fmt: skip


@route("POST", "sobjects/{sobject}", "sobject.create")
def create(call: Call, sobject: str) -> Reply:
    one = call.org.define(sobject)
    return Reply(201, {"id": call.saver.insert(one.name, call.object), "success": True, "errors": []})


@route("GET", "sobjects/{sobject}/deleted", "sobject.deleted")
def deleted(call: Call, sobject: str) -> Reply:
    one, first, last = _span(call, sobject)
    gone = [each for each in call.org.shelves[one.name].values() if each["IsDeleted"]]
    found = [
        {"id": each["Id"], "deletedDate": each["SystemModstamp"]}
        for each in gone
        if first <= each["SystemModstamp"] <= last
    ]
    said = {"deletedRecords": found, "earliestDateAvailable": first, "latestDateCovered": last}
    return Reply(200, said)


@route("GET", "sobjects/{sobject}/updated", "sobject.updated")
def updated(call: Call, sobject: str) -> Reply:
    one, first, last = _span(call, sobject)
    found = [each["Id"] for each in call.org.rows(one.name) if first <= each["SystemModstamp"] <= last]
    return Reply(200, {"ids": found, "latestDateCovered": last})


def _span(call: Call, sobject: str) -> tuple[ObjectDef, str, str]:
    one = call.org.define(sobject)
    moment = FieldDef("date", "datetime")
    try:
        return one, moment.read_json(call.query["start"]), moment.read_json(call.query["end"])
    except (KeyError, ApiError):
        raise ApiError(400, "INVALID_REPLICATION_DATE", "start and end dates are required") from None


@route("GET", "sobjects/{sobject}/{id}", "sobject.read")
def read(call: Call, sobject: str, id: str) -> Reply:
    one = call.org.define(sobject)
    return _record(call, one, _found(call.org, one, id))


@route("PATCH", "sobjects/{sobject}/{id}", "sobject.update")
def update(call: Call, sobject: str, id: str) -> Reply:
    one = call.org.define(sobject)
    call.saver.update(one.name, _found(call.org, one, id)["Id"], call.object)
    return Reply(204)


@route("DELETE", "sobjects/{sobject}/{id}", "sobject.delete")
def delete(call: Call, sobject: str, id: str) -> Reply:
    one = call.org.define(sobject)
    call.saver.delete(_found(call.org, one, id)["Id"])
    return Reply(204)


@route("GET", "sobjects/{sobject}/{key}/{value...}", "sobject.read_by_key")
def read_by_key(call: Call, sobject: str, key: str, value: str) -> Reply:
    one = call.org.define(sobject)
    found = _by_key(call, one, key, value)
    if len(found) > 1:
        return _several(call, one, found)
    if not found:
        raise not_found()
    return _record(call, one, found[0])


@route("PATCH", "sobjects/{sobject}/{key}/{value...}", "sobject.upsert")
def upsert(call: Call, sobject: str, key: str, value: str) -> Reply:
    one = call.org.define(sobject)
    body = call.object
    by = call.saver.key_field(one, key)
    if by.name in body or "Id" in body:
        raise ApiError(400, "INVALID_FIELD", f"The {by.name} field should not be specified in the sobject data.")
    found = _by_key(call, one, key, value)
    if len(found) > 1:
        return _several(call, one, found)
    made = not found
    if found:
        call.saver.update(one.name, found[0]["Id"], body)
        id = found[0]["Id"]
    else:
        id = call.saver.insert(one.name, {**body, by.name: value})
    return Reply(201 if made else 200, {"id": id, "success": True, "errors": [], "created": made})


def _by_key(call: Call, one: ObjectDef, key: str, value: str) -> list[Record]:
    by = call.saver.key_field(one, key)
    return call.org.holders(one.name, by.name, checked(value) if by.name == "Id" else value)


def _several(call: Call, one: ObjectDef, found: list[Record]) -> Reply:
    return Reply(300, [f"/services/data/v{call.version}/sobjects/{one.name}/{each['Id']}" for each in found])


def _found(org: Org, one: ObjectDef, id: str) -> Record:
    if not is_id(id) or id[:3] != one.prefix:
        raise not_found("Provided external ID field does not exist or is not accessible: " + id)
    record = org.find(id)
    if record is None:
        raise not_found()
    if record["IsDeleted"]:
        raise ApiError(404, "ENTITY_IS_DELETED", "entity is deleted")
    return record


def _record(call: Call, one: ObjectDef, record: Record) -> Reply:
    visible = call.org.visible(one)
    wanted = call.query["fields"].split(",") if "fields" in call.query else list(visible)
    unknown = [name for name in wanted if name not in visible]
    if unknown:
        raise ApiError(400, "INVALID_FIELD", f"No such column '{unknown[0]}' on entity '{one.name}'")
    seen = call.org.seen(one.name, record)
    said = {"attributes": attributes(one.name, record["Id"], call.version)}
    return Reply(200, said | {name: seen[name] for name in dict.fromkeys(["Id", *wanted])})


@route("GET", "query", "query")
def query(call: Call) -> Reply:
    return _query(call, deleted=False)


@route("GET", "queryAll", "query.all")
def query_all(call: Call) -> Reply:
    return _query(call, deleted=True)


@route("GET", "query/{locator}", "query.more")
def query_more(call: Call, locator: str) -> Reply:
    cursor, _, at = locator.rpartition("-")
    kept = call.org.cursors.get(cursor)
    if kept is None or not at.isdigit():
        raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    rows, records = kept
    return _page(call, cursor, rows, records, int(at))


@route("GET", "queryAll/{locator}", "query.all.more")
def query_all_more(call: Call, locator: str) -> Reply:
    return query_more(call, locator)


def _query(call: Call, *, deleted: bool) -> Reply:
    if "q" not in call.query:
        raise malformed("SOQL statement is required")
    statement = parse(call.query["q"])
    rows = Rows(call.org, statement, deleted)
    records = rows.records()
    if statement.counts:
        return Reply(200, {"totalSize": len(records), "done": True, "records": []})
    cursor = f"01gWz{next(_cursors):010}"
    return _page(call, cursor, rows, records, 0)


def _page(call: Call, cursor: str, rows: Rows, records: list[Record], at: int) -> Reply:
    size = _page_size(call)
    said: dict[str, Any] = {
        "totalSize": len(records),
        "done": at + size >= len(records),
        "records": [rows.said(record, call.version) for record in records[at : at + size]],
    }
    if not said["done"]:
        call.org.cursors[cursor] = (rows, records)
        said["nextRecordsUrl"] = f"/services/data/v{call.version}/query/{cursor}-{at + size}"
    return Reply(200, said)


def _page_size(call: Call) -> int:
    asked = call.headers.get("sforce-query-options", "").replace(" ", "").partition("batchSize=")[2]
    size = min(2000, max(200, int(asked))) if asked.isdigit() else 2000
    return min(size, call.org.page_size)
