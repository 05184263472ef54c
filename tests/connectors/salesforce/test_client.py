"""What is asked of an org: who we are, what it has, rows, actions."""

from typing import Any

import pytest

from connectors.salesforce.client import Identity, Limit, SalesforceClient
from connectors.salesforce.errors import Broken, Busy, Denied, Refused, Unclear
from connectors.salesforce.records import long_id, same_id
from connectors.salesforce.soql import Statement
from tests.connectors.salesforce.clients import KEY, running_org
from tests.fakes.salesforce import FieldDef, ManualClock, Org, SalesforceServer

NAMES = Statement("SELECT Id, Name, Owner.Email FROM Account ORDER BY Name")


def test_who_we_are_is_asked_once(server: SalesforceServer, client: SalesforceClient) -> None:
    org = server.org
    assert client.identity() == Identity(org.user, org.organization_id, "integration@acme.example")
    client.identity()
    assert server.count() == 1


def test_versions_and_limits(server: SalesforceServer, client: SalesforceClient) -> None:
    assert "66.0" in client.versions()
    assert client.limits()["SingleEmail"] == Limit(5000, server.org.mails_left)


class TestDescribe:
    def test_an_object_with_its_fields(self, server: SalesforceServer, client: SalesforceClient) -> None:
        type_id = server.org.add_record_type("Case", "Renewal", "A renewal")
        found = client.describe("Case")
        assert found is not None
        assert (found.name, found.custom, found.createable, found.key_prefix) == ("Case", False, True, "500")
        status = found.fields["Status"]
        assert (status.kind, status.values[0], status.required) == ("picklist", "New", False)
        assert found.fields["AccountId"].refers_to == ("Account",)
        assert found.fields["OwnerId"].relationship == "Owner"
        renewal, master = found.record_types
        assert (renewal.id, renewal.developer_name, renewal.available, renewal.default) == (
            type_id,
            "Renewal",
            True,
            False,
        )
        assert master.default

    def test_what_must_be_given(self, client: SalesforceClient) -> None:
        opportunity = client.describe("Opportunity")
        assert opportunity is not None
        assert {name for name, one in opportunity.fields.items() if one.required} == {"Name", "StageName", "CloseDate"}

    def test_a_key_is_known_as_one(self, client: SalesforceClient) -> None:
        account = client.describe("Account")
        assert account is not None
        assert (account.fields[KEY].external_id, account.fields[KEY].unique) == (True, True)

    def test_a_hidden_field_is_not_there(self, server: SalesforceServer, client: SalesforceClient) -> None:
        contact = client.describe("Contact")
        assert contact is not None
        assert contact.has("HasOptedOutOfEmail", "Email")
        server.org.hide("Contact", "HasOptedOutOfEmail")
        afresh = client.describe("Contact", afresh=True)
        assert afresh is not None
        assert not afresh.has("HasOptedOutOfEmail", "Email")

    def test_it_is_kept(self, server: SalesforceServer, client: SalesforceClient) -> None:
        assert client.describe("Account") is client.describe("Account")
        assert client.describe("Nope__c") is client.describe("Nope__c") is None
        assert server.count("describe") == 2

    def test_another_trouble_than_its_absence_is_told(self, server: SalesforceServer, client: SalesforceClient) -> None:
        server.fail("API_DISABLED_FOR_ORG", "describe")
        with pytest.raises(Denied, match="API Enabled"):
            client.describe("Account")
        assert client.describe("Account") is not None

    def test_read_only_fields(self, server: SalesforceServer, client: SalesforceClient) -> None:
        server.org.protect("Account", "Phone")
        account = client.describe("Account")
        assert account is not None
        assert (account.fields["Phone"].createable, account.fields["Phone"].updateable) == (False, False)
        assert account.fields["Name"].updateable

    def test_all_objects(self, server: SalesforceServer, client: SalesforceClient) -> None:
        server.org.hide("Lead")
        found = client.describe_global()
        assert found["Task"].createable
        assert not found["User"].createable
        assert "Lead" not in found


class TestQuery:
    def test_rows_page_by_page(self) -> None:
        with running_org(Org(page_size=200)) as (server, client):
            for number in range(450):
                server.org.put("Account", Name=f"A{number:03}")
            rows = client.query(NAMES())
            assert next(rows)["Name"] == "A000"
            assert server.count("query.more") == 0
            assert sum(1 for _ in rows) == 449
            assert server.count("query.more") == 2

    def test_a_related_record_is_a_row(self, server: SalesforceServer, client: SalesforceClient) -> None:
        id = server.org.put("Account", Name="A", OwnerId=server.org.user)
        (row,) = client.query(NAMES())
        assert row == {"Id": id, "Name": "A", "Owner": {"Email": "integration@acme.example"}}

    def test_a_related_record_that_is_not_there_is_none(
        self, server: SalesforceServer, client: SalesforceClient
    ) -> None:
        server.org.put("Contact", LastName="L")
        (row,) = client.query(Statement("SELECT Account.Name FROM Contact")())
        assert row == {"Account": None}

    def test_a_subquery_is_a_list_of_rows(self, server: SalesforceServer, client: SalesforceClient) -> None:
        account = server.org.put("Account", Name="A")
        server.org.put("Account", Name="B")
        server.org.put("Contact", LastName="L", AccountId=account)
        rows = client.query(Statement("SELECT Name, (SELECT LastName FROM Contacts) FROM Account ORDER BY Name")())
        assert list(rows) == [{"Name": "A", "Contacts": [{"LastName": "L"}]}, {"Name": "B", "Contacts": None}]

    def test_what_people_threw_away(self, server: SalesforceServer, client: SalesforceClient) -> None:
        id = server.org.put("Account", Name="A")
        server.org.remove(id)
        assert list(client.query(NAMES())) == []
        (row,) = client.query(Statement("SELECT Id, IsDeleted FROM Account")(), deleted=True)
        assert row == {"Id": id, "IsDeleted": True}

    def test_a_field_that_is_hidden(self, server: SalesforceServer, client: SalesforceClient) -> None:
        server.org.hide("Account", "Name")
        with pytest.raises(Denied, match=r"missing or hidden.*No such column 'Name'"):
            list(client.query(NAMES()))

    def test_what_is_no_query(self, client: SalesforceClient) -> None:
        with pytest.raises(Broken, match="a query is not understood"):
            list(client.query(Statement("SELECT Id FROM Account GROUP BY Id")()))

    def test_a_page_that_is_gone(self) -> None:
        with running_org(Org(page_size=200)) as (server, client):
            for number in range(201):
                server.org.put("Account", Name=f"A{number}")
            rows = client.query(NAMES())
            next(rows)
            server.org.cursors.clear()
            with pytest.raises(Busy, match="left too long"):
                list(rows)

    @pytest.mark.parametrize("following", [None, "", "https://evil.example/x", 7])
    def test_a_next_page_somewhere_else(
        self, client: SalesforceClient, monkeypatch: pytest.MonkeyPatch, following: Any
    ) -> None:
        said = {"records": [], "done": False, "nextRecordsUrl": following}
        monkeypatch.setattr(client.caller, "ask", lambda *_, **__: said)
        with pytest.raises(Broken, match="where its next page is"):
            list(client.query(NAMES()))


class TestRetrieve:
    def test_by_the_id_asked_for(self, server: SalesforceServer, client: SalesforceClient) -> None:
        id, gone = server.org.put("Account", Name="A"), server.org.put("Account", Name="B")
        server.org.remove(gone)
        found = client.retrieve("Account", [id[:15], id, gone], ["Name"])
        assert found == {id[:15]: {"Id": id, "Name": "A"}, id: {"Id": id, "Name": "A"}}

    def test_in_calls_of_2000(self, server: SalesforceServer, client: SalesforceClient) -> None:
        ids = [server.org.put("Account", Name=f"A{number}") for number in range(3)]
        many = ids + [long_id(f"001Wz{number:010}") for number in range(2500)]
        assert set(client.retrieve("Account", many, ["Name"])) == set(ids)
        assert server.count("collections.retrieve") == 2
        assert client.retrieve("Account", [], ["Name"]) == {}


MAIL = {"emailAddresses": "jo@x.example", "emailSubject": "s", "emailBody": "b"}


class TestActions:
    def test_which_there_are_is_asked_once(self, server: SalesforceServer, client: SalesforceClient) -> None:
        assert "emailSimple" in client.actions()
        assert "assignTargetToSalesCadence" not in client.actions()
        assert server.count("actions.list") == 1

    def test_each_input_has_its_own_outcome(self, server: SalesforceServer, client: SalesforceClient) -> None:
        outcomes = client.invoke("emailSimple", [("a", MAIL), ("b", {**MAIL, "emailAddresses": "nobody"}), ("c", MAIL)])
        assert [one.key for one in outcomes] == ["a", "b", "c"]
        assert [one.error is None for one in outcomes] == [True, False, True]
        assert isinstance(outcomes[1].error, Refused)
        assert "record b, code INVALID_EMAIL_ADDRESS" in str(outcomes[1].error)
        assert len(server.org.mails) == 2

    def test_many_go_in_calls_of_a_hundred(self, server: SalesforceServer, client: SalesforceClient) -> None:
        assert len(client.invoke("emailSimple", [(str(number), MAIL) for number in range(150)])) == 150
        assert server.count("actions.invoke") == 2

    def test_a_limit_of_the_day_is_waited_for(self, server: SalesforceServer, client: SalesforceClient) -> None:
        server.org.mails_left = 1
        outcomes = client.invoke("emailSimple", [("a", MAIL), ("b", MAIL)])
        assert outcomes[0].error is None
        assert isinstance(outcomes[1].error, Busy)

    def test_a_silence_is_not_repeated(self, server: SalesforceServer, client: SalesforceClient) -> None:
        server.cut("actions.invoke", done=True)
        (outcome,) = client.invoke("emailSimple", [("a", MAIL)])
        assert isinstance(outcome.error, Unclear)
        assert len(server.org.mails) == 1

    def test_an_action_that_is_not_there(self, client: SalesforceClient) -> None:
        (outcome,) = client.invoke("assignTargetToSalesCadence", [("a", {})])
        assert isinstance(outcome.error, Refused)

    def test_results_that_are_not_one_for_each(self, client: SalesforceClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("connectors.salesforce.invoking._results", lambda _: [])
        (outcome,) = client.invoke("emailSimple", [("a", MAIL)])
        assert isinstance(outcome.error, Unclear)

    def test_outputs_come_back(self) -> None:
        with running_org(Org(cadences=True)) as (server, client):
            server.org.add_cadence("Renewals")
            contact = server.org.put("Contact", LastName="L")
            given = {"salesCadenceNameOrId": "Renewals", "targetId": contact, "userId": server.org.user}
            (outcome,) = client.invoke("assignTargetToSalesCadence", [("a", given)])
            assert outcome.error is None
            assert outcome.outputs["actionCadenceTrackerId"].startswith("77T")


def test_a_call_goes_again_until_patience_ends(server: SalesforceServer, client: SalesforceClient) -> None:
    server.fail(503, times=4)
    assert client.limits()
    server.fail("SERVER_UNAVAILABLE", times=5)
    with pytest.raises(Busy, match="cannot answer now"):
        client.limits()


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("001D000000IqhSL", "001D000000IqhSLIAZ"),
        ("0015500001QdQWa", "0015500001QdQWaAAN"),
        ("005", "005"),
        ("ä" * 15, "ä" * 15),
    ],
)
def test_ids_of_15_characters_are_made_long(short: str, long: str) -> None:
    assert long_id(short) == long
    assert long_id(long) == long
    assert same_id(short, long)


def test_time_in_the_org_is_told_to_the_second() -> None:
    clock = ManualClock()
    clock.advance(seconds=0.7)
    with running_org(Org(clock=clock)) as (server, client):
        server.org.add_field("Account", FieldDef("At__c", "datetime"))
        server.org.put("Account", Name="A", At__c="2026-11-21T10:00:00+01:00")
        (row,) = client.query(Statement("SELECT SystemModstamp, At__c FROM Account")())
        assert row == {"SystemModstamp": "2026-11-21T09:00:00.000+0000", "At__c": "2026-11-21T09:00:00.000+0000"}
