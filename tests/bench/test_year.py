"""The made portfolio, its year, and that a promise which is broken is told."""

import csv
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.engine import Connection

from bench import promises
from bench.portfolio import DAY, PortfolioSize, write_portfolio
from bench.year import live_portfolio, play
from config.settings import load
from core.policy import Policy
from core.reasons import Reason
from core.schema import contacts, cycles, deliveries, task_orders, tasks, touches
from core.store import open_store
from core.words import Clock, DeliveryKind, DeliveryState, TouchState

SMALL = PortfolioSize(orders=90, accounts=15)
DAYS = 24


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Policy]:
    """The ledger of a small portfolio after some weeks in which every promise was kept."""
    folder = tmp_path_factory.mktemp("year")
    told: list[str] = []
    with live_portfolio(folder, SMALL) as house:
        year = play(house, DAYS, told.append)
        policy = house.policy
    assert year.broken == []
    assert len(told) == 4
    assert year.sent[DeliveryKind.MAIL] > 20
    assert year.sent[DeliveryKind.CALL_CREATE] > 5
    assert not year.outcomes["open"]
    assert sum(year.outcomes.values()) > 0
    return folder / "nolapse.db", policy


@pytest.fixture
def policy(played: tuple[Path, Policy]) -> Policy:
    return played[1]


@contextmanager
def tampered(file: Path, folder: Path) -> Iterator[Connection]:
    """A copy of the ledger to spoil."""
    copy = folder / "copy.db"
    shutil.copyfile(file, copy)
    store = open_store(f"sqlite:///{copy}")
    try:
        with store.begin() as connection:
            yield connection
    finally:
        store.close()


@pytest.fixture
def ledger(played: tuple[Path, Policy], tmp_path: Path) -> Iterator[Connection]:
    with tampered(played[0], tmp_path) as connection:
        yield connection


def test_the_same_seed_gives_the_same_files(tmp_path: Path) -> None:
    validity = load(None, environment={}).validity
    texts = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        files = write_portfolio(tmp_path / name, SMALL, validity)
        paths = (files.report, files.accounts, files.contacts, files.reps)
        texts.append(([path.read_bytes() for path in paths], files.refusing, files.consenting))
    assert texts[0] == texts[1]


def test_a_portfolio_is_of_the_size_that_was_asked_for(tmp_path: Path) -> None:
    files = write_portfolio(tmp_path, PortfolioSize(3_000, 400), load(None, environment={}).validity)
    with files.report.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    first = [row for row in rows if row["renewal_of_order_id"] == "0"]
    assert len(first) == 3_000
    held = Counter(row["container_id"] for row in first)
    assert len(held) == 400
    assert max(held.values()) == 300
    assert min(held.values()) == 1
    ends = [row["order_valid_till"] for row in rows]
    assert min(ends) < str(DAY) < max(ends) < str(DAY + timedelta(days=365))
    assert {row["status"] for row in rows} == {"issued", "expired", "canceled", "revoked"}


def mail(connection: Connection) -> dict[str, object]:
    """A mail that went, to be written down once more."""
    sent = (deliveries.c.kind == DeliveryKind.MAIL) & (deliveries.c.state == DeliveryState.DELIVERED)
    row = connection.execute(select(deliveries).where(sent, deliveries.c.urgency == "notice").limit(1)).one()
    return {name: value for name, value in row._mapping.items() if name != "id"}


def test_two_mails_on_the_first_morning_are_told(ledger: Connection, policy: Policy) -> None:
    ledger.execute(update(deliveries).where(deliveries.c.day > DAY).values(state=DeliveryState.WITHDRAWN))
    ledger.execute(update(tasks).where(tasks.c.opened_on > DAY).values(opened_on=None))
    assert list(promises.morning(ledger, DAY, policy)) == []
    ledger.execute(insert(deliveries), [mail(ledger) | {"key": "again", "day": DAY}])
    found = list(promises.morning(ledger, DAY, policy))
    assert found == ["a person got 2 mails on the first day"]


def test_more_mails_than_the_caps_allow_are_told(ledger: Connection, policy: Policy) -> None:
    once = mail(ledger)
    ledger.execute(insert(deliveries), [once | {"key": "again"}])
    assert f"a person got 2 mails on {once['day']}" in list(promises.caps(ledger, policy))


def test_more_tasks_than_the_cap_allows_are_told(ledger: Connection, policy: Policy) -> None:
    assert list(promises.caps(ledger, policy)) == []
    ledger.execute(update(tasks).where(tasks.c.opened_on.is_not(None)).values(owner_key="rep5", opened_on=DAY))
    count = len(ledger.execute(select(tasks.c.id).where(tasks.c.owner_key == "rep5", tasks.c.kind != "support")).all())
    strict = replace(policy, tasks=replace(policy.tasks, per_day=count - 1))
    assert list(promises.caps(ledger, strict)) == [f"rep5 got {count} new tasks on {DAY}"]


def test_what_ended_before_and_was_told_of_is_told(ledger: Connection) -> None:
    old = ledger.execute(select(cycles.c.id).where(cycles.c.ends_on < DAY).limit(1)).scalar_one()
    task = ledger.execute(select(tasks.c.id).limit(1)).scalar_one()
    ledger.execute(insert(task_orders), [{"task_id": task, "cycle_id": old, "settled": True}])
    assert list(promises.ended_before(ledger, DAY)) == [f"cycle {old} had ended before the first day, and was told of"]


def test_an_order_left_open_is_told(ledger: Connection) -> None:
    over = DAY + timedelta(days=DAYS - 15)
    mine = (cycles.c.clock == Clock.RENEWAL) & cycles.c.ends_on.between(DAY, over)
    id = ledger.execute(select(cycles.c.id).where(mine).limit(1)).scalar_one()
    assert list(promises.decided(ledger, DAY, over)) == []
    ledger.execute(update(cycles).where(cycles.c.id == id).values(open=True))
    (found,) = promises.decided(ledger, DAY, over)
    assert "is still open" in found


def test_a_touch_without_a_reason_is_told(ledger: Connection) -> None:
    id = ledger.execute(select(touches.c.id).where(touches.c.state == TouchState.SKIPPED).limit(1)).scalar_one()
    ledger.execute(update(touches).where(touches.c.id == id).values(reason=""))
    (found,) = promises.decided(ledger, DAY, DAY)
    assert found.startswith(f"touch {id} ")


def test_a_step_that_explain_cannot_explain_is_told(ledger: Connection, policy: Policy) -> None:
    assert list(promises.explained(ledger, policy, DAY + timedelta(days=DAYS))) == []
    ledger.execute(update(touches).where(touches.c.state == TouchState.MISSED).values(reason=""))
    assert list(promises.explained(ledger, policy, DAY + timedelta(days=DAYS)))


def test_a_mail_about_what_is_over_is_told(ledger: Connection) -> None:
    assert list(promises.stopped(ledger)) == []
    told = (
        select(touches.c.cycle_id)
        .join(deliveries, deliveries.c.id == touches.c.delivery_id)
        .where(touches.c.state == TouchState.DONE, deliveries.c.kind == DeliveryKind.MAIL, deliveries.c.occasion == "")
    )
    id = ledger.execute(told.limit(1)).scalar_one()
    over = DAY - timedelta(days=9)
    ledger.execute(update(cycles).where(cycles.c.id == id).values(open=False, outcome=Reason.RENEWED, closed_on=over))
    assert any(f"was over on {over}" in one for one in promises.stopped(ledger))


def test_two_open_calls_of_an_account_are_told(ledger: Connection) -> None:
    row = ledger.execute(select(tasks).where(tasks.c.kind == "call").limit(1)).one()._asdict()
    del row["id"]
    ledger.execute(
        insert(tasks),
        [row | {"task_key": f"again-{n}", "generation": 90 + n, "closed_at": None, "state": "open"} for n in (1, 2)],
    )
    assert any(one.startswith(f"account {row['account_id']} has") for one in promises.stopped(ledger))


def test_rows_of_several_accounts_with_one_address_are_one_person(ledger: Connection, policy: Policy) -> None:
    assert list(promises.caps(ledger, policy)) == []
    one_each = select(func.min(contacts.c.id)).group_by(contacts.c.account_id)
    ledger.execute(update(contacts).where(contacts.c.id.in_(one_each)).values(email="everybody@agency.example"))
    assert any(one.startswith("a person got") for one in promises.caps(ledger, policy))
