"""Mails on the timeline, and refusals written back."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connectors.crm.links import Link, LinkKind
from core.ports import Handed, MailLog, OptOut, RecordPerson
from core.store import Store
from core.words import Urgency
from tests.connectors.contract import a_record
from tests.connectors.salesforce.installations import CASE_STAGES, Installation, running_installation

AT = datetime(2026, 9, 1, 8, tzinfo=UTC)
PERSON = RecordPerson("ann@acme.example", name="Ann Example", urgency=Urgency.WARNING)
LOG = MailLog("log:mail:1", "acme", "ann@acme.example", "Ends soon", "Renew it.", AT, ("digicert:1",), PERSON)


def log(installation: Installation, *mails: MailLog, **settings: str) -> list[str]:
    results = installation.crm(**settings).log_mail(mails or (LOG,))
    assert [str(one.error) for one in results if one.handed is not Handed.DELIVERED] == []
    return [one.outside_id for one in results]


@pytest.fixture
def known(installation: Installation) -> Installation:
    """An org that knows the order and its person."""
    order = a_record(order_key="digicert:1", account_key="acme", people=(replace(PERSON, urgency=None),))
    installation.crm().push_records([order])
    return installation


class TestTimeline:
    def test_a_mail_is_a_message_of_the_record_to_its_contact(self, known: Installation) -> None:
        (id,) = log(known)
        message = known.one("EmailMessage")
        assert (message["Id"], message["Subject"], message["TextBody"], message["Status"]) == (
            id,
            "Ends soon",
            "Renew it.",
            "3",
        )
        assert message["RelatedToId"] == known.one("Certificate_Order__c")["Id"]
        assert message["ToIds"] == [known.one("Contact")["Id"]]
        assert known.one("Contact")["Nolapse_Urgency__c"] == "warning"

    @pytest.mark.parametrize("lost", [True, False], ids=["answer lost", "said twice"])
    def test_each_is_logged_once(self, known: Installation, lost: bool) -> None:
        if lost:
            known.server.cut("collections.create", done=True, times=20)
            known.crm().log_mail([LOG])
            known.server.recover()
        log(known)
        log(known)
        assert len(known.org.rows("EmailMessage")) == 1

    def test_an_org_without_messages_has_completed_tasks(self, known: Installation) -> None:
        known.org.hide("EmailMessage")
        log(known)
        task = known.one("Task")
        assert (task["TaskSubtype"], task["Status"], task["ActivityDate"]) == ("Email", "Completed", "2026-09-01")
        assert (task["Description"], task["WhoId"]) == ("Renew it.", known.one("Contact")["Id"])
        assert known.crm().changes(None)[0] == []

    def test_the_settings_may_want_tasks(self, known: Installation) -> None:
        log(known, log_mails="task")
        log(known, log_mails="task")
        assert known.one("Task")["Nolapse_Mail_Key__c"] == "log:mail:1"

    def test_what_is_about_nothing_there_and_what_salesforce_sent_needs_no_log(self, known: Installation) -> None:
        known.links.put(LinkKind.ENROLMENT, [Link("mail:2", "emailSimple")])
        stranger = replace(LOG, key="log:mail:3", to="x@y.example", account_key="globex", order_keys=("digicert:9",))
        assert log(known, replace(LOG, key="log:mail:2"), stranger) == ["no log", "no log"]
        assert known.org.rows("EmailMessage") == []

    def test_a_case_has_its_mails_as_its_own(self, ledger: Store) -> None:
        with running_installation(ledger, record="case", stages=CASE_STAGES) as installation:
            installation.crm().push_records([a_record(order_key="digicert:1", account_key="acme", people=(PERSON,))])
            log(installation)
            assert installation.one("EmailMessage")["ParentId"] == installation.one("Case")["Id"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("channel", "nature", "field"),
        [
            ("mail", "service", "HasOptedOutOfEmail"),
            ("mail", "commercial", "Nolapse_No_Offers__c"),
            ("call", "commercial", "DoNotCall"),
        ],
    )
    def test_they_stand_on_every_contact_with_the_address(
        self, known: Installation, channel: str, nature: str, field: str
    ) -> None:
        known.org.put("Contact", LastName="Other", Email="ANN@acme.example")
        optout = OptOut("optout:1", "ann@acme.example", channel, nature, AT)
        assert [one.handed for one in known.crm().write_optout([optout])] == [Handed.DELIVERED]
        assert [one[field] for one in known.org.rows("Contact")] == [True, True]

    def test_two_of_one_person_go_together(self, known: Installation) -> None:
        optouts = [
            OptOut(f"optout:{channel}", "ann@acme.example", channel, "service", AT) for channel in ("mail", "call")
        ]
        assert {one.handed for one in known.crm().write_optout(optouts)} == {Handed.DELIVERED}
        contact = known.one("Contact")
        assert (contact["HasOptedOutOfEmail"], contact["DoNotCall"]) == (True, True)

    def test_an_open_lead_has_them_too_and_a_converted_one_is_left_alone(self, known: Installation) -> None:
        leads = [known.org.put("Lead", LastName="L", Company="C", Email="ann@acme.example") for _ in range(2)]
        known.org.shelves["Lead"][leads[1]]["IsConverted"] = True
        known.crm().write_optout([OptOut("optout:1", "ann@acme.example", "mail", "service", AT)])
        assert [known.org.row(id)["HasOptedOutOfEmail"] for id in leads] == [True, False]

    def test_one_that_cannot_be_written_is_told(self, known: Installation) -> None:
        known.org.hide("Contact", "HasOptedOutOfEmail")
        (result,) = known.crm().write_optout([OptOut("optout:1", "ann@acme.example", "mail", "service", AT)])
        assert result.handed is Handed.FAILED
        assert "Contact.HasOptedOutOfEmail is hidden" in str(result.error)
        assert "ann@" not in str(result.error)
