"""The stand-in takes only calls that an org would take, refuses in its words, and goes wrong where it is told to."""

import gzip
from typing import Any

import pytest
import urllib3

from tests.fakes.salesforce import FieldDef, Org, SalesforceServer
from tests.fakes.salesforce.ids import checked, is_id
from tests.fakes.test_salesforce.talk import Talk, create, record


class TestCalls:
    @pytest.mark.parametrize(
        ("method", "path", "status", "code"),
        [
            ("GET", "nope", 404, "NOT_FOUND"),
            ("GET", "sobjects/Nope", 404, "NOT_FOUND"),
            ("GET", "sobjects/Account/001", 404, "NOT_FOUND"),
            ("PUT", "sobjects", 405, "METHOD_NOT_ALLOWED"),
            ("GET", "query", 400, "MALFORMED_QUERY"),
            ("GET", "query/01gNope-200", 400, "INVALID_QUERY_LOCATOR"),
            ("POST", "actions/standard/nope", 404, "NOT_FOUND"),
            ("GET", "/services/data/v20.0/limits", 410, "GONE"),
            ("GET", "/services/data/v99.0/limits", 404, "NOT_FOUND"),
            ("GET", "/elsewhere", 404, "NOT_FOUND"),
        ],
    )
    def test_paths(self, talk: Talk, method: str, path: str, status: int, code: str) -> None:
        said = talk(method, path)
        assert (said.status, said.code) == (status, code)

    def test_versions_need_no_session(self, talk: Talk) -> None:
        said = talk("GET", "/services/data", Authorization="")
        assert said.body[2] == {"label": "Spring '26", "url": "/services/data/v66.0", "version": "66.0"}
        assert [one["label"] for one in said.body] == [
            "Summer '25",
            "Winter '26",
            "Spring '26",
            "Summer '26",
            "Winter '27",
        ]

    def test_a_session_ends_after_a_while(self, talk: Talk) -> None:
        assert talk("GET", "limits", Authorization="Bearer other").code == "INVALID_SESSION_ID"

    def test_usage_is_told_and_ends(self, org: Org, talk: Talk) -> None:
        assert talk("GET", "limits").headers["Sforce-Limit-Info"] == "api-usage=1/100000"
        org.api_calls = 1
        said = talk("GET", "limits")
        assert (said.status, said.code) == (403, "REQUEST_LIMIT_EXCEEDED")

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            (b"not json", 400, "JSON_PARSER_ERROR"),
            ([], 400, "JSON_PARSER_ERROR"),
            ({"records": []}, 400, "JSON_PARSER_ERROR"),
            ({"records": [{}], "more": 1}, 400, "JSON_PARSER_ERROR"),
            ({"records": [{"Name": "A"}]}, 400, "INVALID_TYPE"),
            ({"records": [record("Nope", Name="A")]}, 400, "INVALID_TYPE"),
            ({"records": [record(Name="A", Nope__c=1)]}, 400, "INVALID_FIELD"),
            ({"records": [record(Name=7)]}, 400, "JSON_PARSER_ERROR"),
            ({"records": [record(Name="A", NumberOfEmployees="7")]}, 400, "JSON_PARSER_ERROR"),
            ({"records": [record(Name="A", NumberOfEmployees=True)]}, 400, "JSON_PARSER_ERROR"),
            ({"records": [record("Task", ActivityDate="21.11.2026")]}, 400, "JSON_PARSER_ERROR"),
            ({"records": [record("Task", ReminderDateTime="2026-11-21T08:00:00")]}, 400, "JSON_PARSER_ERROR"),
            ({"records": [record("Task", IsReminderSet="true")]}, 400, "JSON_PARSER_ERROR"),
            ({"records": [record(Name="A")] * 201}, 400, "EXCEEDED_ID_LIMIT"),
        ],
    )
    def test_bodies(self, org: Org, talk: Talk, body: Any, status: int, code: str) -> None:
        said = talk("POST", "composite/sobjects", body)
        assert (said.status, said.code) == (status, code)
        assert org.rows("Account") == []

    def test_the_type_of_the_content(self, talk: Talk) -> None:
        said = talk("POST", "sobjects/Account", {"Name": "A"}, Content_Type="text/plain")
        assert (said.status, said.code) == (415, "UNSUPPORTED_MEDIA_TYPE")

    def test_an_upsert_takes_one_type_and_a_field_that_is_a_key(self, talk: Talk) -> None:
        said = talk("PATCH", "composite/sobjects/Account/Key__c", {"records": [record("Contact", LastName="L")]})
        assert said.code == "INVALID_INPUT"
        said = talk("PATCH", "composite/sobjects/Account/Phone", {"records": [record(Name="A")]})
        assert (said.code, "not an External ID" in said.body[0]["message"]) == ("INVALID_FIELD", True)

    def test_an_upsert_by_id_and_by_mail_address(self, org: Org, talk: Talk) -> None:
        body = {"records": [record("Contact", LastName="L", Email="a@x.example", Id=None)]}
        (made,) = talk("PATCH", "composite/sobjects/Contact/Id", body).body
        assert made == {"id": org.rows("Contact")[0]["Id"], "success": True, "errors": [], "created": True}
        body = {"records": [record("Contact", LastName="M", Email="A@x.example")]}
        (changed,) = talk("PATCH", "composite/sobjects/Contact/Email", body).body
        assert (changed["id"], changed["created"]) == (made["id"], False)

    def test_deleting_and_reading_several(self, org: Org, talk: Talk) -> None:
        one, other = org.put("Account", Name="A"), org.put("Account", Name="B")
        said = talk("DELETE", f"composite/sobjects?ids={one},{one}")
        assert [each["success"] for each in said.body] == [True, False]
        said = talk("GET", f"composite/sobjects/Account?ids={one},{other}&fields=Name")
        assert said.body[0] is None
        assert said.body[1]["Name"] == "B"


class TestConnections:
    def test_a_body_may_come_packed(self, org: Org, talk: Talk) -> None:
        packed = gzip.compress(b'{"Name": "A"}')
        assert talk("POST", "sobjects/Account", packed, Content_Encoding="gzip").status == 201
        assert len(org.rows("Account")) == 1

    def test_a_body_may_come_in_chunks(self, server: SalesforceServer, org: Org) -> None:
        headers = {"Authorization": f"Bearer {server.session_id}", "Content-Type": "application/json"}
        body = iter([b'{"Name":', b' "A"}'])
        url = f"{server.base_url}/services/data/v66.0/sobjects/Account"
        answer = urllib3.request("POST", url, body=body, headers=headers, retries=False, timeout=20.0)
        assert (answer.status, len(org.rows("Account"))) == (201, 1)

    def test_who_a_session_is(self, org: Org, talk: Talk) -> None:
        said = talk("GET", f"/id/{org.organization_id}/{org.user}")
        assert said.body["user_id"] == org.user
        assert talk("GET", f"/id/{org.organization_id}/{org.admin}").status == 404


class TestTroubles:
    def test_they_come_so_often_after_so_many(self, server: SalesforceServer, talk: Talk) -> None:
        server.fail("UNKNOWN_EXCEPTION", "lim*", times=1, skip=1)
        assert [talk("GET", "limits").status for _ in range(3)] == [200, 500, 200]

    def test_something_may_be_done_although_it_seems_to_fail(
        self, server: SalesforceServer, org: Org, talk: Talk
    ) -> None:
        server.fail(502, done=True)
        said = talk("POST", "sobjects/Account", {"Name": "A"})
        assert (said.status, "maintenance" in said.body) == (502, True)
        assert len(org.rows("Account")) == 1

    def test_they_end(self, server: SalesforceServer, talk: Talk) -> None:
        server.fail(503, times=9)
        server.recover()
        server.slow(0.01)
        assert talk("GET", "limits").status == 200

    def test_calls_are_counted_by_what_they_are(self, server: SalesforceServer, talk: Talk) -> None:
        create(talk, record(Name="A"), record(Name="B"))
        (call,) = server.came("collections.create", "Account")
        assert (call.inputs, call.status, call.method) == (2, 200, "POST")


class TestIds:
    @pytest.mark.parametrize(
        ("text", "good"),
        [
            ("001D000000IqhSL", True),
            ("001D000000IqhSLIAZ", True),
            ("001D000000IqhSLIAA", False),
            ("", False),
            (None, False),
        ],
    )
    def test_which_texts_are_ids(self, text: str, *, good: bool) -> None:
        assert is_id(text) is good

    def test_both_forms_mean_one_record(self, org: Org, talk: Talk) -> None:
        id = org.put("Account", Name="A")
        assert checked(id[:15]) == id
        assert talk("GET", f"sobjects/Account/{id[:15]}").body["Id"] == id
        assert talk.query(f"SELECT Id FROM Account WHERE Id = '{id[:15]}'") == [{"Id": id}]

    def test_a_restricted_list_may_have_had_more_values(self, org: Org, talk: Talk) -> None:
        org.add_field("Account", FieldDef("Kind__c", "picklist", values=("a", "b"), deleted_values={"b"}))
        fields = {one["name"]: one for one in talk("GET", "sobjects/Account/describe").body["fields"]}
        assert [one["active"] for one in fields["Kind__c"]["picklistValues"]] == [True, False]
