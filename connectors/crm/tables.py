"""What is known of CRMs in our own store; `core/migrations` makes it, beside the engine's own tables."""

from enum import StrEnum

from sqlalchemy import JSON, Column, Index, LargeBinary, MetaData, Table, Text, text

from core.columns import UtcTime
from core.columns import metadata as engine_metadata

metadata = MetaData(naming_convention=engine_metadata.naming_convention)


class LinkState(StrEnum):
    """How sure a link is. An `ambiguous` one waits for `nolapse link`; `sending` was begun and not heard of since."""

    LINKED = "linked"
    SENDING = "sending"
    AMBIGUOUS = "ambiguous"
    LEFT_OUT = "left_out"


def _word(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default=text("''"))


# One row for each thing of ours that the CRM has, may have, or shall not have.
crm_links = Table(
    "crm_links",
    metadata,
    Column("crm", Text, primary_key=True),  # the connector's name
    Column("kind", Text, primary_key=True),  # company, contact, record, task, mail, note, forecast, enrolment, setup
    Column("our_key", Text, primary_key=True),
    _word("their_id"),
    Column("state", Text, nullable=False),
    Column("digest", LargeBinary),  # of what we last wrote there
    Column("facts", JSON),  # candidates of an ambiguous match, where a task hangs, what was written
    Column("changed_at", UtcTime, nullable=False),
    Index("ix_crm_links_their_id", "crm", "kind", "their_id"),
    Index("ix_crm_links_state", "crm", "state", "kind"),
)
