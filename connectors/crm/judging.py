"""What of a CRM's changes a person did: what differs from what we hold. Pure but for the ledger it reads.

What we wrote ourselves comes back the same, and so is no change, whoever else touched the record at the time. Reading
again gives the same, which the engine takes without harm.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from connectors.crm.choices import LOST_REASONS, TASK_OUTCOMES
from connectors.crm.cursor import moment
from connectors.crm.ledger import Ledger, Standing
from connectors.crm.values import day
from core.ports import CrmChange
from core.words import LostScope, Nature, Stage


@dataclass(frozen=True, slots=True)
class SeenTask:
    """A task of ours: `outcome` is what its rep said of it. One that we closed ourselves tells nothing."""

    id: str
    at: str
    task_key: str
    done: bool
    closed_by_us: bool
    outcome: str


@dataclass(frozen=True, slots=True)
class SeenOrder:
    """An order's record: `stage` where a person has moved it, None where it is where we put it."""

    id: str
    at: str
    order_key: str
    stage: Stage | None
    snoozed_until: date | None
    given_up: bool
    lost_reason: str
    lost_scope: str
    win_back_on: date | None


@dataclass(frozen=True, slots=True)
class SeenCompany:
    """A customer; `rep_key` is whoever owns it, empty where that is nobody's business."""

    id: str
    at: str
    account_key: str
    rep_key: str
    do_not_contact: bool
    do_not_call: bool


@dataclass(frozen=True, slots=True)
class SeenPerson:
    """A person. `opted_out` is None where nobody can tell: then nothing follows from it. What is empty corrects nothing."""

    id: str
    at: str
    address: str
    name: str
    phone: str
    language: str
    opted_out: bool | None
    no_offers: bool


@dataclass(frozen=True, slots=True)
class SeenRep:
    """Somebody who can own customers."""

    id: str
    name: str
    email: str
    active: bool


Judged = Iterator[tuple[str, CrmChange]]
"""Changes, each with the time by which they are put in order."""


class Judge:
    """Tells what a person did in one CRM, by the name of its connector."""

    def __init__(self, crm: str, ledger: Ledger) -> None:
        self._crm = crm
        self._ledger = ledger

    def tasks(self, found: Sequence[SeenTask]) -> Judged:
        """Tasks that a rep completed."""
        outcomes = {value for value, _ in TASK_OUTCOMES}
        for one in found:
            if one.done and not one.closed_by_us:
                value = one.outcome if one.outcome in outcomes else "done"
                yield one.at, self._change(one, "task_outcome", value, task_key=one.task_key)

    def orders(self, found: Sequence[SeenOrder]) -> Judged:
        """Stages set by hand, orders put off or given up."""
        standings = self._ledger.standings([one.order_key for one in found])
        for one in found:
            if (standing := standings.get(one.order_key)) is None:
                continue
            told: dict[str, Any] = {"order_key": one.order_key, "account_key": standing.account_key}
            if one.snoozed_until != standing.snoozed_until:
                yield one.at, self._change(one, "snooze", day(one.snoozed_until), **told)
            given_up = one.given_up or one.stage is Stage.LOST
            facts = _lost_facts(one)
            if given_up and (standing.open or standing.lost) and facts != _lost_of(standing):
                yield one.at, self._change(one, "lost", facts["reason"], facts=facts, **told)
            elif one.stage is not None and not given_up and one.stage is not standing.stage:
                yield one.at, self._change(one, "stage", str(one.stage), **told)

    def companies(self, found: Sequence[SeenCompany]) -> Judged:
        """Who owns a customer, and whether it may be contacted."""
        accounts = self._ledger.accounts(one.account_key for one in found)
        for one in found:
            if (account := accounts.get(one.account_key)) is None:
                continue
            if one.rep_key and one.rep_key != account.owner_key:
                yield one.at, self._change(one, "owner", one.rep_key, account_key=one.account_key)
            for what, wanted, ours in (
                ("do_not_contact", one.do_not_contact, account.do_not_contact),
                ("do_not_call", one.do_not_call, account.do_not_call),
            ):
                if wanted and not ours:
                    yield one.at, self._change(one, what, "", account_key=one.account_key)

    def people(self, found: Sequence[SeenPerson], known_as: Mapping[str, str]) -> Judged:
        """Names, numbers, languages and addresses put right; mails refused, or allowed again.

        `known_as`: by what address we know whom, by the id of theirs.
        """
        people = self._ledger.contacts([*known_as.values(), *(one.address for one in found)])
        refusals = self._ledger.refusals({one.address for one in found})
        for one in found:
            was = known_as.get(one.id, one.address)
            for row in people.get(was) or people.get(one.address) or ():
                if facts := _corrections(one, row, was):
                    yield one.at, self._change(one, "contact", one.address, account_key=row.account_key, facts=facts)
            yield from self._wishes(one, refusals.get(one.address, set()))

    def _wishes(self, one: SeenPerson, refused: set[tuple[Nature, str]]) -> Judged:
        if one.opted_out and Nature.SERVICE not in {nature for nature, _ in refused}:
            yield one.at, self._change(one, "optout", one.address)
        elif one.opted_out is False and (Nature.SERVICE, self._crm) in refused:
            yield one.at, self._change(one, "optin", one.address)
        if one.no_offers and not refused:
            yield one.at, self._change(one, "offers_optout", one.address)

    def reps(self, everybody: Mapping[str, SeenRep], new_owners: Sequence[str]) -> Iterator[CrmChange]:
        """Reps who came or left: those who own a customer now, and those we know who were switched on or off."""
        known = {row.rep_key: row for row in self._ledger.reps()}
        for key, one in everybody.items():
            if key in known and known[key].active == one.active:
                continue
            if key in known or key in new_owners:
                told = {"name": one.name, "email": one.email, "active": "yes" if one.active else "no"}
                yield CrmChange(f"{self._crm}:owner:{one.id}:{one.active}", "rep", value=key, facts=told)

    def _change(
        self, seen: SeenTask | SeenOrder | SeenCompany | SeenPerson, what: str, value: str, **told: Any
    ) -> CrmChange:
        """A change that is known again by its key when it is read again."""
        return CrmChange(f"{self._crm}:{seen.id}:{what}:{value}", what, value=value, at=moment(seen.at), **told)


def _lost_facts(one: SeenOrder) -> dict[str, str]:
    """Why an order is given up and how far that reaches, in words the engine knows."""
    return {
        "reason": one.lost_reason if one.lost_reason in dict(LOST_REASONS) else "other",
        "scope": one.lost_scope if one.lost_scope in set(LostScope) else str(LostScope.ORDER),
        "win_back_on": day(one.win_back_on),
    }


def _lost_of(standing: Standing) -> dict[str, str]:
    """The same as we hold it; never equal where the order is not given up."""
    return {
        "reason": standing.lost_reason if standing.lost else "",
        "scope": standing.lost_scope,
        "win_back_on": day(standing.win_back_on),
    }


def _corrections(one: SeenPerson, row: Any, was: str) -> dict[str, str]:
    """What the CRM knows otherwise of a person."""
    theirs = {"name": one.name, "phone": one.phone, "language": one.language}
    same_language = row.language.lower().partition("-")[0] == one.language
    changed = {
        name: value
        for name, value in theirs.items()
        if value and value != getattr(row, name) and not (name == "language" and same_language)
    }
    if one.address and one.address != was and row.email.lower() == was:
        changed["was"] = was
    return changed
