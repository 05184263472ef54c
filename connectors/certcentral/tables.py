"""What order info has told of single orders and no list repeats; `core/migrations` makes the table."""

from sqlalchemy import JSON, Column, Date, MetaData, Table, Text, text

from core.columns import metadata as engine_metadata

metadata = MetaData(naming_convention=engine_metadata.naming_convention)

certcentral_orders = Table(
    "certcentral_orders",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("certificate_id", Text, nullable=False, server_default=text("''")),  # for which the order was asked
    Column("asked_on", Date),  # empty: never, and the row holds only what we wrote
    Column("told", JSON),
    Column("message", Text, nullable=False, server_default=text("''")),  # the renewal message that we wrote
    Column("record_id", Text, nullable=False, server_default=text("''")),  # the CRM's record id that we wrote
)
