"""`nolapse show`."""

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import click

from cli.common import common, opened, say_json, table, today_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.show import Shown


@click.command()
@click.argument("what")
@today_option
@common
def show(what: str, today: date | None, as_json: bool) -> None:
    """Show all about WHAT: a domain, an order, an account or the address of a person.

    WHAT is www.example.com, digicert:12345 or its bare number, an account's key or a part of its name, or an e-mail
    address. For an order also what happened, or will, at each touchpoint.
    """
    from core.explain import explain
    from core.lookup import order_summary
    from core.show import What
    from core.show import show as find

    with opened() as app, app.store.read() as connection:
        found = find(connection, what)
        one = found.orders[0].order if found.what is What.ORDER and len(found.orders) == 1 else ""
        told = explain(connection, one, app.policy, today or datetime.now(UTC).date()) if one else []
        summary = order_summary(connection, one) if one else []
    if as_json:
        say_json({"found": found, "touchpoints": told})
        return
    for line in summary:
        click.echo(line)
    _say(found)
    if told:
        rows = [(one.day, one.clock, one.touchpoint, one.channel, one.outcome, one.reason) for one in told]
        _part("Touchpoints", ("day", "clock", "touchpoint", "channel", "outcome", "why"), rows)


def _say(found: "Shown") -> None:
    from config.amounts import money

    if found.forgotten_since is not None:
        click.echo(f"This person was forgotten on {found.forgotten_since:%Y-%m-%d}.")
    _part(
        "Accounts",
        ("account", "name", "country", "rep", "segment", "route", "wishes"),
        [
            (one.account, one.name, one.country, one.rep_name or one.rep, one.segment, one.route, _wishes(one))
            for one in found.accounts
        ],
    )
    _part(
        "Orders",
        ("order", "name", "product", "status", "ends", "certificate ends", "stage", "next on", "worth"),
        [
            (
                one.order,
                one.name,
                one.product,
                one.status,
                one.ends_on,
                one.certificate_ends_on,
                "renews by itself" if one.auto_renew and not one.outcome else one.outcome or one.stage,
                one.next_on,
                "" if one.value_minor is None else money(one.value_minor, one.currency),
            )
            for one in found.orders
        ],
    )
    _part(
        "People",
        ("address", "name", "phone", "language", "roles", "account", "offers by", "refuses"),
        [
            (one.email, one.name, one.phone, one.language, one.roles, one.account, one.consent, ", ".join(one.refuses))
            for one in found.people
        ],
    )
    _part(
        "Open tasks",
        ("task", "kind", "account", "rep", "urgency", "due"),
        [(one.task, one.kind, one.account, one.rep or "nobody", one.urgency, one.due_on) for one in found.tasks],
    )
    _part(
        "Last mails",
        ("day", "touchpoint", "urgency", "to"),
        [(one.day, one.touchpoint, one.urgency, one.email) for one in found.mails],
    )


def _wishes(one: object) -> str:
    said = {"do_not_contact": "no contact", "do_not_call": "no calls"}
    return ", ".join(words for name, words in said.items() if getattr(one, name))


def _part(title: str, columns: "Sequence[str]", rows: "Sequence[Sequence[object]]") -> None:
    if rows:
        click.echo(f"\n{title}")
        table(columns, rows)
