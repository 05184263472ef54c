"""`nolapse setup`."""

import sys

import click

from cli.common import common, dry_run_option, opened, say_findings
from core.errors import UsageError


@click.command()
@click.argument("crm", required=False, metavar="[CRM]")
@dry_run_option
@click.option("--undo", is_flag=True, help="Remove what an earlier setup has made, and nothing else.")
@common
def setup(crm: str | None, dry_run: bool, undo: bool, as_json: bool) -> None:
    """Make in the CRM what is missing there, such as properties, pipelines and lists; what is there stays as it is.

    It may be repeated. CRM is the one that is set in [sync] crm. Ends with 1 where something could not be made.
    """
    from core.ports import UndoableSetup

    with opened() as app:
        name = app.settings.sections.sync.crm
        if not name:
            raise UsageError("no CRM is set; set [sync] crm")
        if crm not in (None, name):
            raise UsageError(f"the CRM that is set is {name}; to set up {crm}, set [sync] crm to it first")
        port = app.crm
        assert port is not None
        if not undo:
            found = port.setup(dry_run)
        elif isinstance(port, UndoableSetup):
            found = port.undo_setup(dry_run)
        else:
            raise UsageError(f"{name} makes nothing that could be removed")
    say_findings(found, as_json)
    sys.exit(0 if all(one.ok for one in found) else 1)
