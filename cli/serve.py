"""`nolapse serve`."""

import sys
from pathlib import Path

import click

from cli.common import common, opened, say_json


@click.command()
@click.option("--check", is_flag=True, help="Say how the running server does, by its health file, and end with 0 or 1.")
@common
def serve(check: bool, as_json: bool) -> None:
    """Sync, settle, plan and deliver on the schedule of the settings, until SIGTERM or SIGINT.

    Ends with 0 once what was under way is written down; with 1 where [schedule] stop_seconds ran out before.
    """
    if check:
        _check(as_json)
    from config.server import Server

    debug = bool(click.get_current_context().ensure_object(dict).get("debug"))
    with opened() as app:
        server = Server(app, debug=debug)
        served = ", ".join(f"{name} ({words})" for name, words in server.schedule.items())
        click.echo(f"nolapse: serving {served}", err=True)
        code = server.run()
    sys.exit(code)


def _check(as_json: bool) -> None:
    from config.health import check as ask
    from config.settings import load

    config = click.get_current_context().ensure_object(dict).get("config")
    why, found = ask(load(Path(config) if config else None).sections.schedule)
    if as_json:
        say_json({**found, "healthy": not why, "why": why})
    else:
        click.echo(why or "the server is well")
    sys.exit(1 if why else 0)
