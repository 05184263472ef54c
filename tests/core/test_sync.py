"""What a sync takes in, what it leaves alone, and what it refuses."""

from collections.abc import Iterator, Sequence
from dataclasses import InitVar, dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core.errors import RetriableError, UsageError
from core.model import BadRow, OrderFacts, OrderStream, Reject, RepFacts, SourceRow, digest_of
from core.policy import SyncPolicy
from core.ports import Finding
from core.schema import accounts, confirmations, contacts, cycles, deliveries, engine_locks, orders, reps, sync_runs
from core.sync import SyncCounts, sync
from core.timing import WholeDay
from core.words import DeliveryKind
from tests.builders import House, MemorySource, Stream, account, facts, person

TODAY = date(2026, 3, 2)
TOMORROW = TODAY + timedelta(days=1)
END = date(2026, 5, 29)


@dataclass
class Rejected:
    """Where rejects go; it keeps them."""

    rows: list[Reject] = field(default_factory=list)
    headers: list[tuple[str, ...]] = field(default_factory=list)

    def __call__(self, source: str, header: Sequence[str], rejects: Any) -> None:
        self.headers.append(tuple(header))
        self.rows += rejects


@dataclass
class Reader:
    """A source of one column, `reads` of which are counted. A bad order cannot be read; None breaks the stream."""

    said: Sequence[OrderFacts | Reject | None]
    bad: frozenset[str] = frozenset()
    complete: bool = True
    size_known: InitVar[bool] = True
    cursor: str | None = None
    name: str = "memory"
    header: tuple[str, ...] = ("order",)
    reads: list[str] = field(default_factory=list)
    cursors: list[str | None] = field(default_factory=list)

    size: int | None = field(init=False)

    def __post_init__(self, size_known: bool) -> None:
        self.size = sum(isinstance(one, OrderFacts) for one in self.said) if size_known else None

    def orders(self, cursor: str | None) -> OrderStream:
        self.cursors.append(cursor)
        return self

    def order(self, key: str) -> OrderFacts | None:
        return None

    def check(self) -> list[Finding]:
        return []

    def __iter__(self) -> Iterator[SourceRow | Reject]:
        for one in self.said:
            if one is None:
                raise RetriableError("the connection broke off")
            if isinstance(one, Reject):
                yield one
            else:
                yield self._row(one)

    def _row(self, one: OrderFacts) -> SourceRow:
        def read() -> OrderFacts:
            self.reads.append(one.outside_id)
            if one.outside_id in self.bad:
                raise BadRow("order", "makes no sense")
            return one

        return SourceRow(one.key, digest_of(repr(one)), f"row {one.outside_id}", read)


def take(house: House, reader: Reader, day: date = TODAY, **said: Any) -> SyncCounts:
    rejects = said.pop("rejects", Rejected())
    return sync(house.store, [reader], house.crm, WholeDay(day), house.policy, rejects=rejects, **said)


def several(*numbers: int, **said: Any) -> list[OrderFacts]:
    return [facts(str(number), ends_on=END, **said) for number in numbers]


def vanished(house: House) -> set[str]:
    return {row.outside_id for row in house.rows(orders, orders.c.vanished_on.is_not(None))}


class TestCounts:
    def test_new_changed_unchanged_rejected_and_vanished(self, house: House) -> None:
        assert take(house, Reader(several(1, 2, 3, 4, 5))) == SyncCounts(read=5, new=5)
        changed = replace(facts("2", ends_on=END), status_text="Issued")
        second = Reader([*several(1), changed, *several(4, 5, 6, 7)], bad=frozenset("7"))
        assert take(house, second) == SyncCounts(read=6, new=1, changed=1, unchanged=3, rejected=1, vanished=1)
        assert vanished(house) == {"3"}
        assert house.rows(orders, orders.c.outside_id == "2")[0].status_text == "Issued"

    def test_what_has_not_changed_is_not_parsed(self, house: House) -> None:
        take(house, Reader(several(1, 2)))
        again = Reader([*several(1), facts("2", ends_on=END, auto_renew=True)])
        take(house, again)
        assert again.reads == ["2"]

    def test_several_batches_and_sources_add_up(self, house: House) -> None:
        house.policy = replace(house.policy, sync=SyncPolicy(batch_size=2))
        other = Reader([facts("9", ends_on=END, ca="other", key="other:9")], name="second")
        counts = sync(
            house.store,
            [Reader(several(1, 2, 3, 4, 5)), other],
            None,
            WholeDay(TODAY),
            house.policy,
            rejects=Rejected(),
        )
        assert counts == SyncCounts(read=6, new=6)
        assert take(house, Reader(several(1, 2, 3, 4, 5)), TOMORROW) == SyncCounts(read=5, unchanged=5)
        assert vanished(house) == set()

    def test_progress_is_told_by_batch(self, house: House) -> None:
        house.policy = replace(house.policy, sync=SyncPolicy(batch_size=2))
        told: list[tuple[int, int | None]] = []
        take(house, Reader(several(1, 2, 3)), progress=lambda done, size: told.append((done, size)))
        assert told == [(2, 3), (3, 3)]

    def test_the_first_and_last_time_an_order_changed_are_kept(self, house: House) -> None:
        take(house, Reader(several(1)))
        take(house, Reader([facts("1", ends_on=END, auto_renew=True)]), TOMORROW)
        [row] = house.rows(orders)
        assert (row.first_seen_at.date(), row.changed_at.date()) == (TODAY, TOMORROW)


class TestRejects:
    def test_they_are_handed_on_with_the_columns_of_the_source(self, house: House) -> None:
        rejects = Rejected()
        rows: list[OrderFacts | Reject] = [*several(1, 2), Reject("row 9", "valid_till", "is no date", ("9",))]
        counts = take(house, Reader(rows, bad=frozenset("2")), rejects=rejects)
        assert counts == SyncCounts(read=2, new=1, rejected=2)
        assert [(one.where, one.column, one.key) for one in rejects.rows] == [
            ("row 9", "valid_till", ""),
            ("row 2", "order", "digicert:2"),
        ]
        assert rejects.headers == [("order",)]

    def test_a_known_order_that_cannot_be_read_today_stays_and_has_not_vanished(self, house: House) -> None:
        take(house, Reader(several(1, 2, 3)))
        first = Reject("row 1", "valid_till", "is no date", key="digicert:1")
        second = facts("2", ends_on=END, auto_renew=True)
        counts = take(house, Reader([first, second, *several(3)], bad=frozenset("2"), size_known=False), TOMORROW)
        assert counts == SyncCounts(read=2, unchanged=1, rejected=2)
        assert vanished(house) == set()
        assert not house.rows(orders, orders.c.outside_id == "2")[0].auto_renew


class TestVanished:
    def test_the_day_is_kept_and_a_returning_order_is_back(self, house: House) -> None:
        take(house, Reader(several(1, 2, 3, 4, 5)))
        take(house, Reader(several(1, 2, 3, 4)), TOMORROW)
        assert [row.vanished_on for row in house.rows(orders) if row.outside_id == "5"] == [TOMORROW]
        assert take(house, Reader(several(1, 2, 3, 4)), TOMORROW).vanished == 0
        assert take(house, Reader(several(1, 2, 3, 4, 5)), TOMORROW) == SyncCounts(read=5, unchanged=5)
        assert vanished(house) == set()

    def test_an_order_may_return_changed(self, house: House) -> None:
        take(house, Reader(several(1, 2, 3, 4, 5)))
        take(house, Reader(several(1, 2, 3, 4)))
        back = facts("5", ends_on=END, auto_renew=True)
        assert take(house, Reader([*several(1, 2, 3, 4), back])) == SyncCounts(read=5, changed=1, unchanged=4)
        assert vanished(house) == set()

    def test_an_incomplete_pass_says_nothing_of_the_others(self, house: House) -> None:
        take(house, Reader(several(1, 2)))
        assert take(house, Reader(several(1), complete=False)).vanished == 0
        assert vanished(house) == set()

    def test_orders_of_another_source_do_not_vanish(self, house: House) -> None:
        take(house, Reader(several(1, 2, 3, 4, 5), name="first"))
        take(house, Reader(several(6), name="second"))
        assert vanished(house) == set()


class TestShrinking:
    def test_a_fifth_fewer_is_taken_and_more_is_refused(self, house: House) -> None:
        take(house, Reader(several(*range(1, 11))))
        with pytest.raises(UsageError, match=r"memory: the report names 7 orders where 10 are known.*--allow-shrink"):
            take(house, Reader(several(*range(1, 8))))
        assert take(house, Reader(several(*range(1, 9)))).vanished == 2

    @pytest.mark.parametrize("rows", [[], [1, 2]], ids=["empty", "shrunk"])
    def test_a_refused_report_changes_nothing(self, house: House, rows: list[int]) -> None:
        take(house, Reader(several(1, 2, 3, 4, 5)))
        before = house.dump()
        with pytest.raises(UsageError, match="nothing was changed"):
            take(house, Reader(several(*rows, auto_renew=True)), TOMORROW)
        after = house.dump()
        assert [row[:4] for row in after.pop("engine_locks")] == [row[:4] for row in before.pop("engine_locks")]
        assert after == before

    @pytest.mark.parametrize("rows", [[], [1, 2]], ids=["empty", "shrunk"])
    def test_it_is_taken_where_that_is_allowed(self, house: House, rows: list[int]) -> None:
        take(house, Reader(several(1, 2, 3, 4, 5)))
        assert take(house, Reader(several(*rows)), allow_shrink=True).vanished == 5 - len(rows)

    def test_an_empty_report_is_refused_on_the_first_day_too(self, house: House) -> None:
        with pytest.raises(UsageError, match="holds no order"):
            take(house, Reader([]))

    @pytest.mark.parametrize("said", [{"complete": False}, {"size_known": False}])
    def test_a_pass_that_is_incomplete_or_of_unknown_size_cannot_shrink(
        self, house: House, said: dict[str, Any]
    ) -> None:
        take(house, Reader(several(1, 2, 3, 4, 5)))
        assert take(house, Reader(several(1), **said)).read == 1

    def test_what_has_vanished_is_no_longer_counted(self, house: House) -> None:
        take(house, Reader(several(*range(1, 11))))
        take(house, Reader(several(1, 2)), allow_shrink=True)
        assert take(house, Reader(several(1, 2))).unchanged == 2


class TestInterrupted:
    def test_what_was_not_stored_is_simply_read_again(self, house: House) -> None:
        house.policy = replace(house.policy, sync=SyncPolicy(batch_size=2))
        with pytest.raises(RetriableError, match="broke off"):
            take(house, Reader([*several(1, 2, 3), None]))
        assert {row.outside_id for row in house.rows(orders)} == {"1", "2"}
        assert vanished(house) == set()
        again = Reader(several(1, 2, 3, 4))
        assert take(house, again) == SyncCounts(read=4, new=2, unchanged=2)
        assert again.reads == ["3", "4"]

    def test_a_broken_pass_has_no_cursor_and_marks_nothing_vanished(self, house: House) -> None:
        take(house, Reader(several(1, 2), cursor="one"))
        broken = Reader([*several(1), None], size_known=False, cursor="two")
        with pytest.raises(RetriableError):
            take(house, broken)
        third = Reader(several(1, 2), cursor="three")
        take(house, third)
        assert (broken.cursors, third.cursors) == (["one"], ["one"])
        assert [(row.complete, row.cursor) for row in house.rows(sync_runs)] == [
            (True, "one"),
            (False, None),
            (True, "three"),
        ]

    def test_replacements_in_what_was_stored_before_the_break_are_still_found(self, house: House) -> None:
        house.policy = replace(house.policy, sync=SyncPolicy(batch_size=2))
        same: dict[str, Any] = {"common_name": "shop.example.com", "dns_names": ("shop.example.com",)}
        old = facts("1", ends_on=TODAY + timedelta(days=20), **same)
        new = facts("2", ends_on=TODAY + timedelta(days=380), placed_on=TODAY, **same)
        with pytest.raises(RetriableError):
            take(house, Reader([old, new, None]))
        assert house.rows(confirmations) == []
        take(house, Reader([old, new]))
        assert [row.new_order_key for row in house.rows(confirmations)] == ["digicert:2"]


class TestPeople:
    def test_accounts_and_reps_of_the_source_are_taken_before_its_orders(self, house: House) -> None:
        house.source.known_accounts = [account(owner_key="eve", people=(person("chief@acme.example"),))]
        house.source.known_reps = [RepFacts("eve", "Eve", "eve@certs.example")]
        house.source.rows = [facts(ends_on=END, account=account(owner_key="other"))]
        house.sync(TODAY)
        assert [row.owner_key for row in house.rows(accounts)] == ["eve"]
        assert [row.rep_key for row in house.rows(reps)] == ["eve"]

    def test_unusable_people_are_rejects_too(self, house: House) -> None:
        rejects = Rejected()
        house.source.rows = several(1)
        house.source.reps = lambda: ((), [Reject("row 2", "email", "is empty")])  # type: ignore[method-assign]
        counts = sync(house.store, [house.source], None, WholeDay(TODAY), house.policy, rejects=rejects)
        assert (counts.rejected, [one.where for one in rejects.rows]) == (1, ["row 2"])


class TestRecords:
    def test_new_and_changed_orders_queue_their_records(self, house: House) -> None:
        take(house, Reader(several(1, 2)))
        queued = house.rows(deliveries, deliveries.c.kind == DeliveryKind.RECORD)
        assert len(queued) == 2

    def test_without_a_crm_there_are_none(self, house: House) -> None:
        sync(house.store, [Reader(several(1))], None, WholeDay(TODAY), house.policy, rejects=Rejected())
        assert house.rows(deliveries) == []


def test_a_day_before_the_last_is_refused(house: House) -> None:
    take(house, Reader(several(1)), TOMORROW)
    with pytest.raises(UsageError, match=r"sync has been done for 2026-03-03 already"):
        take(house, Reader(several(1)), TODAY)


def test_evidence_in_an_order_is_noted_with_it(house: House) -> None:
    take(house, Reader([facts("1", ends_on=END, is_renewed=True)]))
    with house.store.read() as connection:
        found = connection.execute(select(confirmations.c.order_key, confirmations.c.evidence)).all()
    assert [tuple(row) for row in found] == [("digicert:1", "is_renewed")]
    assert house.rows(cycles)[0].open


def test_the_lock_is_kept_while_a_slow_source_takes_its_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from core import sync as module

    leases: list[object] = []

    class Slow(Stream):
        def __iter__(self) -> Iterator[SourceRow | Reject]:
            for row in super().__iter__():
                yield row
                leases.append(house.rows(engine_locks)[0].lease_until)

    monkeypatch.setattr(module, "_KEEP_LOCK_SECONDS", 0)
    rows = [facts(str(number), ends_on=TODAY) for number in range(1, 5)]
    monkeypatch.setattr(house.source, "orders", lambda cursor: Slow(rows))
    house.sync(TODAY)
    assert len(set(leases)) == len(leases) == 4


def test_a_source_that_writes_back_is_told_after_its_pass(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[date, bool]] = []

    class Writes(MemorySource):
        def write_back(self, today: date) -> None:
            told.append((today, house.rows(sync_runs)[-1].finished_at is not None))

    house.source = Writes([facts(ends_on=TODAY)])
    house.sync(TODAY)
    assert told == [(TODAY, True)]


class TestAWholeList:
    @pytest.mark.parametrize(
        ("everybody", "unusable", "roles"),
        [(True, (), ""), (False, (), "organisation"), (True, (Reject("row 3", "zone", "is none"),), "organisation")],
        ids=["named no more", "not all are named", "a row could not be read"],
    )
    def test_whom_a_whole_list_names_no_more_is_no_contact_of_the_account(
        self, house: House, everybody: bool, unusable: tuple[Reject, ...], roles: str
    ) -> None:
        source = house.source
        source.names_everybody, source.complete = everybody, False
        source.known_accounts = [account(people=(person("ann@acme.example"), person("bob@acme.example")))]
        house.sync(TODAY)
        source.known_accounts, source.unusable_accounts = [account(people=(person("bob@acme.example"),))], unusable
        sync(house.store, [source], None, WholeDay(TODAY), house.policy, rejects=lambda *said: None)
        assert {row.email: row.roles for row in house.rows(contacts)} == {
            "ann@acme.example": roles,
            "bob@acme.example": "organisation",
        }
