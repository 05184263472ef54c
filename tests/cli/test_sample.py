"""The sample portfolio: real in its shape, whole in its cases, and the same every time."""

import csv
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from cli.sample import DAYS, Event, Sample, report_on, write_sample
from cli.sample_portfolio import CUSTOMERS, HEADER, REPS
from connectors.order_report.connector import OrderReport, OrderReportSettings
from core.certainty import covers
from core.model import AccountFacts, BadRow, OrderFacts, Reject, SourceRow
from core.products import Catalogue
from core.words import Level, OrderStatus, ProductKind

START = date(2026, 11, 21)
STARTS = (date(2024, 2, 29), START, date(2027, 6, 1), date(2029, 4, 1))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return write_sample(tmp_path_factory.mktemp("sample") / "new", START)


def source(sample: Sample, report: Path | None = None) -> OrderReport:
    settings = OrderReportSettings(
        path=str(report or sample.report),
        accounts_path=str(sample.accounts),
        contacts_path=str(sample.contacts),
        reps_path=str(sample.reps),
        customer="container",
    )
    return OrderReport(settings, Catalogue())


def read(found: OrderReport) -> tuple[dict[str, OrderFacts], list[str]]:
    orders, bad = {}, []
    for one in found.orders(None):
        assert isinstance(one, SourceRow)
        try:
            facts = one.read()
        except BadRow as error:
            bad.append(error.column)
        else:
            orders[facts.outside_id] = facts
    return orders, bad


def orders_on(sample: Sample, day: date, folder: Path) -> dict[str, OrderFacts]:
    report_on(sample, day, folder / "later.csv")
    return read(source(sample, folder / "later.csv"))[0]


def events(sample: Sample, kind: str) -> list[Event]:
    return [event for event in sample.events if event.kind == kind]


def test_the_same_start_gives_the_same_files(sample: Sample, tmp_path: Path) -> None:
    again = write_sample(tmp_path, START)
    for one, other in (
        (sample.report, again.report),
        (sample.contacts, again.contacts),
        (sample.reps, again.reps),
    ):
        assert one.read_bytes() == other.read_bytes()
    assert again.events == sample.events


def test_the_report_has_the_shape_of_a_real_one(sample: Sample) -> None:
    text = sample.report.read_text("utf-8")
    assert text.startswith('"order_id","customer_order_id","date_created"')
    with sample.report.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == HEADER
    assert any("\n" in row["csr"] for row in rows)
    assert len(text.splitlines()) > 3 * len(rows)


@pytest.mark.parametrize("start", STARTS)
def test_every_row_but_one_can_be_read_on_any_start_and_day(start: date, tmp_path: Path) -> None:
    some = write_sample(tmp_path, start)
    for after in (0, 45, DAYS):
        report_on(some, start + timedelta(days=after), tmp_path / "day.csv")
        orders, bad = read(source(some, tmp_path / "day.csv"))
        assert bad == ["valid_till"]
        assert len(orders) >= 60


def test_the_portfolio_is_mixed(sample: Sample) -> None:
    orders, _ = read(source(sample))
    assert len(orders) == len(sample.orders) >= 60
    assert {order.kind for order in orders.values()} >= {
        ProductKind.TLS,
        ProductKind.CODE_SIGNING,
        ProductKind.SMIME,
    }
    assert {order.level for order in orders.values()} >= set(Level)
    accounts = {order.account.key for order in orders.values()}
    assert len(accounts) >= 20
    assert any(name.startswith("*.") for order in orders.values() for name in order.dns_names)
    assert any(not order.common_name.isascii() for order in orders.values())
    assert any(len(order.dns_names) > 3 for order in orders.values())
    lives = {
        (order.certificate_expires_on - order.certificate_issued_on).days
        for order in orders.values()
        if order.certificate_expires_on and order.certificate_issued_on
    }
    assert {199, 397, 365} <= lives
    assert any(order.term_days == 3 * 365 for order in orders.values())


def test_the_clocks_run_out_within_the_days(sample: Sample) -> None:
    orders, _ = read(source(sample))
    last = START + timedelta(days=DAYS)
    renewals = [o for o in orders.values() if o.order_expires_on and START <= o.order_expires_on <= last]
    reissues = [
        o for o in orders.values()
        if o.certificate_expires_on and o.order_expires_on
        and START <= o.certificate_expires_on <= last and o.order_expires_on > last
    ]  # fmt: skip
    assert len(renewals) > 40
    assert len(reissues) > 10
    assert not any(o.order_expires_inferred for o in orders.values())


def test_the_awkward_cases_are_there(sample: Sample) -> None:
    orders, _ = read(source(sample))
    assert any(order.auto_renew for order in orders.values())
    assert any(order.ca_notices_off for order in orders.values())
    assert any(
        order.order_expires_on and order.order_expires_on < START - timedelta(days=180) for order in orders.values()
    )
    assert any(not order.people for order in orders.values())
    assert max(Counter(order.account.key for order in orders.values()).values()) >= 14
    with sample.report.open(encoding="utf-8", newline="") as file:
        ids = Counter(row["order_id"] for row in csv.DictReader(file))
    assert sorted(ids.values())[-2:] == [1, 2]


def test_the_people_s_files_are_sound_and_fit_the_orders(sample: Sample) -> None:
    found = source(sample)
    accounts, rejects = found.accounts()
    reps, bad_reps = found.reps()
    assert (list(rejects), list(bad_reps)) == ([], [])
    assert len(accounts) == len(CUSTOMERS) == 24
    assert len({account.country for account in accounts}) >= 10
    assert {account.language for account in accounts} >= {"en", "it", "es", "zh-Hans", "fr", "ko"}
    assert {rep.job for rep in reps} == {"rep", "support", "manager"}
    assert len(reps) == len(REPS) == 5
    keys = {rep.key for rep in reps} | {""}
    assert all({rep.manager_key, rep.deputy_key} <= keys for rep in reps)
    assert all(account.owner_key in keys for account in accounts)
    orders, _ = read(found)
    assert {order.account.key for order in orders.values()} <= {account.key for account in accounts}


def test_every_address_is_reserved(sample: Sample) -> None:
    found = source(sample)
    accounts: list[AccountFacts] = list(found.accounts()[0])
    addresses = {person.email for account in accounts for person in account.people}
    addresses |= {person.email for order in read(found)[0].values() for person in order.people}
    addresses |= {rep.email for rep in found.reps()[0]} | set(sample.suppressed)
    assert addresses
    assert all(address.endswith(".example") for address in addresses)


def test_who_is_suppressed_is_a_contact(sample: Sample) -> None:
    known = {person.email for account in source(sample).accounts()[0] for person in account.people}
    assert sample.suppressed
    assert set(sample.suppressed) <= known
    (optout,) = events(sample, "opted_out")
    assert optout.address in known - set(sample.suppressed)


def test_events_are_in_order_and_within_the_days(sample: Sample) -> None:
    days = [event.day for event in sample.events]
    assert days == sorted(days)
    assert all(START < day <= START + timedelta(days=DAYS) for day in days)
    assert {event.kind for event in sample.events} == {
        "renewed", "auto_renewed", "replaced", "placed", "issued", "reissued", "revoked", "cancelled", "confirmed",
        "reopened", "lost", "opted_out",
    }  # fmt: skip
    assert [event for day in sorted(set(days)) for event in sample.on(day)] == list(sample.events)
    assert sample.on(START) == ()


def test_some_renew_early_some_late_some_after_the_end_and_some_never(sample: Sample) -> None:
    ends = {order.id: order.ends_on for order in sample.orders}
    ahead = [(ends[event.order_ids[0]] - event.day).days for event in events(sample, "renewed")]
    assert max(ahead) >= 60
    assert any(0 < days <= 3 for days in ahead)
    assert min(ahead) < 0
    touched = {order_id for event in sample.events for order_id in event.order_ids}
    last = START + timedelta(days=DAYS)
    assert len([key for key, end in ends.items() if START < end <= last and key not in touched]) >= 5


def test_a_renewal_links_both_orders_from_its_day(sample: Sample, tmp_path: Path) -> None:
    for event in (events(sample, "renewed")[0], events(sample, "auto_renewed")[0]):
        old, new = event.order_ids
        before = orders_on(sample, event.day - timedelta(days=1), tmp_path)
        after = orders_on(sample, event.day, tmp_path)
        assert new not in before
        assert not before[old].is_renewed
        assert (after[old].is_renewed, after[old].renewed_by) == (True, f"digicert:{new}")
        assert (after[new].renewal_of, after[new].placed_on) == (f"digicert:{old}", event.day)
        assert after[new].status is OrderStatus.ISSUED


def test_a_reissue_changes_the_certificate_and_nothing_else(sample: Sample, tmp_path: Path) -> None:
    event = events(sample, "reissued")[0]
    (which,) = event.order_ids
    before = orders_on(sample, event.day - timedelta(days=1), tmp_path)[which]
    after = orders_on(sample, event.day, tmp_path)[which]
    assert before.certificate_id != after.certificate_id
    assert after.certificate_issued_on == event.day
    certificate = ("certificate_id", "certificate_issued_on", "certificate_expires_on", "starts_on")
    assert replace(before, **{name: getattr(after, name) for name in certificate}) == after


def test_a_replacement_covers_all_names_and_says_nothing(sample: Sample, tmp_path: Path) -> None:
    (event,) = events(sample, "replaced")
    old, new = event.order_ids
    after = orders_on(sample, event.day, tmp_path)
    assert all(covers(frozenset(after[new].dns_names), name) for name in after[old].dns_names)
    assert (after[new].renewal_of, after[old].is_renewed) == ("", False)
    assert after[new].account.key == after[old].account.key


def test_a_renewal_waits_for_validation_and_is_then_issued(sample: Sample, tmp_path: Path) -> None:
    (placed,), (issued,) = events(sample, "placed"), events(sample, "issued")
    old, new = placed.order_ids
    waiting = orders_on(sample, placed.day, tmp_path)
    assert (waiting[new].status, waiting[new].renewal_of) == (OrderStatus.PENDING, f"digicert:{old}")
    assert not waiting[old].is_renewed
    done = orders_on(sample, issued.day, tmp_path)
    assert (done[new].status, done[old].is_renewed) == (OrderStatus.ISSUED, True)
    assert done[new].placed_on == placed.day


@pytest.mark.parametrize(("kind", "status"), [("revoked", OrderStatus.REVOKED), ("cancelled", OrderStatus.CANCELLED)])
def test_what_is_revoked_or_cancelled_stays_so(sample: Sample, tmp_path: Path, kind: str, status: OrderStatus) -> None:
    (event,) = events(sample, kind)
    for day in (event.day, START + timedelta(days=DAYS)):
        assert orders_on(sample, day, tmp_path)[event.order_ids[0]].status is status


def test_confirmations_show_in_the_report_later_one_after_it_was_taken_back(sample: Sample, tmp_path: Path) -> None:
    confirmed = {event.order_ids[0]: event.day for event in events(sample, "confirmed")}
    (again,) = events(sample, "reopened")
    last = orders_on(sample, START + timedelta(days=DAYS), tmp_path)
    assert all(last[which].is_renewed for which in confirmed)
    assert len(confirmed) == 2
    assert not orders_on(sample, again.day, tmp_path)[again.order_ids[0]].is_renewed
    for which, day in confirmed.items():
        assert not orders_on(sample, day, tmp_path)[which].is_renewed


def test_orders_that_have_ended_stand_as_issued_or_expired(sample: Sample, tmp_path: Path) -> None:
    last = orders_on(sample, START + timedelta(days=DAYS), tmp_path).values()
    ended = [
        order.status for order in last if order.order_expires_on and order.order_expires_on < START + timedelta(days=60)
    ]
    assert {OrderStatus.ISSUED, OrderStatus.EXPIRED} <= set(ended)


def test_nothing_of_it_is_rejected_by_the_scan(sample: Sample) -> None:
    assert not [one for one in source(sample).orders(None) if isinstance(one, Reject)]
