import tomllib
from dataclasses import fields
from importlib import resources
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from connectors.hubspot.settings import HubSpotSettings


def test_the_packaged_file_lists_every_setting_with_its_default() -> None:
    listed = tomllib.loads((resources.files("config") / "nolapse.toml").read_text(encoding="utf-8"))["hubspot"]
    defaults = HubSpotSettings()
    plain = {entry.name: getattr(defaults, entry.name) for entry in fields(defaults) if entry.name != "token"}
    assert listed == {name: list(said) if isinstance(said, tuple) else said for name, said in plain.items()}


@pytest.mark.parametrize(
    "said",
    [
        {"api_version": "2025-09"},
        {"record": "order"},
        {"attempts": 0},
        {"calls_per_10_seconds": 0},
        {"daily_reserve_percent": 100},
        {"read_timeout": 0},
        {"parallel_calls": 0},
    ],
)
def test_what_cannot_be_meant_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(HubSpotSettings).validate_python(said)


def test_the_token_shows_nowhere() -> None:
    settings = TypeAdapter(HubSpotSettings).validate_python({"token": "a-secret"})
    assert "a-secret" not in repr(settings)
