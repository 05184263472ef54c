"""`nolapse serve`."""

import sys
from pathlib import Path

import click

from cli.common import common, opened, say_json


@click.command()
@click.option("--check", is_flag=True, help="Say how the running server does, by its health file, and end with 0 or 1.")
@click.option("--web-only", is_flag=True, help="Serve the web app alone; the jobs are done elsewhere.")
@click.option("--jobs-only", is_flag=True, help="Do the jobs alone; the web app is served elsewhere.")
@common
def serve(check: bool, web_only: bool, jobs_only: bool, as_json: bool) -> None:
    """Sync, settle, plan and deliver on the schedule of the settings, until SIGTERM or SIGINT.

    Where [web] listen is set, the web app is served as well.

    Ends with 0 once what was under way is written down; with 1 where [schedule] stop_seconds ran out before.
    """
    if web_only and jobs_only:
        raise click.UsageError("--web-only and --jobs-only leave nothing to serve; say one of them")
    if check:
        _check(as_json)
    from config.server import Server

    debug = bool(click.get_current_context().ensure_object(dict).get("debug"))
    with opened() as app:
        server = Server(app, jobs=not web_only, web=web_only or (False if jobs_only else None), debug=debug)
        told = [f"{name} ({words})" for name, words in server.schedule.items()]
        served = ", ".join([*told, *([f"the web app on {server.url}"] if server.url else [])])
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
