from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.fields import Holder
from connectors.salesforce.layout import layout_of, object_of_holder
from connectors.salesforce.settings import SalesforceSettings
from core.errors import ConfigurationError
from core.words import Stage
from tests.connectors.salesforce.clients import quick_client
from tests.connectors.salesforce.installations import CASE_STAGES, OPPORTUNITY_STAGES, PACKAGE
from tests.fakes.salesforce import FieldDef, SalesforceServer, running_salesforce

CUSTOM = SalesforceSettings()
CASE = replace(CUSTOM, record="case", stages=CASE_STAGES)
OPPORTUNITY = replace(CUSTOM, record="opportunity", stages=OPPORTUNITY_STAGES)


@pytest.fixture(scope="module")
def server() -> Iterator[SalesforceServer]:
    with running_salesforce() as server:
        server.org.deploy(PACKAGE / "force-app")
        server.org.add_record_type("Opportunity", "Renewal")
        server.org.add_record_type("Opportunity", "Locked", available=False)
        yield server


@pytest.fixture
def client(server: SalesforceServer) -> Iterator[SalesforceClient]:
    client = quick_client(server)
    yield client
    client.close()


def test_our_own_object_has_a_place_for_each_stage(client: SalesforceClient) -> None:
    layout = layout_of(client, CUSTOM)
    assert layout.stages == {stage: str(stage) for stage in Stage}
    assert (layout.shape.sobject, layout.shape.stage, layout.record_type_id) == ("Certificate_Order__c", "Stage__c", "")
    assert layout.stage_of("won_back") is Stage.WON_BACK
    assert layout.stage_of("something else") is None


def test_a_case_has_the_places_that_the_operator_names(client: SalesforceClient) -> None:
    layout = layout_of(client, CASE)
    assert layout.stages[Stage.CONTACTED] == "Working"
    assert Stage.LOST not in layout.stages
    assert layout.stage_of("Closed") is Stage.RENEWED
    assert object_of_holder(Holder.ORDER, CASE) == "Case"
    assert object_of_holder(Holder.ACCOUNT, CASE) == "Account"


def test_an_opportunity_gets_the_record_type_that_is_named(client: SalesforceClient, server: SalesforceServer) -> None:
    layout = layout_of(client, replace(OPPORTUNITY, record_type="Renewal"))
    (wanted,) = (one["Id"] for one in server.org.rows("RecordType", DeveloperName="Renewal"))
    assert layout.record_type_id == wanted
    assert (layout.shape.closes_on, layout.shape.amount) == ("CloseDate", "Amount")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (replace(CASE, stages=()), "salesforce.stages names no stage for upcoming"),
        (replace(CASE, stages=("new=New",)), "'new=New' is no \"ours=theirs\""),
        (
            replace(CASE, stages=("upcoming=New", "renewed=Won")),
            "Case.Status has no value 'Won'; it has New, Working, Escalated, Closed",
        ),
        (replace(OPPORTUNITY, record_type="Gone"), "Opportunity has no record type 'Gone'"),
        (replace(OPPORTUNITY, record_type="Locked"), "Locked is not available to the user"),
    ],
)
def test_a_setting_that_does_not_fit_the_org_is_told(client: SalesforceClient, settings: Any, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        layout_of(client, settings)
    assert told in str(caught.value)


def test_letter_case_does_not_count(client: SalesforceClient) -> None:
    assert layout_of(client, replace(CASE, stages=("upcoming=new",))).stages == {Stage.UPCOMING: "New"}


def test_without_the_package_setup_is_named() -> None:
    with running_salesforce() as server:
        with pytest.raises(ConfigurationError, match="Certificate_Order__c is missing or hidden; `nolapse setup"):
            layout_of(quick_client(server), CUSTOM)
        server.org.deploy(PACKAGE / "force-app")
        server.org.hide("Certificate_Order__c", "Stage__c")
        with pytest.raises(ConfigurationError, match=r"Certificate_Order__c\.Stage__c is missing or hidden"):
            layout_of(quick_client(server), CUSTOM)


def test_stages_of_one_s_own_may_be_mapped_on_our_object_too() -> None:
    with running_salesforce() as server:
        server.org.deploy(PACKAGE / "force-app")
        server.org.add_field("Certificate_Order__c", FieldDef("Stage__c", "picklist", values=("Ahead", "Over")))
        settings = replace(CUSTOM, stages=("upcoming=Ahead", "renewed=Over"))
        assert layout_of(quick_client(server), settings).stages == {Stage.UPCOMING: "Ahead", Stage.RENEWED: "Over"}
