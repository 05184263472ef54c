"""`nolapse demo`: a sample portfolio through 120 days, as a time-lapse with renewals arriving."""

import json
import shutil
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.common import common, day, many, say_json
from core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cli.demo_crms import StandIn
    from cli.demo_sources import Outside
    from cli.sample import Sample
    from config.assembly import App
    from core.model import Reject
    from core.plan import PlanCounts
    from core.run import RunCounts
    from core.sync import Rejects
    from core.timing import WholeDay

_MARK = ".nolapse-demo"
_WEEK = 7

_SETTINGS = """# The settings of the demo. Every file of it is made afresh by `nolapse demo`.
[store]
url = "sqlite:///nolapse.db"

[sync]
sources = {sources}
crm = "{crm}"

{source}accounts_path = "accounts.csv"
contacts_path = "contacts.csv"
reps_path = "reps.csv"

[brand]
company = "Nordlicht Hosting"
sender = "renewals@nordlicht.example"
console_name = "the Nordlicht console"
console_url = "https://console.nordlicht.example/certificates"
postal_address = "Nordlicht Hosting, Hafenstrasse 1, 20095 Hamburg, Germany"
support = "support@nordlicht.example"

[reps]
fallback = "{fallback}"
support = "{support}"

[scope]
own_domains = ["nordlicht.example"]

[embedded]
mailbox = "mailbox"
"""


@dataclass(slots=True)
class Week:
    """What happened in a week of the time-lapse."""

    first: date
    last: date
    due: int = 0
    mails: int = 0
    calls: int = 0
    raised: int = 0
    renewed: int = 0
    lapsed: int = 0
    withdrawn: int = 0
    merged: int = 0
    missed: int = 0
    rejected: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)

    def add(self, counts: "RunCounts") -> None:
        """Adds a day."""
        from core.words import DeliveryKind

        kinds = counts.deliver.kinds
        planned: PlanCounts = counts.plan
        self.due += planned.touches
        self.mails += kinds[DeliveryKind.MAIL].delivered
        self.calls += kinds[DeliveryKind.CALL_CREATE].delivered
        self.raised += kinds[DeliveryKind.CALL_RAISE].delivered
        self.renewed += counts.settle.renewed
        self.lapsed += counts.settle.lapsed
        self.withdrawn += counts.settle.withdrawn + kinds[DeliveryKind.MAIL].withdrawn
        self.merged += planned.merged
        self.missed += planned.missed
        self.rejected = counts.sync.rejected
        self.skipped.update(planned.skipped)


@click.command()
@click.option("--folder", default="demo", show_default=True, type=click.Path(), help="Where everything is put.")
@click.option("--start", type=day, metavar="DATE", help="The first day. [default: so that the last one is today]")
@click.option("--days", type=click.IntRange(1, 120), default=120, show_default=True, help="How many days to play.")
@click.option(
    "--crm",
    type=click.Choice(["embedded", "hubspot", "salesforce"]),
    default="embedded",
    show_default=True,
    help="Where the reps work; hubspot and salesforce are stand-ins on this machine, which only a checkout has.",
)
@click.option(
    "--source",
    type=click.Choice(["order_report", "certcentral"]),
    default="order_report",
    show_default=True,
    help="Where the orders come from; certcentral is a stand-in on this machine, which only a checkout has.",
)
@common
def demo(folder: str, start: date | None, days: int, crm: str, source: str, as_json: bool) -> None:
    """Play a sample portfolio: first it is only observed, then a pilot goes live, then everybody.

    Orders come in, calls and mails go out, renewals stop them.
    """
    from cli.demo_crms import stand_in
    from cli.demo_sources import certcentral, order_report
    from cli.sample import write_sample
    from config.assembly import application
    from config.settings import load

    began = time.monotonic()
    first = start or datetime.now(UTC).date() - timedelta(days=days - 1)
    open_outside = certcentral() if source == "certcentral" else order_report
    with stand_in(crm) as standing_in:
        place = _empty(Path(folder))
        sample = write_sample(place, first)
        with open_outside(sample) as outside:
            settings = _settings(sample, outside, place, crm)
            settings += standing_in.settings if standing_in else ""
            (place / "nolapse.toml").write_text(settings, encoding="utf-8")
            if not as_json:
                click.echo(_opening(sample, days))
            total = Week(first, first + timedelta(days=days - 1))
            environment = standing_in.environment if standing_in else {}
            with application(load(place / "nolapse.toml", environment=environment)) as app:
                _prepare(app, sample)
                if standing_in:
                    _set_up(app)
                _play_all(app, sample, outside, standing_in, total, as_json)
                if not as_json:
                    stays = source == "order_report" and not standing_in
                    _close(app, sample, place, total, time.monotonic() - began, standing_in, stays=stays)


def _play_all(
    app: "App", sample: "Sample", outside: "Outside", standing_in: "StandIn | None", total: Week, as_json: bool
) -> None:
    days = (total.last - total.first).days + 1
    for number in range(0, days, _WEEK):
        first = total.first + timedelta(days=number)
        week = Week(first, min(first + timedelta(days=_WEEK - 1), total.last))
        _play(app, sample, outside, standing_in, week, total)
        if as_json:
            say_json(week)
        else:
            click.echo("\n".join((*week.told, _line(number // _WEEK + 1, week))))


def _set_up(app: "App") -> None:
    assert app.crm is not None
    for finding in app.crm.setup(False):
        if not finding.ok:
            raise UsageError(f"{finding.subject}: {finding.text}")


def _empty(place: Path) -> Path:
    """The folder of the demo, emptied if an earlier demo made it. Anything else is not touched."""
    if place.exists() and any(place.iterdir()):
        if not (place / _MARK).is_file():
            raise UsageError(f"{place} holds something that is not a demo; name another folder with --folder")
        shutil.rmtree(place)
    place.mkdir(parents=True, exist_ok=True)
    (place / _MARK).touch()
    return place


def _settings(sample: "Sample", outside: "Outside", place: Path, crm: str) -> str:
    from cli.sample_portfolio import REPS

    sales = [rep for rep in REPS if rep[4] == "rep"]
    support = next((rep[0] for rep in REPS if rep[4] == "support"), sales[0][0])
    return _SETTINGS.format(
        sources=json.dumps(outside.sources),
        crm=crm,
        source=outside.settings(place),
        fallback=sales[0][0],
        support=support,
    )


def _prepare(app: "App", sample: "Sample") -> None:
    from core import consents, migrations
    from core.consent import Basis, Given
    from core.suppressions import suppress
    from core.timing import WholeDay
    from core.words import Channel, Nature

    migrations.migrate(app.bare_store)
    now = WholeDay(sample.start).opening
    with app.store.begin() as connection:
        for address in sample.suppressed:
            suppress(connection, address, Channel.MAIL, Nature.SERVICE, "unsubscribe", "from before", now)
        given = Given(Basis.DOUBLE_OPT_IN, sample.start, "web form", "the log of the form")
        said = [consents.Entry(address, channel, given) for address in sample.consenting for channel in Channel]
        consents.note(connection, said, now)


def _play(
    app: "App", sample: "Sample", outside: "Outside", standing_in: "StandIn | None", week: Week, total: Week
) -> None:
    from cli.demo_tale import happen, morning
    from core.timing import WholeDay

    today = week.first
    while today <= week.last:
        if standing_in and today == week.first + timedelta(days=1) and standing_in.answer_call():
            week.events["called"] += 1
        outside.bring_to(today)
        timer = WholeDay(today)
        week.told += morning(app, sample, today)
        for event in sample.on(today):
            week.told += happen(app, event, sample.ca, timer)
            week.events[event.kind] += 1
        counts = _run(app, timer, app.rejects if today == sample.start else _known_already)
        for sheet in (week, total):
            sheet.add(counts)
        today += timedelta(days=1)
    total.events += week.events


def _run(app: "App", timer: "WholeDay", rejects: "Rejects") -> "RunCounts":
    from core.deliver import deliver
    from core.plan import plan
    from core.run import RunCounts
    from core.settle import settle
    from core.sync import sync

    policy, store = app.policy, app.store
    return RunCounts(
        timer.day,
        sync(store, app.sources, app.crm, timer, policy, rejects=rejects),
        settle(store, timer, policy, records=True),
        plan(store, timer, policy),
        deliver(store, app.kinds, timer, policy),
    )


def _known_already(source: str, header: "Sequence[str]", rejects: "Iterable[Reject]") -> None:
    """The bad row of the report was kept on the first day; the same row needs no second place."""


def _opening(sample: "Sample", days: int) -> str:
    accounts = len({order.customer for order in sample.orders})
    return (
        f"A portfolio of {len(sample.orders)} orders of {accounts} accounts, played from {sample.start} "
        f"for {days} days.\n"
        "Touches are the touchpoints that came due; one mail often stands for several.\n"
    )


def _line(number: int, week: Week) -> str:
    went = (
        many(week.due, "touch", "touches") + " due",
        many(week.mails, "mail"),
        many(week.calls, "new call"),
        many(week.raised, "call") + " raised",
        f"{week.renewed} renewed",
        f"{week.lapsed} lapsed",
    )
    lines = [f"week {number:2}  {week.first} to {week.last}   {', '.join(went)}"]
    kept = (
        f"{week.withdrawn} withdrawn" * bool(week.withdrawn),
        f"{week.merged} merged into another message" * bool(week.merged),
        f"{week.missed} due before the order was first seen" * bool(week.missed),
    )
    if any(kept):
        lines.append(f"         not sent: {', '.join(filter(None, kept))}")
    if week.skipped:
        told = (f"{count} {reason.replace('_', ' ')}" for reason, count in sorted(week.skipped.items()))
        lines.append(f"         skipped: {', '.join(told)}")
    if week.events:
        said = (many(count, *_HAPPENED[kind]) for kind, count in sorted(week.events.items()))
        lines.append(f"         meanwhile: {', '.join(said)}")
    return "\n".join(lines)


_HAPPENED = {
    "renewed": ("order renewed", "orders renewed"),
    "auto_renewed": ("order renewed by itself", "orders renewed by themselves"),
    "replaced": ("order replaced by a newer one", "orders replaced by newer ones"),
    "placed": ("renewal placed, not issued yet", "renewals placed, not issued yet"),
    "issued": ("placed renewal issued", "placed renewals issued"),
    "reissued": ("certificate reissued", "certificates reissued"),
    "revoked": ("certificate revoked", "certificates revoked"),
    "cancelled": ("order cancelled", "orders cancelled"),
    "confirmed": ("renewal told by the shop", "renewals told by the shop"),
    "reopened": ("mistaken confirmation reopened", "mistaken confirmations reopened"),
    "lost": ("customer lost", "customers lost"),
    "called": ("call made by its rep", "calls made by their reps"),
    "opted_out": ("person wants no more mails", "people want no more mails"),
}


def _close(
    app: "App",
    sample: "Sample",
    place: Path,
    total: Week,
    seconds: float,
    standing_in: "StandIn | None",
    *,
    stays: bool,
) -> None:
    """Tells what came of it and where to look. `stays`: what stood outside is still there after the demo."""
    from cli.demo_tale import examples, unreachable

    mailbox = Path(app.settings.of_connector["embedded"].mailbox)
    letters = sum(1 for _ in (mailbox / "new").glob("*"))
    click.echo(
        f"\nIn {(total.last - total.first).days + 1} days: {many(total.due, 'touch', 'touches')} due, "
        f"{many(total.mails, 'mail')}, {many(total.calls, 'call')}, {total.renewed} renewed, {total.lapsed} lapsed "
        f"({seconds:.0f} seconds).\n"
    )
    tasks = [] if standing_in else app.desk.list_tasks()
    where = "" if standing_in else f"; {many(len(tasks), 'task')} open on the reps' desks"
    click.echo(f"The mails are in {mailbox} ({letters} of them){where}.")
    if standing_in:
        click.echo(f"In {standing_in.title}: {standing_in.held()}.")
        click.echo(f"What reps said of {many(_answered(app), 'call')} there came back.")
    if (place / "rejects").is_dir():
        click.echo(f"One row of the report could not be used; it is kept with the reason in {place / 'rejects'}.")
    if nobody := unreachable(app):
        click.echo(nobody)
    click.echo()
    click.echo("Look around:")
    command = f"{'nolapse' if shutil.which('nolapse') else sys.argv[0]} --config {place / 'nolapse.toml'}"
    at_desk = ["tasks list", f"tasks show {tasks[0].task_key}" if tasks else "tasks list --status all"]
    for rest in (
        *([] if standing_in else at_desk),
        *examples(app, sample, total.last),
        f"report expiring --today {total.last}",
        f"plan --today {total.last} --from {total.last + timedelta(days=1)} --to {total.last + timedelta(days=14)}",
        f"simulate --today {total.last + timedelta(days=1)} --days 90",
        *((f"run --today {total.last + timedelta(days=1)}",) if stays else ()),
    ):
        click.echo(f"  {command} {rest}")


def _answered(app: "App") -> int:
    """How many call tasks have an outcome, which a rep gave them in the CRM."""
    from sqlalchemy import func, select

    from core.schema import tasks

    with app.store.read() as connection:
        found: int = connection.execute(
            select(func.count()).select_from(tasks).where(tasks.c.outcome != "")
        ).scalar_one()
    return found
