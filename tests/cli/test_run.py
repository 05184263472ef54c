from datetime import date, timedelta

import pytest

from tests.cli.conftest import ORDER, Desk

DAY = "2026-11-20"  # thirty days before the end of the order, a Friday
KINDS = {"mail", "call_create", "call_raise", "call_close", "call_assign", "record", "mail_log", "optout"}


def live(nolapse: Desk, day: str = DAY) -> None:
    nolapse("go-live", "--from", day)


def play(nolapse: Desk, first: str, days: int) -> list[dict[str, object]]:
    start = date.fromisoformat(first)
    return [nolapse("run", "--json", "--today", str(start + timedelta(days=n))).json for n in range(days)]


def test_a_run_answers_with_one_object_of_the_agreed_shape(nolapse: Desk) -> None:
    nolapse.report({})
    live(nolapse)
    said = nolapse("run", "--json", "--today", DAY)
    assert len(said.out.splitlines()) == 1
    answer = said.json
    assert answer["day"] == DAY
    assert answer["sync"] == {"read": 1, "new": 1, "changed": 0, "unchanged": 0, "rejected": 0, "vanished": 0}
    assert set(answer["settle"]) == {"renewed", "lapsed", "reopened", "withdrawn"}
    assert set(answer["plan"]) >= {"touches", "deliveries", "skipped", "missed", "merged"}
    assert answer["plan"]["missed"] == 2
    assert set(answer["deliver"]) == KINDS
    assert set(answer["deliver"]["mail"]) == {"delivered", "failed", "uncertain", "withdrawn", "waiting"}
    assert answer["deliver"]["mail"]["delivered"] == 1


def test_the_mail_lands_in_the_mailbox_with_the_essentials(nolapse: Desk) -> None:
    nolapse.report({})
    live(nolapse)
    nolapse("run", "--today", DAY)
    (mail,) = nolapse.mails()
    for essential in ("1001", "www.example.com", "ulf@acme.example", "20 December 2026", "20 June 2026"):
        assert essential in mail.replace("=20", " ").replace("=\n", "")


def test_nothing_is_sent_before_going_live_and_everything_is_planned(nolapse: Desk) -> None:
    nolapse.report({})
    answer = nolapse("run", "--json", "--today", DAY).json
    assert answer["deliver"]["mail"] == {"delivered": 0, "failed": 0, "uncertain": 0, "withdrawn": 0, "waiting": 1}
    assert answer["plan"]["touches"] == 2
    told = {
        (one["touchpoint"], one["channel"]): one for one in nolapse("explain", "1001", "--json", "--today", DAY).json
    }
    assert told["before-30", "mail"]["outcome"] == "waiting"
    assert told["before-30", "mail"]["reason"] == "not_live"


def test_a_confirmation_stops_everything_for_that_order_at_once(nolapse: Desk) -> None:
    nolapse.report({}, {"order_id": "1002", "common_name": "shop.example.com", "serial_number": "AA02"})
    nolapse("run", "--today", DAY)
    live(nolapse)
    nolapse("confirm", "1001", "--on", DAY)
    # Settle has not seen it yet: the mail goes all the same without the order.
    answer = nolapse("deliver", "--json", "--today", DAY).json
    assert answer["mail"]["delivered"] == 1
    (mail,) = nolapse.mails()
    assert "shop.example.com" in mail
    assert "www.example.com" not in mail
    told = {
        (one["touchpoint"], one["channel"]): one for one in nolapse("explain", "1001", "--json", "--today", DAY).json
    }
    assert (told["before-30", "mail"]["outcome"], told["before-30", "mail"]["reason"]) == ("withdrawn", "renewed")
    assert nolapse("settle", "--json", "--today", DAY).json["renewed"] == 1


def test_a_renewal_in_the_report_closes_the_call_on_the_desk(nolapse: Desk) -> None:
    nolapse.report({})
    live(nolapse)
    nolapse("run", "--today", DAY)
    (task,) = nolapse("tasks", "list", "--json").json
    assert (task["owner_key"], task["order_keys"]) == ("maria", ["digicert:1001"])
    renewal = {
        "order_id": "2001", "date_created": "2026-11-21 09:00:00", "valid_from": "2026-11-21", "valid_till": "2027-06-07",
        "order_valid_till": "2027-11-21", "serial_number": "BB01", "renewal_of_order_id": "1001",
    }  # fmt: skip
    nolapse.report({"is_renewed": "1", "renewed_order_id": "2001"}, renewal)
    answer = nolapse("run", "--json", "--today", "2026-11-21").json
    assert answer["settle"]["renewed"] == 1
    assert answer["deliver"]["call_close"]["delivered"] == 1
    assert nolapse("tasks", "list", "--json").json == []
    later = play(nolapse, "2026-11-22", 20)
    clocks = {one["clock"] for one in nolapse("explain", "1001", "--json", "--today", "2026-12-11").json}
    assert clocks == {"renewal", "install"}
    # Thanks for the renewal, then the reminder to install.
    assert sum(day["deliver"]["mail"]["delivered"] for day in later) == 2  # type: ignore[index]
    thanks, reminder = nolapse.mails()[-2:]
    assert "Subject: Thank you" in thanks
    assert "install" in reminder.lower()


def test_a_whole_life_ends_with_a_reason(nolapse: Desk) -> None:
    nolapse.report({})
    live(nolapse, "2026-09-18")
    days = play(nolapse, "2026-09-18", 105)
    assert sum(day["deliver"]["mail"]["delivered"] for day in days) == 9  # type: ignore[index]
    assert sum(day["settle"]["lapsed"] for day in days) == 1  # type: ignore[index]
    told = nolapse("explain", "1001", "--json", "--today", "2026-12-31").json
    assert {one["outcome"] for one in told} == {"delivered"}
    names = {"touchpoint", "channel", "clock", "cycle", "day", "outcome", "reason", "delivery", "until"}
    assert set(told[0]) == names
    days_of = [(one["touchpoint"], one["day"]) for one in told if one["channel"] == "mail"]
    # 60 and 21 days before fall on weekends nowhere here; the one after a Sunday end moves past Christmas days off.
    assert days_of[0] == ("before-90", "2026-09-21")
    assert [name for name, _ in days_of] == [
        "before-90", "before-60", "before-30", "before-14", "before-7", "before-3", "on-0", "after-1", "after-7",
    ]  # fmt: skip


def test_the_same_day_twice_adds_nothing(nolapse: Desk) -> None:
    nolapse.report({})
    live(nolapse)
    nolapse("run", "--today", DAY)
    again = nolapse("run", "--json", "--today", DAY).json
    assert again["sync"]["unchanged"] == 1
    assert (again["plan"]["touches"], again["deliver"]["mail"]["delivered"]) == (0, 0)
    assert len(nolapse.mails()) == 1


def test_a_day_before_the_last_one_is_refused(nolapse: Desk) -> None:
    nolapse.report({})
    nolapse("run", "--today", DAY)
    said = nolapse("run", "--today", "2026-11-19", code=2)
    assert "2026-11-20" in said.err
    assert len(said.err.splitlines()) == 1


def test_a_dry_run_changes_nothing(nolapse: Desk) -> None:
    nolapse.report({})
    live(nolapse)
    before = nolapse.tables()
    answer = nolapse("run", "--json", "--dry-run", "--today", DAY).json
    assert answer["deliver"]["mail"]["delivered"] == 1
    assert nolapse.tables() == before
    assert nolapse.mails() == []


def test_a_preview_tells_each_delivery_and_writes_nothing(nolapse: Desk) -> None:
    nolapse.report({})
    nolapse("run", "--today", DAY)
    before = nolapse.tables()
    said = nolapse("plan", "--json", "--today", DAY, "--from", "2026-12-01", "--to", "2026-12-14")
    assert nolapse.tables() == before
    keys = [
        "day",
        "send_after",
        "kind",
        "channel",
        "key",
        "account",
        "contact",
        "rep",
        "orders",
        "touchpoint",
        "urgency",
        "nature",
        "clock",
    ]
    assert all(set(line) >= set(keys) for line in said.lines)
    assert [(line["day"], line["channel"], line["touchpoint"]) for line in said.lines] == [
        ("2026-12-04", "mail", "before-14"),
        ("2026-12-11", "call", "before-7"),
        ("2026-12-11", "mail", "before-7"),
    ]
    assert said.lines[0]["orders"] == ["digicert:1001"]
    assert said.lines[0]["send_after"] == "2026-12-04T08:00:00+00:00"


def test_a_preview_ends_no_earlier_than_it_begins(nolapse: Desk) -> None:
    assert "is before --from" in nolapse("plan", "--from", "2026-12-02", "--to", "2026-12-01", code=2).err


def test_the_steps_work_alone_too(nolapse: Desk) -> None:
    nolapse.report({})
    live(nolapse)
    assert nolapse("sync", "--json", "--today", DAY).json["new"] == 1
    assert nolapse("settle", "--json", "--today", DAY).json["renewed"] == 0
    assert nolapse("plan", "--json", "--today", DAY).json["touches"] == 2
    assert nolapse("deliver", "--json", "--today", DAY).json["mail"]["delivered"] == 1


@pytest.mark.parametrize("argument", ["2026-13-01", "tomorrow", "20261120"])
def test_a_day_that_is_none_is_refused(nolapse: Desk, argument: str) -> None:
    said = nolapse("run", "--today", argument, code=2)
    assert "is not a date; write it as YYYY-MM-DD" in said.err


def test_an_unsubscribed_person_is_not_written_to_and_the_next_one_is(nolapse: Desk) -> None:
    nolapse.report({})
    live(nolapse)
    nolapse("suppress", "ulf@acme.example", "--unsubscribed")
    nolapse("run", "--today", DAY)
    (mail,) = nolapse.mails()
    assert "tina@acme.example" in mail
    assert "ulf@acme.example" not in mail


def test_where_nobody_can_be_written_to_the_rep_gets_one_task(nolapse: Desk) -> None:
    nolapse.report({})
    live(nolapse)
    for address in ("ulf@acme.example", "tina@acme.example"):
        nolapse("suppress", address, "--unsubscribed")
    answer = nolapse("run", "--json", "--today", DAY).json
    assert answer["plan"]["skipped"] == {"unsubscribed": 1}
    play(nolapse, "2026-11-21", 20)
    kinds = [task["kind"] for task in nolapse("tasks", "list", "--json").json]
    assert sorted(kinds) == ["call", "contact"]


def test_orders_in_human_words(nolapse: Desk) -> None:
    nolapse.report({})
    live(nolapse)
    said = nolapse("run", "--today", DAY)
    assert "1 new" in said.out
    assert "mail: 1 delivered" in said.out
    assert "www.example.com" in nolapse("explain", "1001", "--today", DAY).out
    assert ORDER["common_name"] in nolapse("report", "expiring", "--today", DAY).out


def test_the_same_on_postgresql(nolapse: Desk, postgres_url: str) -> None:
    nolapse.settings(
        f'[order_report]\npath = "report.csv"\n[reps]\nfallback = "maria"\n[store]\nurl = "{postgres_url}"\n'
    )
    nolapse.report({}, {"order_id": "1002", "common_name": "shop.example.com", "serial_number": "AA02"})
    live(nolapse)
    first = nolapse("run", "--json", "--today", DAY).json
    assert first["deliver"]["mail"]["delivered"] == 1
    assert first["deliver"]["call_create"]["delivered"] == 1
    nolapse("confirm", "1001", "--on", "2026-11-25", "--certainty", "confirmed")
    lines = nolapse("plan", "--json", "--today", DAY, "--from", "2026-12-04", "--to", "2026-12-04").lines
    told = {line["clock"]: line["orders"] for line in lines}
    assert told == {"renewal": ["digicert:1002"], "install": ["digicert:1001"]}
    play(nolapse, "2026-12-01", 8)
    outcomes = {one["outcome"] for one in nolapse("explain", "1001", "--json", "--today", "2026-12-08").json}
    assert outcomes == {"missed", "delivered", "skipped", "planned"}
    assert [task["order_keys"] for task in nolapse("tasks", "list", "--json").json] == [["digicert:1002"]]
