"""What reps do with customers of their own accord: while a deal is open, or just after a talk, we do not ask for calls."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.engine import Connection

from core.ports import CrmChange
from core.reasons import Reason
from core.schema import accounts
from core.side_tables import engagements
from core.sql import among, upsert
from core.timing import Timer
from core.words import TaskOutcome

CHANGES = ("deal", "contacted")
TALKED = (TaskOutcome.REACHED,)
"""The outcomes of a call after which we wait: somebody has talked to the customer. A promise has its own day."""


@dataclass(frozen=True, slots=True)
class Engagement:
    """Whether any deal with an account is open, and when a person last talked to it."""

    open_deal: bool = False
    contacted_on: date | None = None

    def why_note(self, day: date, quiet_days: int) -> Reason | None:
        """Why a call on this day becomes a note, or None. 0 quiet days: only an open deal does that."""
        if self.open_deal:
            return Reason.OPEN_DEAL
        if self.contacted_on is not None and self.contacted_on <= day < self.contacted_on + timedelta(days=quiet_days):
            return Reason.HUMAN_CONTACT
        return None


def of_accounts(connection: Connection, account_ids: Collection[int]) -> Mapping[int, Engagement]:
    """What is known of these accounts; one of which nothing is known is left out."""
    if not account_ids:
        return {}
    query = select(engagements).where(among(engagements.c.account_id, account_ids))
    return {row.account_id: Engagement(row.open_deal, row.contacted_on) for row in connection.execute(query).all()}


def apply(connection: Connection, change: CrmChange, timer: Timer) -> None:
    """Takes in a deal that was opened or closed, or a contact. What is said of an unknown account changes nothing."""
    query = select(accounts.c.id).where(accounts.c.account_key == change.account_key)
    account_id = connection.execute(query).scalar()
    if account_id is None:
        return
    if change.what == "deal":
        row = {"account_id": account_id, "open_deal": change.value == "open"}
        upsert(connection, engagements, ["account_id"], [row])
    else:
        talked(connection, [account_id], change.at.date() if change.at is not None else timer.day)


def talked(connection: Connection, account_ids: Collection[int], day: date) -> None:
    """Notes on which day somebody talked to accounts; an earlier day than the one known changes nothing."""
    known = of_accounts(connection, account_ids)
    rows = []
    for account_id in dict.fromkeys(account_ids):
        before = known.get(account_id, Engagement()).contacted_on
        if before is None or before < day:
            rows.append({"account_id": account_id, "contacted_on": day})
    upsert(connection, engagements, ["account_id"], rows)
