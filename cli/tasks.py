"""`nolapse tasks`: the reps' side of the embedded CRM."""

from datetime import date

import click

from cli.common import common, day, opened, plain, say_json, table
from core.errors import UsageError
from core.words import LostScope


@click.group()
def tasks() -> None:
    """List the reps' tasks, and say what came of them."""


@tasks.command("list")
@click.option("--rep", default=None, metavar="REP", help="Only this rep's.")
@click.option("--status", type=click.Choice(["open", "done", "all"]), default="open", show_default=True)
@click.option("--kind", default=None, help="call, support, check, contact or escalation.")
@click.option("--account", default=None, help="An account's key, or a part of its name.")
@common
def list_tasks(rep: str | None, status: str, kind: str | None, account: str | None, as_json: bool) -> None:
    """List tasks, the most urgent first."""
    with opened() as app:
        found = app.desk.list_tasks(owner=rep, status=status, kind=kind, account=account)
    if as_json:
        say_json(found)
        return
    columns = ("task", "due", "urgency", "rep", "account", "what", "phone", "status", "outcome")
    rows = [
        (
            one.task_key,
            one.due_on,
            one.urgency,
            one.owner_key or "nobody",
            one.account_name or one.account_key,
            one.subject,
            one.contact_phone,
            one.status,
            one.outcome,
        )
        for one in found
    ]
    table(columns, rows)


@tasks.command("show")
@click.argument("task")
@common
def show_task(task: str, as_json: bool) -> None:
    """Show a task with its script."""
    with opened() as app:
        found = app.desk.show(task)
    if as_json:
        say_json(found)
        return
    click.echo(f"{found.subject}\nDue {found.due_on}, {found.urgency}, {found.owner_key or 'nobody'}, {found.status}\n")
    click.echo(found.body)


@tasks.command("done")
@click.argument("task")
@click.option("--note", default="", help="What to remember.")
@common
def done(task: str, note: str, as_json: bool) -> None:
    """Say that TASK is done."""
    with opened() as app:
        answer = app.desk.done(task, note)
    _say(answer, as_json)


@tasks.command("outcome")
@click.argument("task")
@click.argument("outcome")
@click.option("--note", default="", help="What to remember.")
@click.option("--until", type=day, metavar="DATE", help="With will_renew: the day up to which it is believed.")
@click.option("--lost-reason", default="", help="With lost: why.")
@click.option("--lost-scope", type=click.Choice([str(one) for one in LostScope]), help="With lost: how far it reaches.")
@click.option("--win-back", type=day, metavar="DATE", help="With lost: the day on which to ask again.")
@common
def outcome(
    task: str,
    outcome: str,
    note: str,
    until: date | None,
    lost_reason: str,
    lost_scope: str | None,
    win_back: date | None,
    as_json: bool,
) -> None:
    """Say what came of TASK.

    One of done, reached, no_answer, will_renew, renewed, installed, wrong_person, lost, do_not_call.
    """
    told = {
        "until": until.isoformat() if until else "",
        "reason": lost_reason,
        "scope": lost_scope or "",
        "win_back_on": win_back.isoformat() if win_back else "",
    }
    fitting = {"will_renew": ("until",), "lost": ("reason", "scope", "win_back_on")}.get(outcome, ())
    if strange := [name for name, text in told.items() if text and name not in fitting]:
        raise UsageError(f"{_OPTIONS[strange[0]]} does not go with the outcome {outcome}")
    with opened() as app:
        answer = app.desk.outcome(task, outcome, note, {name: text for name, text in told.items() if text})
    _say(answer, as_json)


_OPTIONS = {"until": "--until", "reason": "--lost-reason", "scope": "--lost-scope", "win_back_on": "--win-back"}


@tasks.command("contacted")
@click.argument("account")
@click.option("--on", type=day, metavar="DATE", help="The day of it. [default: today]")
@common
def contacted(account: str, on: date | None, as_json: bool) -> None:
    """Say that somebody has talked to ACCOUNT: for some days our calls become notes."""
    with opened() as app:
        app.desk.contacted(account, on)
    say_json({"account": account, "on": on}) if as_json else click.echo(f"{account}: noted; the next sync takes it in.")


@tasks.command("deal")
@click.argument("account")
@click.option("--open/--closed", "is_open", default=True, help="Whether any deal is open.")
@common
def deal(account: str, is_open: bool, as_json: bool) -> None:
    """Say that a deal with ACCOUNT is open, or none any more: while one is, our calls become notes."""
    with opened() as app:
        app.desk.deal(account, is_open=is_open)
    if as_json:
        say_json({"account": account, "open": is_open})
    else:
        click.echo(f"{account}: noted; the next sync takes it in.")


@tasks.command("notes")
@click.option("--account", default=None, help="An account's key, or a part of its name.")
@common
def notes(account: str | None, as_json: bool) -> None:
    """Show the notes that calls have become, the newest first."""
    with opened() as app:
        found = app.desk.notes(account)
    if as_json:
        say_json(found)
        return
    for one in found:
        click.echo(f"{one.at:%Y-%m-%d} {one.account_name or one.account_key}: {one.subject}\n\n{one.body}\n")


def _say(answer: object, as_json: bool) -> None:
    said = plain(answer)
    if as_json:
        say_json({"task": said["task"]["task_key"], "outcome": said["task"]["outcome"], "changed": said["changed"]})
        return
    known = "" if said["changed"] else " (that was known already)"
    click.echo(f"{said['task']['task_key']}: {said['task']['outcome']}{known}")
