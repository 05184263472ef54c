"""SOQL is never pasted: statements stand in one module, and only here values get into them."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

import connectors.salesforce as package
from connectors.salesforce import statements
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.soql import SAFE, Soql, Statement, Value, literal, parts_of
from tests.fakes.salesforce import SalesforceServer
from tests.fakes.salesforce.soql_parsing import Condition, parse

STATEMENTS = {name: one for name, one in vars(statements).items() if isinstance(one, Statement)}
_QUERY = re.compile(r"\bSELECT\b.*\bFROM\b", re.IGNORECASE | re.DOTALL)
_NAMES = {"object": "Task", "key": "Nolapse_Order_Key__c", "ours": "One__c", "also_ours": "Two__c"}
NASTY = "' OR Name != '\\"


def sample(statement: Statement) -> Soql:
    """The statement with something awkward in each place."""
    filled: dict[str, object] = {}
    for place in statement.places:
        name = place.removeprefix(":")
        if place == name:
            filled[name] = _NAMES.get(name, ["Id", "Owner.Name"])
        elif f"IN :{name}" in statement.text:
            filled[name] = [NASTY, "b"]
        else:
            filled[name] = datetime(2026, 11, 21, tzinfo=UTC) if name in ("since", "now") else NASTY
    return statement(**filled)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", STATEMENTS)
def test_each_statement_is_soql(name: str) -> None:
    query = parse(sample(STATEMENTS[name]).text)
    assert query.entity
    assert query.paths


def test_statements_stand_nowhere_else() -> None:
    assert len(STATEMENTS) > 3
    for file in Path(str(package.__file__)).parent.rglob("*.py"):
        if file.name in ("statements.py", "soql.py"):
            continue
        code = file.read_text(encoding="utf-8")
        assert not re.search(r"\b(?:Statement|Soql)\(", code), file.name
        assert not any(_QUERY.search(text) for text in re.findall(r"\"[^\"\n]*\"|'[^'\n]*'", code)), file.name


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain", "'plain'"),
        ('O\'Brien \\ "x"\n\r\t\b\f', "'O\\'Brien \\\\ \\\"x\\\"\\n\\r\\t\\b\\f'"),
        (True, "true"),
        (False, "false"),
        (None, "null"),
        (7, "7"),
        (7.5, "7.5"),
        (date(2026, 11, 21), "2026-11-21"),
        (datetime(2026, 11, 21, 1, 2, 3, 999, tzinfo=timezone(timedelta(hours=1))), "2026-11-21T00:02:03Z"),
        (["a", "b'"], "('a','b\\'')"),
    ],
)
def test_how_values_are_written(value: Value, written: str) -> None:
    assert literal(value) == written


@given(st.text(max_size=40))
def test_any_text_comes_back_as_it_was(text: str) -> None:
    where = parse(Statement("SELECT Id FROM Account WHERE Name = :name")(name=text).text).where
    assert isinstance(where, Condition)
    assert where.values[0].value == text


def test_an_empty_list_would_be_another_question() -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        literal([])


@pytest.mark.parametrize("name", ["Id FROM User", "Id, Name", "1d", "", "a b", "Owner..Name", "Id)"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not the name of an object or field"):
        Statement("SELECT {fields} FROM Account")(fields=name)


def test_every_place_is_filled_and_no_other() -> None:
    statement = Statement("SELECT {fields} FROM Account WHERE Name = :name AND Site = :name")
    assert statement.places == ("fields", ":name")
    assert statement(fields=["Id", "Name"], name="x").text == (
        "SELECT Id, Name FROM Account WHERE Name = 'x' AND Site = 'x'"
    )
    for given_places in ({"fields": "Id"}, {"fields": "Id", "name": "x", "more": "y"}):
        with pytest.raises(ValueError, match="the statement has the places"):
            statement(**given_places)


def test_a_place_in_a_value_is_no_place() -> None:
    assert Statement("SELECT Id FROM Account WHERE Name = :name")(name=":name {fields}").text.endswith(
        "':name {fields}'"
    )


def test_a_moment_in_a_statement_is_no_place() -> None:
    assert Statement("SELECT Id FROM Account WHERE CreatedDate > 2026-01-01T00:00:00Z").places == ()


class TestLongLists:
    STATEMENT = Statement("SELECT Id FROM Account WHERE Key__c IN :keys")

    def test_they_go_in_as_few_queries_as_an_address_may_be_long(self) -> None:
        keys = [f"digicert:{number}:call:g1" for number in range(2000)]
        parts = list(parts_of(self.STATEMENT, "keys", keys))
        assert len(parts) == 4
        assert all(len(quote(part.text, safe=SAFE)) <= 14_000 for part in parts)
        asked = [value.value for part in parts for value in parse(part.text).where.values]  # type: ignore[union-attr]
        assert asked == keys

    def test_double_ones_are_asked_for_once_and_none_not_at_all(self) -> None:
        (part,) = parts_of(self.STATEMENT, "keys", ["a", "b", "a"])
        assert part.text.endswith("('a','b')")
        assert list(parts_of(self.STATEMENT, "keys", [])) == []

    def test_one_that_is_too_long_by_itself_goes_alone(self) -> None:
        assert len(list(parts_of(self.STATEMENT, "keys", ["a", "ü" * 3000, "b"]))) == 3

    def test_through_the_client(self, server: SalesforceServer, client: SalesforceClient) -> None:
        for number in range(5):
            server.org.put("Account", Name=f"A{number}", Key__c=f"k+&%#'{number}")
        rows = client.query_for(self.STATEMENT, "keys", [f"k+&%#'{number}" for number in range(900)])
        assert len(list(rows)) == 5
        assert server.count("query") == 2
