import json
import re
import tomllib
from enum import StrEnum
from importlib import resources

import pytest
from lxml import etree

from connectors.crm.choices import URGENCIES
from connectors.salesforce.fields import (
    FIELDS,
    ORDER_OBJECT,
    AccountField,
    ContactField,
    Field,
    ForecastField,
    Holder,
    Kind,
    MailField,
    OrderField,
    OwnOrderField,
    TaskField,
)
from connectors.salesforce.settings import API_VERSION
from core.words import Stage
from tests.connectors.salesforce.metadata import PACKAGE, TYPES, Item, items, of_kind, schema

OBJECTS = {
    ("force-app", ORDER_OBJECT): (Holder.ORDER, Holder.OWN_ORDER),
    ("force-app", "Account"): (Holder.ACCOUNT,),
    ("force-app", "Contact"): (Holder.CONTACT,),
    ("force-app", "Activity"): (Holder.TASK,),
    ("orders-as-cases", "Case"): (Holder.ORDER,),
    ("orders-as-opportunities", "Opportunity"): (Holder.ORDER,),
    ("forecast", "Opportunity"): (Holder.FORECAST,),
    ("email-messages", "EmailMessage"): (Holder.MAIL,),
}
STANDARD = {
    *("Account.Website", "Case.ContactId", "Opportunity.AccountId", "Opportunity.Amount"),
    *("Contact.AccountId", "Contact.Email", "Contact.Phone", "Contact.DoNotCall", "Contact.HasOptedOutOfEmail"),
}
"""Fields of Salesforce's own that a permission set may name: they are no required ones, which deploying refuses."""

OWN_COLUMNS = {
    *("NAME", "OWNER.ALIAS", "CORE.USERS.ALIAS", "CASES.CASE_NUMBER", "CASES.SUBJECT", "CASES.STATUS"),
    *("OPPORTUNITY.NAME", "OPPORTUNITY.STAGE_NAME", "ACCOUNT.NAME"),
}


def folder_of(item: Item) -> str:
    return item.path.relative_to(PACKAGE).parts[0]


def fields_in(folder: str, of: str) -> dict[str, Item]:
    return {one.name: one for one in of_kind("field") if (folder_of(one), one.of) == (folder, of)}


def names_of(*holders: Holder) -> set[str]:
    return {str(one.name) for holder in holders for one in FIELDS[holder]}


def all_permissions() -> list[Item]:
    return of_kind("permissionset")


@pytest.mark.parametrize("item", items(), ids=lambda item: item.path.name)
def test_a_file_is_as_the_metadata_api_takes_it(item: Item) -> None:
    assert etree.QName(item.root).localname == TYPES[item.kind]
    assert schema().validate(item.root), schema().error_log.last_error
    if item.of and item.kind != "object":
        assert item.text("fullName") == item.name


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        ("field", "<type>Date</type>", "<type>Dete</type>"),
        ("permissionset", "<allowEdit>", "<mayEdit>"),
        ("listView", "<operation>lessOrEqual</operation>", "<operation>atMost</operation>"),
        ("layout", "<behavior>Readonly</behavior>", "<behavior>Locked</behavior>"),
    ],
)
def test_what_the_metadata_api_refuses_is_seen(kind: str, right: str, wrong: str) -> None:
    text = next(said for one in of_kind(kind) if right in (said := one.path.read_text(encoding="utf-8")))
    spoilt = text.replace(right, wrong).replace(right.replace("<", "</"), wrong.replace("<", "</"))
    assert not schema().validate(etree.fromstring(spoilt.encode()))


def test_the_project_names_its_folders_and_the_version_that_is_spoken() -> None:
    project = json.loads((PACKAGE / "sfdx-project.json").read_text(encoding="utf-8"))
    folders = {one["path"] for one in project["packageDirectories"]}
    assert folders == {path.name for path in PACKAGE.iterdir() if path.is_dir()}
    assert project["sourceApiVersion"] == API_VERSION
    assert {path.suffix for path in PACKAGE.rglob("*") if path.is_file()} == {".xml", ".json"}


@pytest.mark.parametrize(("folder", "of"), OBJECTS, ids=lambda value: value)
def test_the_package_has_just_the_fields_that_the_connector_knows(folder: str, of: str) -> None:
    there = fields_in(folder, of)
    wanted = {str(one.name): one for holder in OBJECTS[folder, of] for one in FIELDS[holder]}
    assert set(there) == set(wanted)
    for name, one in wanted.items():
        assert as_said(there[name]) == one, name


def test_every_name_that_the_mapping_may_use_is_a_field() -> None:
    names: dict[Holder, type[StrEnum]] = {
        Holder.ORDER: OrderField,
        Holder.OWN_ORDER: OwnOrderField,
        Holder.ACCOUNT: AccountField,
        Holder.CONTACT: ContactField,
        Holder.TASK: TaskField,
        Holder.MAIL: MailField,
        Holder.FORECAST: ForecastField,
    }
    assert {holder: names_of(holder) for holder in FIELDS} == {
        holder: set(map(str, names[holder])) for holder in FIELDS
    }


def test_no_other_object_gets_fields() -> None:
    assert {(folder_of(one), one.of) for one in of_kind("field")} == set(OBJECTS)


def as_said(item: Item) -> Field:
    """The field as the package says it; what the package does not say (who fills it in) as the connector has it."""
    known = next(one for holder in FIELDS.values() for one in holder if one.name == item.name and same_place(item, one))
    calculated = bool(item.text("formula"))
    kind = Kind(item.text("type"))
    key = (item.text("externalId"), item.text("unique"), item.text("caseSensitive")) == ("true", "true", "true")
    values = item.rows("valueSet/valueSetDefinition/value", "fullName", "label")
    assert (item.text("valueSet/restricted") == "true") is (kind is Kind.PICKLIST)
    assert item.text("required") in ("", "false")
    return Field(
        name=item.name,
        label=item.text("label"),
        kind=kind,
        length=int(item.text("length") or 255),
        options=tuple((value, label) for value, label in values),
        refers_to=item.text("referenceTo"),
        key=key,
        by_rep=known.by_rep,
        calculated=calculated,
        description=known.description if calculated else item.text("description"),
    )


def same_place(item: Item, one: Field) -> bool:
    return one in [field for holder in OBJECTS[folder_of(item), item.of] for field in FIELDS[holder]]


def test_labels_are_as_short_as_salesforce_wants_them() -> None:
    labels = [one.label for fields in FIELDS.values() for one in fields]
    assert max(map(len, labels)) <= 40
    assert max(len(one.text("label")) for one in of_kind("listView")) <= 40


def test_activities_have_no_long_texts() -> None:
    assert {one.kind for one in FIELDS[Holder.TASK]} == {Kind.TEXT, Kind.TEXT_AREA, Kind.PICKLIST}


def test_the_order_takes_tasks_and_hangs_on_account_and_contact() -> None:
    (own,) = of_kind("object")
    assert own.name == own.of == ORDER_OBJECT
    assert own.text("enableActivities") == own.text("enableReports") == "true"
    assert own.text("externalSharingModel") == "Private"
    there = fields_in("force-app", ORDER_OBJECT)
    assert there[OwnOrderField.ACCOUNT].text("deleteConstraint") == "SetNull"
    assert there[OwnOrderField.CONTACT].text("deleteConstraint") == "SetNull"


def test_a_formula_uses_what_is_there() -> None:
    formulas = [one for one in of_kind("field") if one.text("formula")]
    assert {(one.of, one.name) for one in formulas} == {
        (of, str(one.name)) for (_, of), holders in OBJECTS.items() if Holder.ORDER in holders
        for one in FIELDS[Holder.ORDER] if one.calculated
    }  # fmt: skip
    for one in formulas:
        used = set(re.findall(r"\b\w+__c\b", one.text("formula")))
        assert used
        assert used <= set(fields_in(folder_of(one), one.of))


def urgency_formulas() -> list[str]:
    return [one.text("formula") for one in of_kind("field") if one.name == OrderField.URGENCY and one.text("formula")]


def test_urgency_is_the_same_wherever_orders_are_and_as_the_cadence_has_it() -> None:
    formulas = urgency_formulas()
    assert len(formulas) == 3
    assert len(set(formulas)) == 1
    steps = {word: int(days) for days, word in re.findall(r'TODAY\(\) \+ (\d+), "(\w+)"', formulas[0])}
    cadence = tomllib.loads((resources.files("config") / "cadence.toml").read_text(encoding="utf-8"))
    mails = cadence["tables"]["renewal_ov_ev"]["mails"]
    for word, days in steps.items():
        assert days == max(int(before) for before, urgency in mails.items() if urgency == word.lower())
    assert set(steps) == {"Critical", "Warning", "Reminder"}
    assert set(re.findall(r'"([A-Z]\w+)"', formulas[0])) == {label for _, label in URGENCIES}
    settled = set(re.findall(r'ISPICKVAL\(Nolapse_Stage__c, "(\w+)"\)', formulas[0]))
    assert settled == {Stage.RENEWED, Stage.LOST, Stage.WON_BACK}


@pytest.mark.parametrize("item", of_kind("listView"), ids=lambda item: f"{item.of}.{item.name}")
def test_a_list_shows_and_asks_for_what_is_there(item: Item) -> None:
    known = set(fields_in(folder_of(item), item.of)) | OWN_COLUMNS
    assert set(item.texts("columns")) <= known
    assert {OrderField.KEY, OrderField.COMMON_NAME, OrderField.ENDS_ON, OrderField.PRODUCT} <= set(
        item.texts("columns")
    )
    assert {field for (field,) in item.rows("filters", "field")} <= known


@pytest.mark.parametrize("of", [ORDER_OBJECT, "Case", "Opportunity"])
def test_the_lists_of_the_guide_are_there(of: str) -> None:
    views = {
        one.text("label"): one.rows("filters", "field", "operation", "value")
        for one in of_kind("listView")
        if one.of == of
    }
    views.pop("All", None)
    spans = {"Expiring in 30 days": ("0", "30"), "Expiring in 60 days": ("0", "60"), "Expiring in 90 days": ("0", "90")}
    spans["Expired for less than 7 days"] = ("-7", "-1")
    assert views == {
        label: [
            (OrderField.DAYS_LEFT, "greaterOrEqual", first),
            (OrderField.DAYS_LEFT, "lessOrEqual", last),
            (OrderField.URGENCY, "notEqual", ""),
        ]
        for label, (first, last) in spans.items()
    }


def test_tab_layout_and_report_show_what_is_there() -> None:
    own = set(fields_in("force-app", ORDER_OBJECT))
    (tab,) = of_kind("tab")
    assert tab.name == ORDER_OBJECT
    (layout,) = of_kind("layout")
    assert layout.name.startswith(f"{ORDER_OBJECT}-")
    shown = layout.rows("layoutSections/layoutColumns/layoutItems", "field", "behavior")
    assert {name for name, _ in shown} - {"Name", "OwnerId", "CreatedById", "LastModifiedById"} == own
    by_rep = {str(one.name) for one in FIELDS[Holder.ORDER] if one.by_rep} | {"OwnerId", *map(str, OwnOrderField)}
    assert {name for name, behavior in shown if behavior == "Edit"} == by_rep
    assert "RelatedActivityList" in layout.texts("relatedLists/relatedList")
    (compact,) = of_kind("compactLayout")
    assert set(compact.texts("fields")) - {"Name", "OwnerId"} <= own
    (own_object,) = of_kind("object")
    assert own_object.text("compactLayoutAssignment") == compact.name


def test_the_report_is_of_its_type_and_in_its_folder() -> None:
    (report,), (kind,), (folder,) = of_kind("report"), of_kind("reportType"), of_kind("reportFolder")
    assert report.path.parent.name == folder.name
    assert report.text("reportType") == f"{kind.name}__c"
    assert kind.text("baseObject") == ORDER_OBJECT
    known = {f"{table}${field}" for field, table in kind.rows("sections/columns", "field", "table")}
    used = {field for (field,) in report.rows("columns", "field") + report.rows("groupingsDown", "field")}
    used |= {column for (column,) in report.rows("filter/criteriaItems", "column")}
    assert used | {report.text("timeFrameFilter/dateColumn"), report.text("sortColumn")} <= known
    assert report.text("timeFrameFilter/interval") == "INTERVAL_NEXT90"
    own = set(fields_in("force-app", ORDER_OBJECT))
    assert {name.partition("$")[2] for name in known} - {"Name", "Owner", "CreatedDate", "LastModifiedDate"} == own


def permissions(item: Item) -> dict[str, bool]:
    """The fields that a permission set shows, and whether they may be changed."""
    rows = item.rows("fieldPermissions", "field", "editable", "readable")
    assert all(readable == "true" for _, _, readable in rows)
    assert len({name for name, _, _ in rows}) == len(rows)
    return {name: editable == "true" for name, editable, _ in rows}


@pytest.mark.parametrize("item", all_permissions(), ids=lambda item: item.name)
def test_a_permission_set_names_what_is_there_and_is_no_skeleton_key(item: Item) -> None:
    said = permissions(item)
    there = {
        f"{shown_as(of)}.{name}"
        for folder, of in OBJECTS
        if folder == folder_of(item)
        for name in fields_in(folder, of)
    }
    assert set(said) <= there | STANDARD
    rights = item.rows("objectPermissions", "allowDelete", "modifyAllRecords", "viewAllRecords")
    assert set(rights) <= {("false", "false", "false")}
    wide = {"ModifyAllData", "ViewAllData", "ManageUsers", "AuthorApex", "CustomizeApplication", "ViewSetup"}
    assert wide.isdisjoint(item.texts("userPermissions/name"))
    assert item.text("license") == ""  # one that is bound to the integration licence shows no standard objects


def shown_as(of: str) -> str:
    """What field permissions call the object: fields of activities are those of tasks."""
    return "Task" if of == "Activity" else of


@pytest.mark.parametrize(("folder", "of"), OBJECTS, ids=lambda value: value)
def test_the_engine_writes_all_that_is_ours_and_reps_only_their_part(folder: str, of: str) -> None:
    engine: dict[str, bool] = {}
    rep: dict[str, bool] = {}
    for item in all_permissions():
        if folder_of(item) == folder:
            (rep if item.name.startswith("Nolapse_Rep") else engine).update(permissions(item))
    for holder in OBJECTS[folder, of]:
        for one in FIELDS[holder]:
            name = f"{shown_as(of)}.{one.name}"
            assert engine[name] is not one.calculated
            if holder not in (Holder.FORECAST, Holder.MAIL):
                assert rep[name] is (one.by_rep or one.name == OwnOrderField.STAGE)


def test_reps_make_no_orders() -> None:
    (rep,) = [one for one in all_permissions() if one.name == "Nolapse_Rep"]
    assert rep.rows("objectPermissions", "object", "allowCreate", "allowEdit") == [(ORDER_OBJECT, "false", "true")]
    assert rep.rows("tabSettings", "tab", "visibility") == [(ORDER_OBJECT, "Visible")]
    assert rep.texts("userPermissions/name") == []


def test_the_engine_may_do_only_what_it_does() -> None:
    sets = {one.name: one for one in all_permissions()}
    assert set(sets["Nolapse_Engine"].texts("userPermissions/name")) == {
        *("ActivitiesAccess", "ApiEnabled", "EditTask", "TransferAnyEntity"),
    }
    rights = sets["Nolapse_Engine"].rows("objectPermissions", "object", "allowCreate", "allowEdit")
    assert rights == [("Account", "false", "true"), (ORDER_OBJECT, "true", "true"), ("Contact", "false", "true")]
    assert sets["Nolapse_Engine_Mails"].texts("userPermissions/name") == ["EmailSingle"]
