"""The tables. Times are UTC, dates are dates, money is in minor units; keys are unique where the world sees them."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcTime(TypeDecorator[datetime]):
    """An instant: aware in Python, UTC in the database. A naive time is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# SQLite numbers rows by itself only where the key is exactly INTEGER.
Id = BigInteger().with_variant(Integer(), "sqlite")


def _id() -> Column[int]:
    return Column("id", Id, primary_key=True, autoincrement=True)


def _word(name: str, default: str = "") -> Column[str]:
    return Column(name, Text, nullable=False, server_default=text(f"'{default}'"))


def _flag(name: str, default: bool = False) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=true() if default else false())


def _ref(name: str, target: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Id, ForeignKey(target), nullable=nullable)


meta = Table("meta", metadata, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))

engine_locks = Table(
    "engine_locks",
    metadata,
    Column("step", Text, primary_key=True),
    Column("token", Text),
    Column("holder", Text),
    Column("lease_until", UtcTime),
    Column("last_day", Date),
    Column("next_turn", UtcTime),  # when `nolapse serve` is to do the step next, whichever server is first
    Column("schedule", Text),
)

circuits = Table(
    "circuits",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("connector", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("broken_until", UtcTime),
    _word("why"),
)

call_limits = Table(
    "call_limits",
    metadata,
    Column("name", Text, primary_key=True),
    Column("state", JSON, nullable=False),
)

reps = Table(
    "reps",
    metadata,
    _id(),
    Column("rep_key", Text, nullable=False, unique=True),
    _word("name"),
    _word("email"),
    _word("phone"),
    _word("job", "rep"),
    _word("manager_key"),
    _word("deputy_key"),
    _word("language"),
    _flag("active", default=True),
)

accounts = Table(
    "accounts",
    metadata,
    _id(),
    Column("account_key", Text, nullable=False, unique=True),
    _word("source"),
    _word("name"),
    _word("country"),
    _word("language"),
    _word("zone"),
    _word("segment"),
    _word("route"),
    _word("brand"),
    _word("owner_key"),
    _flag("do_not_contact"),
    _flag("do_not_call"),
    _word("unused"),  # features the account has bought and is known not to use, separated by blanks
    _word("used"),
    Column("digest", LargeBinary),
)

contacts = Table(
    "contacts",
    metadata,
    _id(),
    _ref("account_id", "accounts.id"),
    Column("email", Text, nullable=False),
    _word("name"),
    _word("phone"),
    _word("language"),
    _word("zone"),
    _word("roles"),  # the roles this person has for every order of the account, separated by blanks
    _word("source"),
    _word("consent"),  # the basis on which offers may be sent; empty: unknown, hence none
    Column("consent_since", UtcTime),
    UniqueConstraint("account_id", "email"),
    Index("ix_contacts_email", "email"),
)

orders = Table(
    "orders",
    metadata,
    _id(),
    Column("order_key", Text, nullable=False, unique=True),
    Column("source", Text, nullable=False),
    Column("ca", Text, nullable=False),
    Column("outside_id", Text, nullable=False),
    _ref("account_id", "accounts.id"),
    Column("status", Text, nullable=False),
    _word("status_text"),
    _word("product_id"),
    _word("product_name"),
    Column("kind", Text, nullable=False),
    Column("level", Text),
    _word("common_name"),
    Column("dns_names", JSON, nullable=False, server_default=text("'[]'")),
    Column("placed_on", Date, nullable=False),
    Column("starts_on", Date),
    Column("order_expires_on", Date),
    _flag("order_expires_inferred"),
    _word("certificate_id"),
    Column("certificate_issued_on", Date),
    Column("certificate_expires_on", Date),
    Column("term_days", Integer),
    _flag("auto_renew"),
    _flag("ca_notices_off"),
    _flag("ca_notices_off_ours"),
    _flag("is_renewed"),
    _word("renewed_by"),
    _word("renewal_of"),
    Column("value_minor", BigInteger),
    _word("currency"),
    Column("digest", LargeBinary, nullable=False),
    Column("record_digest", LargeBinary),
    Column("first_seen_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("vanished_on", Date),
    Index("ix_orders_account_id", "account_id"),
    Index("ix_orders_source", "source"),
    Index("ix_orders_outside_id", "outside_id"),
    Index("ix_orders_common_name", "common_name"),
)

order_contacts = Table(
    "order_contacts",
    metadata,
    Column("order_id", Id, ForeignKey("orders.id"), primary_key=True),
    Column("contact_id", Id, ForeignKey("contacts.id"), primary_key=True),
    Column("role", Text, primary_key=True),
    Index("ix_order_contacts_contact_id", "contact_id"),
)

cycles = Table(
    "cycles",
    metadata,
    _id(),
    _ref("order_id", "orders.id"),
    Column("clock", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date, nullable=False),
    _word("certificate_id"),
    _flag("open", default=True),
    _word("closing"),  # why sync saw it end; settle draws the consequences
    _word("outcome"),
    _word("reason"),
    Column("closed_on", Date),
    _word("stage", "upcoming"),
    _word("certainty"),
    Column("provisional_until", Date),
    Column("committed_until", Date),
    Column("snoozed_until", Date),
    _word("lost_reason"),
    _word("lost_scope"),
    Column("win_back_on", Date),
    Column("next_on", Date),  # the first day on which the cadence has anything to decide; empty: nothing more
    UniqueConstraint("order_id", "clock", "number"),
    Index("ix_cycles_next_on", "next_on", sqlite_where=text("open = 1"), postgresql_where=text("open")),
    Index("ix_cycles_ends_on", "ends_on", sqlite_where=text("open = 1"), postgresql_where=text("open")),
    Index("ix_cycles_closing", "closing", sqlite_where=text("closing <> ''"), postgresql_where=text("closing <> ''")),
)

tasks = Table(
    "tasks",
    metadata,
    _id(),
    Column("task_key", Text, nullable=False, unique=True),
    _ref("account_id", "accounts.id"),
    Column("kind", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("state", Text, nullable=False),
    _word("outside_id"),
    _word("owner_key"),
    Column("urgency", Text, nullable=False),
    Column("due_on", Date, nullable=False),
    _word("outcome"),
    _word("reason"),
    Column("created_at", UtcTime, nullable=False),
    Column("closed_at", UtcTime),
    UniqueConstraint("account_id", "kind", "generation"),
    Index(
        "ix_tasks_open",
        "account_id",
        "kind",
        sqlite_where=text("state in ('planned', 'open')"),
        postgresql_where=text("state in ('planned', 'open')"),
    ),
)

task_orders = Table(
    "task_orders",
    metadata,
    Column("task_id", Id, ForeignKey("tasks.id"), primary_key=True),
    Column("cycle_id", Id, ForeignKey("cycles.id"), primary_key=True),
    _flag("settled"),
    Index("ix_task_orders_cycle_id", "cycle_id"),
)

# The very words of partial indexes: SQLite uses one only where a query repeats them.
STUCK = "state in ('failed', 'uncertain')"
UNDER_WAY = "state in ('claimed', 'sending', 'uncertain')"
WAITING = "state = 'planned'"

deliveries = Table(
    "deliveries",
    metadata,
    _id(),
    Column("key", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False),
    _word("clock"),
    _ref("account_id", "accounts.id", nullable=True),
    _ref("contact_id", "contacts.id", nullable=True),
    _ref("order_id", "orders.id", nullable=True),
    _ref("task_id", "tasks.id", nullable=True),
    Column("day", Date, nullable=False),
    Column("send_after", UtcTime, nullable=False),
    _word("urgency", "notice"),
    _word("nature", "service"),
    _word("touchpoint"),
    Column("token", Text),
    Column("lease_until", UtcTime),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("sending_at", UtcTime),
    Column("settled_at", UtcTime),
    _word("outside_id"),
    _word("reason"),
    _word("error"),
    Column("payload", JSON),
    Index(
        "ix_deliveries_waiting",
        "kind",
        "send_after",
        sqlite_where=text(WAITING),
        postgresql_where=text(WAITING),
    ),
    Index(
        "ix_deliveries_underway",
        "state",
        "lease_until",
        sqlite_where=text(UNDER_WAY),
        postgresql_where=text(UNDER_WAY),
    ),
    Index(
        "ix_deliveries_stuck",
        "state",
        sqlite_where=text(STUCK),
        postgresql_where=text(STUCK),
    ),
    Index("ix_deliveries_contact_id_day", "contact_id", "day"),
    Index("ix_deliveries_account_id_day", "account_id", "day"),
    Index("ix_deliveries_task_id", "task_id"),
    Index("ix_deliveries_order_id", "order_id"),
)

touches = Table(
    "touches",
    metadata,
    _id(),
    _ref("cycle_id", "cycles.id"),
    Column("touchpoint", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("urgency", Text, nullable=False),
    Column("nature", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("state", Text, nullable=False),
    _word("reason"),
    _ref("contact_id", "contacts.id", nullable=True),
    _ref("delivery_id", "deliveries.id", nullable=True),
    Column("decided_at", UtcTime, nullable=False),
    UniqueConstraint("cycle_id", "touchpoint", "channel"),
    Index("ix_touches_delivery_id", "delivery_id"),
)

delivery_orders = Table(
    "delivery_orders",
    metadata,
    Column("delivery_id", Id, ForeignKey("deliveries.id"), primary_key=True),
    Column("cycle_id", Id, ForeignKey("cycles.id"), primary_key=True),
    Index("ix_delivery_orders_cycle_id", "cycle_id"),
)

promises = Table(
    "promises",
    metadata,
    Column("cycle_id", Id, ForeignKey("cycles.id"), primary_key=True, autoincrement=False),
    _ref("account_id", "accounts.id"),
    Column("offer", Text, nullable=False),
    Column("percent", Integer, nullable=False),
    _word("code"),
    Column("ends_on", Date, nullable=False),
    Column("promised_at", UtcTime, nullable=False),
    Index("ix_promises_offer_account_id", "offer", "account_id"),
)

offer_counts = Table(
    "offer_counts",
    metadata,
    Column("offer", Text, primary_key=True),
    Column("promised", Integer, nullable=False, server_default=text("0")),
)

confirmations = Table(
    "confirmations",
    metadata,
    _id(),
    Column("source", Text, nullable=False),
    Column("source_key", Text, nullable=False),
    Column("order_key", Text, nullable=False),
    Column("clock", Text, nullable=False),
    Column("renewed_on", Date, nullable=False),
    _word("new_order_key"),
    _word("evidence"),
    Column("certainty", Text, nullable=False),
    Column("state", Text, nullable=False),
    _word("reason"),
    _ref("cycle_id", "cycles.id", nullable=True),
    Column("received_at", UtcTime, nullable=False),
    Column("applied_at", UtcTime),
    UniqueConstraint("source", "source_key"),
    Index("ix_confirmations_order_key", "order_key"),
    Index(
        "ix_confirmations_waiting",
        "id",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
)

# The very words of partial indexes, as above.
UNAPPLIED = "state = 'received'"

inbox = Table(
    "inbox",
    metadata,
    _id(),
    Column("door", Text, nullable=False),
    Column("event_key", Text, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    _word("reason"),
    Column("settled_at", UtcTime),
    Column("content", LargeBinary, nullable=False),
    UniqueConstraint("door", "event_key"),
    Index("ix_inbox_unapplied", "id", sqlite_where=text(UNAPPLIED), postgresql_where=text(UNAPPLIED)),
    Index("ix_inbox_received_at", "received_at"),
)

suppressions = Table(
    "suppressions",
    metadata,
    _id(),
    Column("address", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("nature", Text, nullable=False),
    _word("source"),
    _word("reason"),
    Column("since", UtcTime, nullable=False),
    UniqueConstraint("address", "channel", "nature"),
)

sync_runs = Table(
    "sync_runs",
    metadata,
    _id(),
    Column("source", Text, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("finished_at", UtcTime),
    _flag("complete"),
    Column("cursor", Text),
    Column("counts", JSON),
    Index("ix_sync_runs_source", "source"),
)
