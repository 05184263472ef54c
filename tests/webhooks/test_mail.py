"""Mails that come back: by the door or from the mailbox, and what follows from them."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import update

from core import inbox
from core.answers import answers
from core.eligibility import Scope
from core.reasons import Reason
from core.schema import cycles, deliveries, suppressions, tasks
from core.schema import inbox as inbox_table
from core.timing import WholeDay
from core.words import DeliveryKind, TaskKind, TaskState
from tests.builders import House, account, facts, person
from tests.core.conftest import MakeHouse
from tests.core.test_returned import OURS, bounce, complaint, letter
from webhooks import mail
from webhooks.app import WebLimits, create_app
from webhooks.inlet import Inlet
from webhooks.mail_events import DOOR, Mails
from webhooks.metrics import Metrics

pytestmark = pytest.mark.parametrize("prepared_store_url", ["sqlite"], indirect=True)

DAY = date(2026, 6, 10)
SECRET = "the secret of the mail server"
KNOWN = "ann@acme.example"
OTHER = "<other@x.example>"


class Post:
    """A house that has mailed ann about her order, and mails that come back to it."""

    def __init__(self, house: House, *, secrets: tuple[str, ...] = (SECRET,)) -> None:
        self.house = house
        metrics = Metrics(house.store)
        self.app = create_app([mail.door(Inlet(house.store, metrics, lambda: None), secrets)], metrics, WebLimits())
        self.number = 0

    def send(self, raw: bytes, secret: str = SECRET, kind: str = "message/rfc822") -> int:
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": kind}
        return self.app.test_client().post("/webhooks/mail", data=raw, headers=headers).status_code

    def take_in(self, raw: bytes) -> str:
        """A mail comes back and is applied; what follows."""
        self.number += 1
        assert self.send(f"Message-ID: <{self.number}@x.example>\r\n".encode() + raw) == 202
        inbox.apply(self.house.store, {DOOR: Mails(self.house.policy, crm=True)}, WholeDay(DAY))
        row = self.house.rows(inbox_table)[-1]
        assert row.state == "applied"
        return str(row.reason)

    def refused(self) -> list[tuple[str, str, str, str]]:
        return [(row.address, row.channel, row.nature, row.source) for row in self.house.rows(suppressions)]

    def told_crm(self) -> int:
        return len(self.house.rows(deliveries, deliveries.c.kind == DeliveryKind.OPTOUT))


@pytest.fixture
def post(make_house: MakeHouse) -> Post:
    acme = account(country="DE")
    people = (person(KNOWN), person("bob@acme.example"))
    house = make_house([facts("1", ends_on=DAY + timedelta(days=14), account=acme, people=people)])
    house.run(DAY)
    assert [one.to for one in house.mailer.sent] == [KNOWN]
    house.write(update(deliveries).where(deliveries.c.kind == DeliveryKind.MAIL).values(outside_id=OURS))
    return Post(house)


class TestDoor:
    def test_a_mail_is_kept_once(self, post: Post) -> None:
        assert post.send(letter()) == 202
        assert post.send(b"Received: by another\r\n" + letter()) == 200
        assert post.send(letter(subject="other"), kind="application/octet-stream") == 202

    def test_others_are_refused(self, post: Post) -> None:
        assert post.send(letter(), "wrong") == 401
        assert post.send(letter(), kind="text/html") == 415
        assert post.send(b" \r\n") == 400
        assert Post(post.house, secrets=()).send(letter()) == 503
        assert post.house.rows(inbox_table) == []


class TestBounces:
    def test_an_address_that_is_no_good_is_written_to_no_more(self, post: Post) -> None:
        assert post.take_in(bounce(recipient=KNOWN)) == "hard_bounce 5.1.1: the address is written to no more"
        assert post.refused() == [(KNOWN, "mail", "service", "bounce")]
        assert post.told_crm() == 0

    @pytest.mark.parametrize(
        ("raw", "told"),
        [
            (bounce("5.2.2", recipient=KNOWN), "soft_bounce 5.2.2: nothing follows"),
            (bounce(recipient="bob@acme.example"), "hard_bounce: it names no mail of ours to that address"),
            (bounce().replace(OURS.encode(), OTHER.encode()), "hard_bounce: it names no mail of ours to that address"),
            (complaint().replace(OURS.encode(), OTHER.encode()), "complaint: it names no mail of ours"),
            (complaint("not-spam"), "automatic: nothing follows"),
        ],
    )
    def test_what_may_pass_or_is_made_up_changes_nothing(self, post: Post, raw: bytes, told: str) -> None:
        assert post.take_in(raw) == told
        assert post.refused() == []

    def test_a_complaint_stops_everything_and_the_crm_hears_of_it(self, post: Post) -> None:
        assert post.take_in(complaint()) == "complaint: the address is written to no more"
        assert post.refused() == [(KNOWN, "mail", "service", "complaint")]
        assert post.told_crm() == 1


class TestReplies:
    def test_a_person_stops_the_sequence_for_three_days_and_the_rep_is_asked(self, post: Post) -> None:
        house = post.house
        assert post.take_in(letter("Auto-Submitted: no")) == "acme: reply; a rep is asked"
        (answer,) = house.rows(answers)
        assert (answer.kind, answer.words, answer.name, answer.address) == (
            "reply", "Re: Renew: Please call me.", "Ann Able", KNOWN,
        )  # fmt: skip
        assert [row.answered_until for row in house.cycles()] == [DAY + timedelta(days=3)]
        house.deliver(DAY)
        (task,) = house.rows(tasks, tasks.c.kind == TaskKind.ANSWER)
        assert task.state == TaskState.OPEN
        house.work(DAY + timedelta(days=1), DAY + timedelta(days=2))
        assert len(house.mailer.sent) == 1

    def test_then_it_goes_on(self, post: Post) -> None:
        post.take_in(letter())
        post.house.work(DAY + timedelta(days=3), DAY + timedelta(days=7))
        assert len(post.house.mailer.sent) == 2
        assert Reason.ANSWERED not in {reason for _, reason in post.house.touches().values()}

    @pytest.mark.parametrize("header", ["Auto-Submitted: auto-replied", "Precedence: bulk"])
    def test_a_program_does_not(self, post: Post, header: str) -> None:
        assert post.take_in(letter(header)) == "automatic: nothing follows"
        assert post.house.rows(answers) == []
        assert post.house.cycles()[0].answered_until is None

    @pytest.mark.parametrize(
        ("sender", "about", "told"),
        [
            ("carol@elsewhere.example", OURS, "acme: reply; a rep is asked"),
            ("bob@acme.example", OTHER, "acme: reply; a rep is asked"),
            ("carol@elsewhere.example", OTHER, "reply: neither the sender nor the mail is known"),
            ("rep@certs.example", OURS, "reply: by one of us"),
        ],
    )
    def test_whose_it_is_the_mail_or_the_sender_tells(self, post: Post, sender: str, about: str, told: str) -> None:
        post.house.policy = replace(post.house.policy, scope=Scope(own_domains=("certs.example",)))
        raw = letter(f"From: {sender}").replace(OURS.encode(), about.encode())
        assert post.take_in(raw) == told

    def test_to_unsubscribe_by_mail_is_enough(self, post: Post) -> None:
        assert post.take_in(letter(subject=" Unsubscribe ")) == "unsubscribe: the address is written to no more"
        assert post.refused() == [(KNOWN, "mail", "service", "unsubscribe")]
        assert post.told_crm() == 1

    def test_where_nothing_is_open_nobody_is_asked(self, post: Post) -> None:
        post.house.hear("1", DAY)
        post.house.settle(DAY)
        post.house.write(update(cycles).values(open=False))
        assert post.take_in(letter()) == "acme: reply; nothing of theirs is open"
