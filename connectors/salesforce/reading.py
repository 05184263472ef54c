"""What people changed in Salesforce, object by object, by `SystemModstamp`: it moves with every change, whoever made it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from connectors.crm import cursor as cursors
from connectors.crm.foreign import text_of
from connectors.crm.judging import Judge, Judged, SeenCompany, SeenOrder, SeenPerson, SeenRep, SeenTask
from connectors.crm.ledger import Ledger
from connectors.crm.links import LinkKind, Links
from connectors.salesforce.engaging import NAME, Engagements
from connectors.salesforce.fields import AccountField, ContactField, OrderField, TaskField
from connectors.salesforce.mapping import day_of, person_name
from connectors.salesforce.pushing import stage_written
from connectors.salesforce.records import Row, long_id
from connectors.salesforce.statements import BY_ID, CHANGED, CHANGED_SINCE
from connectors.salesforce.target import Target
from connectors.salesforce.wishes import no_offers, opted_out, wishes_seen
from core.ports import CrmChange
from core.words import Stage

_MODIFIED = "SystemModstamp"
_ORDER = (
    OrderField.KEY, OrderField.STAGE, OrderField.SNOOZE_UNTIL, OrderField.DO_NOT_RENEW, OrderField.LOST_REASON,
    OrderField.LOST_SCOPE, OrderField.WIN_BACK_ON,
)  # fmt: skip
_ACCOUNT = (AccountField.KEY, "OwnerId", AccountField.DO_NOT_CONTACT, AccountField.DO_NOT_CALL)
_CONTACT = (ContactField.KEY, "Email", "FirstName", "LastName", "Phone", ContactField.NO_OFFERS)
_TASK = (TaskField.KEY, TaskField.OUTCOME, TaskField.CLOSED_BECAUSE, "IsClosed", "IsDeleted")


@dataclass(frozen=True, slots=True)
class _Kind:
    """One object: which of its records are ours, what is read of them, and what follows from a change."""

    name: str
    sobject: str
    key: str
    fields: Sequence[str]
    judge: Callable[[list[Row]], Judged]
    deleted: bool = False


class Reader:
    """Reads what people changed."""

    def __init__(self, target: Target, links: Links, ledger: Ledger) -> None:
        self._target = target
        self._links = links
        self._ledger = ledger
        self._judge = Judge(NAME, ledger)
        self._engagements = Engagements(target, ledger)

    def changes(self, since: str | None) -> tuple[list[CrmChange], str | None]:
        """All changes since the cursor, in their order, and the cursor behind them; the same one where nothing is new."""
        self._target.look_again()
        places = cursors.read(since)
        before = dict(places)
        found: list[tuple[str, CrmChange]] = []
        owners: set[str] = set()
        for kind in self._kinds():
            place = places.get(kind.name, cursors.Place())
            rows = [row for row in self._changed(kind, place) if place.is_new(_id(row), _at(row))]
            if rows:
                places[kind.name] = place.after((_id(row), _at(row)) for row in rows)
                if kind.name == "account":
                    owners |= {text_of(row.get("OwnerId")) for row in rows}
                    self._target.users(owners)
                found += kind.judge(rows)
        found += self._engagements.changes(places)
        return self._in_order(found, owners), cursors.write(places) if places != before else since

    def changes_of(self, things: Sequence[str]) -> list[CrmChange]:
        """All changes in these records, each `OBJECT:ID`, read by their ids. One that is gone says nothing."""
        self._target.look_again()
        wanted: dict[str, list[str]] = {}
        for thing in things:
            sobject, _, id = thing.rpartition(":")
            wanted.setdefault(sobject, []).append(id)
        found: list[tuple[str, CrmChange]] = []
        owners: set[str] = set()
        for kind in self._kinds():
            if ids := wanted.get(kind.sobject):
                fields = [*self._fields(kind), str(kind.key)]
                read = self._target.client.query_for(
                    BY_ID, "ids", [*map(long_id, ids)], fields=[*dict.fromkeys(fields)], object=kind.sobject
                )
                rows = [row for row in read if row.get(kind.key)]
                if kind.name == "account":
                    owners |= {text_of(row.get("OwnerId")) for row in rows}
                    self._target.users(owners)
                found += kind.judge(rows)
        return self._in_order(found, owners)

    def _in_order(self, found: list[tuple[str, CrmChange]], owners: set[str]) -> list[CrmChange]:
        """The changes as they came about. Reps first: what they own is taken in after them."""
        found.sort(key=lambda entry: entry[0])
        new_owners = [change.value for _, change in found if change.what == "owner"]
        return [*self._judge.reps(self._everybody(owners), new_owners), *(change for _, change in found)]

    def _kinds(self) -> list[_Kind]:
        shape = self._target.layout.shape
        return [
            _Kind("account", "Account", AccountField.KEY, _ACCOUNT, self._of_accounts),
            _Kind("contact", "Contact", ContactField.KEY, _CONTACT, self._of_contacts),
            _Kind("record", shape.sobject, OrderField.KEY, (*_ORDER, shape.stage), self._of_records),
            _Kind("task", "Task", TaskField.KEY, _TASK, self._of_tasks, deleted=True),
        ]

    def _fields(self, kind: _Kind) -> list[str]:
        fields = ["Id", _MODIFIED, *self._target.require(kind.sobject, *kind.fields)]
        return fields + wishes_seen(self._target, "Contact") if kind.name == "contact" else fields

    def _changed(self, kind: _Kind, place: cursors.Place) -> Iterator[Row]:
        asked = {"fields": self._fields(kind), "object": kind.sobject, "key": str(kind.key)}
        if place.since is None:
            return self._target.client.query(CHANGED(**asked), deleted=kind.deleted)
        return self._target.client.query(CHANGED_SINCE(**asked, since=place.since), deleted=kind.deleted)

    def _of_tasks(self, rows: list[Row]) -> Judged:
        """One that its rep deleted is done: it stays deleted."""
        return self._judge.tasks(
            [
                SeenTask(
                    id=_id(row),
                    at=_at(row),
                    task_key=text_of(row.get(TaskField.KEY)),
                    done=row.get("IsClosed") is True or row.get("IsDeleted") is True,
                    closed_by_us=bool(row.get(TaskField.CLOSED_BECAUSE)),
                    outcome=text_of(row.get(TaskField.OUTCOME)),
                )
                for row in rows
            ]
        )

    def _of_records(self, rows: list[Row]) -> Judged:
        return self._judge.orders(
            [
                SeenOrder(
                    id=_id(row),
                    at=_at(row),
                    order_key=text_of(row.get(OrderField.KEY)),
                    stage=self._stage_by_hand(row),
                    snoozed_until=_day(row, OrderField.SNOOZE_UNTIL),
                    given_up=row.get(OrderField.DO_NOT_RENEW) is True,
                    lost_reason=text_of(row.get(OrderField.LOST_REASON)),
                    lost_scope=text_of(row.get(OrderField.LOST_SCOPE)),
                    win_back_on=_day(row, OrderField.WIN_BACK_ON),
                )
                for row in rows
            ]
        )

    def _stage_by_hand(self, row: Row) -> Stage | None:
        """The stage into which a person has moved a record, or None where it is where we put it.

        Where the operator gave renewed and lost one place, as that of a closed case, the reason tells which is meant, and
        without one nobody can tell.
        """
        layout = self._target.layout
        there = text_of(row.get(layout.shape.stage))
        if there == stage_written(layout, row):
            return None
        if layout.stages.get(Stage.RENEWED) == layout.stages.get(Stage.LOST) == there:
            return Stage.LOST if row.get(OrderField.LOST_REASON) else None
        return layout.stage_of(there)

    def _of_accounts(self, rows: list[Row]) -> Judged:
        return self._judge.companies(
            [
                SeenCompany(
                    id=_id(row),
                    at=_at(row),
                    account_key=text_of(row.get(AccountField.KEY)),
                    rep_key=self._rep_of(text_of(row.get("OwnerId"))),
                    do_not_contact=row.get(AccountField.DO_NOT_CONTACT) is True,
                    do_not_call=row.get(AccountField.DO_NOT_CALL) is True,
                )
                for row in rows
            ]
        )

    def _rep_of(self, owner_id: str) -> str:
        """The rep behind an account's owner; our own user owns what has no rep, and is none."""
        return "" if owner_id == self._target.client.identity().user_id else self._target.rep_key(owner_id)

    def _of_contacts(self, rows: list[Row]) -> Judged:
        links = self._links.of_theirs(LinkKind.CONTACT, (_id(row) for row in rows))
        seen = [
            SeenPerson(
                id=_id(row),
                at=_at(row),
                address=text_of(row.get("Email")).strip().lower(),
                name=person_name(row),
                phone=text_of(row.get("Phone")),
                language="",
                opted_out=opted_out(row),
                no_offers=no_offers(row),
            )
            for row in rows
        ]
        return self._judge.people(seen, {id: link.our_key for id, link in links.items()})

    def _everybody(self, owners: set[str]) -> Mapping[str, SeenRep]:
        """Those who own a customer, and all whom we know as reps."""
        ids = owners | {self._target.user_id(row.rep_key) for row in self._ledger.reps()}
        ids.discard(self._target.client.identity().user_id)
        return {
            self._target.rep_key(one.id): SeenRep(one.id, one.name, one.email, one.active)
            for one in self._target.users(ids - {""})
        }


def _id(row: Row) -> str:
    return text_of(row.get("Id"))


def _at(row: Row) -> str:
    return text_of(row.get(_MODIFIED))


def _day(row: Row, name: str) -> date | None:
    return day_of(row.get(name))
