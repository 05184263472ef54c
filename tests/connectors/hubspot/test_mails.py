"""Mails on timelines, refusals written back, and mails by HubSpot itself."""

import logging
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from connectors.crm.links import LinkKind
from connectors.hubspot.mailer import HubSpotMailer
from core.errors import ConfigurationError, PostponedError
from core.ports import Handed, MailLog, OptOut, RecordPerson
from core.words import Nature, Urgency
from tests.connectors.contract import a_mail, a_record
from tests.connectors.hubspot.accounts import Account
from tests.fakes.hubspot.world import MAIL_TEMPLATE

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
ANN = RecordPerson("ann@acme.example", "Ann Example", language="de")
LOG = MailLog("log:mail:1", "acme", "ann@acme.example", "Ends soon", "Renew it.", AT, ("digicert:1",))


def known(account: Account, *people: RecordPerson) -> None:
    record = a_record(order_key="digicert:1", account_key="acme", people=people or (ANN,))
    assert [one.handed for one in account.crm().push_records([record])] == [Handed.DELIVERED]


class TestTimeline:
    def test_a_mail_is_an_engagement_of_contact_company_and_record(self, account: Account) -> None:
        known(account)
        for _ in range(2):
            assert [one.handed for one in account.crm().log_mail([LOG])] == [Handed.DELIVERED]
        mail = account.one("emails")
        assert (mail.values["hs_email_subject"], mail.values["hs_email_direction"]) == ("Ends soon", "EMAIL")
        assert mail.values["hs_timestamp"] == "2026-11-20T09:30:00.000Z"
        for to_type in ("contacts", "companies", "tickets"):
            assert account.world.linked("emails", mail.id, to_type) == [account.one(to_type).id]

    @pytest.mark.parametrize("done", [True, False])
    def test_a_lost_answer_leaves_one(self, plain_account: Account, done: bool) -> None:
        known(plain_account)
        plain_account.server.fail(504, "objects.batch.create", object_type="emails", done=done)
        (first,) = plain_account.crm().log_mail([LOG])
        assert first.handed is Handed.UNCERTAIN
        (second,) = plain_account.crm().log_mail([LOG])
        assert (second.handed, second.outside_id) == (Handed.DELIVERED, plain_account.one("emails").id)

    def test_the_contacts_renewal_facts_go_with_it(self, account: Account) -> None:
        known(account)
        after = replace(ANN, next_on=date(2026, 12, 5), urgency=Urgency.REMINDER)
        account.crm().log_mail([replace(LOG, person=after, renewal_link="https://r.example/1")])
        values = account.one("contacts").values
        assert (values["nolapse_next_touchpoint_on"], values["nolapse_urgency"]) == ("2026-12-05", "reminder")
        assert values["nolapse_renewal_link"] == "https://r.example/1"

    def test_somebody_whom_hubspot_does_not_know_has_no_timeline(self, account: Account) -> None:
        (result,) = account.crm().log_mail([replace(LOG, account_key="nobody", order_keys=())])
        assert result.handed is Handed.DELIVERED
        assert account.all("emails") == []

    def test_what_hubspot_sent_itself_is_not_logged_twice(self, account: Account) -> None:
        known(account)
        mail = a_mail(to="ann@acme.example")
        account.mailer(single_send_id=MAIL_TEMPLATE).send([mail])
        log = replace(LOG, key=f"log:{mail.key}", person=replace(ANN, urgency=Urgency.WARNING))
        assert [one.handed for one in account.crm().log_mail([log])] == [Handed.DELIVERED]
        assert account.all("emails") == []
        assert account.one("contacts").values["nolapse_urgency"] == "warning"


class TestRefusals:
    def test_no_mails_is_out_of_everything(self, account: Account) -> None:
        known(account)
        (result,) = account.crm().write_optout([OptOut("o", "ann@acme.example", "mail", "service", AT)])
        assert result.handed is Handed.DELIVERED
        assert account.world.preferences("ann@acme.example").all_since is not None
        assert account.one("contacts").values["hs_email_optout"] == "true"

    @pytest.mark.parametrize("required", [True, False])
    def test_no_offers_is_out_of_their_subscription(self, account: Account, required: bool) -> None:
        known(account)
        account.world.legal_basis_required = required
        crm = account.crm(subscription_id=1002)
        assert [
            one.handed for one in crm.write_optout([OptOut("o", "ann@acme.example", "mail", "commercial", AT)])
        ] == [Handed.DELIVERED]
        assert account.world.preferences("ann@acme.example").state(1002)[0] == "UNSUBSCRIBED"
        assert account.world.preferences("ann@acme.example").all_since is None
        assert account.one("contacts").values["nolapse_no_offers"] == "true"

    def test_no_calls_is_marked(self, account: Account) -> None:
        known(account)
        account.crm().write_optout([OptOut("o", "ann@acme.example", "call", "service", AT)])
        assert account.one("contacts").values["nolapse_do_not_call"] == "true"

    def test_a_missing_scope_is_told(self, account: Account) -> None:
        account.world.revoke("communication_preferences.read_write")
        (result,) = account.crm().write_optout([OptOut("o", "ann@acme.example", "mail", "service", AT)])
        assert isinstance(result.error, ConfigurationError)
        assert "ann" not in str(result.error)


@pytest.fixture
def mailer(account: Account) -> HubSpotMailer:
    return account.mailer(single_send_id=MAIL_TEMPLATE)


class TestSingleSend:
    def test_a_mail_goes_with_its_words_and_its_key(self, account: Account, mailer: HubSpotMailer) -> None:
        mail = a_mail(reply_to="rep@ours.example", bcc="log@ours.example")
        assert [one.handed for one in mailer.send([mail])] == [Handed.DELIVERED]
        (sent,) = account.world.sent
        assert (sent.to, f"<{sent.send_id}>") == (mail.to, mail.message_id)
        assert sent.custom == {
            "subject": mail.subject,
            "html": mail.html,
            "text": mail.text,
            "unsubscribe": "mailto:renewals@example.com?subject=unsubscribe",
        }
        message = account.server.came("transactional.send")[0].body["message"]
        assert (message["replyTo"], message["bcc"]) == (["rep@ours.example"], ["log@ours.example"])

    @pytest.mark.parametrize("done", [True, False])
    def test_a_lost_answer_sends_once(self, account: Account, mailer: HubSpotMailer, done: bool) -> None:
        account.server.cut("transactional.send", done=done)
        mail = a_mail()
        assert [one.handed for one in mailer.send([mail])] == [Handed.DELIVERED]
        assert [one.handed for one in account.mailer(single_send_id=MAIL_TEMPLATE).send([mail])] == [Handed.DELIVERED]
        assert len(account.world.sent) == 1

    def test_who_has_opted_out_gets_none(self, account: Account, mailer: HubSpotMailer) -> None:
        mail = a_mail(to="Ann@acme.example")
        account.world.add("contacts", email="ann@acme.example")
        account.world.opt_out(["ann@acme.example"])
        (result,) = mailer.send([mail])
        assert result.handed is Handed.FAILED
        assert "opted out" in str(result.error)
        assert account.world.sent == []

    def test_without_a_template_nothing_goes_and_the_check_says_so(self, account: Account) -> None:
        mailer = account.mailer()
        with pytest.raises(ConfigurationError, match="single_send_id"):
            mailer.send([a_mail()])
        assert [(one.ok, "single_send_id" in one.advice) for one in mailer.check()] == [(False, True)]

    @pytest.mark.parametrize("refused", ["nolapse_no_offers", "hs_email_optout_1002"])
    def test_who_has_refused_offers_meanwhile_gets_none(self, account: Account, refused: str) -> None:
        known(account)
        contact, world = account.one("contacts"), account.world
        world.shelf("contacts").write(contact, {refused: "true"}, world.hubspot, world.clock.now())
        mailer = account.mailer(single_send_id=MAIL_TEMPLATE, subscription_id=1002)
        mail = a_mail(to="ann@acme.example", nature=Nature.COMMERCIAL)
        (result,) = mailer.send([mail])
        assert isinstance(result.error, PostponedError)
        assert account.world.sent == []
        assert [one.handed for one in mailer.send([replace(mail, nature=Nature.SERVICE)])] == [Handed.DELIVERED]

    def test_a_tier_without_transactional_mail_is_told(self, account: Account, mailer: HubSpotMailer) -> None:
        account.world.transactional = False
        (result,) = mailer.send([a_mail()])
        assert isinstance(result.error, ConfigurationError)


class TestSequences:
    @pytest.fixture
    def office(self, account: Account) -> tuple[Account, HubSpotMailer, str]:
        rep = next(iter(account.world.owners.values()))
        rep.sequences_seat = rep.connected_inbox = True
        sequence = account.world.add_sequence("Renewal", rep)
        contact = account.world.add("contacts", email="ann@acme.example", nolapse_use_sequence="true")
        return account, account.mailer(single_send_id=MAIL_TEMPLATE, sequence_id=sequence.id), contact

    def mail(self, **said: Any) -> Any:
        return a_mail(**{"to": "ann@acme.example", "owner_key": "rep-1", "urgency": Urgency.REMINDER} | said)

    def test_a_marked_contact_is_enrolled_once_and_gets_no_mail_besides(
        self, office: tuple[Account, HubSpotMailer, str]
    ) -> None:
        account, mailer, contact = office
        for mail in (self.mail(), self.mail()):
            assert [one.handed for one in mailer.send([mail])] == [Handed.DELIVERED]
        assert list(account.world.enrolments) == [contact]
        assert account.world.sent == []
        assert account.server.count("sequences.enrol") == 1

    @pytest.mark.parametrize("urgency", [Urgency.CRITICAL, Urgency.EXPIRED])
    def test_what_presses_goes_by_itself(self, office: tuple[Account, HubSpotMailer, str], urgency: Urgency) -> None:
        account, mailer, _ = office
        mailer.send([self.mail(urgency=urgency)])
        assert (len(account.world.sent), account.world.enrolments) == (1, {})

    def test_nobody_is_enrolled_who_was_not_marked(self, office: tuple[Account, HubSpotMailer, str]) -> None:
        account, mailer, contact = office
        account.world.edit("contacts", contact, None, nolapse_use_sequence="false")
        mailer.send([self.mail()])
        assert (len(account.world.sent), account.world.enrolments) == (1, {})

    @pytest.mark.parametrize("lack", ["inbox", "seat", "owner", "another sequence", "tier"])
    def test_where_the_rules_are_against_it_the_mail_goes_by_itself(
        self, office: tuple[Account, HubSpotMailer, str], lack: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        account, mailer, contact = office
        rep = next(iter(account.world.owners.values()))
        mail = self.mail()
        match lack:
            case "inbox":
                rep.connected_inbox = False
            case "seat":
                rep.sequences_seat = False
            case "owner":
                mail = replace(mail, owner_key="nobody")
            case "another sequence":
                account.world.shelf("contacts").write(
                    account.world.record("contacts", contact),
                    {"hs_sequences_is_enrolled": "true"},
                    account.world.hubspot,
                    account.world.clock.now(),
                )
            case "tier":
                account.world.revoke("automation.sequences.enrollments.write")
        with caplog.at_level(logging.WARNING, "nolapse.hubspot"):
            assert [one.handed for one in mailer.send([mail])] == [Handed.DELIVERED]
        assert (len(account.world.sent), account.world.enrolments) == (1, {})
        assert "goes by single-send" in caplog.text
        assert "ann@" not in caplog.text

    def test_who_has_opted_out_is_not_enrolled(self, office: tuple[Account, HubSpotMailer, str]) -> None:
        account, mailer, _ = office
        account.world.opt_out(["ann@acme.example"])
        assert [one.handed for one in mailer.send([self.mail()])] == [Handed.FAILED]
        assert (account.world.sent, account.world.enrolments) == ([], {})

    def test_an_enrolment_whose_answer_is_lost_is_found(self, office: tuple[Account, HubSpotMailer, str]) -> None:
        account, mailer, contact = office
        account.server.fail(504, "sequences.enrol", done=True)
        mail = self.mail()
        assert [one.handed for one in mailer.send([mail])] == [Handed.UNCERTAIN]
        assert mailer.find([mail.key]) == {mail.key: account.world.enrolments[contact].id}
        assert mailer.find([mail.key, "unknown"]) == {mail.key: account.world.enrolments[contact].id}
        assert account.links.get(LinkKind.ENROLMENT, [mail.key])[mail.key].their_id
        assert [one.handed for one in mailer.send([mail])] == [Handed.DELIVERED]
        assert account.world.sent == []
