"""The settings: defaults, what is refused, and that the packaged file lists them all."""

import tomllib
from dataclasses import fields
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, TypeAdapter, ValidationError

from config.settings import load
from connectors.certcentral.connector import CertCentralSettings
from core.errors import ConfigurationError

SECRETS = {"key", "partner_key"}


def test_the_packaged_file_lists_each_with_its_default() -> None:
    listed = tomllib.loads((resources.files("config") / "nolapse.toml").read_text(encoding="utf-8"))["certcentral"]
    defaults = CertCentralSettings()
    expected = {entry.name: getattr(defaults, entry.name) for entry in fields(defaults) if entry.name not in SECRETS}
    assert {name: tuple(value) if isinstance(value, list) else value for name, value in listed.items()} == expected


@pytest.mark.parametrize(
    "said",
    [
        {"region": "mars"},
        {"customer": "planet"},
        {"full_at": "2 o'clock"},
        {"full_at": "24:00"},
        {"overlap_minutes": 0},
        {"parallel": 0},
        {"timeout_seconds": 0},
        {"calls_per_3_minutes": 0},
        {"notice_words": ["on"]},
        {"renewal_message": "x" * 2001},
        {"crm_id_field": -1},
    ],
    ids=repr,
)
def test_what_cannot_be_meant_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(CertCentralSettings).validate_python(said)


def test_keys_come_from_the_environment_or_a_file_only(tmp_path: Path) -> None:
    file = tmp_path / "nolapse.toml"
    (tmp_path / "its.key").write_text("k1\n", encoding="utf-8")
    file.write_text('[sync]\nsources = ["certcentral"]\n[certcentral]\nkey_file = "its.key"\n', encoding="utf-8")
    found = load(file, {"NOLAPSE_CERTCENTRAL__PARTNER_KEY": "k2"}).of_connector["certcentral"]
    assert (found.key, found.partner_key) == (SecretStr("k1"), SecretStr("k2"))
    assert "k1" not in repr(found) + str(found)
    file.write_text('[certcentral]\nkey = "k1"\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"\[certcentral\] key is a secret"):
        load(file, {})
