"""The stand-in's invocable actions and bulk jobs."""

from typing import Any

import pytest

from tests.fakes.salesforce import Org, running_salesforce
from tests.fakes.test_salesforce.talk import Talk


class TestActions:
    def test_a_mail_from_an_unverified_domain_is_dropped_in_silence(self, org: Org, talk: Talk) -> None:
        mail = {"emailAddresses": "jo@x.example", "emailSubject": "s", "emailBody": "b"}
        for _ in range(2):
            said = talk("POST", "actions/standard/emailSimple", {"inputs": [mail]})
            assert said.body[0]["isSuccess"]
            org.verified_domains.add("acme.example")
        assert [one["sent"] for one in org.mails] == [False, True]

    @pytest.mark.parametrize(
        ("given", "code"),
        [
            ({}, "INVALID_EMAIL_ADDRESS"),
            ({"emailAddresses": "x@y.example"}, "REQUIRED_FIELD_MISSING"),
            ({"emailAddresses": ",".join(["x@y.example"] * 151)}, "INVALID_EMAIL_ADDRESS"),
            ({"recipientId": "003Wz0000000001"}, "INVALID_ID_FIELD"),
            ({"emailAddresses": "x@y.example", "emailSubject": "s", "emailBody": "b", "senderType": "Me"}, "INVALID_INPUT"),
            ({"emailAddresses": "x@y.example", "emailSubject": "s", "emailBody": "b", "senderType": "OrgWideEmailAddress",
              "senderAddress": "no@acme.example"}, "INVALID_INPUT"),
        ],
    )  # fmt: skip
    def test_mails_that_are_refused(self, talk: Talk, given: dict[str, str], code: str) -> None:
        said = talk("POST", "actions/standard/emailSimple", {"inputs": [given]})
        assert said.status == 400
        assert said.body[0]["errors"][0]["statusCode"] == code

    def test_an_input_that_is_none(self, talk: Talk) -> None:
        assert talk("POST", "actions/standard/emailSimple", {"inputs": [{"to": "x"}]}).code == "INVALID_API_INPUT"

    def test_a_logged_mail(self, org: Org, talk: Talk) -> None:
        contact = org.put("Contact", LastName="L", Email="a@x.example")
        given = {"recipientId": contact, "logEmailOnSend": True, "emailSubject": "s", "emailBody": "b"}
        talk("POST", "actions/standard/emailSimple", {"inputs": [given]})
        assert org.rows("EmailMessage")[0]["Subject"] == "s"

    def test_cadences(self, org: Org) -> None:
        with running_salesforce(Org(cadences=True)) as server:
            talk, org = Talk(server), server.org
            org.add_cadence("Renewals")
            contact = org.put("Contact", LastName="L")
            given = {"salesCadenceNameOrId": "Renewals", "targetId": contact}
            path = "actions/standard/{}TargetToSalesCadence"
            assert talk("POST", path.format("assign"), {"inputs": [given]}).body[0]["isSuccess"]
            assert not talk("POST", path.format("assign"), {"inputs": [given]}).body[0]["isSuccess"]
            remove = "actions/standard/removeTargetFromSalesCadence"
            assert talk("POST", remove, {"inputs": [{"targetId": contact}]}).body[0]["isSuccess"]
            (tracker,) = org.rows("ActionCadenceTracker")
            assert (tracker["State"], tracker["CompletionReason"]) == ("Complete", "ManuallyRemoved")
            assert not talk("POST", remove, {"inputs": [{"targetId": contact}]}).body[0]["isSuccess"]
            wrong = {"salesCadenceNameOrId": "Other", "targetId": contact}
            assert not talk("POST", path.format("assign"), {"inputs": [wrong]}).body[0]["isSuccess"]
            talk.close()


class TestJobs:
    def job(self, talk: Talk, **said: str) -> Any:
        return talk("POST", "jobs/ingest", {"object": "Account", "operation": "insert", **said})

    @pytest.mark.parametrize(
        ("said", "code"),
        [
            ({"operation": "merge"}, "INVALIDJOB"),
            ({"operation": "upsert"}, "INVALIDJOB"),
            ({"object": "Nope"}, "INVALIDENTITY"),
            ({"operation": "upsert", "externalIdFieldName": "Nope__c"}, "INVALID_FIELD"),
            ({"contentType": "JSON"}, "INVALIDJOB"),
            ({"more": "x"}, "JSON_PARSER_ERROR"),
        ],
    )
    def test_jobs_that_are_refused(self, talk: Talk, said: dict[str, str], code: str) -> None:
        assert self.job(talk, **said).code == code

    def test_states_follow_each_other(self, org: Org, talk: Talk) -> None:
        path = f"jobs/ingest/{self.job(talk).body['id']}"
        assert talk("PATCH", path, {"state": "UploadComplete"}).code == "INVALIDJOBSTATE"
        assert talk("GET", f"{path}/successfulResults").code == "INVALIDJOBSTATE"
        assert talk("PUT", f"{path}/batches", b"Name\nA\n", Content_Type="text/csv").status == 201
        assert talk("PATCH", path, {"state": "UploadComplete"}).body["state"] == "UploadComplete"
        assert talk("PUT", f"{path}/batches", b"Name\nA\n", Content_Type="text/csv").code == "INVALIDJOBSTATE"
        assert talk("GET", path).body["state"] == "InProgress"
        assert talk("GET", path).body["state"] == "JobComplete"
        assert talk("GET", f"{path}/unprocessedrecords").body == '"Name"\n'
        assert talk("GET", "jobs/ingest").body["records"][0]["state"] == "JobComplete"
        assert talk("DELETE", path).status == 204
        assert talk("GET", path).status == 404

    def test_cells(self, org: Org, talk: Talk) -> None:
        there = org.put("Account", Name="A", Phone="1", Site="2")
        job = self.job(talk, operation="update").body["id"]
        rows = f"Id,Phone,Site,NumberOfEmployees\n{there},#N/A,,7\n{there},,,many\n{there},1\n"
        talk("PUT", f"jobs/ingest/{job}/batches", rows.encode(), Content_Type="text/csv")
        talk("PATCH", f"jobs/ingest/{job}", {"state": "UploadComplete"})
        for _ in range(2):
            said = talk("GET", f"jobs/ingest/{job}").body
        assert (said["numberRecordsProcessed"], said["numberRecordsFailed"]) == (3, 2)
        row = org.row(there)
        assert (row["Phone"], row["Site"], row["NumberOfEmployees"]) == (None, "2", 7)
