import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PACKAGES = ["cli", "config", "connectors", "core", "templates", "webhooks"]
LOCKS = ["requirements.lock", "requirements-dev.lock"]

PIN = re.compile(r"(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>[\w.+!]+)( ; (?P<marker>[^\\]+))? \\")
HASH = re.compile(r" {4}--hash=sha256:[0-9a-f]{64}( \\)?")
COMMENT = re.compile(r" *# *(via|-c|-r|nolapse|[a-z0-9.-]+$|This file|make lock).*")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def project_files() -> list[Path]:
    """The files of the project: those git follows or would, as paths from the root."""
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-coz", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def pins(lock: str) -> dict[str, str]:
    found = (PIN.fullmatch(line) for line in (ROOT / lock).read_text().splitlines())
    return {match["name"]: match["version"] for match in found if match}


def test_no_other_lock() -> None:
    assert [path for path in project_files() if path.name in ("uv.lock", "poetry.lock", "Pipfile.lock")] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_pins_and_hashes_and_names_no_host(lock: str) -> None:
    hashes = 0
    in_pin = False
    for number, line in enumerate((ROOT / lock).read_text().splitlines(), start=1):
        where = f"{lock}:{number}: {line}"
        assert "/" not in line, f"a host or a path in {where}"
        if pin := PIN.fullmatch(line):
            assert not in_pin, f"no hash before {where}"
            if pin["marker"]:
                Marker(pin["marker"])
            in_pin = True
        elif HASH.fullmatch(line):
            hashes += 1
            in_pin = False
        else:
            assert COMMENT.fullmatch(line), f"neither pin nor hash nor comment: {where}"
    assert not in_pin
    assert hashes > len(pins(lock)) > 40


def test_the_locks_agree() -> None:
    runtime, dev = (pins(lock) for lock in LOCKS)
    assert runtime.items() <= dev.items()
    assert dev.keys() > runtime.keys()


def test_the_locks_hold_what_the_project_asks_for(project: dict[str, Any]) -> None:
    wanted = {
        "requirements.lock": project["project"]["dependencies"],
        "requirements-dev.lock": project["dependency-groups"]["dev"] + project["build-system"]["requires"],
    }
    for lock, requirements in wanted.items():
        locked = pins(lock)
        for requirement in map(Requirement, requirements):
            name = canonicalize_name(requirement.name)
            assert name in locked, f"{name} is not in {lock}: run make lock"
            assert locked[name] in requirement.specifier, f"{name} in {lock} is not {requirement}: run make lock"


def test_every_dependency_has_its_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    start = lines.index("dependencies = [")
    body = lines[start + 1 : lines.index("]", start)]
    assert len(body) >= 20
    for above, line in zip(["", *body], body, strict=False):
        assert line.startswith("    # ") or above.startswith("    # "), f"no reason above {line.strip()}"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (file,) = folder.glob("*.whl")
    return ZipFile(file)


def test_the_wheel_holds_the_packages_and_their_data_and_no_tests(wheel: ZipFile, project: dict[str, Any]) -> None:
    names = {name for name in wheel.namelist() if not name.endswith("/")}
    info = f"nolapse-{project['project']['version']}.dist-info"
    assert {name.split("/")[0] for name in names} == {*PACKAGES, info}
    expected = {path.as_posix() for path in project_files() if path.parts[0] in PACKAGES}
    assert {name for name in names if not name.startswith(info)} == expected
    assert any(name.startswith("config/") and name.endswith(".toml") for name in expected)


def test_the_wheel_names_command_connectors_and_licence(wheel: ZipFile, project: dict[str, Any]) -> None:
    info = f"nolapse-{project['project']['version']}.dist-info"
    entries = wheel.read(f"{info}/entry_points.txt").decode()
    assert "nolapse = cli.main:main" in entries
    for name, target in project["project"]["entry-points"]["nolapse.connectors"].items():
        assert f"{name} = {target}" in entries
        module, _, attribute = target.partition(":")
        assert attribute == "CONNECTOR"
        assert f"{module.replace('.', '/')}.py" in wheel.namelist()
    assert f"{info}/licenses/LICENSE" in wheel.namelist()


def test_every_folder_of_modules_is_a_package() -> None:
    folders = {path.parent for path in project_files() if path.suffix == ".py" and len(path.parts) > 1}
    assert folders
    bare = sorted(str(folder) for folder in folders if not (ROOT / folder / "__init__.py").is_file())
    assert bare == []


def test_no_file_knows_a_machine() -> None:
    own = {str(ROOT), str(Path.home()), sys.base_prefix} - {"/", "/usr", "/usr/local", "/opt"}
    places = [re.escape(place) for place in sorted(own)] + [r"/home/\w", r"/Users/\w", r"[A-Z]:\\Users"]
    machine = re.compile(rf"(?<![\w.:-])(?:{'|'.join(places)})(?=[\w/\\])|file:///\w".encode())
    files = project_files()
    assert len(files) > 20
    found = []
    for path in files:
        if path != Path(__file__).relative_to(ROOT):
            content = (ROOT / path).read_bytes()
            found += [f"{path}: {match.group().decode()}" for match in machine.finditer(content)]
    assert found == []


def test_the_check_runs_from_a_fresh_clone() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    lines = script.read_text().splitlines()
    assert "set -euo pipefail" in lines
    assert lines.index("export CI=true") < lines.index("make test") < lines.index("make lint")


def test_make_needs_no_other_rights() -> None:
    assert "sudo" not in (ROOT / "Makefile").read_text()


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("exit 1", "needs Python 3.11 or newer"),
        ('case "$2" in *venv*) exit 1;; esac', "has no venv"),
    ],
    ids=["too old", "no venv"],
)
def test_make_says_in_one_line_which_python_is_missing(tmp_path: Path, script: str, says: str) -> None:
    python = tmp_path / "python3"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    made = subprocess.run(
        ["make", "--silent", "python", f"PYTHON={python}"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 2
    ours = [line for line in made.stderr.splitlines() if not line.startswith("make")]
    assert len(ours) == 1
    assert says in ours[0]


def test_make_finds_a_python() -> None:
    made = subprocess.run(
        ["make", "--silent", "python", f"PYTHON={sys.executable}"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stdout.strip() == sys.executable
