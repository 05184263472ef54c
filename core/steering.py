"""The tables of what an operator has said: who is live, what is paused or held, which mails a ramp has let through."""

from sqlalchemy import Column, Date, ForeignKey, Table, Text, UniqueConstraint

from core.columns import Id, UtcTime, id_column, metadata, reference, word

pilots = Table(
    "pilots",
    metadata,
    Column("account_id", Id, ForeignKey("accounts.id"), primary_key=True, autoincrement=False),
    Column("since", Date, nullable=False),
)

pauses = Table(
    "pauses",
    metadata,
    Column("scope", Text, primary_key=True),  # all, account, rep or channel
    Column("which", Text, primary_key=True),  # its key; empty for all
    word("reason"),
    Column("since", UtcTime, nullable=False),
)

holds = Table(
    "holds",
    metadata,
    id_column(),
    reference("order_id", "orders.id", nullable=True),
    reference("account_id", "accounts.id", nullable=True),
    Column("until", Date, nullable=False),  # the first day on which it is contacted again
    word("reason"),
    Column("since", UtcTime, nullable=False),
    UniqueConstraint("order_id"),
    UniqueConstraint("account_id"),
)

cap_slots = Table(
    "cap_slots",
    metadata,
    Column("cap", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column(
        "delivery_id", Id, primary_key=True, autoincrement=False
    ),  # no reference: it may be forgotten before the day
)
