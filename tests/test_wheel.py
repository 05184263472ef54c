import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked as an installer does, in a folder of its own."""
    place = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)]
    subprocess.run(build, cwd=CHECKOUT, check=True, capture_output=True)
    (wheel,) = place.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(place / "site")
    return place / "site"


def run(unpacked: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A process that sees the wheel and the dependencies, and not the checkout: a path ignores its .pth files."""
    path = os.pathsep.join([str(unpacked), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    base = getattr(sys, "_base_executable", sys.executable)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("NOLAPSE_")}
    return subprocess.run(
        [base, *arguments],
        cwd=folder,
        env=environment | {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_it_is_the_wheel_that_runs(unpacked: Path, tmp_path: Path) -> None:
    names = "cli, config, connectors, core, templates, webhooks"
    where = run(unpacked, tmp_path, "-c", f"import {names}; print([m.__file__ for m in ({names})])")
    assert where.stdout.count(str(unpacked)) == 6, where.stderr
    assert str(CHECKOUT) not in where.stdout


def test_the_wheel_plays_the_demo_outside_the_checkout(unpacked: Path, tmp_path: Path) -> None:
    said = run(unpacked, tmp_path, "-m", "cli.main", "demo", "--days", "10")
    assert said.returncode == 0, said.stderr
    assert "week  2" in said.stdout
    assert list((tmp_path / "demo" / "mailbox" / "new").iterdir())
