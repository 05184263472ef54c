"""Which of their accounts and contacts are ours: found by key and by rule, made where the setting says, never guessed."""

import logging
from typing import Any

import pytest

from connectors.crm.links import LinkKind
from connectors.crm.tables import LinkState
from connectors.crm.values import contact_key
from connectors.salesforce.accounts import host_of, websites
from core.linking import Decision
from core.ports import Handed, Record, RecordPerson
from core.words import Urgency
from tests.connectors.contract import a_record
from tests.connectors.salesforce.installations import Installation

ORDER = "Certificate_Order__c"


def order(account_key: str = "acme", *addresses: str, **said: Any) -> Record:
    """An order with people."""
    people = tuple(RecordPerson(address, name="Ann Example", language="de") for address in addresses)
    return a_record(account_key=account_key, account_name=account_key.title(), people=people, **said)


def push(installation: Installation, *records: Record, **settings: Any) -> None:
    results = installation.crm(**settings).push_records(records)
    assert [str(one.error) for one in results if one.handed is not Handed.DELIVERED] == []


class TestAccounts:
    def test_our_own_key_comes_first(self, installation: Installation) -> None:
        ours = installation.org.put("Account", Name="Acme", Nolapse_Account_Key__c="acme")
        installation.org.put("Account", Name="Other", Website="acme.example")
        push(installation, order("acme", "ann@acme.example"), create="never")
        assert installation.one(ORDER)["Account__c"] == ours

    def test_then_the_account_of_the_people(self, installation: Installation) -> None:
        theirs = installation.org.put("Account", Name="Acme Holding")
        contact = installation.org.put("Contact", LastName="Example", Email="Ann@acme.example", AccountId=theirs)
        installation.org.put("Account", Name="Other", Website="acme.example")
        push(installation, order("acme", "ann@acme.example"), create="never")
        assert installation.org.row(theirs)["Nolapse_Account_Key__c"] == "acme"
        record = installation.one(ORDER)
        assert (record["Account__c"], record["Contact__c"]) == (theirs, contact)

    @pytest.mark.parametrize(
        "website", ["acme.example", "https://www.acme.example/", "http://acme.example", "WWW.ACME.EXAMPLE"]
    )
    def test_then_the_website_however_it_is_written(self, installation: Installation, website: str) -> None:
        theirs = installation.org.put("Account", Name="Whoever", Website=website)
        push(installation, order("acme", "ann@acme.example"), create="never")
        assert installation.org.row(theirs)["Nolapse_Account_Key__c"] == "acme"

    def test_the_name_only_where_the_settings_want_it(self, installation: Installation) -> None:
        theirs = installation.org.put("Account", Name="ACME")
        push(installation, order("acme"), create="never")
        assert installation.org.row(theirs)["Nolapse_Account_Key__c"] is None
        push(installation, order("acme"), create="never", match=("name",))
        assert installation.org.row(theirs)["Nolapse_Account_Key__c"] == "acme"

    @pytest.mark.parametrize("domain", ["gmail.com", "hoster.example"])
    def test_shared_domains_never_match(self, installation: Installation, domain: str) -> None:
        installation.org.put("Account", Name="Somebody else", Website=domain)
        push(installation, order("acme", f"ann@{domain}"), create="never", shared_domains=("hoster.example",))
        assert installation.one(ORDER)["Account__c"] is None

    @pytest.mark.parametrize(
        ("create", "accounts", "contacts"), [("never", 0, 0), ("contacts", 0, 1), ("always", 1, 1)]
    )
    def test_what_is_not_there_is_made_where_the_setting_says(
        self, installation: Installation, create: str, accounts: int, contacts: int
    ) -> None:
        push(installation, order("acme", "ann@acme.example", owner_key="rep-2"), create=create)
        assert len(installation.org.rows("Account")) == accounts
        assert len(installation.org.rows("Contact")) == contacts
        if create == "always":
            account, contact = installation.one("Account"), installation.one("Contact")
            assert (account["Name"], account["Website"]) == ("Acme", "acme.example")
            assert account["OwnerId"] == installation.user("rep-2")
            assert (contact["AccountId"], contact["FirstName"], contact["LastName"]) == (
                account["Id"],
                "Ann",
                "Example",
            )

    def test_what_is_linked_needs_no_call(self, installation: Installation) -> None:
        push(installation, order("acme", "ann@acme.example"))
        installation.server.forget_calls()
        push(installation, order("acme", "ann@acme.example", order_key="digicert:77"))
        assert installation.server.count(object_type="Account") == 0
        assert installation.server.count(object_type="Contact") == 0

    def test_two_accounts_of_one_website_are_left_to_a_person(self, installation: Installation) -> None:
        installation.org.put("Account", Name="Both", Website="both.example")
        push(installation, order("a", "x@both.example"), order("b", "y@both.example"), create="never")
        assert installation.one("Account")["Nolapse_Account_Key__c"] is None

    def test_an_account_of_another_customer_keeps_its_key(self, installation: Installation) -> None:
        theirs = installation.org.put("Account", Name="G", Website="acme.example", Nolapse_Account_Key__c="globex")
        push(installation, order("acme", "ann@acme.example"))
        assert installation.org.row(theirs)["Nolapse_Account_Key__c"] == "globex"
        assert [one.our_key for one in installation.crm().ambiguities()] == ["acme"]

    def test_the_orgs_own_duplicate_rule_stands_and_is_settled_by_a_person(self, installation: Installation) -> None:
        installation.org.forbid_duplicates("Account", "Name")
        theirs = installation.org.put("Account", Name="Acme")
        push(installation, order("acme", "ann@acme.example"))
        (waiting,) = installation.crm().ambiguities()
        assert (waiting.our_key, waiting.by) == ("acme", "duplicate rule")
        assert [one.their_id for one in waiting.candidates] == [theirs]

    def test_a_rule_of_the_org_that_refuses_an_account_is_told_and_the_order_goes(
        self, installation: Installation, caplog: pytest.LogCaptureFixture
    ) -> None:
        installation.org.validate("Account", lambda record: True, "No accounts by machines")
        with caplog.at_level(logging.WARNING):
            push(installation, order("acme", "ann@acme.example"))
        assert "No accounts by machines" in caplog.text
        assert installation.one(ORDER)["Account__c"] is None


class TestContacts:
    def test_our_key_comes_before_the_address(self, installation: Installation) -> None:
        key = contact_key("ann@acme.example")
        ours = installation.org.put("Contact", LastName="A", Email="new@acme.example", Nolapse_Contact_Key__c=key)
        push(installation, order("acme", "ann@acme.example"), create="never")
        assert installation.one(ORDER)["Contact__c"] == ours
        assert installation.org.row(ours)["Email"] == "new@acme.example"

    def test_of_several_with_one_address_the_one_at_the_account_is_meant(self, installation: Installation) -> None:
        account = installation.org.put("Account", Name="Acme", Nolapse_Account_Key__c="acme")
        for holder in (None, account, None):
            installation.org.put("Contact", LastName="Ann", Email="ann@acme.example", AccountId=holder)
        push(installation, order("acme", "ann@acme.example"), create="never")
        (meant,) = installation.org.rows("Contact", AccountId=account)
        assert installation.one(ORDER)["Contact__c"] == meant["Id"]

    def test_where_nobody_can_tell_nobody_is_taken_and_nobody_made(
        self, installation: Installation, caplog: pytest.LogCaptureFixture
    ) -> None:
        for _ in range(2):
            installation.org.put("Contact", LastName="Ann", Email="ann@acme.example")
        push(installation, order("acme", "ann@acme.example"))
        assert installation.one(ORDER)["Contact__c"] is None
        assert len(installation.org.rows("Contact")) == 2
        assert "ann@" not in caplog.text

    def test_renewal_facts_are_written_where_they_changed(self, installation: Installation) -> None:
        installation.org.put("Contact", LastName="Ann", Email="ann@acme.example")
        push(installation, order("acme", "ann@acme.example"), create="never")
        contact = installation.one("Contact")
        assert contact["Nolapse_Contact_Key__c"] == contact_key("ann@acme.example")
        assert (contact["Nolapse_Language__c"], contact["Nolapse_Urgency__c"]) == ("de", None)
        installation.server.forget_calls()
        pressing = RecordPerson("ann@acme.example", name="Ann Example", language="de", urgency=Urgency.CRITICAL)
        push(installation, a_record(account_key="acme", people=(pressing,)), create="never")
        assert installation.one("Contact")["Nolapse_Urgency__c"] == "critical"

    def test_one_with_two_of_our_addresses_is_told_once(self, installation: Installation) -> None:
        push(installation, order("acme", "ann@acme.example"))
        installation.org.edit(installation.one("Contact")["Id"], Email="anna@acme.example")
        pressing = [RecordPerson(f"{name}@acme.example", urgency=Urgency.CRITICAL) for name in ("ann", "anna")]
        push(installation, a_record(account_key="acme", people=tuple(pressing)))
        assert installation.one("Contact")["Nolapse_Contact_Key__c"] == contact_key("ann@acme.example")

    def test_a_contact_that_is_gone_is_looked_for_anew(self, installation: Installation) -> None:
        record = order("acme", "ann@acme.example")
        push(installation, record)
        installation.org.remove(installation.one("Contact")["Id"])
        for number in (2, 3):
            push(installation, order("acme", "ann@acme.example", order_key=f"digicert:{number}x"))
        assert (
            installation.one(ORDER, Nolapse_Order_Key__c="digicert:3x")["Contact__c"]
            == installation.one("Contact")["Id"]
        )


class TestDecisions:
    @pytest.fixture
    def ambiguous(self, installation: Installation) -> tuple[Installation, list[str]]:
        ids = [installation.org.put("Account", Name=name, Website="acme.example") for name in ("One", "Two")]
        push(installation, order("acme", "ann@acme.example"))
        return installation, ids

    def test_an_ambiguous_account_is_reported_with_its_candidates(
        self, ambiguous: tuple[Installation, list[str]]
    ) -> None:
        installation, ids = ambiguous
        (waiting,) = installation.crm().ambiguities()
        assert (waiting.our_key, waiting.our_name, waiting.by) == ("acme", "Acme", "website")
        assert [(one.their_id, one.description) for one in waiting.candidates] == [
            (ids[0], "One, acme.example"),
            (ids[1], "Two, acme.example"),
        ]

    def test_what_is_decided_is_linked(self, ambiguous: tuple[Installation, list[str]]) -> None:
        installation, ids = ambiguous
        (result,) = installation.crm().decide([Decision("acme", ids[1])])
        assert result.handed is Handed.DELIVERED
        assert installation.org.row(ids[1])["Nolapse_Account_Key__c"] == "acme"
        push(installation, order("acme", "ann@acme.example", order_key="digicert:99"))
        assert installation.one(ORDER, Nolapse_Order_Key__c="digicert:99")["Account__c"] == ids[1]

    @pytest.mark.parametrize("wrong", ["001000000000000AAA", "no id at all", "003000000000000AAA"])
    def test_what_is_no_account_is_refused(self, ambiguous: tuple[Installation, list[str]], wrong: str) -> None:
        (result,) = ambiguous[0].crm().decide([Decision("acme", wrong)])
        assert result.handed is Handed.FAILED
        assert "has no company" in str(result.error)

    def test_one_that_is_anothers_is_refused(self, ambiguous: tuple[Installation, list[str]]) -> None:
        installation, ids = ambiguous
        installation.org.edit(ids[0], Nolapse_Account_Key__c="globex")
        (result,) = installation.crm().decide([Decision("acme", ids[0])])
        assert "linked to the account globex" in str(result.error)

    def test_a_new_one_is_made_and_one_is_left_out(self, ambiguous: tuple[Installation, list[str]]) -> None:
        installation, _ = ambiguous
        installation.crm().decide([Decision("acme", new=True), Decision("globex")])
        assert installation.one("Account", Nolapse_Account_Key__c="acme")["Name"] == "Acme"
        assert installation.links.get(LinkKind.COMPANY, ["globex"])["globex"].state is LinkState.LEFT_OUT


def test_websites_and_hosts() -> None:
    assert {host_of(one).removeprefix("www.") for one in websites("acme.example")} == {"acme.example"}
    assert [host_of(one) for one in ("", "Acme.example/shop", "HTTPS://acme.example:443/x", "http://[")] == [
        "", "acme.example", "acme.example", "",
    ]  # fmt: skip
