import tomllib
from dataclasses import fields, is_dataclass
from importlib import resources
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from config.sections import Sections
from config.settings import Settings, load
from core.errors import ConfigurationError
from core.words import ProductKind


def write(folder: Path, text: str, name: str = "nolapse.toml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def settings(folder: Path, text: str, environment: dict[str, str] | None = None) -> Settings:
    return load(write(folder, text), environment or {})


def refused(folder: Path, text: str, environment: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigurationError) as error:
        settings(folder, text, environment)
    told = str(error.value)
    assert "\n" not in told
    return told


def test_without_a_file_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = load(None, {})
    assert found.source == "the defaults"
    assert found.sections.mail.via == "embedded"
    assert found.sections.store.url == f"sqlite:///{tmp_path / 'nolapse.db'}"


def test_the_file_in_the_working_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "[deliver]\nbatch_size = 7\n")
    monkeypatch.chdir(tmp_path)
    assert load(None, {}).sections.deliver.batch_size == 7


def test_the_named_file_comes_before_the_environments_and_that_before_the_working_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "[deliver]\nbatch_size = 1\n")
    by_environment = write(tmp_path, "[deliver]\nbatch_size = 2\n", "other.toml")
    named = write(tmp_path, "[deliver]\nbatch_size = 3\n", "named.toml")
    environment = {"NOLAPSE_CONFIG": str(by_environment)}
    assert load(None, environment).sections.deliver.batch_size == 2
    assert load(named, environment).sections.deliver.batch_size == 3


def test_a_named_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no such settings file; check --config or NOLAPSE_CONFIG"):
        load(tmp_path / "missing.toml", {})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[nonsense]\n", "[nonsense] is not a section; known are brand,"),
        ("[deliver]\nbatch_sise = 3\n", "[deliver] batch_sise is not a setting; known are batch_size,"),
        ('[deliver]\nbatch_size = "many"\n', "[deliver] batch_size: input should be a valid integer"),
        ('[scope]\nkinds = ["tls", "cheese"]\n', "[scope] kinds.1: input should be"),
        (
            '[smtp]\npassword = "hush"\n',
            "[smtp] password is a secret and may not stand in a settings file; set NOLAPSE_SMTP__",
        ),
        ('[order_report]\ncustomer = "planet"\n', "[order_report] customer: input should be 'organisation'"),
        ("deliver = 3\n", "deliver must be a section, written [deliver]"),
        ("[deliver\n", "expected ']'"),
        ('[sync]\ncrm = "filing-cabinet"\n', "the connector filing-cabinet is not installed; known are certcentral,"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    assert told in refused(tmp_path, text)


def test_a_file_in_another_encoding_is_told(tmp_path: Path) -> None:
    file = tmp_path / "nolapse.toml"
    file.write_bytes('[brand]\ncompany = "Müller"\n'.encode("latin-1"))
    with pytest.raises(ConfigurationError, match="is not written in UTF-8; save it again as UTF-8"):
        load(file, {})


def test_the_environment_overrides_single_settings(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        '[mail]\nvia = "embedded"\nbcc = "a@example.com"\n',
        {"NOLAPSE_MAIL__VIA": "smtp", "NOLAPSE_DELIVER__BATCH_SIZE": "9", "NOLAPSE_SMTP__PASSWORD": "hush"},
    )
    assert (found.sections.mail.via, found.sections.mail.bcc) == ("smtp", "a@example.com")
    assert found.sections.deliver.batch_size == 9
    assert found.of_connector["smtp"].password.get_secret_value() == "hush"


@pytest.mark.parametrize("text", ['["tls", "smime"]', "tls, smime"])
def test_lists_in_the_environment_are_json_or_have_commas(tmp_path: Path, text: str) -> None:
    found = settings(tmp_path, "", {"NOLAPSE_SCOPE__KINDS": text})
    assert found.sections.scope.kinds == (ProductKind.TLS, ProductKind.SMIME)


def test_unknown_settings_in_the_environment_are_refused_by_their_names(tmp_path: Path) -> None:
    assert "NOLAPSE_MAIL__VIAA is not a setting" in refused(tmp_path, "", {"NOLAPSE_MAIL__VIAA": "smtp"})
    assert "NOLAPSE_MALE__…: [male] is not a section" in refused(tmp_path, "", {"NOLAPSE_MALE__VIA": "smtp"})


def test_a_secret_comes_from_the_file_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush\n", encoding="utf-8")
    found = settings(tmp_path, '[store]\npassword_file = "secret"\n')
    assert found.sections.store.password is not None
    assert found.sections.store.password.get_secret_value() == "hush"
    assert "hush" not in repr(found)


def test_a_secret_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    assert "[store] password_file: the file cannot be read" in refused(tmp_path, '[store]\npassword_file = "none"\n')


def test_paths_count_from_the_folder_of_the_file(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        '[store]\nurl = "sqlite:///data/own.db"\n[embedded]\nmailbox = "post"\n[order_report]\npath = "/abs/r.csv"\n',
    )
    assert found.sections.store.url == f"sqlite:///{tmp_path}/data/own.db"
    assert found.of_connector["embedded"].mailbox == str(tmp_path / "post")
    assert found.of_connector["order_report"].path == "/abs/r.csv"


def test_a_file_beside_takes_the_place_of_the_packaged_parts_it_names(tmp_path: Path) -> None:
    write(tmp_path, "[rules]\nlist_within_days = 12\n", "cadence.toml")
    found = settings(tmp_path, "")
    assert found.cadences.rules.list_within_days == 12
    assert len(found.cadences.tables) == len(load(None, {}).cadences.tables)


def test_a_broken_file_beside_is_told_by_its_name(tmp_path: Path) -> None:
    write(tmp_path, "early_window_days = 'x'\n", "validity.toml")
    assert "validity.toml: early_window_days" in refused(tmp_path, "")


def shipped() -> dict[str, dict[str, Any]]:
    return tomllib.loads((resources.files("config") / "nolapse.toml").read_text(encoding="utf-8"))


def test_the_packaged_file_lists_every_setting_with_its_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an operator reads there is what holds without it."""
    monkeypatch.chdir(tmp_path)
    listed = shipped()
    types = get_type_hints(Sections)
    for name, kind in types.items():
        defaults = kind()
        for entry in fields(kind):
            default = getattr(defaults, entry.name)
            if default is None:
                continue
            said = listed[name][entry.name]
            assert said == (list(default) if isinstance(default, tuple) else default), f"[{name}] {entry.name}"
        assert set(listed[name]) <= {entry.name for entry in fields(kind)}
    assert set(types) <= set(listed)


def test_the_packaged_file_can_be_used_as_it_is(tmp_path: Path) -> None:
    text = (resources.files("config") / "nolapse.toml").read_text(encoding="utf-8")
    found = settings(tmp_path, text)
    assert is_dataclass(found.sections)
    assert found.sections.brand == Sections().brand
