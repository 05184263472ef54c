"""The tables. Times are UTC, dates are dates, money is in minor units; keys are unique where the world sees them."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from core.columns import Id, UtcTime, flag, id_column, index_where_set, metadata, reference, word
from core.side_tables import call_limits as call_limits
from core.side_tables import circuits as circuits

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

reps = Table(
    "reps",
    metadata,
    id_column(),
    Column("rep_key", Text, nullable=False, unique=True),
    word("name"),
    word("email"),
    word("phone"),
    word("job", "rep"),
    word("manager_key"),
    word("deputy_key"),
    word("language"),
    flag("active", default=True),
    Column("absent_from", Date),
    Column("absent_until", Date),  # the last day of it
)

accounts = Table(
    "accounts",
    metadata,
    id_column(),
    Column("account_key", Text, nullable=False, unique=True),
    word("source"),
    word("name"),
    word("country"),
    word("language"),
    word("zone"),
    word("segment"),
    word("route"),
    word("brand"),
    word("price_list"),
    word("parent_key"),  # the account above it, whose route, brand and price list it has where it has none of its own
    word("owner_key"),
    flag("owner_by_crm"),  # the CRM has said who owns it, and knows best
    flag("do_not_contact"),
    flag("do_not_call"),
    word("unused"),  # features the account has bought and is known not to use, separated by blanks
    word("used"),
    Column("digest", LargeBinary),
    Index("ix_accounts_parent_key", "parent_key"),
)

contacts = Table(
    "contacts",
    metadata,
    id_column(),
    reference("account_id", "accounts.id"),
    Column("email", Text, nullable=False),
    word("name"),
    word("phone"),
    word("language"),
    word("zone"),
    word("roles"),  # the roles this person has for every order of the account, separated by blanks
    word("source"),
    flag("by_crm"),  # name, number and language are as the CRM has said, which knows best
    UniqueConstraint("account_id", "email"),
    Index("ix_contacts_email", "email"),
    sqlite_autoincrement=True,  # signed links name contacts by id: no id is ever used again
)

orders = Table(
    "orders",
    metadata,
    id_column(),
    Column("order_key", Text, nullable=False, unique=True),
    Column("source", Text, nullable=False),
    Column("ca", Text, nullable=False),
    Column("outside_id", Text, nullable=False),
    reference("account_id", "accounts.id"),
    Column("status", Text, nullable=False),
    word("status_text"),
    word("product_id"),
    word("product_name"),
    Column("kind", Text, nullable=False),
    Column("level", Text),
    word("common_name"),
    Column("dns_names", JSON, nullable=False, server_default=text("'[]'")),
    Column("placed_on", Date, nullable=False),
    Column("starts_on", Date),
    Column("order_expires_on", Date),
    flag("order_expires_inferred"),
    word("certificate_id"),
    Column("certificate_issued_on", Date),
    Column("certificate_expires_on", Date),
    Column("term_days", Integer),
    flag("auto_renew"),
    flag("ca_notices_off"),
    flag("ca_notices_off_ours"),
    flag("is_renewed"),
    word("renewed_by"),
    word("renewal_of"),
    Column("value_minor", BigInteger),
    word("currency"),
    Column("digest", LargeBinary, nullable=False),
    Column("record_digest", LargeBinary),
    Column("first_seen_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("vanished_on", Date),
    Index("ix_orders_account_id_placed_on", "account_id", "placed_on"),
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

# The very words of partial indexes: SQLite uses one only where a query repeats them.
PLACED = "stage = 'in_progress'"

cycles = Table(
    "cycles",
    metadata,
    id_column(),
    reference("order_id", "orders.id"),
    Column("clock", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date, nullable=False),
    word("certificate_id"),
    flag("open", default=True),
    word("closing"),  # why sync saw it end; settle draws the consequences
    word("outcome"),
    word("reason"),
    Column("closed_on", Date),
    word("stage", "upcoming"),
    word("certainty"),
    Column("provisional_until", Date),
    Column("committed_until", Date),
    Column("calls_paused_until", Date),
    Column("snoozed_until", Date),
    Column("answered_until", Date),  # a rep sees to what the customer said
    word("lost_reason"),
    word("lost_scope"),
    Column("win_back_on", Date),
    Column("next_on", Date),  # the first day on which the cadence has anything to decide; empty: nothing more
    UniqueConstraint("order_id", "clock", "number"),
    Index("ix_cycles_next_on", "next_on", sqlite_where=text("open = 1"), postgresql_where=text("open")),
    Index("ix_cycles_ends_on", "ends_on", sqlite_where=text("open = 1"), postgresql_where=text("open")),
    # All that is asked of the open cycles of many orders at once, so that the table itself need not be read.
    Index(
        "ix_cycles_open",
        "order_id",
        "clock",
        "closing",
        "ends_on",
        "open",  # SQLite looks at it again, though the index holds no others
        sqlite_where=text("open = 1"),
        postgresql_where=text("open"),
    ),
    *(index_where_set("cycles", name) for name in ("committed_until", "provisional_until", "win_back_on", "closed_on")),
    Index("ix_cycles_in_progress", "ends_on", sqlite_where=text(PLACED), postgresql_where=text(PLACED)),
    Index("ix_cycles_closing", "closing", sqlite_where=text("closing <> ''"), postgresql_where=text("closing <> ''")),
)

ASKED = "state in ('planned', 'open')"

tasks = Table(
    "tasks",
    metadata,
    id_column(),
    Column("task_key", Text, nullable=False, unique=True),
    reference("account_id", "accounts.id"),
    Column("kind", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("state", Text, nullable=False),
    word("outside_id"),
    word("owner_key"),
    Column("urgency", Text, nullable=False),
    Column("due_on", Date, nullable=False),
    word("outcome"),
    word("reason"),
    Column("created_at", UtcTime, nullable=False),
    Column("opened_on", Date),
    Column("pressing_since", Date),  # since when it has stood at warning or above
    Column("escalated_on", Date),
    Column("closed_at", UtcTime),
    UniqueConstraint("account_id", "kind", "generation"),
    Index(
        "ix_tasks_open",
        "account_id",
        "kind",
        sqlite_where=text(ASKED),
        postgresql_where=text(ASKED),
    ),
    Index("ix_tasks_opened_on", "opened_on"),
)

task_orders = Table(
    "task_orders",
    metadata,
    Column("task_id", Id, ForeignKey("tasks.id"), primary_key=True),
    Column("cycle_id", Id, ForeignKey("cycles.id"), primary_key=True),
    flag("settled"),
    Index("ix_task_orders_cycle_id", "cycle_id"),
)

STUCK = "state in ('failed', 'uncertain')"
UNDER_WAY = "state in ('claimed', 'sending', 'uncertain')"
WAITING = "state = 'planned'"

deliveries = Table(
    "deliveries",
    metadata,
    id_column(),
    Column("key", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False),
    word("clock"),
    reference("account_id", "accounts.id", nullable=True),
    reference("contact_id", "contacts.id", nullable=True),
    reference("order_id", "orders.id", nullable=True),
    reference("task_id", "tasks.id", nullable=True),
    Column("day", Date, nullable=False),
    Column("send_after", UtcTime, nullable=False),
    word("urgency", "notice"),
    word("nature", "service"),
    word("touchpoint"),
    word("occasion"),  # why a mail is written outside the cadence; empty: by the cadence
    Column("token", Text),
    Column("lease_until", UtcTime),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("sending_at", UtcTime),
    Column("settled_at", UtcTime),
    word("outside_id"),
    word("reason"),
    word("error"),
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
    Index("ix_deliveries_stuck", "state", sqlite_where=text(STUCK), postgresql_where=text(STUCK)),
    Index("ix_deliveries_contact_id_day", "contact_id", "day"),
    Index("ix_deliveries_account_id_day", "account_id", "day"),
    Index("ix_deliveries_task_id", "task_id"),
    Index("ix_deliveries_order_id", "order_id"),
)

touches = Table(
    "touches",
    metadata,
    id_column(),
    reference("cycle_id", "cycles.id"),
    Column("touchpoint", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("urgency", Text, nullable=False),
    Column("nature", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("state", Text, nullable=False),
    word("reason"),
    reference("contact_id", "contacts.id", nullable=True),
    reference("delivery_id", "deliveries.id", nullable=True),
    Column("decided_at", UtcTime, nullable=False),
    UniqueConstraint("cycle_id", "touchpoint", "channel"),
    Index("ix_touches_delivery_id", "delivery_id"),
    index_where_set("touches", "contact_id"),
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
    reference("account_id", "accounts.id"),
    Column("offer", Text, nullable=False),
    Column("percent", Integer, nullable=False),
    word("code"),
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

RETRACTED = "state = 'retracted' and reason = ''"
UNSETTLED = "state = 'waiting'"

confirmations = Table(
    "confirmations",
    metadata,
    id_column(),
    Column("source", Text, nullable=False),
    Column("source_key", Text, nullable=False),
    Column("order_key", Text, nullable=False),
    Column("clock", Text, nullable=False),
    Column("renewed_on", Date, nullable=False),
    word("new_order_key"),
    word("evidence"),
    Column("certainty", Text, nullable=False),
    Column("state", Text, nullable=False),
    word("reason"),
    reference("cycle_id", "cycles.id", nullable=True),
    Column("received_at", UtcTime, nullable=False),
    Column("applied_at", UtcTime),
    UniqueConstraint("source", "source_key"),
    Index("ix_confirmations_order_key", "order_key"),
    Index(
        "ix_confirmations_waiting",
        "id",
        sqlite_where=text(UNSETTLED),
        postgresql_where=text(UNSETTLED),
    ),
    Index("ix_confirmations_new_order_key", "new_order_key"),
    index_where_set("confirmations", "cycle_id"),
    Index("ix_confirmations_retracted", "id", sqlite_where=text(RETRACTED), postgresql_where=text(RETRACTED)),
)

UNAPPLIED = "state = 'received'"

inbox = Table(
    "inbox",
    metadata,
    id_column(),
    Column("door", Text, nullable=False),
    Column("event_key", Text, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    word("reason"),
    Column("settled_at", UtcTime),
    Column("content", LargeBinary, nullable=False),
    UniqueConstraint("door", "event_key"),
    Index("ix_inbox_unapplied", "id", sqlite_where=text(UNAPPLIED), postgresql_where=text(UNAPPLIED)),
    Index("ix_inbox_received_at", "received_at"),
)

suppressions = Table(
    "suppressions",
    metadata,
    id_column(),
    Column("address", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("nature", Text, nullable=False),
    word("source"),
    word("reason"),
    Column("since", UtcTime, nullable=False),
    UniqueConstraint("address", "channel", "nature"),
)

sync_runs = Table(
    "sync_runs",
    metadata,
    id_column(),
    Column("source", Text, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("finished_at", UtcTime),
    flag("complete"),
    Column("cursor", Text),
    Column("counts", JSON),
    Index("ix_sync_runs_source", "source"),
)
