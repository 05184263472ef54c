"""`nolapse setup`."""

import sys

import click

from cli.common import common, dry_run_option, opened, say_findings
from core.errors import UsageError


@click.command()
@click.argument("system", required=False, metavar="[SYSTEM]")
@dry_run_option
@click.option("--undo", is_flag=True, help="Remove what an earlier setup has made, and nothing else.")
@common
def setup(system: str | None, dry_run: bool, undo: bool, as_json: bool) -> None:
    """Make in the CRM what is missing there, such as properties, pipelines and lists; what is there stays as it is.

    SYSTEM is the one that is set in [sync] crm, or certcentral: then its webhook is made to lead to our web app, and
    confirmed once the challenge has come in. Salesforce is only held against the package that its administrator deploys:
    it is told what is missing, and how to deploy it. It may be repeated. Ends with 1 where something is missing still.
    """
    from core.ports import UndoableSetup

    with opened() as app:
        name = app.settings.sections.sync.crm
        if system is not None and system != name and system in app.settings.sections.sync.sources:
            if undo:
                raise UsageError(f"{system}: its webhook is removed in its console")
            from config.doors import setup_webhook

            found = setup_webhook(app, system, dry_run)
            say_findings(found, as_json)
            sys.exit(0 if all(one.ok for one in found) else 1)
        if not name:
            raise UsageError("no CRM is set; set [sync] crm")
        if system not in (None, name):
            raise UsageError(f"the CRM that is set is {name}; to set up {system}, set [sync] crm to it first")
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
