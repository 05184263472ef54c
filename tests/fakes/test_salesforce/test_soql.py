"""The stand-in's SOQL: what it speaks, and that it refuses the rest."""

import pytest

from tests.fakes.salesforce import FieldDef, ManualClock, Org
from tests.fakes.test_salesforce.talk import Talk


@pytest.fixture
def org(org: Org) -> Org:
    """With three accounts and their people."""
    rep = org.add_user("rep@acme.example", "Rita", "Rep")
    org.add_field("Account", FieldDef("Ends__c", "date"))
    org.add_field("Account", FieldDef("At__c", "datetime"))
    org.put("Account", Name="Alpha", OwnerId=rep, Ends__c="2026-11-21", NumberOfEmployees=5, Phone="1")
    org.put("Account", Name="beta", OwnerId=rep, Ends__c="2026-12-01", AnnualRevenue=2.5, At__c="2026-11-21T08:00:00Z")
    org.put("Account", Name="Gamma's", OwnerId=org.user)
    return org


def names(talk: Talk, where: str, rest: str = "") -> list[str]:
    return [row["Name"] for row in talk.query(f"SELECT Name FROM Account WHERE {where} {rest}")]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("Name = 'ALPHA'", ["Alpha"]),
        ("Name != 'alpha'", ["beta", "Gamma's"]),
        ("Name <> 'alpha'", ["beta", "Gamma's"]),
        ("Name = 'Gamma\\'s'", ["Gamma's"]),
        ("Name IN ('alpha', 'BETA')", ["Alpha", "beta"]),
        ("Name NOT IN ('alpha')", ["beta", "Gamma's"]),
        ("Name LIKE '%a%a'", ["Alpha"]),
        ("Name LIKE '_eta'", ["beta"]),
        ("Phone = null", ["beta", "Gamma's"]),
        ("Phone != null", ["Alpha"]),
        ("Phone = ''", ["beta", "Gamma's"]),
        ("NumberOfEmployees >= 5", ["Alpha"]),
        ("NumberOfEmployees < 5", []),
        ("AnnualRevenue = 2.5", ["beta"]),
        ("Ends__c > 2026-11-21", ["beta"]),
        ("Ends__c = TODAY", ["Alpha"]),
        ("Ends__c != TODAY", ["beta", "Gamma's"]),
        ("Ends__c = NEXT_N_DAYS:10", ["beta"]),
        ("Ends__c <= NEXT_N_DAYS:10", ["Alpha", "beta"]),
        ("Ends__c = LAST_N_DAYS:1", ["Alpha"]),
        ("Ends__c < TOMORROW", ["Alpha"]),
        ("Ends__c > YESTERDAY", ["Alpha", "beta"]),
        ("Ends__c = N_DAYS_AGO:0", ["Alpha"]),
        ("At__c >= 2026-11-21T09:00:00+01:00", ["beta"]),
        ("At__c > 2026-11-21T08:00:00.000Z", []),
        ("SystemModstamp >= 2026-11-21T09:00:00Z", ["Alpha", "beta", "Gamma's"]),
        ("Owner.Name = 'Rita Rep'", ["Alpha", "beta"]),
        ("Owner.UserType = 'Standard' AND Owner.IsActive = true AND Phone = null", ["beta", "Gamma's"]),
        ("(Name = 'alpha' OR Name = 'beta') AND NOT Phone = '1'", ["beta"]),
        ("IsDeleted = false AND Name > 'b'", ["beta", "Gamma's"]),
    ],
)
def test_conditions(org: Org, talk: Talk, where: str, found: list[str]) -> None:
    assert isinstance(org.clock, ManualClock)
    assert names(talk, where) == found


@pytest.mark.parametrize(
    ("rest", "found"),
    [
        ("ORDER BY Name DESC", ["Gamma's", "beta", "Alpha"]),
        ("ORDER BY Phone, Name", ["beta", "Gamma's", "Alpha"]),
        ("ORDER BY Phone ASC NULLS LAST, Name DESC", ["Alpha", "Gamma's", "beta"]),
        ("ORDER BY Name LIMIT 1 OFFSET 1", ["beta"]),
        ("ORDER BY Owner.Name NULLS FIRST, Name", ["Gamma's", "Alpha", "beta"]),
    ],
)
def test_order(org: Org, talk: Talk, rest: str, found: list[str]) -> None:
    assert names(talk, f"CreatedById = '{org.admin}'", rest) == found


def test_related_records_come_with_their_kind(org: Org, talk: Talk) -> None:
    account = org.rows("Account")[0]["Id"]
    contact = org.put("Contact", LastName="L", AccountId=account, OwnerId=org.user)
    org.put("Task", WhoId=contact, WhatId=account, Key__c="k")
    (row,) = talk.query("SELECT Who.Name, What.Type, Account.Owner.Username FROM Task")
    assert row["Who"]["attributes"] == {"type": "Name", "url": f"/services/data/v66.0/sobjects/Contact/{contact}"}
    assert row["What"]["Type"] == "Account"
    assert row["Account"]["Owner"]["Username"] == "rep@acme.example"


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        ("SELECT Nope FROM Account", "INVALID_FIELD", "No such column 'Nope' on entity 'Account'"),
        ("SELECT Id FROM Account WHERE Nope = 1", "INVALID_FIELD", "No such column 'Nope'"),
        ("SELECT Nope.Id FROM Account", "INVALID_FIELD", "Didn't understand relationship 'Nope'"),
        ("SELECT Owner.Nope FROM Account", "INVALID_FIELD", "No such column 'Nope' on entity 'User'"),
        ("SELECT Owner.Nope FROM Task", "INVALID_FIELD", "No such column 'Nope' on entity 'Name'"),
        ("SELECT Id FROM Nope", "INVALID_TYPE", "sObject type 'Nope' is not supported"),
        ("SELECT Id FROM Account WHERE Name = 7", "INVALID_FIELD", "should be enclosed in quotes"),
        ("SELECT Id FROM Account WHERE Ends__c = '2026-11-21'", "INVALID_FIELD", "should not be enclosed in quotes"),
        ("SELECT Id FROM Account WHERE At__c > 2026-11-21", "INVALID_FIELD", "must be of type datetime"),
        ("SELECT Id FROM Account WHERE Description = 'x'", "INVALID_FIELD", "can not be filtered"),
        ("SELECT Id FROM Account WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field"),
        ("SELECT Id FROM Account WHERE IsDeleted > true", "INVALID_QUERY_FILTER_OPERATOR", "invalid operator"),
        ("SELECT Id FROM Account OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset"),
        ("SELECT Id, id FROM Account", "MALFORMED_QUERY", "duplicate field selected"),
        ("SELECT (SELECT Id FROM Nopes) FROM Account", "INVALID_TYPE", "Didn't understand relationship"),
        *(
            (query, "MALFORMED_QUERY", "")
            for query in (
                "", "SELECT", "SELECT Id", "SELECT Id FROM", "SELECT * FROM Account", "DELETE FROM Account",
                "SELECT Id FROM Account a", "SELECT Id FROM Account WHERE", "SELECT Id FROM Account WHERE Name",
                "SELECT Id FROM Account WHERE Name = 'x", "SELECT Id FROM Account WHERE Name = 'x\ny'",
                "SELECT Id FROM Account WHERE Name = \"x\"", "SELECT Id FROM Account WHERE Name IN ()",
                "SELECT Id FROM Account WHERE Name = 'a' AND Phone = 'b' OR Site = 'c'",
                "SELECT Id FROM Account WHERE Name = 'a' 'b'", "SELECT Id FROM Account LIMIT x",
                "SELECT Id FROM Account; DELETE", "SELECT Id FROM Account GROUP BY Id", "SELECT FIELDS(ALL) FROM Account",
                "SELECT MAX(Id) FROM Account", "SELECT Id FROM Account FOR UPDATE", "SELECT Id FROM Account ORDER Name",
                "SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact)",
                "SELECT Id FROM Account WHERE Ends__c = SOMEDAY", "SELECT Id FROM Account WHERE Name = SELECT",
                "SELECT Id FROM Account ORDER BY Name NULLS LATER", "SELECT Id FROM Account WHERE Name = TODAY",
            )
        ),
    ],
)  # fmt: skip
def test_what_is_refused(org: Org, talk: Talk, query: str, code: str, words: str) -> None:
    assert org.rows("Account")
    got, message = talk.refused(query)
    assert got == code
    assert words in message


def test_several_values_of_one_field(org: Org, talk: Talk) -> None:
    org.add_field("Account", FieldDef("Tags__c", "multipicklist", values=("a", "b", "c")))
    org.edit(org.rows("Account")[0]["Id"], Tags__c="a;b")
    assert names(talk, "Tags__c INCLUDES ('b', 'c')") == ["Alpha"]
    assert names(talk, "Tags__c INCLUDES ('c')") == []
