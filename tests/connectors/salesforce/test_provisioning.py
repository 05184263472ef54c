from collections.abc import Iterator
from dataclasses import replace

import pytest

from connectors.salesforce.connector import SalesforceCrm
from connectors.salesforce.fields import FIELDS, ORDER_OBJECT, Holder, OrderField, TaskField
from connectors.salesforce.provisioning import gaps, run_setup
from connectors.salesforce.settings import SalesforceSettings
from core.ports import Finding, UndoableSetup
from tests.connectors.salesforce.clients import quick_client
from tests.connectors.salesforce.installations import OPPORTUNITY_STAGES, PACKAGE
from tests.fakes.salesforce import FieldDef, Org, SalesforceServer, running_salesforce

SETTINGS = SalesforceSettings()
SETS = ("Nolapse_Engine", "Nolapse_Engine_Deals", "Nolapse_Engine_Email_Messages")


@pytest.fixture
def server() -> Iterator[SalesforceServer]:
    """An org with the package in it."""
    with running_salesforce() as server:
        deploy(server.org, "force-app", "email-messages")
        yield server


def deploy(org: Org, *folders: str) -> None:
    for folder in folders:
        org.deploy(PACKAGE / folder)


def assign(org: Org, *names: str) -> None:
    for name in names:
        id = org.put("PermissionSet", Name=name, Label=name)
        org.put("PermissionSetAssignment", AssigneeId=org.user, PermissionSetId=id)


def setup(server: SalesforceServer, settings: SalesforceSettings = SETTINGS) -> dict[str, Finding]:
    found = run_setup(quick_client(server), settings)
    assert all("\n" not in one.text + one.advice for one in found)
    return {one.subject.removeprefix("Salesforce "): one for one in found}


def bad(found: dict[str, Finding]) -> set[str]:
    return {subject for subject, one in found.items() if not one.ok}


def test_an_org_with_the_package_lacks_nothing(server: SalesforceServer) -> None:
    assign(server.org, *SETS)
    found = setup(server)
    assert bad(found) == set()
    assert found[ORDER_OBJECT].text == "all 27 fields of ours are there"
    assert found["EmailMessage"].text == "our field is there"
    assert found["permission sets"].text == f"the user has {', '.join(SETS)}"
    assert found["package"].text == "deployed; reps need Nolapse_Rep"


def test_an_empty_org_is_told_everything_and_the_one_command() -> None:
    with running_salesforce() as server:
        found = setup(server)
        assert bad(found) == {
            *(ORDER_OBJECT, "Account", "Contact", "Task", "EmailMessage"),
            *("permission sets", "stages", "package"),
        }
        assert found[ORDER_OBJECT].text == "the object is missing or hidden"
        for holder in (Holder.ACCOUNT, Holder.CONTACT, Holder.TASK, Holder.MAIL):
            wanted = ", ".join(str(one.name) for one in FIELDS[holder])
            assert found[holder].text == f"{wanted} missing or hidden"
        assert (
            "sf project deploy start --source-dir force-app --source-dir deals --source-dir email-messages"
            in found["package"].advice
        )
        assert "--name Nolapse_Engine --name" in found["permission sets"].advice
        assert "--on-behalf-of integration@acme.example" in found["permission sets"].advice


def test_it_writes_nothing(server: SalesforceServer) -> None:
    setup(server)
    assert {call.method for call in server.calls} == {"GET"}


def test_what_is_hidden_or_wrong_is_named_field_by_field(server: SalesforceServer) -> None:
    server.org.hide("Task", TaskField.KEY, TaskField.OUTCOME)
    server.org.protect("Task", TaskField.URGENCY)
    server.org.add_field("Account", FieldDef("Nolapse_Account_Key__c", external_id=True))
    server.org.add_field(ORDER_OBJECT, FieldDef(OrderField.ENDS_ON, "datetime"))
    server.org.add_field(
        ORDER_OBJECT, FieldDef(OrderField.LOST_SCOPE, "picklist", values=("order",), deleted_values={"order"})
    )
    found = setup(server)
    assert found["Task"].text == (
        "Nolapse_Task_Key__c, Nolapse_Task_Outcome__c missing or hidden; Nolapse_Urgency__c is read-only for the user"
    )
    assert found["Account"].text == "Nolapse_Account_Key__c is not a unique external id"
    assert found[ORDER_OBJECT].text == (
        "Nolapse_Order_Ends_On__c is of type datetime, but must be date; "
        "Nolapse_Lost_Scope__c is without the values order, domain, account"
    )
    assert bad(found) == {"Task", "Account", ORDER_OBJECT, "permission sets", "package"}


def test_what_the_user_may_not_do_is_named(server: SalesforceServer) -> None:
    server.org.deny(ORDER_OBJECT, "create", "update")
    server.org.deny("Contact", "create")
    assert setup(server)[ORDER_OBJECT].text == "the user may not create or change its records"
    assert setup(server)["Contact"].ok
    assert setup(server, replace(SETTINGS, create="contacts"))["Contact"].text == "the user may not create its records"


def test_permission_sets_of_ones_own_do_as_well(server: SalesforceServer) -> None:
    found = setup(server)["permission sets"]
    assert found.ok
    assert "but sees everything that is needed" in found.text


def test_where_nobody_tells_who_has_which_permission_set_they_are_named(server: SalesforceServer) -> None:
    server.org.hide("PermissionSetAssignment")
    found = setup(server)["permission sets"]
    assert found.ok
    assert found.text.startswith("Salesforce does not tell which ones the user has; it needs Nolapse_Engine, ")


def test_an_org_without_e_mail_messages_needs_nothing_for_them() -> None:
    with running_salesforce() as server:
        deploy(server.org, "force-app")
        server.org.hide("EmailMessage")
        found = setup(server)
        assert bad(found) == set()
        assert "EmailMessage" not in found


def test_orders_as_opportunities_with_a_map_are_held_to_their_own_folder() -> None:
    settings = replace(SETTINGS, record="opportunity", stages=OPPORTUNITY_STAGES, log_mails="task")
    with running_salesforce() as server:
        deploy(server.org, "force-app")
        found = setup(server, settings)
        assert bad(found) == {"Opportunity", "permission sets", "package"}
        assert found["Opportunity"].text.startswith("Nolapse_Order_Key__c, ")
        assert "--source-dir orders-as-opportunities" in found["package"].advice
        deploy(server.org, "orders-as-opportunities")
        found = setup(server, settings)
        assert bad(found) == set()
        assert found["package"].text == "deployed; reps need Nolapse_Rep, Nolapse_Rep_Opportunities"
        assert found["stages"].text == "7 of our stages have a place in Opportunity.StageName"


def test_the_forecast_has_its_folder(server: SalesforceServer) -> None:
    settings = replace(SETTINGS, forecast_opportunities=True)
    assert [gap.sobject for gap in gaps(quick_client(server), settings)] == ["Opportunity"]
    deploy(server.org, "forecast")
    assert gaps(quick_client(server), settings) == []


def test_a_mistake_in_the_stages_is_told(server: SalesforceServer) -> None:
    found = setup(server, replace(SETTINGS, stages=("upcoming=Ahead",)))
    assert "has no value 'Ahead'" in found["stages"].text
    assert bad(found) == {"stages"}


def test_it_looks_afresh_each_time(server: SalesforceServer) -> None:
    client = quick_client(server)
    server.org.hide("Account", "Nolapse_Account_Key__c")
    assert len(gaps(client, SETTINGS)) == 1
    server.org.show("Account", "Nolapse_Account_Key__c")
    assert gaps(client, SETTINGS) == []


def test_there_is_nothing_to_undo() -> None:
    assert not isinstance(SalesforceCrm, UndoableSetup)
    assert not hasattr(SalesforceCrm, "undo_setup")
