"""What the README shows and names is there."""

import re
import tomllib
from typing import Any

import pytest
from pydantic import TypeAdapter

from connectors.salesforce.blueprint import deploying
from connectors.salesforce.layout import layout_of
from connectors.salesforce.settings import SalesforceSettings
from core.words import Stage
from tests.connectors.salesforce.clients import quick_client
from tests.connectors.salesforce.metadata import PACKAGE, of_kind
from tests.fakes.salesforce import running_salesforce

README = (PACKAGE.parent / "README.md").read_text(encoding="utf-8")
EXAMPLES = [
    tomllib.loads(re.sub(r"^ +", "", block, flags=re.M)) for block in re.findall(r"```toml\n(.*?)```", README, re.S)
]


def settings_in(example: dict[str, Any]) -> SalesforceSettings:
    said = dict(example.get("salesforce", example))
    if said.pop("private_key_file", None):
        said["private_key"] = "a key"
    return TypeAdapter(SalesforceSettings).validate_python(said)


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_of_settings_are_settings(example: dict[str, Any]) -> None:
    assert settings_in(example) != SalesforceSettings()


def test_the_example_of_opportunities_fits_an_org_as_it_comes() -> None:
    (settings,) = [found for found in map(settings_in, EXAMPLES) if found.record == "opportunity"]
    with running_salesforce() as server:
        server.org.add_record_type("Opportunity", settings.record_type)
        layout = layout_of(quick_client(server), settings)
    assert layout.stages[Stage.RENEWED] == "Closed Won"
    assert layout.record_type_id


def test_the_command_is_that_of_setup() -> None:
    assert deploying(SalesforceSettings()).partition(" && ")[2] in README


def test_folders_permission_sets_and_labels_are_called_what_they_are() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir()}
    assert [folder for folder in folders if f"`{folder}`" not in README] == []
    sets = {one.name: one.text("label") for one in of_kind("permissionset")}
    assert {name for name in re.findall(r"Nolapse_(?:Engine|Rep)\w*", README)} <= set(sets)
    assert {sets["Nolapse_Engine"], sets["Nolapse_Rep"]} <= set(re.findall(r"\*(Nolapse: [^*]+)\*", README))
    labels = {one.text("label") for one in of_kind("field")}
    for label in ("What Came of It", "Orders", "Urgency", "Never Contact About Renewals", "Renewal Mails by Cadence"):
        assert label in labels
        assert f"*{label}*" in re.sub(r"\s+", " ", README)
