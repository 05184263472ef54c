"""Sequences: which there are, and enrolling contacts. There is no way to take one out again."""

from typing import Any

from tests.fakes.hubspot.calls import Answer, Call, paged, route
from tests.fakes.hubspot.clock import iso
from tests.fakes.hubspot.errors import ApiError, invalid, not_found
from tests.fakes.hubspot.parts import Enrolment, Owner, Sequence
from tests.fakes.hubspot.shapes import TEXT, Fields

ENROL = Fields({"contactId": TEXT, "senderEmail": TEXT, "sequenceId": TEXT}, {"senderAliasAddress": TEXT})
READ = ("automation.sequences.read",)
WRITE = ("automation.sequences.enrollments.write",)


def _user(call: Call) -> Owner:
    """The person of `userId`, if the account and the person may use sequences."""
    if call.world.tier not in ("professional", "enterprise"):
        raise ApiError(403, "FORBIDDEN", "The account's subscription has no sequences")
    for owner in call.world.owners.values():
        if str(owner.user_id) == call.text("userId") and not owner.archived:
            if not owner.sequences_seat:
                raise ApiError(403, "FORBIDDEN", f"User {owner.user_id} has no assigned Sales or Service seat")
            return owner
    raise invalid("There is no user with this userId", field_name="userId")


def _brief(sequence: Sequence) -> dict[str, Any]:
    return {
        "id": sequence.id,
        "name": sequence.name,
        "userId": str(sequence.user_id),
        "createdAt": iso(sequence.created_at),
        "updatedAt": iso(sequence.created_at),
    }


@route("GET", "sequences", "", "sequences.list", query=("after", "limit", "name"), required_query=("userId",))
def list_sequences(call: Call) -> Answer:
    call.require(READ)
    _user(call)
    name = (call.text("name") or "").casefold()
    found = [_brief(each) for each in call.world.sequences.values() if name in each.name.casefold()]
    return 200, {"total": len(found), **paged(found, call)}


@route("GET", "sequences", "/<sequence_id>", "sequences.read", required_query=("userId",))
def read_sequence(call: Call, sequence_id: str) -> Answer:
    call.require(READ)
    _user(call)
    found = call.world.sequences.get(sequence_id)
    if found is None:
        raise not_found()
    return 200, {**_brief(found), "steps": [], "dependencies": []}


@route("POST", "sequences", "/enrollments", "sequences.enrol", required_query=("userId",))
def enrol(call: Call) -> Answer:
    call.require(WRITE)
    user, body = _user(call), call.body(ENROL)
    contact = call.world.shelf("contacts").get(body["contactId"])
    if contact is None or contact.archived_at is not None:
        raise not_found("The contact does not exist")
    sequence = call.world.sequences.get(body["sequenceId"])
    if sequence is None:
        raise not_found("The sequence does not exist")
    if not user.connected_inbox or user.email != body["senderEmail"]:
        raise invalid(f"User {user.user_id} has no connected inboxes for specified user email")
    if contact.values.get("hs_sequences_is_enrolled") == "true":
        raise invalid("Contact already enrolled in a sequence")
    if "email" not in contact.values:
        raise invalid("The contact has no email address")
    made = Enrolment(call.world.new_id(), contact.id, sequence, user, contact.values["email"], call.now)
    call.world.enrolments[contact.id] = made
    values = {"hs_sequences_is_enrolled": "true", "hs_latest_sequence_enrolled": sequence.id}
    call.world.shelf("contacts").write(contact, values, call.world.hubspot, call.now)
    return 200, {
        "id": made.id,
        "toEmail": made.to_email,
        "enrolledAt": iso(made.at),
        "updatedAt": iso(made.at),
    }


@route("GET", "sequences", "/enrollments/contact/<contact_id>", "sequences.enrolment")
def enrolment_of(call: Call, contact_id: str) -> Answer:
    call.require(READ)
    found = call.world.enrolments.get(contact_id)
    if found is None:
        raise not_found()
    return 200, {
        "id": found.id,
        "toEmail": found.to_email,
        "enrolledAt": iso(found.at),
        "updatedAt": iso(found.at),
        "enrolledBy": str(found.user.user_id),
        "enrolledByEmail": found.user.email,
        "sequenceId": found.sequence.id,
        "sequenceName": found.sequence.name,
    }
