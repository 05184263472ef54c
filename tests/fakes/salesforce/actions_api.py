"""Standard invocable actions: mails, and cadences where the org has Sales Engagement."""

import re
from collections.abc import Callable
from typing import Any

from tests.fakes.salesforce.errors import ApiError, RecordError
from tests.fakes.salesforce.ids import checked, is_id
from tests.fakes.salesforce.org import Org
from tests.fakes.salesforce.routing import Call, Reply, route

_ADDRESS = re.compile(r"[^@\s,]+@[^@\s,]+\.[^@\s,]+")
_MOST_RECIPIENTS = 150

Action = Callable[[Org, str, dict[str, Any]], dict[str, Any]]

_MAIL_INPUTS = {
    "emailAddresses", "emailAddressesArray", "emailBody", "emailSubject", "senderAddress", "senderType", "sendRichBody",
    "useLineBreaks", "recipientId", "relatedRecordId", "logEmailOnSend", "emailTemplateId", "ccRecipients",
    "bccRecipients", "ccRecipientAddressList", "bccRecipientAddressList", "composeEmailContent", "emailMessageId",
    "addThreadingTokenToBody", "addThreadingTokenToSubject", "recipientAddresses", "ccAddresses", "bccAddresses",
}  # fmt: skip
_CADENCE_INPUTS = {"salesCadenceNameOrId", "targetId", "userId", "startStepNameOrId", "relatedToId"}
_REMOVE_INPUTS = {"targetId", "completionReason", "completionDisposition", "salesCadenceNameOrId"}


def email_simple(org: Org, user: str, given: dict[str, Any]) -> dict[str, Any]:
    _only(given, _MAIL_INPUTS)
    # Since version 65.0 the recipients' input is named otherwise.
    addresses = [one for name in ("emailAddresses", "recipientAddresses") for one in _addresses(given.get(name))]
    recipient = given.get("recipientId")
    if recipient:
        found = org.find(str(recipient)) if is_id(recipient) else None
        if found is None or not found.get("Email"):
            raise RecordError("INVALID_ID_FIELD", "The recipient has no email address")
        if found.get("HasOptedOutOfEmail") and given.get("emailTemplateId"):
            raise RecordError("EMAIL_OPTED_OUT", "The recipient has opted out of email")
        addresses.append(found["Email"])
    if not addresses or len(addresses) > _MOST_RECIPIENTS:
        raise RecordError("INVALID_EMAIL_ADDRESS", "Between 1 and 150 recipients are required")
    if any(not _ADDRESS.fullmatch(one.strip()) for one in addresses):
        raise RecordError("INVALID_EMAIL_ADDRESS", "Email address is invalid")
    if not given.get("emailTemplateId") and not (given.get("emailSubject") and given.get("emailBody")):
        raise RecordError("REQUIRED_FIELD_MISSING", "Missing required input parameter: emailSubject")
    kind = given.get("senderType", "CurrentUser")
    if kind not in ("CurrentUser", "DefaultWorkflowUser", "OrgWideEmailAddress"):
        raise RecordError("INVALID_INPUT", f"senderType: {kind}")
    sender = _sender(org, user, kind, given)
    if org.mails_left < len(addresses):
        raise RecordError(
            "SINGLE_EMAIL_LIMIT_EXCEEDED", "The daily limit for the org would be exceeded by this operation"
        )
    org.mails_left -= len(addresses)
    # Mails from a domain that is not verified are accepted, and never sent.
    sent = sender.rpartition("@")[2].lower() in org.verified_domains
    org.mails.append({**given, "to": [one.strip() for one in addresses], "sender": sender, "sent": sent})
    if given.get("logEmailOnSend"):
        _log(org, user, given, recipient, addresses)
    return {}


def _addresses(given: Any) -> list[str]:
    several = given if isinstance(given, list) else str(given or "").split(",")
    return [str(one) for one in several if one]


def _sender(org: Org, user: str, kind: str, given: dict[str, Any]) -> str:
    if kind != "OrgWideEmailAddress":
        return str(org.row(user)["Email"])
    address = str(given.get("senderAddress") or "")
    if not org.rows("OrgWideEmailAddress", Address=address):
        raise RecordError("INVALID_INPUT", "senderAddress is not an organization-wide email address")
    return address


def _log(org: Org, user: str, given: dict[str, Any], recipient: Any, addresses: list[str]) -> None:
    fields = {
        "Subject": given.get("emailSubject"), "TextBody": given.get("emailBody"), "Status": "3", "MessageDate": org.now(),
        "RelatedToId": given.get("relatedRecordId"), "ToAddress": "; ".join(addresses),
        "ToIds": [checked(recipient)] if recipient else None,
    }  # fmt: skip
    org.put("EmailMessage", by=user, **{name: value for name, value in fields.items() if value is not None})


def assign(org: Org, user: str, given: dict[str, Any]) -> dict[str, Any]:
    _only(given, _CADENCE_INPUTS)
    target = _target(org, given)
    if target.get("HasOptedOutOfEmail"):
        raise RecordError("INVALID_INPUT", "The target has opted out of email")
    cadence = _cadence(org, str(given.get("salesCadenceNameOrId") or ""))
    running = [one for one in _trackers(org, target["Id"]) if one["ActionCadenceId"] == cadence["Id"]]
    if running:
        raise RecordError("INVALID_INPUT", "The target is already assigned to this sales cadence")
    if is_id(given.get("relatedToId")) and not str(given["relatedToId"]).startswith("006"):
        raise RecordError("INVALID_INPUT", "relatedToId must be an opportunity")
    tracker = {"ActionCadenceId": cadence["Id"], "TargetId": target["Id"], "State": "Running"}
    id = org.put("ActionCadenceTracker", **tracker, OwnerId=given.get("userId") or user)
    return {"isSuccess": True, "actionCadenceTrackerId": id}


def remove(org: Org, user: str, given: dict[str, Any]) -> dict[str, Any]:
    _only(given, _REMOVE_INPUTS)
    running = _trackers(org, _target(org, given)["Id"])
    if not running:
        raise RecordError("INVALID_INPUT", "The target isn't assigned to a sales cadence")
    for one in running:
        org.edit(one["Id"], State="Complete", CompletionReason=given.get("completionReason") or "ManuallyRemoved")
    return {"isSuccess": True}


def _only(given: dict[str, Any], known: set[str]) -> None:
    unknown = sorted(set(given) - known)
    if unknown:
        raise ApiError(400, "INVALID_API_INPUT", f"The input parameter '{unknown[0]}' does not exist")


def _target(org: Org, given: dict[str, Any]) -> dict[str, Any]:
    found = org.find(str(given.get("targetId"))) if is_id(given.get("targetId")) else None
    if found is None or found["IsDeleted"] or found["Id"][:3] not in ("003", "00Q"):
        raise RecordError("INVALID_INPUT", "targetId must be a contact or lead")
    return found


def _cadence(org: Org, named: str) -> dict[str, Any]:
    for one in org.rows("ActionCadence"):
        if one["State"] == "Active" and (one["Name"] == named or (is_id(named) and one["Id"] == checked(named))):
            return one
    raise RecordError("INVALID_INPUT", f"There is no active sales cadence {named}")


def _trackers(org: Org, target: str) -> list[dict[str, Any]]:
    return [one for one in org.rows("ActionCadenceTracker", TargetId=target) if one["State"] != "Complete"]


ACTIONS: dict[str, tuple[Action, bool, str]] = {
    "emailSimple": (email_simple, False, "EMAILSIMPLE"),
    "assignTargetToSalesCadence": (assign, True, "ASSIGNTARGETTOSALESCADENCE"),
    "removeTargetFromSalesCadence": (remove, True, "REMOVETARGETFROMSALESCADENCE"),
}


def _offered(org: Org) -> dict[str, tuple[Action, bool, str]]:
    return {name: one for name, one in ACTIONS.items() if org.cadences or not one[1]}


@route("GET", "actions", "actions.kinds")
def kinds(call: Call) -> Reply:
    root = f"/services/data/v{call.version}/actions"
    return Reply(200, {"custom": f"{root}/custom", "standard": f"{root}/standard"})


@route("GET", "actions/standard", "actions.list")
def listed(call: Call) -> Reply:
    root = f"/services/data/v{call.version}/actions/standard"
    said = [
        {"label": name, "name": name, "type": type, "url": f"{root}/{name}"}
        for name, (_, _, type) in _offered(call.org).items()
    ]
    return Reply(200, {"actions": said})


@route("POST", "actions/standard/{name}", "actions.invoke")
def invoke(call: Call, name: str) -> Reply:
    if name not in _offered(call.org):
        raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
    action = ACTIONS[name][0]
    inputs = call.taking("inputs").get("inputs")
    if not isinstance(inputs, list) or not inputs or not all(isinstance(one, dict) for one in inputs):
        raise ApiError(400, "INVALID_INPUT", "inputs is required")
    results = []
    for given in inputs:
        try:
            outputs = action(call.org, call.user, given)
            results.append(_result(name, None, outputs))
        except RecordError as error:
            said = {"statusCode": error.code, "message": error.message, "fields": list(error.fields)}
            results.append(_result(name, [said], None))
    return Reply(200 if all(one["isSuccess"] for one in results) else 400, results)


def _result(name: str, errors: Any, outputs: Any) -> dict[str, Any]:
    return {"actionName": name, "errors": errors, "invocationId": None, "isSuccess": errors is None, "outcome": None,
            "outputValues": outputs, "sortOrder": -1, "version": 1}  # fmt: skip
