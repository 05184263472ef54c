"""What people do with our customers in Salesforce of their own accord: open opportunities, completed tasks and events.

One query tells of all open deals of our customers as they are now, so that one which is closed, deleted or given to
another account is none any more. Talks are read by time of change.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from functools import partial
from typing import TypeVar

from connectors.crm import cursor as cursors
from connectors.crm.cursor import moment
from connectors.crm.engaging import FIRST_LOOK, Talk, deals_told, talks_told
from connectors.crm.foreign import mapping_of, text_of
from connectors.crm.ledger import Ledger
from connectors.salesforce.describing import ObjectInfo
from connectors.salesforce.errors import Denied
from connectors.salesforce.fields import AccountField, ForecastField, OrderField, TaskField
from connectors.salesforce.mapping import day_of
from connectors.salesforce.records import Row
from connectors.salesforce.statements import BEGUN_EVENTS, DONE_TASKS, OPEN_DEALS, OPEN_DEALS_NOT_OURS
from connectors.salesforce.target import Target
from core.ports import CrmChange

log = logging.getLogger("nolapse.salesforce")

NAME = "salesforce"
DEAL = ("Opportunity", "AccountId", "IsClosed")
EVENT = ("Event", "AccountId", "StartDateTime")
"""Objects with the fields without which they tell nothing."""

_TASK = "Task"
_Found = TypeVar("_Found")
_KEY = str(AccountField.KEY)
_UNSEEN = frozenset(
    {"INVALID_TYPE", "INVALID_FIELD", "INSUFFICIENT_ACCESS", "OPERATION_TOO_LARGE", "QUERY_TOO_COMPLICATED"}
)
"""The codes with which Salesforce keeps rows from the user: they are hidden, or too many that are not its own."""


class Engagements:
    """Deals and talks of one org; ours never count."""

    def __init__(self, target: Target, ledger: Ledger) -> None:
        self._target = target
        self._ledger = ledger

    def changes(self, places: dict[str, cursors.Place]) -> list[tuple[str, CrmChange]]:
        """What is new, and moves the places on."""
        talks = self._talks("talk", places, self._tasks, self._task_talk)
        talks += self._seen(EVENT, partial(self._talks, "event", places, self._events, _event_talk))
        return [*deals_told(NAME, self._ledger, self._deals()), *talks_told(NAME, self._ledger, talks)]

    def _deals(self) -> dict[str, bool]:
        """The accounts that have an open deal, or had one as far as we know, and whether it is so now.

        Where deals are hidden, or nobody wants to know, none is open: calls are made all the same.
        """
        known = dict.fromkeys(self._ledger.with_open_deal(), False)
        wanted = self._target.settings.open_deals
        return known | dict.fromkeys(self._seen(DEAL, self._open_deals) if wanted else (), True)

    def _open_deals(self) -> list[str]:
        ours = self._target.visible(DEAL[0], OrderField.KEY, ForecastField.KEY)
        soql = OPEN_DEALS_NOT_OURS(key=_KEY, ours=ours[0], also_ours=ours[-1]) if ours else OPEN_DEALS(key=_KEY)
        return [_account_of(row) for row in self._target.client.query(soql)]

    def _seen(self, wanted: tuple[str, ...], ask: Callable[[], list[_Found]]) -> list[_Found]:
        """What is found, or nothing where the user cannot see the object, which `nolapse check` tells too."""
        if not sees(self._target.client.describe, wanted):
            return []
        try:
            return ask()
        except Denied as error:
            if error.details.code not in _UNSEEN:
                raise
            log.warning("%s is not seen: %s", wanted[0], error)
            return []

    def _talks(
        self,
        name: str,
        places: dict[str, cursors.Place],
        ask: Callable[[datetime], Iterator[Row]],
        talk: Callable[[Row], datetime | None],
    ) -> list[Talk]:
        place = places.get(name, cursors.Place((self._target.now() - FIRST_LOOK).isoformat()))
        assert place.since is not None
        dated = [(row, text_of(row.get("Id")), _counted_from(row)) for row in ask(place.since)]
        rows = [(row, id, at) for row, id, at in dated if place.is_new(id, at)]
        if rows:
            places[name] = place.after((id, at) for _, id, at in rows)
        return [Talk(_account_of(row), at) for row, *_ in rows if (at := talk(row)) is not None]

    def _tasks(self, since: datetime) -> Iterator[Row]:
        target = self._target
        said = target.visible(_TASK, "ActivityDate", "CompletedDateTime", "TaskSubtype", "Type", TaskField.MAIL_KEY)
        (ours,) = target.require(_TASK, TaskField.KEY)
        fields = ["Id", "SystemModstamp", *said]
        soql = DONE_TASKS(fields=fields, key=_KEY, ours=ours, since=since, me=self._me)
        return target.client.query(soql)

    def _events(self, since: datetime) -> Iterator[Row]:
        fields = ["Id", "SystemModstamp", "StartDateTime"]
        soql = BEGUN_EVENTS(fields=fields, key=_KEY, since=since, now=self._target.now(), me=self._me)
        return self._target.client.query(soql)

    def _task_talk(self, row: Row) -> datetime | None:
        """When somebody talked: on a task's own day or when it was completed, whichever is earlier. Chores are no talks.

        Where a cadence writes mails in the name of reps, nobody can tell whose they are.
        """
        kinds = ("Call", "Meeting") if self._target.settings.cadence else ("Call", "Meeting", "Email")
        if not {row.get("TaskSubtype"), row.get("Type")}.intersection(kinds) or row.get(TaskField.MAIL_KEY):
            return None
        done = moment(text_of(row.get("CompletedDateTime"))) or moment(text_of(row.get("SystemModstamp")))
        on = day_of(row.get("ActivityDate"))
        return _midnight(on) if on is not None and (done is None or on < done.date()) else done

    @property
    def _me(self) -> str:
        return self._target.client.identity().user_id


def sees(describe: Callable[[str], ObjectInfo | None], wanted: tuple[str, ...]) -> bool:
    """Whether the user sees an object with these fields of it."""
    info = describe(wanted[0])
    return info is not None and info.queryable and info.has(*wanted[1:])


def _account_of(row: Row) -> str:
    return text_of(mapping_of(row.get("Account")).get(_KEY))


def _counted_from(row: Row) -> str:
    """The later of its last change and its own time: an event that was planned counts when its time has come."""
    changed, begun = text_of(row.get("SystemModstamp")), text_of(row.get("StartDateTime"))
    return max(changed, begun, key=lambda text: moment(text) or datetime.min.replace(tzinfo=UTC))


def _event_talk(row: Row) -> datetime | None:
    return moment(text_of(row.get("StartDateTime")))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
