"""The demo's tale: days of observing, a look at the plan, a pilot, then everybody; and what people do meanwhile."""

from datetime import date, timedelta
from typing import TYPE_CHECKING

from core.timing import WholeDay
from core.words import DeliveryKind

if TYPE_CHECKING:
    from cli.sample import Event, Sample
    from config.assembly import App

OBSERVED_DAYS = 2
PILOT_DAYS = 3
LOST_TO = "moved to another CA"


def morning(app: "App", sample: "Sample", today: date) -> list[str]:
    """What the operator does on this morning, before anything else happens, as it is told; nothing on all but two."""
    pilot_from = sample.start + timedelta(days=OBSERVED_DAYS)
    if today == pilot_from:
        return _pilot(app, sample, today)
    return _everybody(app, today) if today == pilot_from + timedelta(days=PILOT_DAYS) else []


def _pilot(app: "App", sample: "Sample", today: date) -> list[str]:
    from cli.sample_portfolio import CUSTOMERS, PILOT
    from core import golive

    mails, calls = _look_at_the_plan(app, today)
    with app.store.begin() as connection:
        golive.go_live_with(connection, [sample.account_key(number) for number in PILOT], today)
    return [
        f"{today}  {OBSERVED_DAYS} days were only observed: everything is planned, nothing was sent.",
        f"            `nolapse plan` shows what would go today: mails {mails}, calls {calls}.",
        f"            A pilot goes live: {' and '.join(CUSTOMERS[number].name for number in PILOT)}.",
    ]


def _look_at_the_plan(app: "App", today: date) -> tuple[int, int]:
    """How many mails and calls would go today, were everybody live."""
    from core.run import foresee
    from core.store import rehearse

    with rehearse(app.store) as store:
        kinds, _ = app.rehearsed_kinds()
        found = [one for one in foresee(store, kinds, today, today, today, app.policy) if not one.waits]
    mails = sum(one.kind == DeliveryKind.MAIL for one in found)
    return mails, len(found) - mails


def _everybody(app: "App", today: date) -> list[str]:
    from core import golive

    with app.store.begin() as connection:
        golive.go_live(connection, today)
        silent = golive.morning(connection, today).closed_in_silence
    return [
        f"{today}  The pilot went well: everybody is live. Of each order the newest step that is due goes;",
        f"            what had ended before is closed in silence (cycles: {silent}).",
    ]


def happen(app: "App", event: "Event", ca: str, timer: WholeDay) -> list[str]:
    """What does not come with the report: word from outside, what reps and the operator say, who wants no more mails.

    Gives what is told of it, nothing of what is only counted.
    """
    from core import wishes
    from core.confirmations import Confirmation, note
    from core.model import order_key
    from core.ports import CrmChange
    from core.reopen import reopen
    from core.suppressions import queue_optout, suppress
    from core.words import Certainty, Channel, Clock, Nature

    key = order_key(ca, event.order_ids[0]) if event.order_ids else ""
    with app.store.begin() as connection:
        match event.kind:
            case "confirmed":
                evidence = "the shop says that it is renewed"
                given = Confirmation("shop", f"{key}:{event.day}", key, event.day, Certainty.PROVISIONAL, evidence)
                note(connection, [given], timer.opening)
            case "reopened":
                reopen(connection, key, Clock.RENEWAL, "the shop had named the wrong order", app.policy, timer)
                return [f"{event.day}  {key} was confirmed by mistake: it is reopened, and its mails go on."]
            case "lost":
                change = CrmChange(key, "lost", order_key=key, facts={"scope": "order", "reason": LOST_TO})
                wishes.apply(connection, app.settings.sections.sync.crm, change, timer)
                return [f"{event.day}  {key} is lost: the customer has {LOST_TO}. Nobody writes or calls any more."]
            case "opted_out":
                reason = "by the link"
                everything = (Channel.MAIL, Nature.SERVICE)
                suppress(connection, event.address, *everything, "unsubscribe", reason, timer.opening)
                queue_optout(connection, event.address, *everything, timer)
    return []


def examples(app: "App", sample: "Sample", last: date) -> list[str]:
    """Orders to be explained: the one confirmed by mistake and the one lost, as far as the tale has come, one that was
    renewed and one that lapsed."""
    from sqlalchemy import select

    from core.schema import cycles, orders

    found = [event.order_ids[0] for event in sample.events if event.kind in ("reopened", "lost") and event.day <= last]
    with app.store.read() as connection:
        for outcome in ("renewed", "lapsed"):
            query = (
                select(orders.c.outside_id)
                .join(cycles, cycles.c.order_id == orders.c.id)
                .where(cycles.c.clock == "renewal", cycles.c.outcome == outcome, cycles.c.reason == "")
                .order_by(cycles.c.closed_on.desc())
                .limit(1)
            )
            found += connection.execute(query).scalars()
    return [f"explain {order_id}" for order_id in dict.fromkeys(found)]


def unreachable(app: "App") -> str:
    """Whom nobody can write to, and who looks for somebody to write to; empty where there is nobody."""
    from sqlalchemy import select

    from core.schema import accounts, tasks
    from core.words import TaskKind

    query = (
        select(accounts.c.name, tasks.c.owner_key)
        .join(tasks, tasks.c.account_id == accounts.c.id)
        .where(tasks.c.kind == TaskKind.CONTACT)
        .order_by(tasks.c.id)
        .limit(1)
    )
    with app.store.read() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        return ""
    return f"Nobody of {row.name} can be written to: {row.owner_key} has a task to find a contact."
