"""A small installation for processes to die in: seven orders of three customers, played on two days.

On the first day customers hear of ends that are three weeks away, and two reps get tasks. On the second, two weeks
later, one order has been renewed, one lapses, one will when its last mail has gone, one end has moved and one order is
new: each step of that day has something of everything to do.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event, make_url, update

from connectors.embedded.client import Client
from connectors.embedded.connector import EmbeddedCrm, EmbeddedMailer
from connectors.embedded.maildir import Maildir
from connectors.smtp.connector import SmtpSettings
from connectors.smtp.connector import open_mailer as open_smtp
from core import golive
from core.deliver import deliver
from core.explain import explain
from core.migrations import migrate
from core.model import OrderFacts
from core.outbox import listing
from core.plan import plan
from core.policy import DeliverPolicy, SyncPolicy
from core.schema import deliveries, engine_locks
from core.settle import settle
from core.store import open_store
from core.sync import sync
from core.timing import WholeDay
from core.words import DeliveryKind, DeliveryState
from tests.builders import FakeWriter, account, facts, kinds, no_rejects, person, policy, source
from tests.fire.points import Points

FIRST = date(2026, 10, 9)
DAY = date(2026, 10, 23)
END = date(2026, 10, 30)

STEPS = ("sync", "settle", "plan", "deliver")

_CALLS = (DeliveryKind.CALL_CLOSE, DeliveryKind.RECORD, DeliveryKind.CALL_RAISE, DeliveryKind.CALL_CREATE)
_MAILS = (DeliveryKind.MAIL, DeliveryKind.MAIL_LOG)
SCENES = ("sync", "settle", "plan", "calls", "mails", "post")
"""What processes die in: the four steps, of which the last comes in parts.

`calls` delivers tasks and records to the embedded CRM, `mails` delivers mails to its mailbox, `post` to a mail server.
"""

RULES = policy(sync=SyncPolicy(batch_size=3), deliver=DeliverPolicy(), plan_batch=3, lock_wait_seconds=5)


def _order(number: str, customer: str, ends_on: date = END, **said: Any) -> OrderFacts:
    people = (person(f"ann@{customer}.example"),)
    return facts(number, ends_on=ends_on, account=account(customer), people=people, **said)


def orders_on(day: date) -> Sequence[OrderFacts]:
    """What the CA tells on a day."""
    over = (_order("6", "bold", FIRST), _order("7", "acme", FIRST + timedelta(days=3)))
    if day < DAY:
        return (_order("1", "acme"), _order("2", "acme"), _order("3", "bold"), *over)
    return (
        _order("1", "acme"),
        _order("2", "acme", END + timedelta(days=5), certificate_id="c2"),
        _order("3", "bold", renewed_by="digicert:5", is_renewed=True),
        _order("4", "cole"),
        _order(
            "5", "bold", END + timedelta(days=365), renewal_of="digicert:3",
            placed_on=DAY, starts_on=DAY, certificate_issued_on=DAY,
        ),
        *over,
    )  # fmt: skip


class World:
    """The installation. Its engine works on whichever database it is told, so that what it has learnt stays."""

    def __init__(self, url: str, points: Points) -> None:
        self.points = points
        self.url = url
        self.store = open_store(url)
        event.listen(self.store.engine, "do_connect", self._connect)
        points.watch_engine(self.store.engine)
        client = Client(self.store.engine)
        self.crm = EmbeddedCrm(client)
        points.watch_crm(self.crm)
        self.maildir = Maildir(Path())
        self.mailbox = EmbeddedMailer(client, self.maildir)
        points.watch_mailer(self.mailbox)
        self.smtp_port = 0

    def _connect(self, dialect: Any, record: Any, given: list[Any], named: dict[str, Any]) -> None:
        positional, by_name = dialect.create_connect_args(
            make_url(self.url).set(drivername=self.store.engine.url.drivername)
        )
        given[:] = positional
        named.update(by_name)

    def turn_to(self, url: str, folder: str, smtp_port: int) -> None:
        """From now on the world is in this database, its mails in this folder or at this mail server."""
        self.url = url
        self.maildir.folder = Path(folder)
        self.smtp_port = smtp_port

    def leave(self) -> None:
        """Closes every connection and ends every thread; what was learnt stays."""
        self.store.engine.dispose()
        self.maildir.close()

    def prepare(self, scene: str) -> None:
        """Fills an empty database up to the moment before this scene of the second day."""
        migrate(self.store)
        with self.store.begin() as connection:
            golive.go_live(connection, date(2020, 1, 1))
        for name in STEPS:
            self.step(name, FIRST)
        for name in STEPS[: STEPS.index(scene) if scene in STEPS else STEPS.index("deliver")]:
            self.step(name, DAY)
        if scene in ("mails", "post"):
            self.step("calls", DAY)

    def step(self, name: str, day: date = DAY) -> None:
        """Does one of the four steps, or a scene of the last."""
        doing: dict[str, Callable[[], object]] = {
            "sync": lambda: sync(
                self.store, [source(orders_on(day))], self.crm, WholeDay(day), RULES, rejects=no_rejects
            ),
            "settle": lambda: settle(self.store, WholeDay(day), RULES, records=True),
            "plan": lambda: plan(self.store, WholeDay(day), RULES),
            "deliver": lambda: self._deliver(day, tuple(DeliveryKind)),
            "calls": lambda: self._deliver(day, _CALLS),
            "mails": lambda: self._deliver(day, _MAILS),
            "post": lambda: self._deliver(day, _MAILS[:1]),
        }
        doing[name]()

    def _deliver(self, day: date, wanted: Sequence[DeliveryKind]) -> None:
        mailer: Any = self.mailbox
        if self.smtp_port:
            mailer = open_smtp(SmtpSettings(host="127.0.0.1", port=self.smtp_port, security="none"))
            self.points.watch_mailer(mailer)
        handlers = kinds(mailer, self.crm, FakeWriter(), RULES)
        deliver(self.store, {kind: handlers[kind] for kind in wanted}, WholeDay(day), RULES)
        mailer.close()

    def lapse(self) -> None:
        """What a dead process held is over, as it would be when the time of its leases has passed."""
        long_ago = datetime.now(UTC) - timedelta(days=1)
        with self.store.begin() as connection:
            for table in (engine_locks, deliveries):
                held = table.c.lease_until.is_not(None)
                connection.execute(update(table).where(held).values(lease_until=long_ago))
            sent = deliveries.c.sending_at.is_not(None)
            connection.execute(update(deliveries).where(sent).values(sending_at=long_ago))

    def watched(self, step: str) -> None:
        """Does the step, and its points are counted."""
        self.points.arm()
        try:
            self.step(step)
            self.points("the end")
        finally:
            self.points.disarm()

    def live_on(self) -> dict[str, Any]:
        """Restarts after a death and runs until nothing is left to do. Gives what an operator sees of what is stuck."""
        self.lapse()
        # The mails of the first delivery let an order lapse, and change the records that the second one pushes.
        for name in (*STEPS, "settle", "deliver"):
            self.step(name, DAY)
        with self.store.read() as connection:
            stuck = listing(connection, [DeliveryState.UNCERTAIN, DeliveryState.FAILED], None, 100)
            told = {key: explain(connection, key, RULES, DAY) for one in stuck for key in one.orders}
        return {
            "stuck": {one.key: one.why for one in stuck},
            "told": [
                [one.delivery, one.touchpoint, one.outcome, one.reason] for lines in told.values() for one in lines
            ],
        }
