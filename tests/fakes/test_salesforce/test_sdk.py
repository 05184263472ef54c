"""The SDK as it comes, with all its faults, works with the stand-in; so does what it does not know."""

import csv
import io
from typing import Any

import pytest
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)

from tests.fakes.salesforce import App, FieldDef, Org, SalesforceServer
from tests.fakes.test_salesforce.talk import sdk, sdk_session


@pytest.fixture
def sf(server: SalesforceServer) -> Salesforce:
    return sdk(server)


def test_single_records(sf: Salesforce, org: Org) -> None:
    made: Any = sf.Account.create({"Name": "A", "Key__c": "k/1 ?#"})  # type: ignore[operator]
    assert made == {"id": org.rows("Account")[0]["Id"], "success": True, "errors": []}
    assert sf.Account.update(made["id"], {"Name": "B"}) == 204  # type: ignore[operator]
    assert sf.Account.get(made["id"])["Name"] == "B"  # type: ignore[operator]
    assert sf.Account.upsert("Key__c/k%2F1%20%3F%23", {"Name": "C"}) == 200  # type: ignore[operator]
    assert sf.Account.upsert("Key__c/new", {"Name": "D"}) == 201  # type: ignore[operator]
    assert sf.Account.get_by_custom_id("Key__c", "new")["Name"] == "D"  # type: ignore[operator]
    assert sf.Account.delete(made["id"]) == 204  # type: ignore[operator]
    with pytest.raises(SalesforceResourceNotFound, match="ENTITY_IS_DELETED"):
        sf.Account.get(made["id"])  # type: ignore[operator]


def test_what_was_changed_and_deleted(sf: Salesforce, org: Org) -> None:
    kept, gone = org.put("Account", Name="A"), org.put("Account", Name="B")
    org.remove(gone)
    start, end = org.clock.now().replace(hour=0), org.clock.now().replace(hour=23)
    assert sf.Account.updated(start, end)["ids"] == [kept]  # type: ignore[operator]
    assert [one["id"] for one in sf.Account.deleted(start, end)["deletedRecords"]] == [gone]  # type: ignore[operator]


def test_describes(sf: Salesforce) -> None:
    names = {one["name"] for one in sf.describe()["sobjects"]}  # type: ignore[index]
    assert {"Account", "Task", "EmailMessage", "Organization"} <= names
    fields = {one["name"]: one for one in sf.Task.describe()["fields"]}  # type: ignore[operator]
    assert fields["TaskSubtype"]["restrictedPicklist"]
    assert fields["WhatId"]["referenceTo"] == ["Account", "Opportunity", "Case"]
    assert sf.Task.metadata()["objectDescribe"]["keyPrefix"] == "00T"  # type: ignore[operator]


def test_queries_with_pages(sf: Salesforce, org: Org) -> None:
    org.page_size = 200
    for number in range(450):
        org.put("Account", Name=f"A{number}")
    assert len(list(sf.query_all_iter("SELECT Id FROM Account"))) == 450
    assert sf.query("SELECT COUNT() FROM Account")["totalSize"] == 450
    org.remove(org.rows("Account")[0]["Id"])
    assert sf.query_all("SELECT Id FROM Account", include_deleted=True)["totalSize"] == 450


def test_limits_and_usage(sf: Salesforce, org: Org) -> None:
    assert sf.limits()["DailyApiRequests"]["Max"] == org.api_calls
    assert sf.api_usage["api-usage"].used == 1


def test_errors_in_its_own_classes(sf: Salesforce, org: Org) -> None:
    with pytest.raises(SalesforceMalformedRequest, match="REQUIRED_FIELD_MISSING"):
        sf.Account.create({})  # type: ignore[operator]
    org.add_field("Account", FieldDef("Loose__c", external_id=True))
    for _ in range(2):
        org.put("Account", Name="A", Loose__c="same")
    with pytest.raises(SalesforceMoreThanOneRecord):
        sf.Account.get_by_custom_id("Loose__c", "same")  # type: ignore[operator]
    org.calls_used = org.api_calls
    with pytest.raises(SalesforceRefusedRequest, match="REQUEST_LIMIT_EXCEEDED"):
        sf.limits()
    org.end_sessions()
    with pytest.raises(SalesforceExpiredSession, match="INVALID_SESSION_ID"):
        sf.limits()


def test_bulk_jobs(sf: Salesforce, org: Org) -> None:
    org.job_polls = 0
    bulk: Any = sf.bulk2
    rows = [{"Name": f"A{number}", "Key__c": f"k{number}"} for number in range(5)] + [{"Name": "", "Key__c": "none"}]
    (job,) = bulk.Account.upsert(records=rows, external_id_field="Key__c", wait=0)
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (6, 1)
    (failed,) = csv.DictReader(io.StringIO(bulk.Account.get_failed_records(job["job_id"])))
    assert failed["Key__c"] == "none"
    assert failed["sf__Error"] == "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"
    done = list(csv.DictReader(io.StringIO(bulk.Account.get_successful_records(job["job_id"]))))
    assert [one["sf__Id"] for one in done] == [row["Id"] for row in org.rows("Account")]
    assert len(bulk.Account.get_unprocessed_records(job["job_id"]).splitlines()) == 1
    bulk.Account.delete(records=[{"Id": one["sf__Id"]} for one in done], wait=0)
    assert org.rows("Account") == []


def test_bulk_queries(sf: Salesforce, org: Org) -> None:
    for number in range(5):
        org.put("Account", Name=f'A "{number}"')
    bulk: Any = sf.bulk2
    pages = list(bulk.Account.query("SELECT Name, Owner.Username, IsDeleted FROM Account", max_records=2, wait=0))
    rows = [row for page in pages for row in csv.DictReader(io.StringIO(page))]
    assert len(pages) == 3
    assert rows[4] == {"Name": 'A "4"', "Owner.Username": "admin@acme.example", "IsDeleted": "false"}


def test_its_own_login(server: SalesforceServer, org: Org) -> None:
    org.add_app(App("key", "secret", run_as="integration@acme.example"))
    login: dict[str, Any] = {
        "consumer_key": "key",
        "domain": "acme.my",
        "version": "66.0",
        "session": sdk_session(server),
    }
    assert Salesforce(consumer_secret="secret", **login).limits()
    with pytest.raises(SalesforceAuthenticationFailed, match="invalid client credentials"):
        Salesforce(consumer_secret="wrong", **login)


def test_what_it_has_no_method_for(sf: Salesforce) -> None:
    parts = [
        {"method": "POST", "url": "/services/data/v66.0/sobjects/Account", "referenceId": "a", "body": {"Name": "A"}},
        {"method": "POST", "url": "/services/data/v66.0/sobjects/Contact", "referenceId": "c",
         "body": {"LastName": "L", "AccountId": "@{a.id}"}},
        {"method": "GET", "url": "/services/data/v66.0/sobjects/Nope", "referenceId": "n"},
    ]  # fmt: skip
    said: Any = sf.restful("composite", method="POST", json={"compositeRequest": parts})
    assert [one["httpStatusCode"] for one in said["compositeResponse"]] == [201, 201, 404]
    assert sf.query("SELECT Account.Name FROM Contact")["records"][0]["Account"]["Name"] == "A"
