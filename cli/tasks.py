"""`nolapse tasks`: the reps' side of the embedded CRM."""

import click

from cli.common import common, opened, plain, say_json, table


@click.group()
def tasks() -> None:
    """List the reps' tasks, and say what came of them."""


@tasks.command("list")
@click.option("--rep", default=None, metavar="REP", help="Only this rep's.")
@click.option("--status", type=click.Choice(["open", "done", "all"]), default="open", show_default=True)
@click.option("--kind", default=None, help="call, support, check or contact.")
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
@common
def outcome(task: str, outcome: str, note: str, as_json: bool) -> None:
    """Say what came of TASK: done, reached, no_answer, will_renew, renewed, wrong_person, lost or do_not_call."""
    with opened() as app:
        answer = app.desk.outcome(task, outcome, note)
    _say(answer, as_json)


def _say(answer: object, as_json: bool) -> None:
    said = plain(answer)
    if as_json:
        say_json({"task": said["task"]["task_key"], "outcome": said["task"]["outcome"], "changed": said["changed"]})
        return
    known = "" if said["changed"] else " (that was known already)"
    click.echo(f"{said['task']['task_key']}: {said['task']['outcome']}{known}")
