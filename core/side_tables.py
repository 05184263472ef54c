"""Tables beside those of the ledger: limits and circuits of outside systems, what reps do with customers, addresses put
right, probes."""

from sqlalchemy import JSON, Column, Date, ForeignKey, Integer, Table, Text

from core.columns import Id, UtcTime, flag, metadata, word

circuits = Table(
    "circuits",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("connector", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("broken_until", UtcTime),
    word("why"),
)

call_limits = Table(
    "call_limits",
    metadata,
    Column("name", Text, primary_key=True),
    Column("state", JSON, nullable=False),
)

# What reps do with a customer in the CRM of their own accord.
engagements = Table(
    "engagements",
    metadata,
    Column("account_id", Id, ForeignKey("accounts.id"), primary_key=True, autoincrement=False),
    flag("open_deal"),
    Column("contacted_on", Date),
)

# Addresses that a CRM has put right, by which files may still name the person.
corrected_addresses = Table(
    "corrected_addresses",
    metadata,
    Column("contact_id", Id, ForeignKey("contacts.id"), primary_key=True, autoincrement=False),
    Column("was", Text, primary_key=True),
)

# What was served when we last looked whether a new certificate is installed.
install_looks = Table(
    "install_looks",
    metadata,
    Column("cycle_id", Id, ForeignKey("cycles.id"), primary_key=True, autoincrement=False),
    Column("looked_on", Date, nullable=False),
    Column("new_names", Integer, nullable=False),  # how many names serve the new certificate
    Column("old_names", Integer, nullable=False),
    Column("silent_names", Integer, nullable=False),  # those that do not answer, or with another certificate
)
