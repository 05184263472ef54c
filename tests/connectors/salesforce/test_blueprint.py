from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.salesforce.blueprint import (
    assigning,
    deploying,
    engine_sets,
    fields_by_object,
    folders,
    mistakes,
    rep_sets,
    rights,
)
from connectors.salesforce.describing import FieldInfo
from connectors.salesforce.fields import FIELDS, Field, Holder, Kind, OrderField, OwnOrderField
from connectors.salesforce.settings import SalesforceSettings
from tests.connectors.salesforce.metadata import PACKAGE, of_kind

SETTINGS = SalesforceSettings()
TEXT = FieldInfo("A__c", "A", "string", length=255, createable=True, updateable=True)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["force-app", "deals", "email-messages"]),
        ({"log_mails": "task", "open_deals": False}, ["force-app"]),
        ({"record": "case"}, ["force-app", "orders-as-cases", "deals", "email-messages"]),
        (
            {"record": "opportunity", "forecast_opportunities": True, "log_mails": "task"},
            ["force-app", "orders-as-opportunities", "forecast", "deals"],
        ),
    ],
)
def test_the_folders_to_be_deployed_are_those_that_the_settings_need(
    changes: dict[str, Any], expected: list[str]
) -> None:
    settings = replace(SETTINGS, **changes)
    assert folders(settings) == expected
    assert all((PACKAGE / folder).is_dir() for folder in expected)
    wanted = {str(one.name) for fields in fields_by_object(settings).values() for one in fields}
    brought = {one.name for one in of_kind("field") if one.path.relative_to(PACKAGE).parts[0] in expected}
    assert wanted <= brought
    assert set(rights(settings)) >= set(fields_by_object(settings))


@pytest.mark.parametrize("record", ["custom", "case", "opportunity"])
@pytest.mark.parametrize("create", ["never", "contacts", "always"])
@pytest.mark.parametrize("forecast", [True, False])
def test_the_permission_sets_named_are_in_the_folders_named(record: Any, create: Any, forecast: bool) -> None:
    settings = replace(SETTINGS, record=record, create=create, forecast_opportunities=forecast)
    places = {one.name: one.path.relative_to(PACKAGE).parts[0] for one in of_kind("permissionset")}
    named = [*engine_sets(settings), *rep_sets(settings)]
    assert {places[name] for name in named} <= set(folders(settings))
    assert ("Nolapse_Engine_Creates" in named) is (create != "never")


def test_what_the_permission_sets_allow_is_what_is_needed() -> None:
    for create in ("never", "contacts", "always"):
        settings = replace(SETTINGS, create=create, record="case", forecast_opportunities=True)
        allowed: dict[str, set[str]] = {"Task": {"create", "change"}, "EmailMessage": {"create"}}
        for item in of_kind("permissionset"):
            if item.name in engine_sets(settings):
                for name, creates, edits in item.rows("objectPermissions", "object", "allowCreate", "allowEdit"):
                    given = {word for word, said in (("create", creates), ("change", edits)) if said == "true"}
                    allowed.setdefault(name, set()).update(given)
        for sobject, needed in rights(settings).items():
            assert set(needed) <= allowed[sobject], sobject


def test_our_own_fields_on_own_orders_are_not_asked_of_cases() -> None:
    names = {str(one.name) for one in fields_by_object(replace(SETTINGS, record="case"))["Case"]}
    assert OrderField.KEY in names
    assert names.isdisjoint(map(str, OwnOrderField))


def test_one_command_deploys_and_one_assigns() -> None:
    command = deploying(replace(SETTINGS, record="case", log_mails="task", open_deals=False))
    assert command.endswith(
        " && sf project deploy start --source-dir force-app --source-dir orders-as-cases --target-org ORG"
    )
    place = Path(command.removeprefix("cd ").partition(" && ")[0])
    assert (place / "sfdx-project.json").is_file()
    assert assigning(["One", "Two"]).startswith("sf org assign permset --name One --name Two --on-behalf-of USERNAME ")
    assert "--on-behalf-of 'a b@acme.example'" in assigning(["One"], "a b@acme.example")


@pytest.mark.parametrize(
    ("wanted", "there", "expected"),
    [
        (Field("A__c", "A"), TEXT, []),
        (Field("A__c", "A"), replace(TEXT, kind="double"), ["of type double, but must be string"]),
        (Field("A__c", "A"), replace(TEXT, length=80), ["80 characters long, but must be 255"]),
        (Field("A__c", "A"), replace(TEXT, length=400), []),
        (Field("A__c", "A", key=True), TEXT, ["not a unique external id"]),
        (Field("A__c", "A", key=True), replace(TEXT, unique=True), ["not a unique external id"]),
        (Field("A__c", "A", key=True), replace(TEXT, unique=True, external_id=True), []),
        (Field("A__c", "A"), replace(TEXT, updateable=False), ["read-only for the user"]),
        (Field("A__c", "A", by_rep=True), replace(TEXT, createable=False, updateable=False), []),
        (Field("A__c", "A"), replace(TEXT, calculated=True), ["a formula, but must be filled in"]),
        (Field("A__c", "A", calculated=True), TEXT, ["no formula"]),
        (Field("A__c", "A", calculated=True), replace(TEXT, calculated=True, length=1300, updateable=False), []),
        (
            Field("A__c", "A", Kind.PICKLIST, options=(("x", "X"), ("y", "Y"))),
            replace(TEXT, kind="picklist", values=("y", "z")),
            ["without the values x"],
        ),
        (
            Field("A__c", "A", Kind.LOOKUP, refers_to="Account"),
            replace(TEXT, kind="reference", refers_to=("Contact",)),
            ["not a lookup to Account"],
        ),
        (
            Field("A__c", "A", key=True),
            replace(TEXT, length=80, createable=False),
            ["80 characters long, but must be 255", "not a unique external id", "read-only for the user"],
        ),
    ],
)
def test_what_is_wrong_with_a_field_is_told(wanted: Field, there: FieldInfo, expected: list[str]) -> None:
    assert mistakes(wanted, there) == expected


def test_where_nothing_may_be_written_no_field_is_blamed() -> None:
    assert mistakes(Field("A__c", "A"), replace(TEXT, createable=False, updateable=False), writable=False) == []


def test_each_thing_has_one_key_except_tasks_that_also_are_notes_and_log_mails() -> None:
    keys = {holder: sum(one.key for one in fields) for holder, fields in FIELDS.items()}
    assert keys == {holder: 0 if holder is Holder.OWN_ORDER else 3 if holder is Holder.TASK else 1 for holder in FIELDS}
