"""Thousands of records as one job."""

from typing import Any

import pytest

from connectors.salesforce.bulk import row_error, takes
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.errors import Broken, Busy, Denied, Locked, Refused, Unclear
from connectors.salesforce.records import Write
from tests.connectors.salesforce.clients import KEY, quick_client
from tests.connectors.salesforce.test_collections import account, accounts, all_done, errors, fraction
from tests.fakes.salesforce import SalesforceServer


@pytest.fixture
def client(server: SalesforceServer) -> SalesforceClient:
    """A client to which ten records are many."""
    return quick_client(server, bulk_from=10)


class TestWhichWay:
    @pytest.mark.parametrize(("many", "jobs"), [(9, 0), (10, 1), (11, 1)])
    def test_many_are_a_job(self, server: SalesforceServer, client: SalesforceClient, many: int, jobs: int) -> None:
        assert all_done(client.upsert("Account", KEY, accounts(many)))
        assert server.count("bulk.create") == jobs
        assert server.count("collections.upsert") == 1 - jobs

    def test_2000_are_many_by_default(self, server: SalesforceServer) -> None:
        client = quick_client(server)
        outcomes = client.upsert("Account", KEY, accounts(2000))
        assert all_done(outcomes)
        assert outcomes[1999].new
        assert server.counts()["bulk.create"] == 1
        assert server.count("collections.upsert") == 0

    def test_without_a_key_nobody_would_know_the_rows_again(
        self, server: SalesforceServer, client: SalesforceClient
    ) -> None:
        assert all_done(client.create("Account", accounts(12)))
        assert server.count("bulk.create") == 0

    def test_a_list_has_no_place_in_a_file(self) -> None:
        assert takes([Write("w", {"Subject": "x"})])
        assert not takes([Write("w", {"ToIds": ["003Wz0000000001AAA"]})])


class TestJob:
    def test_what_is_new_and_what_was_there(self, server: SalesforceServer, client: SalesforceClient) -> None:
        there = server.org.put("Account", Name="Before", Key__c="k3")
        outcomes = client.upsert("Account", KEY, accounts(10))
        assert [one.new for one in outcomes] == [number != 3 for number in range(10)]
        assert outcomes[3].id == there

    def test_values_of_every_kind(self, server: SalesforceServer, client: SalesforceClient) -> None:
        parent = server.org.put("Account", Name="Parent", Key__c="p")
        fields: dict[str, Any] = {
            "Description": 'Zeile 1\nZeile "2", =SUM(A1)', "NumberOfEmployees": 7, "AnnualRevenue": 12.5, "Phone": None,
            "Site": "", "Parent": {"attributes": {"type": "Account"}, KEY: "p"},
        }  # fmt: skip
        there = server.org.put("Account", Name="Before", Key__c="k0", Phone="1", Site="2", Website="https://x.example")
        assert all_done(client.upsert("Account", KEY, [account(0, **fields), *accounts(10)[1:]]))
        row = server.org.row(there)
        assert row["Description"] == fields["Description"]
        assert (row["NumberOfEmployees"], row["AnnualRevenue"], row["ParentId"]) == (7, 12.5, parent)
        assert (row["Phone"], row["Site"]) == (None, None)
        assert row["Website"] == "https://x.example"

    def test_a_flag_and_a_day(self, server: SalesforceServer, client: SalesforceClient) -> None:
        contacts = [
            Write(f"w{n}", {"LastName": f"L{n}", "Email": f"p{n}@x.example", "DoNotCall": n % 2 == 0})
            for n in range(10)
        ]
        assert all_done(client.upsert("Contact", "Email", contacts))
        assert [row["DoNotCall"] for row in server.org.rows("Contact")] == [n % 2 == 0 for n in range(10)]

    def test_failed_rows_are_known_again(self, server: SalesforceServer, client: SalesforceClient) -> None:
        writes = accounts(12)
        writes[4] = account(4, Phone="1" * 41)
        writes[7] = Write("w7", {KEY: "k7"})
        outcomes = client.upsert("Account", KEY, writes)
        assert list(errors(outcomes)) == ["w4", "w7"]
        assert isinstance(outcomes[4].error, Refused)
        assert "record w4, code STRING_TOO_LONG" in str(outcomes[4].error)
        assert errors(outcomes)["w7"].details.fields == ("Name",)

    def test_update_by_id_and_creation_by_key(self, server: SalesforceServer, client: SalesforceClient) -> None:
        made = client.create("Account", accounts(10), KEY)
        assert all_done(made)
        again = client.create("Account", accounts(10), KEY)
        assert [(one.id, one.new) for one in again] == [(one.id, False) for one in made]
        changed = client.update("Account", [Write(one.key, {"Name": "After"}, id=one.id) for one in made])
        assert [one.id for one in changed] == [one.id for one in made]
        assert len(server.org.rows("Account", Name="After")) == 10
        assert server.count("bulk.create") == 3

    def test_two_writes_of_one_external_id_each_have_a_fate(
        self, server: SalesforceServer, client: SalesforceClient
    ) -> None:
        writes = [*accounts(9), Write("again", {KEY: "k0", "Name": "Other"})]
        outcomes = client.upsert("Account", KEY, writes)
        assert all_done(outcomes)
        assert (outcomes[0].new, outcomes[9].new) == (True, False)

    def test_nothing_is_asked_that_the_job_has_told(self, server: SalesforceServer, client: SalesforceClient) -> None:
        client.upsert("Account", KEY, accounts(10))
        assert server.count("bulk.failed") == 0
        assert server.count("bulk.successful") == 1


class TestLockedRows:
    def test_they_go_again_by_calls_where_they_are_few(self, server: SalesforceServer) -> None:
        client = quick_client(server, bulk_from=1000)
        server.org.lock_rows(fraction)
        assert all_done(client.upsert("Account", KEY, accounts(1000)))
        assert (server.count("bulk.create"), server.count("collections.upsert")) == (1, 1)


class TestTroubles:
    def test_a_field_that_is_missing(self, server: SalesforceServer, client: SalesforceClient) -> None:
        outcomes = client.upsert("Account", KEY, [account(number, Nope__c="x") for number in range(10)])
        assert {type(error) for error in errors(outcomes).values()} == {Denied}
        assert "Field name not found : Nope__c" in str(outcomes[0].error)

    def test_a_job_that_fails_half_way(self, server: SalesforceServer, client: SalesforceClient) -> None:
        server.org.job_stops_after = 4
        outcomes = client.upsert("Account", KEY, accounts(10))
        assert all_done(outcomes[:4])
        assert {type(one.error) for one in outcomes[4:]} == {Busy}
        assert "ended before this record" in str(outcomes[9].error)

    def test_a_job_that_takes_too_long_leaves_open_what_it_does(
        self, server: SalesforceServer, client: SalesforceClient
    ) -> None:
        server.org.job_polls = 100
        now = [0.0]
        client.caller.sleep = lambda seconds: now.__setitem__(0, now[0] + seconds)
        bulk = client._writer.bulk
        object.__setattr__(bulk, "clock", lambda: now[0])
        object.__setattr__(bulk, "wait_at_most", 60.0)
        outcomes = client.upsert("Account", KEY, accounts(10))
        assert {type(error) for error in errors(outcomes).values()} == {Unclear}
        assert "is not done yet" in str(outcomes[0].error)
        assert "record w0" in str(outcomes[0].error)
        assert server.count("bulk.poll") < 15
        assert next(iter(server.org.jobs.values())).state == "InProgress"

    def test_an_upload_that_fails_aborts_the_job(self, server: SalesforceServer, client: SalesforceClient) -> None:
        server.fail(503, "bulk.upload", times=5)
        outcomes = client.upsert("Account", KEY, accounts(10))
        assert {type(error) for error in errors(outcomes).values()} == {Unclear}
        assert next(iter(server.org.jobs.values())).state == "Aborted"
        assert not server.org.rows("Account")

    def test_a_job_that_cannot_be_aborted_either(self, server: SalesforceServer, client: SalesforceClient) -> None:
        server.fail("API_DISABLED_FOR_ORG", "bulk.upload")
        server.fail("API_DISABLED_FOR_ORG", "bulk.state")
        outcomes = client.upsert("Account", KEY, accounts(10))
        assert {type(error) for error in errors(outcomes).values()} == {Denied}

    def test_an_end_of_the_upload_whose_answer_is_lost(
        self, server: SalesforceServer, client: SalesforceClient
    ) -> None:
        server.cut("bulk.state", done=True)
        assert all_done(client.upsert("Account", KEY, accounts(10)))

    def test_an_end_of_the_upload_after_which_nobody_answers(
        self, server: SalesforceServer, client: SalesforceClient
    ) -> None:
        server.cut("bulk.state", done=True)
        server.fail(503, "bulk.poll", times=99)
        outcomes = client.upsert("Account", KEY, accounts(10))
        assert {type(error) for error in errors(outcomes).values()} == {Unclear}
        assert next(iter(server.org.jobs.values())).state == "UploadComplete"

    def test_results_that_cannot_be_read_any_more_leave_open_what_was_done(
        self, server: SalesforceServer, client: SalesforceClient
    ) -> None:
        server.fail("REQUEST_LIMIT_EXCEEDED", "bulk.successful")
        outcomes = client.create("Account", accounts(10), KEY)
        assert {type(error) for error in errors(outcomes).values()} == {Unclear}
        assert len(server.org.rows("Account")) == 10

    def test_an_end_of_the_upload_that_never_came(self, server: SalesforceServer, client: SalesforceClient) -> None:
        server.cut("bulk.state")
        outcomes = client.upsert("Account", KEY, accounts(10))
        assert {type(error) for error in errors(outcomes).values()} == {Unclear}
        assert next(iter(server.org.jobs.values())).state == "Aborted"

    def test_an_answer_without_an_id(self, client: SalesforceClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(client.caller, "ask", lambda *_, **__: {})
        outcomes = client.upsert("Account", KEY, accounts(10))
        assert {type(one.error) for one in outcomes} == {Broken}

    def test_rows_of_which_nothing_is_said(
        self, server: SalesforceServer, client: SalesforceClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("connectors.salesforce.bulk.Bulk._rows", lambda *_: iter([{"Other__c": "x"}]))
        outcomes = client.upsert("Account", KEY, accounts(10))
        assert {type(one.error) for one in outcomes} == {Unclear}


def test_a_large_batch_becomes_several_files(
    server: SalesforceServer, client: SalesforceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.salesforce.bulk.MOST_BYTES", 120)
    outcomes = client.upsert("Account", KEY, accounts(20))
    assert all_done(outcomes)
    assert [one.key for one in outcomes] == [f"w{number}" for number in range(20)]
    assert server.count("bulk.create") > 2


@pytest.mark.parametrize(
    ("said", "code", "fields", "kind"),
    [
        (
            "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --",
            "REQUIRED_FIELD_MISSING",
            ("Name",),
            Refused,
        ),
        ("UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record: --", "UNABLE_TO_LOCK_ROW", (), Locked),
        ("STRING_TOO_LONG:too large:A__c,B__c --", "STRING_TOO_LONG", ("A__c", "B__c"), Refused),
        ("something else", "something else", (), Refused),
        ("", "", (), Refused),
    ],
)
def test_the_error_of_a_row(said: str, code: str, fields: tuple[str, ...], kind: type[Exception]) -> None:
    error = row_error(said)
    assert isinstance(error, kind)
    assert (error.details.code, error.details.fields) == (code, fields)
