"""Deals and talks with customers that a CRM shows, told where they differ from what we hold. It only reads the ledger."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.crm.judging import Judged
from connectors.crm.ledger import Ledger
from core.ports import CrmChange

FIRST_LOOK = timedelta(days=7)
"""How far back the first look for talks goes."""


@dataclass(frozen=True, slots=True)
class Talk:
    """Somebody of ours talked or wrote to a customer, by the key of its account."""

    account_key: str
    at: datetime


def deals_told(crm: str, ledger: Ledger, open_now: Mapping[str, bool]) -> Judged:
    """Which of these accounts have an open deal since, and which have none any more."""
    known = ledger.engagements(open_now)
    for key, one in known.items():
        if one.open_deal is not open_now[key]:
            value = "open" if open_now[key] else "closed"
            yield "", CrmChange(f"{crm}:{key}:deal:{value}", "deal", account_key=key, value=value)


def talks_told(crm: str, ledger: Ledger, talks: Iterable[Talk]) -> Judged:
    """The latest talk with each account, where it is later than what we know of."""
    latest: dict[str, Talk] = {}
    for one in talks:
        if one.account_key not in latest or latest[one.account_key].at < one.at:
            latest[one.account_key] = one
    for key, known in ledger.engagements(latest).items():
        at = latest[key].at
        if known.contacted_on is None or known.contacted_on < at.date():
            said = at.isoformat()
            yield said, CrmChange(f"{crm}:{key}:contacted:{said}", "contacted", account_key=key, at=at)
