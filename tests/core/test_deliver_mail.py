from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import update

from core.consents import consents
from core.deliver_mail import MailKind
from core.links import SignedLinks
from core.messages import Letter
from core.model import OrderFacts, RepFacts
from core.policy import MailPolicy
from core.schema import cycles, deliveries
from core.timing import WholeDay
from core.wording import WordedEntry, WordedMail
from core.words import DeliveryKind, Urgency
from tests.builders import FakeWriter, House, account, facts, kinds, person
from tests.core.conftest import MakeHouse
from tests.fakes.memory import MemoryMailer

DAY = date(2026, 6, 10)


def ends_in(days: int, number: str = "1", **said: Any) -> OrderFacts:
    return facts(number, ends_on=DAY + timedelta(days=days), **said)


def sent(make_house: MakeHouse, *rows: OrderFacts, reps: tuple[RepFacts, ...] = (), **rules: Any) -> House:
    house = make_house(list(rows), **rules)
    house.source.known_reps = reps
    house.sync(DAY)
    house.plan(DAY)
    house.deliver(DAY)
    return house


def test_a_mail_says_who_writes_to_whom_and_when(make_house: MakeHouse) -> None:
    house = sent(make_house, ends_in(14))
    (mail,) = house.mailer.sent
    assert (mail.sender, mail.sender_name, mail.to) == ("renewals@certs.example", "Certs Ltd", "ann@acme.example")
    assert mail.date == datetime(2026, 6, 10, 7, tzinfo=UTC)
    assert mail.headers["Auto-Submitted"] == "auto-generated"
    assert mail.headers["List-Unsubscribe"] == "<mailto:renewals@certs.example?subject=unsubscribe>"
    assert "List-Unsubscribe-Post" not in mail.headers


def test_its_message_id_follows_from_its_key_and_the_installation(make_house: MakeHouse) -> None:
    house, twin = sent(make_house, ends_in(14)), sent(make_house, ends_in(14))
    (mail,), (other,) = house.mailer.sent, twin.mailer.sent
    assert (mail.key, mail.message_id) == (other.key, other.message_id)  # copies of one installation
    assert mail.message_id.endswith("@nolapse.invalid>")


def test_an_unsubscribe_link_is_one_click(make_house: MakeHouse) -> None:
    house = make_house([ends_in(14)])
    house.sync(DAY)
    house.plan(DAY)
    mailer = MemoryMailer()
    links = SignedLinks("https://renew.example", "secret")
    with house.store.begin() as connection:
        rows = connection.execute(deliveries.select().where(deliveries.c.kind == "mail")).all()
        sealed = MailKind(mailer, None, house.writer, links, house.policy).seal(connection, rows, WholeDay(DAY))
    (item,) = sealed.items.values()
    url = item.mail.headers["List-Unsubscribe"].strip("<>")
    assert links.read_unsubscribe(url.rpartition("/")[2]) == 1
    assert item.mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    action = house.writer.letters[-1].action_url
    assert links.read_renewal(action.rpartition("/")[2]) == ("digicert:1", "acme")


def test_for_trying_out_every_mail_goes_to_one_address(make_house: MakeHouse) -> None:
    mail_policy = MailPolicy(redirect_all_to="me@certs.example", bcc="copy@certs.example", domain="certs.example")
    house = sent(make_house, ends_in(14), mail=mail_policy)
    (mail,) = house.mailer.sent
    assert (mail.to, mail.to_name, mail.bcc) == ("me@certs.example", "", "copy@certs.example")
    assert mail.message_id.endswith("@certs.example>")


def test_answers_go_to_the_rep(make_house: MakeHouse) -> None:
    order = ends_in(14, account=account(owner_key="rita"))
    rita = RepFacts("rita", "Rita Rep", "rita@certs.example", phone="+49 1")
    house = sent(make_house, order, reps=(rita,))
    assert house.mailer.sent[0].reply_to == "rita@certs.example"
    assert (house.writer.letters[0].reply_to_name, house.writer.letters[0].reply_to_phone) == ("Rita Rep", "+49 1")
    away = sent(make_house, order, reps=(RepFacts("rita", "Rita Rep", "rita@certs.example", active=False),))
    assert away.mailer.sent[0].reply_to == ""


def test_it_lists_what_ends_soon_the_most_pressing_first(make_house: MakeHouse) -> None:
    house = sent(make_house, ends_in(7, "1"), ends_in(44, "2"), ends_in(25, "3"), ends_in(11, "4"), ends_in(46, "5"))
    (letter,) = house.writer.letters
    lines = [(line.order_id, line.urgency) for line in letter.lines]
    assert lines[0] == ("1", Urgency.WARNING)
    assert [order for order, _ in lines] == ["1", "4", "3", "2", "5"]


def test_it_lists_nothing_that_is_not_the_readers_or_not_to_be_told(make_house: MakeHouse) -> None:
    rows = [ends_in(14, str(number)) for number in range(1, 5)]
    house = make_house([*rows, ends_in(14, "5", account=account("beta"))])
    house.sync(DAY)
    house.write(update(cycles).where(cycles.c.id != 1).values(next_on=None))
    house.write(update(cycles).where(cycles.c.id == 2).values(stage="lost"))
    house.write(update(cycles).where(cycles.c.id == 3).values(closing="revoked"))
    house.plan(DAY)
    house.deliver(DAY)
    (letter,) = house.writer.letters
    assert [line.order_id for line in letter.lines] == ["1", "4"]


def test_delivered_mails_are_logged_in_the_crm(make_house: MakeHouse) -> None:
    house = sent(make_house, ends_in(14, "1"), ends_in(14, "2"))
    (log,) = house.crm.mails.values()
    assert (log.key, log.account_key, log.to) == (f"log:{house.mailer.sent[0].key}", "acme", "ann@acme.example")
    assert log.order_keys == ("digicert:1", "digicert:2")
    assert log.sent_at == datetime(2026, 6, 10, 7, tzinfo=UTC)
    assert {row.stage for row in house.rows(cycles)} == {"contacted"}
    assert {record.stage for record in house.crm.records.values()} == {"contacted"}


def test_without_a_crm_nothing_is_logged(make_house: MakeHouse) -> None:
    house = make_house([ends_in(14)])
    house.sync(DAY)
    house.plan(DAY)
    from core.deliver import deliver

    only = kinds(house.mailer, None, house.writer, house.policy)
    deliver(house.store, only, WholeDay(DAY), house.policy)
    assert len(house.mailer.sent) == 1
    assert house.rows(deliveries, deliveries.c.kind == "mail_log") == []


def test_offers_need_consent_at_the_moment_of_sending(make_house: MakeHouse) -> None:
    house = make_house([ends_in(14)])
    house.sync(DAY)
    house.may_sell_to("ann@acme.example")
    house.plan(DAY)
    house.write(consents.delete())
    house.deliver(DAY)
    assert house.writer.letters[0].nature == "service"


def test_one_service_step_makes_the_whole_mail_service(make_house: MakeHouse) -> None:
    house = make_house([ends_in(14, "1"), ends_in(45, "2", auto_renew=True)])
    house.sync(DAY)
    house.may_sell_to("ann@acme.example")
    house.plan(DAY)
    house.deliver(DAY)
    (letter,) = house.writer.letters
    assert (letter.nature, letter.auto_renew_notice) == ("service", False)
    assert [line.auto_renew for line in letter.lines] == [False, True]


def test_the_notice_of_an_automatic_renewal_says_so(make_house: MakeHouse) -> None:
    house = sent(make_house, ends_in(45, auto_renew=True))
    assert [letter.auto_renew_notice for letter in house.writer.letters] == [True]


def test_a_repeated_try_lists_afresh(make_house: MakeHouse) -> None:
    from core.errors import RetriableError
    from core.schema import delivery_orders

    house = make_house([ends_in(14, "1"), ends_in(16, "2")])
    house.sync(DAY)
    house.write(update(cycles).where(cycles.c.id == 2).values(next_on=None))
    house.plan(DAY)
    house.mailer.failing = {"mail:contact-1:renewal:2026-06-10:1": RetriableError("busy")}
    house.deliver(DAY)
    assert len(house.rows(delivery_orders)) == 1
    house.write(update(cycles).where(cycles.c.id == 2).values(stage="lost"))
    house.deliver(DAY)
    assert house.rows(delivery_orders) == []
    assert [len(letter.lines) for letter in house.writer.letters] == [2, 1]


def test_counts_of_the_kind(make_house: MakeHouse) -> None:
    house = make_house([ends_in(14)])
    house.sync(DAY)
    house.plan(DAY)
    assert house.deliver(DAY).kinds[DeliveryKind.MAIL_LOG].delivered == 1


def test_the_end_goes_along_as_a_calendar_entry_where_it_was_worded(make_house: MakeHouse) -> None:
    class Wording(FakeWriter):
        def mail(self, letter: Letter) -> WordedMail:
            return replace(super().mail(letter), entry=WordedEntry("It ends"))

    plain = sent(make_house, ends_in(14))
    assert plain.mailer.sent[0].attachments == ()
    house = make_house([ends_in(14)])
    house.writer = Wording()
    house.sync(DAY)
    house.plan(DAY)
    house.deliver(DAY)
    (file,) = house.mailer.sent[0].attachments
    assert file.content_type.startswith("text/calendar; method=PUBLISH")
    assert b"SUMMARY:It ends" in file.content


def test_advice_goes_only_to_those_who_may_be_sent_offers(make_house: MakeHouse) -> None:
    house = make_house(
        [ends_in(30, "1"), ends_in(30, "2", account=account("beta"), people=(person("bob@beta.example"),))]
    )
    house.sync(DAY)
    house.may_sell_to("ann@acme.example")
    house.plan(DAY)
    house.deliver(DAY)
    told = {letter.account_name: [one.kind for one in letter.advice] for letter in house.writer.letters}
    assert told == {"Acme": ["automate"], "Beta": []}
