"""The stand-in holds records to the rules of an org."""

from typing import Any

import pytest

from tests.fakes.salesforce import Org
from tests.fakes.test_salesforce.talk import Talk, create, record


def fault(talk: Talk, one: dict[str, Any]) -> tuple[str, list[str]]:
    """The code and fields with which a new record is refused."""
    (said,) = create(talk, one).body
    (error,) = said["errors"]
    assert set(said) == {"success", "errors"}
    return error["statusCode"], error["fields"]


class TestRecords:
    @pytest.mark.parametrize(
        ("one", "code", "fields"),
        [
            (record(), "REQUIRED_FIELD_MISSING", ["Name"]),
            (record(Name=""), "REQUIRED_FIELD_MISSING", ["Name"]),
            (record(Name="x" * 256), "STRING_TOO_LONG", ["Name"]),
            (record(Name="A", OwnerId="somebody"), "MALFORMED_ID", ["OwnerId"]),
            (record(Name="A", OwnerId="001Wz0000000001"), "FIELD_INTEGRITY_EXCEPTION", ["OwnerId"]),
            (record(Name="A", ParentId="001Wz0000000001"), "INVALID_CROSS_REFERENCE_KEY", ["ParentId"]),
            (record(Name="A", CreatedDate="2026-01-01T00:00:00Z"), "INVALID_FIELD_FOR_INSERT_UPDATE", ["CreatedDate"]),
            (record(Name="A", AnnualRevenue=1e17), "NUMBER_OUTSIDE_VALID_RANGE", ["AnnualRevenue"]),
            (record("Contact", LastName="L", Email="nobody"), "INVALID_EMAIL_ADDRESS", ["Email"]),
            (record("Task", TaskSubtype="Talk"), "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ["TaskSubtype"]),
            (record("User", LastName="L"), "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", []),
            (record(Name="A", Parent={"Key__c": "nobody"}), "INVALID_FIELD", []),
            (record(Name="A", Id="001Wz0000000001"), "INVALID_FIELD_FOR_INSERT_UPDATE", ["Id"]),
        ],
    )
    def test_what_refuses_one(self, talk: Talk, one: dict[str, Any], code: str, fields: list[str]) -> None:
        assert fault(talk, one) == (code, fields)

    def test_the_others_go_on(self, org: Org, talk: Talk) -> None:
        said = create(talk, record(Name="A"), record(), record(Name="B")).body
        assert [one["success"] for one in said] == [True, False, True]
        assert [row["Name"] for row in org.rows("Account")] == ["A", "B"]

    def test_a_unique_value_is_so_for_tasks_and_events_together(self, org: Org, talk: Talk) -> None:
        event = org.put("Event", StartDateTime="2026-11-21T09:00:00Z", Key__c="K")
        (said,) = create(talk, record("Task", Key__c="k")).body
        assert said["errors"][0]["message"] == (
            f"duplicate value found: Key__c duplicates value on record with id: {event[:15]}"
        )

    def test_an_upsert_of_an_event_s_key_as_a_task(self, org: Org, talk: Talk) -> None:
        org.put("Event", StartDateTime="2026-11-21T09:00:00Z", Key__c="K")
        said = talk("PATCH", "composite/sobjects/Task/Key__c", {"records": [record("Task", Key__c="K")]})
        assert not said.body[0]["success"]

    def test_a_hidden_field_is_none(self, org: Org, talk: Talk) -> None:
        org.hide("Contact", "DoNotCall")
        assert create(talk, record("Contact", LastName="L", DoNotCall=True)).code == "INVALID_FIELD"
        org.show("Contact", "DoNotCall")
        assert create(talk, record("Contact", LastName="L", DoNotCall=True)).body[0]["success"]

    def test_a_field_that_can_only_be_read(self, org: Org, talk: Talk) -> None:
        org.protect("Account", "Phone")
        assert fault(talk, record(Name="A", Phone="1")) == ("INVALID_FIELD_FOR_INSERT_UPDATE", ["Phone"])

    def test_an_inactive_owner(self, org: Org, talk: Talk) -> None:
        gone = org.add_user("gone@acme.example", active=False)
        assert fault(talk, record(Name="A", OwnerId=gone)) == ("INACTIVE_OWNER_OR_USER", ["OwnerId"])

    def test_a_record_type_that_the_user_lacks(self, org: Org, talk: Talk) -> None:
        id = org.add_record_type("Case", "Renewal", available=False)
        assert fault(talk, record("Case", RecordTypeId=id)) == ("INVALID_CROSS_REFERENCE_KEY", ["RecordTypeId"])

    def test_a_validation_rule_names_its_field(self, org: Org, talk: Talk) -> None:
        org.validate("Account", lambda row: row["Phone"] is None, "A phone, please", "Phone")
        assert fault(talk, record(Name="A")) == ("FIELD_CUSTOM_VALIDATION_EXCEPTION", ["Phone"])
        said = talk("POST", "sobjects/Account", {"Name": "A"})
        assert (said.status, said.body[0]["fields"], said.body[0]["message"]) == (400, ["Phone"], "A phone, please")

    def test_a_duplicate_rule(self, org: Org, talk: Talk) -> None:
        org.forbid_duplicates("Contact", "LastName", "Email")
        org.put("Contact", LastName="L", Email="a@x.example")
        said = talk("POST", "sobjects/Contact", {"LastName": "l", "Email": "A@x.example"})
        assert (said.status, said.code) == (400, "DUPLICATES_DETECTED")
        assert said.body[0]["duplicateResult"]["matchResults"][0]["size"] == 1
        assert create(talk, record("Contact", LastName="L")).body[0]["success"]

    def test_a_required_field_of_the_org(self, org: Org, talk: Talk) -> None:
        org.require("Account", "Phone")
        assert fault(talk, record(Name="A")) == ("REQUIRED_FIELD_MISSING", ["Phone"])

    def test_a_lock_holds_so_many_times(self, org: Org, talk: Talk) -> None:
        parent = org.put("Account", Name="A")
        org.lock(parent, times=2)
        task = record("Task", WhatId=parent)
        assert fault(talk, task)[0] == "UNABLE_TO_LOCK_ROW"
        assert fault(talk, task)[0] == "UNABLE_TO_LOCK_ROW"
        assert create(talk, task).body[0]["success"]

    def test_permissions(self, org: Org, talk: Talk) -> None:
        id = org.put("Account", Name="A")
        org.deny("Account", "update", "delete")
        said = talk("PATCH", f"sobjects/Account/{id}", {"Name": "B"})
        assert (said.status, said.code) == (403, "INSUFFICIENT_ACCESS_OR_READONLY")
        assert talk("DELETE", f"sobjects/Account/{id}").code == "INSUFFICIENT_ACCESS_OR_READONLY"
        fields = {one["name"]: one for one in talk("GET", "sobjects/Account/describe").body["fields"]}
        assert (fields["Name"]["updateable"], fields["Name"]["createable"]) == (False, True)

    def test_a_whole_object_that_is_hidden(self, org: Org, talk: Talk) -> None:
        org.hide("Lead")
        assert talk("GET", "sobjects/Lead/describe").status == 404
        assert talk.refused("SELECT Id FROM Lead")[0] == "INVALID_TYPE"
        org.show("Lead")
        assert talk.query("SELECT Id FROM Lead") == []


class TestActivities:
    def test_what_the_org_works_out(self, org: Org, talk: Talk) -> None:
        account = org.put("Account", Name="A")
        contact = org.put("Contact", LastName="L", AccountId=account)
        (made,) = create(talk, record("Task", WhoId=contact, Priority="High", Subject="Call")).body
        row = org.row(made["id"])
        assert (row["Status"], row["IsClosed"], row["TaskSubtype"]) == ("Not Started", False, "Task")
        assert row["IsHighPriority"]
        assert (row["AccountId"], row["OwnerId"], row["CompletedDateTime"]) == (account, org.user, None)
        talk("PATCH", f"sobjects/Task/{made['id']}", {"Status": "Completed"})
        row = org.row(made["id"])
        assert (row["IsClosed"], row["CompletedDateTime"]) == (True, org.now())

    def test_the_subtype_is_given_once(self, org: Org, talk: Talk) -> None:
        id = org.put("Task", TaskSubtype="Call")
        assert talk("PATCH", f"sobjects/Task/{id}", {"TaskSubtype": "Email"}).code == "INVALID_FIELD_FOR_INSERT_UPDATE"

    def test_a_queue_may_own_it(self, org: Org, talk: Talk) -> None:
        queue = org.add_queue("Renewals")
        assert create(talk, record("Task", OwnerId=queue)).body[0]["success"]

    def test_a_parent_by_its_key_names_its_type(self, org: Org, talk: Talk) -> None:
        account = org.put("Account", Name="A", Key__c="k")
        (made,) = create(talk, record("Task", What={"attributes": {"type": "Account"}, "Key__c": "k"})).body
        assert org.row(made["id"])["WhatId"] == account

    def test_a_mail_that_was_sent_stays_as_it_is(self, org: Org, talk: Talk) -> None:
        contact = org.put("Contact", LastName="L", Email="a@x.example")
        (made,) = create(talk, record("EmailMessage", Status="3", ToIds=[contact], Subject="s")).body
        assert org.row(org.row(made["id"])["ActivityId"])["TaskSubtype"] == "Email"
        (relation,) = org.rows("EmailMessageRelation")
        assert (relation["RelationId"], relation["RelationType"]) == (contact, "ToAddress")
        said = talk("PATCH", f"sobjects/EmailMessage/{made['id']}", {"Subject": "t"})
        assert said.code == "INSUFFICIENT_ACCESS_OR_READONLY"
        assert talk("PATCH", f"sobjects/EmailMessage/{made['id']}", {"IsExternallyVisible": True}).status == 204

    def test_a_draft_may_be_changed(self, org: Org, talk: Talk) -> None:
        (made,) = create(talk, record("EmailMessage", Subject="s")).body
        assert talk("PATCH", f"sobjects/EmailMessage/{made['id']}", {"Subject": "t"}).status == 204
        assert org.rows("Task") == []

    def test_stages_and_statuses_say_whether_something_is_closed(self, org: Org) -> None:
        won = org.put("Opportunity", Name="O", StageName="Closed Won", CloseDate="2026-12-01")
        case = org.put("Case", Status="Closed")
        assert (org.row(won)["IsClosed"], org.row(won)["IsWon"]) == (True, True)
        assert (org.row(case)["IsClosed"], org.row(case)["Priority"]) == (True, "Medium")
