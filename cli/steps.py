"""The four steps, alone and together."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import click

from cli.common import (
    common,
    day,
    dry_run_option,
    opened,
    plain,
    progress,
    say_json,
    table,
    today_option,
    unchanged,
)
from core.errors import NolapseError, UsageError
from core.timing import Timer, timer_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from config.assembly import App
    from core.installs import Prober
    from core.kinds import DeliverCounts, Kind
    from core.plan import PlanCounts
    from core.ports import Crm, OrderSource
    from core.settle import SettleCounts
    from core.store import Store
    from core.sync import SyncCounts
    from core.words import DeliveryKind


@dataclass(frozen=True, slots=True)
class Stage:
    """Where steps work: the real store and connectors, or a rehearsal of them."""

    app: "App"
    store: "Store"
    crm: "Crm | None"
    kinds: "Mapping[DeliveryKind, Kind]"
    sources: "Sequence[OrderSource]"
    timer: Timer
    prober: "Prober | None" = None


@contextmanager
def stage(app: "App", today: date | None, dry_run: bool) -> Iterator[Stage]:
    """The real thing, or with `dry_run` a rehearsal that leaves nothing behind."""
    timer = timer_for(today)
    if not dry_run:
        yield Stage(app, app.store, app.crm, app.kinds, app.sources, timer, app.prober)
        return
    from core.store import rehearse

    with rehearse(app.store) as store:
        kinds, crm = app.rehearsed_kinds()
        yield Stage(app, store, crm, kinds, app.sources, timer)


def _sync(on: Stage, allow_shrink: bool, quiet: bool) -> "SyncCounts":
    from core.sync import sync as take_in

    rejects = on.app.rejects
    with progress("sync", quiet) as tell:
        counts = take_in(
            on.store,
            on.sources,
            on.crm,
            on.timer,
            on.app.policy,
            rejects=rejects,
            allow_shrink=allow_shrink,
            progress=tell,
        )
    if on.prober is not None:
        from core.installs import look

        seen = look(on.store, on.prober, on.timer)
        if seen.looked:
            told = f"{seen.installed:,} of {seen.looked:,} new certificates that were looked for are installed"
            click.echo(f"nolapse: {told}", err=True)
    for file in rejects.files:
        click.echo(
            f"nolapse: {counts.rejected} rows could not be used; they are kept with the reasons in {file}", err=True
        )
    return counts


def _settle(on: Stage) -> "SettleCounts":
    from core.settle import settle as apply

    on.app.take_in(on.timer, store=on.store)
    return apply(on.store, on.timer, on.app.policy, records=on.crm is not None)


def _plan(on: Stage, quiet: bool) -> "PlanCounts":
    from core.plan import plan as decide

    with progress("plan", quiet) as tell:
        return decide(on.store, on.timer, on.app.policy, progress=tell)


def _deliver(on: Stage, quiet: bool) -> "DeliverCounts":
    from core.deliver import deliver as send

    on.app.take_in(on.timer, store=on.store)
    with progress("deliver", quiet) as tell:
        counts = send(on.store, on.kinds, on.timer, on.app.policy, progress=tell)
    for problem in counts.problems:
        click.echo(f"nolapse: {problem}", err=True)
    return counts


@click.command()
@click.option("--allow-shrink", is_flag=True, help="Take a report although it names far fewer orders than are known.")
@dry_run_option
@today_option
@common
def run(today: date | None, dry_run: bool, allow_shrink: bool, as_json: bool) -> None:
    """Sync, settle, plan and deliver, once each.

    Ends with 1 where a delivery has failed or is uncertain, now or since before. With --today the run stands for that
    whole day.
    """
    from core.outbox import stuck
    from core.run import RunCounts

    with opened() as app, stage(app, today, dry_run) as on:
        counts = RunCounts(
            on.timer.day, _sync(on, allow_shrink, as_json), _settle(on), _plan(on, as_json), _deliver(on, as_json)
        )
        with on.store.read() as connection:
            left = stuck(connection)
        if not dry_run:
            _afterwards(app, on.timer, well=not (counts.failed or left.words))
    if as_json:
        say_json(run_object(counts) | {"stuck": asdict(left)})
    else:
        _say_run(counts, dry_run)
        if left.words:
            click.echo(f"  {left.words}")
    sys.exit(1 if counts.failed or left.words else 0)


def _afterwards(app: "App", timer: Timer, *, well: bool) -> None:
    """What is due once a day, and a sign of life where all is well. Trouble with either is told; the run stands."""
    from config.daily import once_a_day

    try:
        once_a_day(app, timer)
    except NolapseError as error:
        click.echo(f"nolapse: {error}", err=True)
    url = app.settings.sections.schedule.ping_url
    if not well or not url:
        return
    from config.ping import ping

    if problem := ping(url):
        click.echo(f"nolapse: no sign of life could be given: {problem}", err=True)


def run_object(counts: Any) -> dict[str, Any]:
    """What `nolapse run --json` prints."""
    return {
        "day": counts.day,
        "sync": asdict(counts.sync),
        "settle": asdict(counts.settle),
        "plan": asdict(counts.plan),
        "deliver": _deliver_object(counts.deliver),
        "held": counts.deliver.held_because,
        "waits": counts.deliver.waits,
        "problems": counts.deliver.problems,
    }


def _deliver_object(counts: "DeliverCounts") -> dict[str, Any]:
    return {str(kind): asdict(one) for kind, one in counts.kinds.items()}


def _say_run(counts: Any, dry_run: bool) -> None:
    click.echo(f"{counts.day}{unchanged(dry_run)}")
    click.echo(f"  sync     {_words(asdict(counts.sync))}")
    click.echo(f"  settle   {_words(asdict(counts.settle))}")
    click.echo(f"  plan     {plan_words(counts.plan)}")
    click.echo(f"  deliver  {deliver_words(counts.deliver)}")


def _words(counts: "Mapping[str, int]") -> str:
    return ", ".join(f"{number:,} {name}" for name, number in counts.items())


def plan_words(counts: "PlanCounts") -> str:
    """The counts of planning as one line."""
    words = (
        f"{counts.touches:,} touches in {counts.deliveries:,} deliveries, "
        f"{counts.missed:,} missed, {counts.merged:,} merged"
    )
    if counts.skipped:
        why = ", ".join(f"{number:,} {reason}" for reason, number in sorted(counts.skipped.items()))
        words += f", skipped: {why}"
    return words


def deliver_words(counts: "DeliverCounts") -> str:
    """The counts of delivering as one line."""
    parts = []
    for kind, one in counts.kinds.items():
        said = [f"{number:,} {name}" for name, number in asdict(one).items() if number]
        if said:
            parts.append(f"{kind}: {', '.join(said)}")
    words = "; ".join(parts) or "nothing was due"
    if counts.waits:
        why = ", ".join(f"{number:,} {reason}" for reason, number in sorted(counts.waits.items()))
        words += f"; had to wait: {why}"
    return f"{words} ({counts.held_because})" if counts.held_because else words


@click.command()
@click.option("--allow-shrink", is_flag=True, help="Take a report although it names far fewer orders than are known.")
@dry_run_option
@today_option
@common
def sync(today: date | None, dry_run: bool, allow_shrink: bool, as_json: bool) -> None:
    """Take in what the order sources and the CRM say now."""
    with opened() as app, stage(app, today, dry_run) as on:
        counts = _sync(on, allow_shrink, as_json)
    say_json(counts) if as_json else click.echo(_words(asdict(counts)))


@click.command()
@dry_run_option
@today_option
@common
def settle(today: date | None, dry_run: bool, as_json: bool) -> None:
    """Apply confirmations, lapse what ended, and queue every consequence."""
    with opened() as app, stage(app, today, dry_run) as on:
        counts = _settle(on)
    say_json(counts) if as_json else click.echo(_words(asdict(counts)))


@click.command()
@click.option("--from", "first", type=day, metavar="DATE", help="Preview from this day on; writes nothing.")
@click.option("--to", "last", type=day, metavar="DATE", help="Preview up to this day. [default: the first day]")
@dry_run_option
@today_option
@common
def plan(today: date | None, first: date | None, last: date | None, dry_run: bool, as_json: bool) -> None:
    """Decide what is due today and tomorrow; with --from and --to, preview a span of days.

    A preview shows what would go if nothing changed, one line per delivery.
    """
    if first is None and last is None:
        with opened() as app, stage(app, today, dry_run) as on:
            counts = _plan(on, as_json)
        say_json(counts) if as_json else click.echo(plan_words(counts))
        return
    with opened() as app:
        _preview(app, today or datetime.now(UTC).date(), first, last, as_json)


def _preview(app: "App", today: date, first: date | None, last: date | None, as_json: bool) -> None:
    from core.run import foresee
    from core.store import rehearse

    start = first or today
    end = last or start
    if end < start:
        raise UsageError(f"--to {end} is before --from {start}")
    with rehearse(app.store) as store:
        kinds, _ = app.rehearsed_kinds()
        found = foresee(store, kinds, start, end, today, app.policy)
    if as_json:
        for one in found:
            say_json(one)
        return
    columns = ("day", "send after (UTC)", "what", "to", "account", "orders", "touchpoint", "urgency", "clock", "waits")
    rows = [
        (
            one.day,
            one.send_after[:16].replace("T", " "),
            one.kind,
            one.contact or one.rep or "nobody yet",
            one.account,
            ", ".join(one.orders),
            one.touchpoint,
            one.urgency,
            one.clock,
            one.waits,
        )
        for one in found
    ]
    table(columns, rows, title=f"What would go from {start} to {end}: {len(rows)} deliveries")


@click.command()
@dry_run_option
@today_option
@common
def deliver(today: date | None, dry_run: bool, as_json: bool) -> None:
    """Send what is due. Ends with 1 where something failed or is uncertain."""
    with opened() as app, stage(app, today, dry_run) as on:
        counts = _deliver(on, as_json)
    if as_json:
        told = {"held": counts.held_because, "waits": counts.waits, "problems": counts.problems}
        say_json(plain(_deliver_object(counts)) | told)
    else:
        click.echo(deliver_words(counts))
    bad = counts.problems or any(one.failed or one.uncertain for one in counts.kinds.values())
    sys.exit(1 if bad else 0)
