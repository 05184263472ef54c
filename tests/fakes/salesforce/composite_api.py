"""Up to 200 records in a call, each with a result of its own; and several calls in one."""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.fakes.salesforce.errors import ApiError, RecordError
from tests.fakes.salesforce.fields import Record
from tests.fakes.salesforce.ids import checked, is_id
from tests.fakes.salesforce.org import plain
from tests.fakes.salesforce.routing import Call, Reply, find, route
from tests.fakes.salesforce.soql import attributes

MOST = 200
_MOST_IDS = 2000
_MOST_PARTS = 25
_REFERENCE = re.compile(r"@\{(\w+)\.(\w+)\}")

Result = dict[str, Any]


@route("POST", "composite/sobjects", "collections.create")
def create(call: Call) -> Reply:
    def one(sobject: str, record: Record) -> Result:
        return {"id": call.saver.insert(sobject, {}, given=record), "success": True, "errors": []}

    return _each(call, one)


@route("PATCH", "composite/sobjects", "collections.update")
def update(call: Call) -> Reply:
    def one(sobject: str, record: Record) -> Result:
        id = record.pop("Id", None)
        if not id:
            raise RecordError("MISSING_ARGUMENT", "Id not specified in an update call")
        call.saver.update(sobject, id, {}, given=record)
        return {"id": checked(id), "success": True, "errors": []}

    return _each(call, one)


@route("PATCH", "composite/sobjects/{sobject}/{key}", "collections.upsert")
def upsert(call: Call, sobject: str, key: str) -> Reply:
    target = call.org.define(sobject)
    by = call.saver.key_field(target, key)
    seen: set[str] = set()

    def one(named: str, record: Record) -> Result:
        value = plain(by, record.get(by.name) or "")
        if value and value in seen:
            raise RecordError("DUPLICATE_VALUE", f"Duplicate external id specified: {record[by.name]}", by.name)
        seen.add(value)
        id, made = call.saver.upsert(target.name, by.name, {}, given=record)
        return {"id": id, "success": True, "errors": [], "created": made}

    return _each(call, one, only=target.name)


@route("DELETE", "composite/sobjects", "collections.delete")
def delete(call: Call) -> Reply:
    ids = [id for id in call.query.get("ids", "").split(",") if id]
    _bound(ids)
    results = []
    for id in ids:
        try:
            call.saver.delete(id)
            results.append({"id": checked(id), "success": True, "errors": []})
        except RecordError as error:
            results.append({"id": id, **error.among_others()})
    return Reply(200, results)


@route("GET", "composite/sobjects/{sobject}", "collections.read")
def read(call: Call, sobject: str) -> Reply:
    return _retrieve(call, sobject, call.query.get("ids", "").split(","), call.query.get("fields", "").split(","))


@route("POST", "composite/sobjects/{sobject}", "collections.retrieve")
def retrieve(call: Call, sobject: str) -> Reply:
    body = call.taking("ids", "fields")
    return _retrieve(call, sobject, body.get("ids", []), body.get("fields", []))


def _retrieve(call: Call, sobject: str, ids: list[str], fields: list[str]) -> Reply:
    one = call.org.define(sobject)
    visible = call.org.visible(one)
    if len(ids) > _MOST_IDS:
        raise ApiError(400, "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {_MOST_IDS} records")
    unknown = [name for name in fields if name not in visible]
    if unknown or not fields:
        raise ApiError(400, "INVALID_FIELD", f"No such column '{(unknown or [''])[0]}' on entity '{one.name}'.")
    found: list[Any] = []
    for id in ids:
        if not is_id(id):
            raise ApiError(400, "MALFORMED_ID", f"malformed id {id}")
        record = call.org.shelves[one.name].get(checked(id))
        if record is None or record["IsDeleted"]:
            found.append(None)
            continue
        shown = call.org.seen(one.name, record)
        said = {"attributes": attributes(one.name, record["Id"], call.version)}
        found.append(said | {name: shown[name] for name in dict.fromkeys(["Id", *fields])})
    return Reply(200, found)


def _each(call: Call, write: Callable[[str, Record], Result], *, only: str = "") -> Reply:
    body = call.taking("allOrNone", "records")
    records = body.get("records")
    if not isinstance(records, list) or not records:
        raise ApiError(400, "JSON_PARSER_ERROR", "The records array is required.")
    _bound(records)
    wanted = [_read(call, record, only) for record in records]
    if len({sobject for sobject, _ in wanted}) > 10:
        raise ApiError(400, "TOO_MANY_CHUNKS", "cannot work with more than 10 kinds of objects in one call")
    results: list[Result] = []
    for sobject, record in wanted:
        try:
            results.append(write(sobject, record))
        except RecordError as error:
            results.append(error.among_others())
    if body.get("allOrNone") is True and not all(one["success"] for one in results):
        raise ApiError(501, "UNKNOWN_EXCEPTION", "the stand-in does not roll back; send allOrNone false")
    return Reply(200, results)


def _read(call: Call, record: Any, only: str) -> tuple[str, Record]:
    named = record.get("attributes") if isinstance(record, dict) else None
    sobject = named.get("type") if isinstance(named, dict) else None
    if not isinstance(sobject, str):
        raise ApiError(400, "INVALID_TYPE", "attributes.type is required on each record")
    if only and sobject != only:
        raise ApiError(400, "INVALID_INPUT", f"all records must be of the type {only}")
    one = call.org.define(sobject, code="INVALID_TYPE")
    fields = {"Id" if name.lower() == "id" else name: value for name, value in record.items()}
    return one.name, call.saver.read(one.name, fields)


def _bound(records: list[Any]) -> None:
    if len(records) > MOST:
        raise ApiError(
            400, "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {MOST} records into this call"
        )


@route("POST", "composite", "composite")
def composite(call: Call) -> Reply:
    body = call.taking("compositeRequest", "allOrNone", "collateSubrequests")
    parts = body.get("compositeRequest")
    if not isinstance(parts, list) or not parts:
        raise ApiError(400, "INVALID_INPUT", "compositeRequest is required")
    if len(parts) > _MOST_PARTS:
        raise ApiError(400, "INVALID_INPUT", f"Invalid number of subrequests, the limit is {_MOST_PARTS}")
    done: dict[str, Any] = {}
    said = []
    for part in parts:
        reply = _part(call, part, done)
        done[part["referenceId"]] = reply.body
        said.append({"body": reply.body, "httpHeaders": {}, "httpStatusCode": reply.status,
                     "referenceId": part["referenceId"]})  # fmt: skip
    return Reply(200, {"compositeResponse": said})


def _part(call: Call, part: dict[str, Any], done: dict[str, Any]) -> Reply:
    filled = json.loads(
        _REFERENCE.sub(lambda found: str((done.get(found[1]) or {}).get(found[2], "")), json.dumps(part))
    )
    target = urlsplit(filled["url"])
    octets = json.dumps(filled.get("body")).encode()
    inner = Call(call.org, filled["method"], target.path, dict(parse_qsl(target.query)),
                 {**call.headers, "content-type": "application/json"}, octets, user=call.user)  # fmt: skip
    try:
        one, inner.version, values = find(inner.method, inner.path)
        return one.handler(inner, **{name: unquote(value) for name, value in values.items()})
    except ApiError as error:
        return Reply(error.status, error.body())
    except RecordError as error:
        alone = error.alone()
        return Reply(alone.status, alone.body())
