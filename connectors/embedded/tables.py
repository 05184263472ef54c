"""The tables of the embedded CRM and mailbox; `core/migrations` makes them, beside the engine's own."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    MetaData,
    Table,
    Text,
    false,
    text,
)

from core.columns import Id, UtcTime
from core.columns import metadata as engine_metadata

metadata = MetaData(naming_convention=engine_metadata.naming_convention)


def _word(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default=text("''"))


embedded_tasks = Table(
    "embedded_tasks",
    metadata,
    Column("task_key", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("account_key", Text, nullable=False),
    _word("account_name"),
    _word("owner_key"),
    _word("subject"),
    _word("body"),
    Column("due_on", Date, nullable=False),
    Column("urgency", Text, nullable=False),
    Column("status", Text, nullable=False),  # open, done
    _word("outcome"),  # what the rep said of it; empty: nothing yet, or the engine closed it
    _word("note"),  # the rep's own words
    _word("reason"),  # why the engine closed it; empty: it did not
    Column("order_keys", JSON, nullable=False),
    _word("contact_name"),
    _word("contact_phone"),
    _word("contact_email"),
    Column("created_at", UtcTime, nullable=False),
    Column("done_at", UtcTime),
    Index("ix_embedded_tasks_status_owner_key", "status", "owner_key"),
    Index("ix_embedded_tasks_account_key", "account_key"),
)

embedded_records = Table(
    "embedded_records",
    metadata,
    Column("order_key", Text, primary_key=True),
    _word("key"),
    Column("account_key", Text, nullable=False),
    _word("account_name"),
    _word("owner_key"),
    _word("common_name"),
    _word("product_name"),
    _word("status"),
    Column("stage", Text, nullable=False),
    Column("starts_on", Date),
    Column("order_expires_on", Date),
    Column("order_expires_inferred", Boolean, nullable=False, server_default=false()),
    Column("certificate_expires_on", Date),
    Column("auto_renew", Boolean, nullable=False, server_default=false()),
    Column("value_minor", BigInteger),
    _word("currency"),
    Index("ix_embedded_records_account_key", "account_key"),
)

embedded_mail_log = Table(
    "embedded_mail_log",
    metadata,
    Column("key", Text, primary_key=True),
    Column("account_key", Text, nullable=False),
    Column("address", Text, nullable=False),
    _word("subject"),
    _word("text"),
    Column("sent_at", UtcTime, nullable=False),
    Column("order_keys", JSON, nullable=False),
    Index("ix_embedded_mail_log_account_key", "account_key"),
)

# Calls that became notes, because somebody is talking to the customer already.
embedded_notes = Table(
    "embedded_notes",
    metadata,
    Column("key", Text, primary_key=True),
    Column("account_key", Text, nullable=False),
    _word("account_name"),
    _word("owner_key"),
    _word("subject"),
    _word("body"),
    Column("order_keys", JSON, nullable=False),
    Column("at", UtcTime, nullable=False),
    Index("ix_embedded_notes_account_key", "account_key"),
)

embedded_optouts = Table(
    "embedded_optouts",
    metadata,
    Column("key", Text, primary_key=True),
    Column("address", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("nature", Text, nullable=False),
    Column("since", UtcTime, nullable=False),
)

# What people did at the desk, for the engine to read: the id is its cursor, so ids are never used again.
embedded_changes = Table(
    "embedded_changes",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("what", Text, nullable=False),
    _word("task_key"),
    _word("order_key"),
    _word("account_key"),
    _word("value"),
    Column("facts", JSON, nullable=False, server_default=text("'{}'")),
    Column("at", UtcTime, nullable=False),
    sqlite_autoincrement=True,
)

# Which mails were put into the mailbox, also after their reader has deleted them.
embedded_mails = Table(
    "embedded_mails",
    metadata,
    Column("key", Text, primary_key=True),
    Column("message_id", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
)
