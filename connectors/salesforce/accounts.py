"""Our accounts as Salesforce's: found by our key on them or by the configured rules, or made where the settings allow it.

What a rule finds twice, what answers to several of ours, and what the org's own duplicate rules take for something that
is there is kept for `nolapse link`, never guessed.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from connectors.crm.customers import Customer, Known, OtherUsers
from connectors.crm.foreign import text_of
from connectors.crm.links import Link, LinkKind, Links
from connectors.crm.matching import Clues, Match, Verdict, company_domains, decide, ids_by_domain, settle_shared
from connectors.crm.tables import LinkState
from connectors.salesforce.errors import SalesforceError
from connectors.salesforce.fields import AccountField
from connectors.salesforce.owning import with_owners
from connectors.salesforce.records import Outcome, Write
from connectors.salesforce.statements import ACCOUNTS_BY_KEY, ACCOUNTS_BY_NAME, ACCOUNTS_BY_WEBSITE
from connectors.salesforce.target import Target

_KEY = str(AccountField.KEY)
_DUPLICATES = "DUPLICATES_DETECTED"


class Accounts:
    """The accounts of one org."""

    def __init__(self, target: Target, links: Links, other_users: OtherUsers) -> None:
        self._target = target
        self._links = links
        self._other_users = other_users

    def find(self, customers: Mapping[str, Customer], theirs: Mapping[str, list[str]], known: Known) -> None:
        """Fills `known.companies`. `theirs`: the accounts of contacts whom we both know, by address."""
        links = self._links.get(LinkKind.COMPANY, customers)
        known.companies = {key: link.their_id for key, link in links.items() if link.state is LinkState.LINKED}
        unknown = {key: one for key, one in customers.items() if key not in links}
        if not unknown:
            return
        matches = self._match(unknown, theirs)
        self._claim({key: match for key, match in matches.items() if match.verdict is Verdict.MATCHED}, known)
        ambiguous = {key: match for key, match in matches.items() if match.verdict is Verdict.AMBIGUOUS}
        self._leave_open({key: (match.by, match.candidates) for key, match in ambiguous.items()}, unknown)
        absent = [unknown[key] for key, match in matches.items() if match.verdict is Verdict.ABSENT]
        if self._target.settings.create == "always":
            self._make_accounts(absent, known)

    def _match(self, unknown: Mapping[str, Customer], theirs: Mapping[str, list[str]]) -> dict[str, Match]:
        client = self._target.client
        rows = client.query_for(ACCOUNTS_BY_KEY, "keys", list(unknown), key=_KEY)
        by_key = {text_of(row.get(_KEY)): text_of(row.get("Id")) for row in rows}
        rest = {key: one for key, one in unknown.items() if key not in by_key}
        holders: dict[str, str] = {}
        named: dict[str, tuple[str, list[str]]] = {}
        for rule in self._target.settings.match:
            left = [one for key, one in rest.items() if key not in named]
            if not left:
                break
            found = self._by_rule(rule, left, theirs, holders)
            named |= {key: (rule, ids) for key, ids in found.items() if ids}
        matches = {key: decide(Clues(by_key=(id,))) for key, id in by_key.items() if key in unknown}
        matches |= {key: _named(*named.get(key, ("", []))) for key in rest}
        return settle_shared(matches, holders)

    def _by_rule(
        self, rule: str, left: Sequence[Customer], theirs: Mapping[str, list[str]], holders: dict[str, str]
    ) -> dict[str, list[str]]:
        """The ids that one rule gives for each of these customers; `holders` learns whose key they carry."""
        client = self._target.client
        if rule == "people":
            found = {one.key: [id for address in one.addresses for id in theirs.get(address, ())] for one in left}
            ids = sorted({id for several in found.values() for id in several})
            there = client.retrieve("Account", ids, (_KEY,)) if ids else {}
            holders |= {id: text_of(row.get(_KEY)) for id, row in there.items()}
            return {key: [id for id in several if id in there] for key, several in found.items()}
        if rule == "website":
            return self._by_website(left, holders)
        names = {one.name: one.key for one in left if one.name.strip()}
        by_name: dict[str, list[str]] = {}
        for row in client.query_for(ACCOUNTS_BY_NAME, "names", list(names), key=_KEY) if names else ():
            by_name.setdefault(text_of(row.get("Name")).casefold(), []).append(text_of(row.get("Id")))
            holders[text_of(row.get("Id"))] = text_of(row.get(_KEY))
        return {one.key: by_name.get(one.name.casefold(), []) for one in left}

    def _by_website(self, left: Sequence[Customer], holders: dict[str, str]) -> dict[str, list[str]]:
        addresses = {one.key: one.addresses for one in left}
        own = {address.rpartition("@")[2] for one in left for address in one.addresses}
        domains = company_domains(addresses, self._target.settings.shared_domains, self._other_users(own))
        wanted = sorted({site for mine in domains.values() for domain in mine for site in websites(domain)})
        client = self._target.client
        rows = list(client.query_for(ACCOUNTS_BY_WEBSITE, "websites", wanted, key=_KEY)) if wanted else []
        holders |= {text_of(row.get("Id")): text_of(row.get(_KEY)) for row in rows}
        return ids_by_domain(domains, ((text_of(row.get("Id")), host_of(text_of(row.get("Website")))) for row in rows))

    def _claim(self, matched: Mapping[str, Match], known: Known) -> None:
        """Puts our key on accounts that were there, so that they are known from now on."""
        writes = [Write(key, {_KEY: key}, match.their_id) for key, match in matched.items() if match.by != "key"]
        results = {one.key: one for one in self._target.client.update("Account", writes)} if writes else {}
        linked = []
        for key, match in matched.items():
            if key in results and (error := results[key].error) is not None:
                known.errors[key] = error
                continue
            known.companies[key] = match.their_id
            linked.append(Link(key, match.their_id, facts={"by": match.by}))
        self._links.put(LinkKind.COMPANY, linked)

    def _leave_open(self, found: Mapping[str, tuple[str, Sequence[str]]], customers: Mapping[str, Customer]) -> None:
        """Keeps for `nolapse link` what a person has to decide."""
        waiting = [
            Link(
                key,
                state=LinkState.AMBIGUOUS,
                facts={"candidates": list(candidates), "by": by, "name": customers[key].name},
            )
            for key, (by, candidates) in found.items()
        ]
        self._links.put(LinkKind.COMPANY, waiting)

    def _make_accounts(self, absent: Sequence[Customer], known: Known) -> None:
        if not absent:
            return
        domains = company_domains({one.key: one.addresses for one in absent}, self._target.settings.shared_domains)
        writes = [Write(one.key, self._account(one, domains[one.key])) for one in absent]
        customers = {one.key: one for one in absent}
        made, alike = [], {}
        outcomes, _ = with_owners(self._target, self._upsert_accounts, writes)
        for result in outcomes:
            if result.error is None:
                known.companies[result.key] = result.id
                made.append(Link(result.key, result.id, facts={"by": "made"}))
            elif matches := _duplicates(result):
                alike[result.key] = ("duplicate rule", matches)
            else:
                known.errors[result.key] = result.error
        self._links.put(LinkKind.COMPANY, made)
        self._leave_open(alike, customers)

    def _upsert_accounts(self, writes: Sequence[Write]) -> list[Outcome]:
        return self._target.client.upsert("Account", _KEY, writes)

    def _account(self, one: Customer, domains: Sequence[str]) -> dict[str, Any]:
        said: dict[str, Any] = {_KEY: one.key, "Name": one.name.strip() or one.key}
        if domains:
            said["Website"] = domains[0]
        if owner_id := self._target.owner_id(one.owner_key):
            said["OwnerId"] = owner_id
        return self._target.fitting("Account", said, new=True)


def websites(domain: str) -> list[str]:
    """The ways in which people write the website of a domain."""
    hosts = (domain, f"www.{domain}")
    addresses = [f"{scheme}{host}" for host in hosts for scheme in ("http://", "https://")]
    return [*hosts, *addresses, *(f"{one}/" for one in addresses)]


def host_of(website: str) -> str:
    """The host of a website as somebody wrote it, in lower case; empty for what is none."""
    text = website.strip().lower()
    try:
        return urlsplit(text if "//" in text else f"//{text}").hostname or ""
    except ValueError:
        return ""


def _named(rule: str, ids: Sequence[str]) -> Match:
    """The verdict on what a rule found, which is told by its name."""
    found = decide(Clues(by_people=ids))
    return Match(found.verdict, found.their_id, found.candidates, by=rule)


def _duplicates(result: Outcome) -> tuple[str, ...]:
    """The accounts that the org's own duplicate rule takes for the same, where it tells them."""
    error = result.error
    if isinstance(error, SalesforceError) and error.details.code == _DUPLICATES:
        return error.details.matches
    return ()
