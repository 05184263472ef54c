import json
import subprocess
import sys

import pytest

from cli.main import COMMANDS

SDKS = {"simple_salesforce", "hubspot", "flask", "apscheduler", "requests", "urllib3", "werkzeug"}
HEAVY = {"sqlalchemy", "alembic", "psycopg", "pydantic", "jinja2", "holidays", "rich"}
OWN_DOORS = {"core.store", "config.assembly", "config.settings", "connectors.embedded.connector", "templates.writer"}

LOOK = """
import json, sys
from cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    code = ended.code
print("\\n" + json.dumps([code, sorted(sys.modules)]))
"""


def imported_by(*arguments: str) -> set[str]:
    """The modules that a fresh Python has after this command, and the packages they are in."""
    ended = subprocess.run([sys.executable, "-c", LOOK, *arguments], capture_output=True, text=True, check=True)
    code, modules = json.loads(ended.stdout.splitlines()[-1])
    assert code == 0, ended.stderr
    return {*modules, *(name.partition(".")[0] for name in modules)}


def test_help_imports_no_sdk_and_nothing_heavy() -> None:
    found = imported_by("--help")
    assert "click" in found
    assert found & (SDKS | HEAVY | OWN_DOORS) == set()


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_the_help_of_a_command_imports_no_sdk(command: str) -> None:
    found = imported_by(command, "--help")
    assert COMMANDS[command][0] in found
    assert found & SDKS == set()


def test_a_run_imports_no_sdk_that_its_settings_do_not_name(tmp_path: object) -> None:
    settings = f"{tmp_path}/nolapse.toml"
    with open(settings, "w", encoding="utf-8") as file:
        file.write('[store]\nurl = "sqlite:///nolapse.db"\n')
    found = imported_by("--config", settings, "report", "expiring", "--json")
    assert "sqlalchemy" in found
    assert found & SDKS == set()
