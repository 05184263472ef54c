"""Which of their companies is which of our accounts, against an account with people in it."""

import logging
from dataclasses import replace
from typing import Any

import pytest

from connectors.crm.links import LinkKind
from connectors.crm.tables import LinkState
from core.linking import Decision
from core.ports import Handed, Record, RecordPerson
from tests.connectors.contract import a_record
from tests.connectors.hubspot.accounts import Account


def order(account_key: str = "acme", *addresses: str, **said: Any) -> Record:
    """An order with people."""
    people = tuple(RecordPerson(address, name="Ann Example", language="de") for address in addresses)
    return a_record(account_key=account_key, account_name=account_key.title(), people=people, **said)


class TestCompanies:
    def test_our_own_key_comes_first(self, account: Account) -> None:
        ours = account.world.add("companies", name="Acme", nolapse_account_key="acme")
        account.world.add("companies", name="Other", domain="acme.example")
        account.crm().push_records([order("acme", "ann@acme.example")])
        ticket = account.one("tickets")
        assert account.world.linked("tickets", ticket.id, "companies") == [ours]

    def test_then_the_company_of_the_people(self, account: Account) -> None:
        company = account.world.add("companies", name="Acme Holding")
        contact = account.world.add("contacts", email="Ann@acme.example")
        account.world.link("contacts", contact, "companies", company)
        account.world.add("companies", name="Other", domain="acme.example")
        account.crm(create="never").push_records([order("acme", "ann@acme.example")])
        assert account.world.record("companies", company).values["nolapse_account_key"] == "acme"
        assert account.world.linked("tickets", account.one("tickets").id, "contacts") == [contact]

    def test_then_the_domain(self, account: Account) -> None:
        company = account.world.add("companies", name="Acme", domain="acme.example")
        account.crm(create="never").push_records([order("acme", "ann@acme.example")])
        assert account.world.linked("tickets", account.one("tickets").id, "companies") == [company]
        assert account.all("contacts") == []

    @pytest.mark.parametrize("domain", ["gmail.com", "hoster.example"])
    def test_shared_domains_never_match(self, account: Account, domain: str) -> None:
        account.world.add("companies", name="Somebody else", domain=domain)
        crm = account.crm(create="never", shared_domains=("hoster.example",))
        crm.push_records([order("acme", f"ann@{domain}")])
        assert account.world.linked("tickets", account.one("tickets").id, "companies") == []
        assert account.server.count("objects.search", "companies") == 0

    @pytest.mark.parametrize(
        ("create", "companies", "contacts"), [("never", 0, 0), ("contacts", 0, 1), ("always", 1, 1)]
    )
    def test_what_is_not_there_is_made_where_the_setting_says(
        self, account: Account, create: str, companies: int, contacts: int
    ) -> None:
        crm = account.crm(create=create)
        (result,) = crm.push_records([order("acme", "ann@acme.example", owner_key="rep-2")])
        assert result.handed is Handed.DELIVERED
        assert (len(account.all("companies")), len(account.all("contacts"))) == (companies, contacts)
        if create == "always":
            company, contact = account.one("companies"), account.one("contacts")
            assert (company.values["name"], company.values["domain"]) == ("Acme", "acme.example")
            assert account.world.owners[company.values["hubspot_owner_id"]].email == "rep-2@ours.example"
            assert account.world.linked("contacts", contact.id, "companies") == [company.id]
            assert (contact.values["firstname"], contact.values["lastname"]) == ("Ann", "Example")

    def test_two_accounts_of_one_domain_are_left_to_a_person(self, account: Account) -> None:
        account.world.add("companies", name="Both", domain="both.example")
        account.crm().push_records([order("a", "x@both.example"), order("b", "y@both.example")])
        assert {record.values.get("nolapse_account_key") for record in account.all("companies", name="Both")} == {None}

    def test_a_company_that_is_another_accounts_keeps_its_key(self, account: Account) -> None:
        company = account.world.add("companies", name="Globex", domain="acme.example", nolapse_account_key="globex")
        account.crm().push_records([order("acme", "ann@acme.example")])
        assert account.world.record("companies", company).values["nolapse_account_key"] == "globex"
        assert [one.our_key for one in account.crm().ambiguities()] == ["acme"]

    def test_a_company_that_is_made_elsewhere_meanwhile_is_taken(self, account: Account) -> None:
        account.server.cut("objects.batch.create", object_type="contacts", done=True)
        account.crm().push_records([order("acme", "ann@acme.example")])
        contact = account.one("contacts")
        assert account.world.linked("tickets", account.one("tickets").id, "contacts") == [contact.id]


class TestDecisions:
    @pytest.fixture
    def ambiguous(self, account: Account) -> tuple[Account, list[str]]:
        ids = [
            account.world.add("companies", name=f"Acme {city}", domain="acme.example", city=city) for city in ("A", "B")
        ]
        account.crm().push_records([order("acme", "ann@acme.example", order_key="digicert:1")])
        return account, ids

    def test_several_companies_are_reported_and_never_guessed(self, ambiguous: tuple[Account, list[str]]) -> None:
        account, ids = ambiguous
        (found,) = account.crm().ambiguities()
        assert (found.our_key, found.our_name, found.by) == ("acme", "Acme", "domain")
        assert [(one.their_id, one.description) for one in found.candidates] == [
            (ids[0], "Acme A, acme.example, A"),
            (ids[1], "Acme B, acme.example, B"),
        ]
        assert account.world.linked("tickets", account.one("tickets").id, "companies") == []
        assert len(account.all("companies")) == 2

    def test_the_decision_is_kept_and_the_order_hung_on_it(self, ambiguous: tuple[Account, list[str]]) -> None:
        account, ids = ambiguous
        crm = account.crm()
        assert [one.handed for one in crm.decide([Decision("acme", ids[1])])] == [Handed.DELIVERED]
        assert crm.ambiguities() == []
        crm.push_records([order("acme", "ann@acme.example", order_key="digicert:1")])
        assert account.world.linked("tickets", account.one("tickets").id, "companies") == [ids[1]]

    def test_a_new_one_or_none(self, ambiguous: tuple[Account, list[str]]) -> None:
        account, _ = ambiguous
        assert [one.handed for one in account.crm().decide([Decision("acme", new=True)])] == [Handed.DELIVERED]
        assert account.one("companies", nolapse_account_key="acme").values["name"] == "Acme"
        account.crm().decide([Decision("acme")])
        assert account.links.get(LinkKind.COMPANY, ["acme"])["acme"].state is LinkState.LEFT_OUT
        account.crm().push_records([order("acme", "ann@acme.example")])
        assert account.crm().ambiguities() == []

    def test_what_is_gone_or_anothers_is_refused(self, ambiguous: tuple[Account, list[str]]) -> None:
        account, ids = ambiguous
        account.world.edit("companies", ids[0], None, nolapse_account_key="globex")
        results = account.crm().decide([Decision("acme", ids[0]), Decision("umbrella", "99"), Decision("x", "no id")])
        assert [one.handed for one in results] == [Handed.FAILED] * 3
        assert "is linked to the account globex" in str(results[0].error)


class TestContacts:
    def test_their_renewal_facts_are_written_when_they_change(self, account: Account) -> None:
        first = order("acme", "ann@acme.example", order_key="digicert:1", renewal_link="https://r.example/1")
        crm = account.crm()
        crm.push_records([first])
        values = account.one("contacts").values
        assert (values["nolapse_language"], values["nolapse_renewal_link"]) == ("de", "https://r.example/1")
        account.server.forget_calls()
        crm.push_records([replace(first, key="again", renewal_link="https://r.example/2")])
        assert account.server.writes() == []

    def test_a_refused_contact_is_told_and_keeps_nothing_else_back(
        self, account: Account, caplog: pytest.LogCaptureFixture
    ) -> None:
        account.world.require("contacts", "jobtitle")
        with caplog.at_level(logging.WARNING, "nolapse.hubspot"):
            results = account.crm().push_records([order("acme", "ann@acme.example"), order("globex")])
        assert [one.handed for one in results] == [Handed.DELIVERED] * 2
        assert "jobtitle is required" in caplog.text
        assert "ann" not in caplog.text
        assert len(account.all("tickets")) == 2
