"""Mails by Salesforce: who gets them, who must not, and who goes into a cadence instead."""

from collections.abc import Iterator
from typing import Any

import pytest

from core.errors import ConfigurationError
from core.ports import Handed, Mail, RecordPerson
from core.store import Store
from core.words import Nature, Stage, Urgency
from tests.connectors.contract import a_mail, a_record
from tests.connectors.salesforce.installations import Installation, running_installation
from tests.fakes.salesforce import ManualClock, Org

ANN = "ann@acme.example"
OURS = "renewals@example.com"


def send(installation: Installation, *mails: Mail, **settings: Any) -> list[str]:
    """Why each did not go; empty where it went."""
    mailer = installation.mailer(**settings)
    try:
        return ["" if one.handed is Handed.DELIVERED else str(one.error) for one in mailer.send(mails)]
    finally:
        mailer.close()


@pytest.fixture
def sending(installation: Installation) -> Installation:
    """An org that may send from our address."""
    installation.org.put("OrgWideEmailAddress", Address=OURS, DisplayName="Example Trust")
    return installation


class TestSending:
    def test_a_contact_gets_it_and_it_stands_on_the_record(self, sending: Installation) -> None:
        sending.crm().push_records([a_record(order_key="digicert:1", people=(RecordPerson(ANN),))])
        assert send(sending, a_mail(to=ANN, subject="Ends soon", order_keys=("digicert:1",))) == [""]
        (mail,) = sending.org.mails
        assert (mail["to"], mail["sender"], mail["sendRichBody"]) == ([ANN], OURS, True)
        message = sending.one("EmailMessage")
        assert message["RelatedToId"] == sending.one("Certificate_Order__c")["Id"]

    def test_somebody_whom_salesforce_does_not_know_gets_it_too(self, sending: Installation) -> None:
        assert send(sending, a_mail(to="new@acme.example")) == [""]
        assert sending.org.mails[0]["to"] == ["new@acme.example"]

    def test_one_that_went_goes_no_second_time(self, sending: Installation) -> None:
        mail = a_mail()
        assert send(sending, mail) == send(sending, mail) == [""]
        assert len(sending.org.mails) == 1

    def test_it_may_come_from_our_users_address(self, sending: Installation) -> None:
        send(sending, a_mail(), mail_sender="user")
        assert sending.org.mails[0]["sender"] == "integration@acme.example"

    def test_an_older_api_names_the_recipients_otherwise(self, sending: Installation) -> None:
        send(sending, a_mail(bcc="desk@example.com"), api_version="64.0")
        send(sending, a_mail(bcc="desk@example.com"))
        assert [name for mail in sending.org.mails for name in mail if "ddresses" in name] == [
            "emailAddresses", "recipientAddresses", "bccAddresses",
        ]  # fmt: skip

    def test_a_lost_answer_is_uncertain_for_ever(self, sending: Installation) -> None:
        sending.server.cut("actions.invoke", done=True)
        mailer = sending.mailer()
        (result,) = mailer.send([a_mail()])
        assert (result.handed, mailer.can_find, len(sending.org.mails)) == (Handed.UNCERTAIN, False, 1)
        mailer.close()

    def test_a_used_up_limit_is_waited_for(self, sending: Installation) -> None:
        sending.org.mails_left = 1
        mailer = sending.mailer()
        first, second = mailer.send([a_mail(), a_mail()])
        assert first.handed is Handed.DELIVERED
        assert second.error is not None
        assert not second.error.permanent
        mailer.close()


class TestWishes:
    @pytest.mark.parametrize("sobject", ["Contact", "Lead"])
    @pytest.mark.parametrize("nature", list(Nature))
    def test_whoever_opted_out_gets_none(self, sending: Installation, sobject: str, nature: Nature) -> None:
        company = {"Company": "Acme"} if sobject == "Lead" else {}
        sending.org.put(sobject, LastName="Ann", Email=ANN.title(), HasOptedOutOfEmail=True, **company)
        assert "opted out" in send(sending, a_mail(to=ANN, nature=nature))[0]
        assert sending.org.mails == []

    @pytest.mark.parametrize(
        ("wish", "service", "commercial"),
        [
            ("HasOptedOutProcessing", False, False),
            ("ShouldForget", False, False),
            ("HasOptedOutSolicit", True, False),
            ("HasOptedOutTracking", True, True),
        ],
    )
    def test_what_the_individual_wants_counts(
        self, sending: Installation, wish: str, service: bool, commercial: bool
    ) -> None:
        said: dict[str, Any] = {"LastName": "Ann", wish: True}
        individual = sending.org.put("Individual", **said)
        sending.org.put("Contact", LastName="Ann", Email=ANN, IndividualId=individual)
        mails = [a_mail(to=ANN, nature=nature) for nature in (Nature.SERVICE, Nature.COMMERCIAL)]
        assert [why == "" for why in send(sending, *mails)] == [service, commercial]

    def test_our_own_box_stops_offers_only(self, sending: Installation) -> None:
        sending.org.put("Contact", LastName="Ann", Email=ANN, Nolapse_No_Offers__c=True)
        mails = [a_mail(to=ANN, nature=nature) for nature in (Nature.SERVICE, Nature.COMMERCIAL)]
        assert [why == "" for why in send(sending, *mails)] == [True, False]

    def test_a_hidden_box_means_that_consent_is_unknown(self, sending: Installation) -> None:
        sending.org.put("Contact", LastName="Ann", Email=ANN)
        sending.org.hide("Contact", "HasOptedOutOfEmail")
        mails = [a_mail(to=ANN, nature=nature) for nature in (Nature.SERVICE, Nature.COMMERCIAL)]
        service, commercial = send(sending, *mails)
        assert service == ""
        assert "unknown: HasOptedOutOfEmail is hidden" in commercial
        mailer = sending.mailer()
        assert [one.ok for one in mailer.check()] == [True, False]
        mailer.close()


class TestCadences:
    @pytest.fixture
    def org(self, ledger: Store) -> Iterator[Installation]:
        org = Org(clock=ManualClock(), cadences=True)
        org.put("OrgWideEmailAddress", Address=OURS, DisplayName="Example Trust")
        org.put("ActionCadence", Name="Renewals", State="Active")
        with running_installation(ledger, org, cadence="Renewals") as installation:
            order = a_record(order_key="digicert:1", people=(RecordPerson(ANN),))
            installation.crm().push_records([order])
            org.edit(installation.one("Contact")["Id"], Nolapse_Use_Cadence__c=True)
            yield installation

    def test_a_marked_contact_goes_into_it_and_gets_no_mail(self, org: Installation) -> None:
        mails = [a_mail(to=ANN, order_keys=("digicert:1",), owner_key="rep-2") for _ in range(2)]
        assert send(org, *mails, cadence="Renewals") == ["", ""]
        assert send(org, a_mail(to=ANN, order_keys=("digicert:1",)), cadence="Renewals") == [""]
        assert org.org.mails == []
        tracker = org.one("ActionCadenceTracker")
        assert (tracker["TargetId"], tracker["OwnerId"]) == (org.one("Contact")["Id"], org.user("rep-2"))

    def test_what_is_pressing_goes_by_itself(self, org: Installation) -> None:
        send(org, a_mail(to=ANN, urgency=Urgency.CRITICAL), cadence="Renewals")
        assert len(org.org.mails) == 1
        assert org.org.rows("ActionCadenceTracker") == []

    def test_so_does_the_mail_of_somebody_who_is_in_another(self, org: Installation) -> None:
        other = org.org.put("ActionCadence", Name="Other", State="Active")
        contact = org.one("Contact")["Id"]
        org.org.put("ActionCadenceTracker", ActionCadenceId=other, TargetId=contact, State="Running")
        assert send(org, a_mail(to=ANN), cadence="Renewals") == [""]
        assert len(org.org.mails) == 1

    def test_and_of_whom_the_org_refuses(self, org: Installation, caplog: pytest.LogCaptureFixture) -> None:
        assert send(org, a_mail(to=ANN), cadence="Unknown") == [""]
        assert len(org.org.mails) == 1
        assert "not by cadence" in caplog.text

    def test_it_is_left_with_the_last_order(self, org: Installation) -> None:
        other = a_record(order_key="digicert:2", people=(RecordPerson(ANN),))
        org.crm(cadence="Renewals").push_records([other])
        send(org, a_mail(to=ANN, order_keys=("digicert:1", "digicert:2")), cadence="Renewals")
        for key, states in (("digicert:1", ["Running"]), ("digicert:2", ["Complete"])):
            settled = a_record(order_key=key, stage=Stage.RENEWED, people=(RecordPerson(ANN),))
            org.crm(cadence="Renewals").push_records([settled])
            assert [one["State"] for one in org.org.rows("ActionCadenceTracker")] == states

    def test_an_org_without_sales_engagement_sends_mails(self, sending: Installation) -> None:
        sending.org.put("Contact", LastName="Ann", Email=ANN, Nolapse_Use_Cadence__c=True)
        assert send(sending, a_mail(to=ANN), cadence="Renewals") == [""]
        assert len(sending.org.mails) == 1


def test_where_the_action_is_not_offered_nothing_goes(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailer = installation.mailer()
    monkeypatch.setattr(type(mailer._target.client), "actions", lambda self: frozenset())
    with pytest.raises(ConfigurationError, match="Send Email"):
        mailer.send([a_mail()])
    assert [one.ok for one in mailer.check()] == [False]
    mailer.close()
