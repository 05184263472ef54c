"""go-live with a pilot, pause and resume, hold, send-now, withdraw and reassign, as an operator types them."""

import pytest

from tests.cli.conftest import Desk

DAY = "2026-11-20"
NEXT = "2026-11-23"
BETA = {
    "order_id": "2001",
    "serial_number": "BB01",
    "common_name": "www.beta.example",
    "organization_id": "12",
    "organization_name": "Beta AG",
    "tech_email": "tim@beta.example",
    "user_email": "uta@beta.example",
}
ACME_KEY, BETA_KEY = "digicert:organisation:11", "digicert:organisation:12"


@pytest.fixture
def planned(nolapse: Desk) -> Desk:
    """Two customers, thirty days before the end of their orders; nothing has gone yet."""
    nolapse.report({}, BETA)
    nolapse("run", "--today", DAY)
    return nolapse


@pytest.fixture
def live(planned: Desk) -> Desk:
    planned("go-live", "--from", DAY)
    return planned


def waits(desk: Desk) -> set[str]:
    return {one["why"] for one in desk("deliveries", "list", "--state", "planned", "--kind", "mail", "--json").json}


def test_a_pilot_then_everybody(planned: Desk) -> None:
    assert waits(planned) == {"nothing is sent until `nolapse go-live`"}
    before = planned.tables()
    tried = planned("go-live", "--from", DAY, "--pilot", "acme", "--dry-run")
    assert tried.out.splitlines() == [
        f"Pilot: {ACME_KEY} from {DAY} (nothing was changed).",
        "The others are only observed; `nolapse go-live --from DATE` takes everybody in.",
        "0 cycles that have ended by then: closed in silence by the next settle. "
        "Waiting: 1 call_create, 1 mail, 1 record.",
    ]
    assert planned.tables() == before
    said = planned("go-live", "--from", DAY, "--pilot", "acme", "--json").json
    assert said["pilot"] == [{"account": ACME_KEY, "from": DAY}]
    assert said["live_from"] is None
    assert planned("run", "--today", DAY, "--json").json["deliver"]["mail"] == {
        "delivered": 1, "failed": 0, "uncertain": 0, "withdrawn": 0, "waiting": 1,
    }  # fmt: skip
    (line,) = [
        one for one in planned("plan", "--json", "--today", DAY, "--from", DAY).lines if one["channel"] == "mail"
    ]
    assert (line["account"], line["waits"]) == (BETA_KEY, "the pilot alone is live, and its account is not in it")
    assert "pilot" in planned("explain", "2001", "--today", DAY).out
    assert "live" in planned("check").out
    planned("go-live", "--from", NEXT)
    assert planned("run", "--today", NEXT, "--json").json["deliver"]["mail"]["delivered"] == 1
    assert "no account nobody" in planned("go-live", "--from", DAY, "--pilot", "nobody", code=2).err
    assert "needs its first day" in planned("go-live", "--pilot", "acme", code=2).err
    assert "goes alone" in planned("go-live", "--observe", "--from", DAY, code=2).err


def test_pauses(live: Desk) -> None:
    assert live("pause", "--list").out == "Nothing is paused.\n"
    said = live("pause", "--account", "acme", "--channel", "call", "--reason", "they moved", "--dry-run")
    assert said.out.endswith("2 new (nothing was changed).\n")
    assert live("pause", "--json", "--list").json["paused"] == []
    live("pause", "--account", "acme", "--reason", "they moved")
    assert live("pause", "--account", "acme", "--json").json["new"] == 0
    assert live("run", "--today", DAY, "--json").json["deliver"]["mail"]["waiting"] == 1
    words = f"the account {ACME_KEY} is paused (they moved); `nolapse resume --account {ACME_KEY}` ends it"
    assert waits(live) == {words}
    assert words in live("explain", "1001", "--today", DAY).out
    assert words in live("deliveries").err
    live("pause")
    run = live("run", "--today", DAY, "--json").json
    assert run["held"] == "everything is paused; `nolapse resume` ends it"
    assert live("resume", "--rep", "maria").out.startswith("The rep maria is not paused.\n")
    assert live("resume", "--every", "--json").json["paused"] == []
    assert live("run", "--today", DAY, "--json").json["deliver"]["mail"]["delivered"] == 1
    assert "no rep nobody is known" in live("pause", "--rep", "nobody", code=2).err


def test_holds(live: Desk) -> None:
    before = live.tables()
    said = live("hold", "1001", "--until", "2026-12-01", "--reason", "on leave", "--today", DAY, "--dry-run")
    assert said.out == "digicert:1001 is held until 2026-12-01; 2 waiting touches fall away (nothing was changed).\n"
    assert live.tables() == before
    live("hold", "1001", "--until", "2026-12-01", "--reason", "on leave", "--today", DAY)
    live("hold", "--account", "beta", "--until", "2026-12-02", "--today", DAY, "--json")
    listed = live("hold", "--list", "--today", DAY).out.splitlines()
    assert listed == [
        "digicert:1001 is held until 2026-12-01 (on leave)",
        f"the account {BETA_KEY} is held until 2026-12-02",
    ]
    assert live("run", "--today", DAY, "--json").json["deliver"]["mail"]["delivered"] == 0
    assert listed[0] in live("explain", "1001", "--today", DAY).out
    assert live("hold", "--account", "beta", "--lift", "--today", DAY).out == f"{BETA_KEY} is no longer held.\n"
    assert live("hold", "--account", "beta", "--lift", "--json").json["lifted"] is False
    assert live("run", "--today", NEXT, "--json").json["deliver"]["mail"]["delivered"] == 1
    assert "name an order, or --account" in live("hold", "--until", "2026-12-01", code=2).err
    assert "say --until DATE, or --lift" in live("hold", "1001", code=2).err


def test_a_mail_at_once(live: Desk) -> None:
    tried = live("send-now", "1001", "--today", DAY, "--dry-run")
    assert tried.out == "digicert:1001: the mail for before-30 would have gone (nothing was changed).\n"
    assert live.mails() == []
    assert live("send-now", "1001", "--today", DAY, "--json").json["state"] == "delivered"
    assert len(live.mails()) == 1
    assert live("send-now", "1001", "--today", NEXT).out == (
        "digicert:1001: the mail for before-14 has gone, ahead of its day.\n"
    )
    live("confirm", "1001", "--on", NEXT)
    assert "the order has been renewed" in live("send-now", "1001", "--today", NEXT, code=2).err


def test_what_waits_is_taken_back(live: Desk) -> None:
    tried = live("withdraw", "--since", "2026-11-20", "--channel", "mail", "--dry-run").out
    assert tried == "2 waiting touches withdrawn; 0 had gone already (nothing was changed).\n"
    assert live("withdraw", "1001", "--channel", "mail", "--json").json == {
        "touches": 1, "tasks": 0, "gone": 0, "dry_run": False,
    }  # fmt: skip
    live("run", "--today", DAY)
    said = live("withdraw", "--since", "2026-11-20T00:00", "--tasks", "--today", DAY).out
    assert said == "0 waiting touches withdrawn, 2 tasks closed; 3 had gone already.\n"
    assert "is no time" in live("withdraw", "--since", "yesterday", code=2).err
    assert "name an order" in live("withdraw", code=2).err


def test_accounts_change_hands(live: Desk) -> None:
    (live.folder / "reps.csv").write_text(
        "rep_key,name,email\nmaria,Maria,maria@ours.example\njonas,Jonas,j@ours.example\n"
    )
    live.settings('[order_report]\npath = "report.csv"\nreps_path = "reps.csv"\n[reps]\nfallback = "maria"\n')
    live("sync", "--today", DAY)
    assert live("reassign", "acme", "--to", "jonas", "--dry-run").out == (
        "1 account belongs to jonas now, with 1 waiting and 0 open tasks (nothing was changed).\n"
    )
    assert live("reassign", "acme", "beta", "--to", "jonas", "--json").json["accounts"] == 2
    live("run", "--today", DAY)
    assert {one["owner_key"] for one in live("tasks", "list", "--json").json} == {"jonas"}
    assert live("reassign", "--from", "jonas", "--to", "maria", "--json").json["open_tasks"] == 2
    assert "name accounts, or --from REP" in live("reassign", "--to", "maria", code=2).err


def test_a_redirection_and_a_ramp_are_said_aloud(planned: Desk) -> None:
    planned.settings(
        '[order_report]\npath = "report.csv"\n[mail]\nredirect_all_to = "me@ours.example"\n[caps]\nramp = [1]\n'
    )
    said = planned("go-live", "--from", DAY).out
    assert "Every mail goes to the address of [mail] redirect_all_to" in said
    assert "Mails on the first days ([caps] ramp): 1." in said
    run = planned("run", "--today", DAY)
    assert "had to wait: 1 ramp" in run.out
    (mail,) = planned.mails()
    assert "To: me@ours.example" in mail
    assert waits(planned) == {"the mails of the day are used up while they are stepped up"}
