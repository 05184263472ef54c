from typing import Any

import pytest

from tests.fakes.hubspot import World
from tests.fakes.hubspot.world import MAIL_TEMPLATE
from tests.fakes.test_hubspot.conftest import Api

STATUSES = "/communication-preferences/{v}/statuses"
SEND = "/marketing/transactional/{v}/single-email/send"


def mail(to: str, send_id: str = "d:1:30", **more: Any) -> dict[str, Any]:
    message = {"to": to, "from": "we@x.example", "replyTo": [], "cc": [], "bcc": [], "sendId": send_id}
    return {"emailId": MAIL_TEMPLATE, "message": message, "contactProperties": {}, "customProperties": {}} | more


def test_a_mail_is_sent_once_per_send_id(api: Api, world: World) -> None:
    first = api.post(SEND, mail("a@x.example", customProperties={"domain": "example.com"}))
    assert (first.status, first.body["status"], "sendResult" in first.body) == (200, "PENDING", False)
    again = api.post(SEND, mail("a@x.example"))
    assert again.body["sendResult"] == "IDEMPOTENT_IGNORE"
    assert [(sent.to, sent.custom["domain"], sent.result) for sent in world.sent] == [
        ("a@x.example", "example.com", "SENT")
    ]


def test_sending_makes_a_contact_and_sets_its_properties(api: Api, world: World) -> None:
    api.post(SEND, mail("new@x.example", contactProperties={"firstname": "Anna"}))
    api.post(SEND, mail("new@x.example", "d:1:14", contactProperties={"firstname": "Ann"}))
    [contact] = world.records("contacts")
    assert (contact.values["email"], contact.values["firstname"]) == ("new@x.example", "Ann")
    assert api.post(SEND, mail("new@x.example", "d:1:7", contactProperties={"colour": "red"})).status == 400


def test_transactional_mail_goes_to_those_who_opted_out_too(api: Api, world: World) -> None:
    world.opt_out(["a@x.example"])
    world.bouncing.add("b@x.example")
    api.post(SEND, mail("a@x.example"))
    api.post(SEND, mail("b@x.example", "d:2:30"))
    assert [sent.result for sent in world.sent] == ["SENT", "PREVIOUSLY_BOUNCED"]


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"emailId": 1}, 404),
        ({"emailId": "1"}, 400),
        ({"customProperties": {"domains": ["a", "b"]}}, 400),
        ({"message": {"to": "a@x.example"}}, 400),
        ({"message": {"cc": [], "bcc": [], "replyTo": []}}, 400),
        ({"colour": "red"}, 400),
    ],
)
def test_a_mail_that_is_not_as_documented_is_refused(api: Api, world: World, told: dict[str, Any], status: int) -> None:
    assert api.post(SEND, mail("a@x.example") | told).status == status
    assert world.sent == []


def test_transactional_mail_needs_its_add_on(api: Api, world: World) -> None:
    tokens = "/marketing/transactional/{v}/smtp-tokens"
    assert api.get(tokens, limit=1).body == {"results": []}
    world.transactional = False
    for refused in (api.get(tokens), api.post(SEND, mail("a@x.example"))):
        assert (refused.status, refused.body["category"]) == (403, "MISSING_SCOPES")


def test_marketing_mail_needs_the_enterprise_tier_and_heeds_opt_outs(api: Api, world: World) -> None:
    path = "/marketing/email-campaigns/{v}/single-send"
    assert api.post(path, mail("a@x.example")).status == 403
    world.tier = "enterprise"
    world.grant("marketing-email")
    world.opt_out(["a@x.example"])
    assert api.post(path, mail("a@x.example")).status == 200
    assert api.post("/marketing/v4/email/single-send", mail("b@x.example", "d:2:30")).status == 200
    assert [sent.result for sent in world.sent] == ["PREVIOUSLY_UNSUBSCRIBED_PORTAL", "SENT"]
    assert [contact.values["hs_marketable_status"] for contact in world.records("contacts")] == ["true", "true"]


def test_a_person_opts_out_of_everything(api: Api, world: World) -> None:
    contact = world.add("contacts", email="a@x.example")
    path = f"{STATUSES}/a@x.example/unsubscribe-all"
    assert api.get(path, channel="EMAIL").body["results"] == []
    assert api.post(path, None, channel="EMAIL", verbose="true").status == 200
    assert api.get(path, channel="EMAIL").body["results"][0]["wideStatusType"] == "PORTAL_WIDE"
    assert world.record("contacts", contact).values["hs_email_optout"] == "true"
    found = api.get(f"{STATUSES}/A@x.example", channel="EMAIL").body["results"]
    assert {entry["status"] for entry in found} == {"UNSUBSCRIBED"}
    back = {"channel": "EMAIL", "statusState": "SUBSCRIBED", "subscriptionId": 1002}
    assert api.post(f"{STATUSES}/a@x.example", back).status == 400


def test_a_person_opts_out_of_one_type(api: Api, world: World) -> None:
    definitions = api.get("/communication-preferences/{v}/definitions").body["results"]
    wish = {"channel": "EMAIL", "statusState": "UNSUBSCRIBED", "subscriptionId": int(definitions[1]["id"])}
    path = f"{STATUSES}/a@x.example"
    reasons = [api.post(path, wish).body["results"][0]["setStatusSuccessReason"] for _ in range(2)]
    assert reasons == ["REQUESTED_CHANGE_OCCURRED", "NO_STATUS_CHANGE"]
    statuses = [entry["status"] for entry in api.get(path, channel="EMAIL").body["results"]]
    assert statuses == ["NOT_SPECIFIED", "UNSUBSCRIBED"]
    assert api.get(f"{path}/unsubscribe-all", channel="EMAIL").body["results"] == []
    world.legal_basis_required = True
    again = {**wish, "statusState": "SUBSCRIBED"}
    assert api.post(path, again).status == 400
    basis = {"legalBasis": "PERFORMANCE_OF_CONTRACT", "legalBasisExplanation": "renews"}
    assert api.post(path, again | basis).status == 200


@pytest.mark.parametrize("query", [{}, {"channel": "SMS"}, {"channel": "EMAIL", "colour": "red"}])
def test_preferences_are_asked_as_documented(api: Api, query: dict[str, str]) -> None:
    assert api.get(f"{STATUSES}/a@x.example", **query).status == 400


def test_preferences_in_batches_need_scopes_of_their_own(api: Api, world: World) -> None:
    inputs = {"inputs": ["a@x.example"]}
    assert api.post(f"{STATUSES}/batch/read", inputs, channel="EMAIL").status == 403
    world.grant("communication_preferences.statuses.batch.read", "communication_preferences.statuses.batch.write")
    wish = {"channel": "EMAIL", "statusState": "UNSUBSCRIBED", "subscriberIdString": "a@x.example"}
    body = {"inputs": [{**wish, "subscriptionId": 1001}, {**wish, "subscriptionId": 1}]}
    written = api.post(f"{STATUSES}/batch/write", body)
    assert (written.status, written.body["numErrors"], len(written.body["results"])) == (200, 1, 1)
    read = api.post(f"{STATUSES}/batch/read", inputs, channel="EMAIL").body["results"][0]
    assert read["statuses"][0]["status"] == "UNSUBSCRIBED"
    assert api.post(f"{STATUSES}/batch/unsubscribe-all", inputs, channel="EMAIL").status == 200
    wide = api.post(f"{STATUSES}/batch/unsubscribe-all/read", inputs, channel="EMAIL").body["results"][0]
    assert len(wide["wideStatuses"]) == 1


def test_a_contact_is_in_one_sequence_at_a_time(api: Api, world: World) -> None:
    owner = world.add_owner("rep@x.example", "Rep", "Resentative")
    sequence = world.add_sequence("Renewal", owner)
    contact = world.add("contacts", email="a@x.example")
    user = {"userId": str(owner.user_id)}
    assert [entry["id"] for entry in api.get("/automation/sequences/{v}", **user).body["results"]] == [sequence.id]
    assert api.get(f"/automation/sequences/{{v}}/{sequence.id}", **user).body["name"] == "Renewal"
    body = {"contactId": contact, "sequenceId": sequence.id, "senderEmail": "rep@x.example"}
    made = api.post("/automation/sequences/{v}/enrollments", body, **user)
    assert (made.status, made.body["toEmail"]) == (200, "a@x.example")
    again = api.post("/automation/sequences/{v}/enrollments", body, **user)
    assert (again.status, again.error) == (400, "Contact already enrolled in a sequence")
    status = api.get(f"/automation/sequences/{{v}}/enrollments/contact/{contact}")
    assert (status.body["sequenceId"], status.body["enrolledBy"]) == (sequence.id, str(owner.user_id))
    world.finish_sequence(contact)
    assert api.post("/automation/sequences/{v}/enrollments", body, **user).status == 200


@pytest.mark.parametrize(
    ("told", "status", "words"),
    [
        ({"connected_inbox": False}, 400, "no connected inboxes"),
        ({"sequences_seat": False}, 403, "no assigned Sales or Service seat"),
        ({"archived": True}, 400, "no user with this userId"),
    ],
)
def test_who_may_enrol(api: Api, world: World, told: dict[str, Any], status: int, words: str) -> None:
    owner = world.add_owner("rep@x.example", **told)
    sequence, contact = world.add_sequence("Renewal", owner), world.add("contacts", email="a@x.example")
    body = {"contactId": contact, "sequenceId": sequence.id, "senderEmail": "rep@x.example"}
    refused = api.post("/automation/sequences/{v}/enrollments", body, userId=owner.user_id)
    assert refused.status == status
    assert words in refused.error


def test_sequences_need_a_tier_a_scope_and_what_they_name(api: Api, world: World) -> None:
    owner = world.add_owner("rep@x.example")
    sequence, contact = world.add_sequence("Renewal", owner), world.add("contacts", firstname="Nobody")
    path, user = "/automation/sequences/{v}/enrollments", {"userId": str(owner.user_id)}
    body = {"contactId": contact, "sequenceId": sequence.id, "senderEmail": "rep@x.example"}
    assert api.post(path, body).status == 400
    assert api.post(path, {**body, "contactId": "1"}, **user).status == 404
    assert api.post(path, {**body, "sequenceId": "1"}, **user).status == 404
    assert api.post(path, {**body, "senderEmail": "other@x.example"}, **user).status == 400
    assert api.post(path, body, **user).error == "The contact has no email address"
    assert api.get(f"{path}/contact/{contact}").status == 404
    world.revoke("automation.sequences.enrollments.write")
    assert api.post(path, body, **user).body["category"] == "MISSING_SCOPES"
    world.tier = "starter"
    assert api.get("/automation/sequences/{v}", **user).status == 403
