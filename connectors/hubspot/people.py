"""Our accounts and people as HubSpot's companies and contacts: found, or made where the settings allow it.

In the order of cost: what is linked already needs no call; then our own keys, the e-mail addresses, and the domains are
asked for, each in batches. What cannot be told for sure is kept for `nolapse link`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from connectors.crm.customers import Customer, Known, OtherUsers, Someone, customers_of, people_of
from connectors.crm.links import Link, LinkKind, Links
from connectors.crm.matching import Clues, Match, Verdict, company_domains, decide, ids_by_domain, settle_shared
from connectors.crm.tables import LinkState
from connectors.crm.values import contact_key
from connectors.hubspot.batches import Write
from connectors.hubspot.mapping import clean, contact_properties, renewal_digest, renewal_properties
from connectors.hubspot.objects import CrmObject, Filter, Pair
from connectors.hubspot.target import Target
from core.batches import batched
from core.errors import NolapseError
from core.ports import Record

_DOMAINS_PER_SEARCH = 100


class People:
    """Companies and contacts of one HubSpot account."""

    def __init__(self, target: Target, links: Links, other_users: OtherUsers) -> None:
        self._target = target
        self._links = links
        self._other_users = other_users

    def of_records(self, records: Sequence[Record]) -> Known:
        """Finds, and where it may makes, what these records belong to. Renewal facts of contacts are brought up to date."""
        customers = customers_of(records)
        everybody = people_of(records)
        known = Known()
        contact_links = self._links.get(LinkKind.CONTACT, everybody)
        linked = {key: link for key, link in contact_links.items() if link.state is LinkState.LINKED}
        unknown = [one for key, one in everybody.items() if key not in contact_links]
        found = self._find_contacts(unknown)
        known.contacts = {key: link.their_id for key, link in linked.items()} | {
            key: contact.id for key, contact in found.items()
        }
        self._companies(customers, known)
        self._make_contacts([one for one in unknown if one.address not in found], known)
        fresh = {key: Link(key, contact.id, facts={"company": ""}) for key, contact in found.items()}
        self._tell([everybody[key] for key in known.contacts if key in everybody], linked | fresh, known)
        return known

    def _find_contacts(self, unknown: Sequence[Someone]) -> dict[str, CrmObject]:
        """By our own key on them, then by address."""
        if not unknown:
            return {}
        client, asked = self._target.client, ("email", "nolapse_contact_key")
        by_key = {contact_key(one.address): one.address for one in unknown}
        found = {
            by_key[key]: contact
            for key, contact in client.batch_read("contacts", list(by_key), asked, "nolapse_contact_key").items()
        }
        rest = [one.address for one in unknown if one.address not in found]
        return found | client.batch_read("contacts", rest, asked, "email") if rest else found

    def _companies(self, customers: Mapping[str, Customer], known: Known) -> None:
        links = self._links.get(LinkKind.COMPANY, customers)
        known.companies = {key: link.their_id for key, link in links.items() if link.state is LinkState.LINKED}
        unknown = {key: one for key, one in customers.items() if key not in links}
        if not unknown:
            return
        matches = self._match(unknown, known)
        matched = {key: match for key, match in matches.items() if match.verdict is Verdict.MATCHED}
        self._claim(matched, known)
        ambiguous = [key for key, match in matches.items() if match.verdict is Verdict.AMBIGUOUS]
        self._links.put(
            LinkKind.COMPANY,
            [
                Link(
                    key,
                    state=LinkState.AMBIGUOUS,
                    facts={
                        "candidates": list(matches[key].candidates),
                        "by": matches[key].by,
                        "name": unknown[key].name,
                    },
                )
                for key in ambiguous
            ],
        )
        absent = [unknown[key] for key, match in matches.items() if match.verdict is Verdict.ABSENT]
        if self._target.settings.create == "always":
            self._make_companies(absent, known)

    def _match(self, unknown: Mapping[str, Customer], known: Known) -> dict[str, Match]:
        client = self._target.client
        by_key = client.batch_read("companies", list(unknown), ("nolapse_account_key",), "nolapse_account_key")
        rest = {key: one for key, one in unknown.items() if key not in by_key}
        theirs = {id: known.contacts[id] for one in rest.values() for id in one.addresses if id in known.contacts}
        companies = client.associated("contacts", "companies", list(theirs.values())) if theirs else {}
        ids = sorted({id for several in companies.values() for id in several})
        there = client.batch_read("companies", ids, ("nolapse_account_key",)) if ids else {}
        by_people = {
            key: [id for address in one.addresses for id in companies.get(theirs.get(address, ""), ()) if id in there]
            for key, one in rest.items()
        }
        by_domain, found = self._by_domain([one for key, one in rest.items() if not by_people[key]])
        holders = {
            company.id: company.properties.get("nolapse_account_key", "") for company in (*there.values(), *found)
        }
        clues = {
            key: Clues((by_key[key].id,) if key in by_key else (), by_people.get(key, ()), by_domain.get(key, ()))
            for key in unknown
        }
        return settle_shared({key: decide(one) for key, one in clues.items()}, holders)

    def _by_domain(self, rest: Sequence[Customer]) -> tuple[dict[str, list[str]], list[CrmObject]]:
        """The companies of each customer by its domains, and all that were found."""
        if not rest:
            return {}, []
        addresses = {one.key: one.addresses for one in rest}
        own = {domain for one in rest for domain in (address.rpartition("@")[2] for address in one.addresses)}
        domains = company_domains(addresses, self._target.settings.shared_domains, self._other_users(own))
        wanted = sorted({domain for mine in domains.values() for domain in mine})
        found = [
            company
            for some in batched(wanted, _DOMAINS_PER_SEARCH)
            for company in self._target.client.search(
                "companies", [Filter("domain", "IN", values=tuple(some))], ("domain", "nolapse_account_key")
            )
        ]
        return ids_by_domain(domains, ((one.id, one.properties.get("domain", "")) for one in found)), found

    def _claim(self, matched: Mapping[str, Match], known: Known) -> None:
        """Puts our key on companies that were there, so that they are known from now on."""
        writes = [
            Write(key, {"nolapse_account_key": key}, match.their_id)
            for key, match in matched.items()
            if match.by != "key"
        ]
        results = {one.key: one for one in self._target.client.batch_update("companies", writes)} if writes else {}
        linked = []
        for key, match in matched.items():
            error = results[key].error if key in results else None
            if error is not None:
                known.errors[key] = error
                continue
            known.companies[key] = match.their_id
            linked.append(Link(key, match.their_id, facts={"by": match.by}))
        self._links.put(LinkKind.COMPANY, linked)

    def _make_companies(self, absent: Sequence[Customer], known: Known) -> None:
        domains = company_domains({one.key: one.addresses for one in absent}, self._target.settings.shared_domains)
        writes = [Write(one.key, self._company(one, domains[one.key]), one.key) for one in absent]
        made = []
        for result in self._target.client.batch_upsert("companies", writes, "nolapse_account_key") if writes else ():
            if result.error is not None:
                known.errors[result.key] = result.error
                continue
            known.companies[result.key] = result.id
            made.append(Link(result.key, result.id, facts={"by": "made"}))
        self._links.put(LinkKind.COMPANY, made)

    def _company(self, one: Customer, domains: Sequence[str]) -> dict[str, str]:
        said = {"nolapse_account_key": one.key, "name": clean(one.name) or one.key}
        if domains:
            said["domain"] = domains[0]
        if owner_id := self._target.owner_id(one.owner_key):
            said["hubspot_owner_id"] = owner_id
        return said

    def _make_contacts(self, unknown: Sequence[Someone], known: Known) -> None:
        if self._target.settings.create == "never" or not unknown:
            return
        writes, by_key = [], {}
        for one in unknown:
            company_id = known.companies.get(one.account_key, "")
            said = renewal_properties(one.person, one.link)
            properties = contact_properties(one.person) | {name: value for name, value in said.items() if value}
            ends = (self._target.ends("contacts", "companies", company_id),) if company_id else ()
            key = contact_key(one.address)
            by_key[key] = (one, said, company_id)
            writes.append(Write(key, properties, links=ends))
        made = []
        # Repeatable: an address is unique, so that a contact which a lost answer hides is refused, and found below.
        for result in self._target.client.batch_create("contacts", writes, "nolapse_contact_key", repeatable=True):
            one, said, company_id = by_key[result.key]
            if result.error is not None:
                known.errors[one.address] = result.error
                continue
            made.append(Link(one.address, result.id, digest=renewal_digest(said), facts={"company": company_id}))
        for address, contact in self._find_contacts([one for one in unknown if one.address in known.errors]).items():
            del known.errors[address]
            made.append(Link(address, contact.id, facts={"company": ""}))
        known.contacts |= {link.our_key: link.their_id for link in made}
        self._links.put(LinkKind.CONTACT, made)

    def tell(self, everybody: Sequence[Someone]) -> dict[str, NolapseError]:
        """Brings the renewal facts of contacts that are linked up to date; gives what went wrong, by address."""
        known = Known()
        links = self._links.get(LinkKind.CONTACT, [one.address for one in everybody])
        linked = {key: link for key, link in links.items() if link.state is LinkState.LINKED}
        known.contacts = {key: link.their_id for key, link in linked.items()}
        self._tell([one for one in everybody if one.address in linked], linked, known)
        return known.errors

    def forget_lost(self, refused: Mapping[str, Collection[str]]) -> None:
        """Forgets companies and contacts that are gone from HubSpot, so that they are looked for anew next time."""
        for object_type, kind in (("companies", LinkKind.COMPANY), ("contacts", LinkKind.CONTACT)):
            if ids := sorted(refused.get(object_type, ())):
                there = self._target.client.batch_read(object_type, ids, ())
                lost = self._links.of_theirs(kind, [id for id in ids if id not in there])
                self._links.forget(kind, [link.our_key for link in lost.values()])

    def _tell(self, everybody: Iterable[Someone], links: Mapping[str, Link], known: Known) -> None:
        """Writes renewal facts where they changed, and hangs contacts on their company where they do not yet."""
        writes, told, pairs = [], {}, {}
        for one in everybody:
            link = links.get(one.address)
            if link is None:
                continue
            said = renewal_properties(one.person, one.link)
            digest = renewal_digest(said)
            company_id = known.companies.get(one.account_key, "")
            hung = not company_id or link.facts.get("company") == company_id
            if digest != link.digest:
                writes.append(Write(one.address, said, link.their_id))
            if not hung:
                pairs[one.address] = Pair(link.their_id, company_id)
            if digest != link.digest or not hung:
                facts = dict(link.facts) | ({"company": company_id} if company_id else {})
                told[one.address] = Link(one.address, link.their_id, digest=digest, facts=facts)
        client = self._target.client
        results = {one.key: one.error for one in client.batch_update("contacts", writes)} if writes else {}
        hanging = {one.key: one.error for one in client.associate("contacts", "companies", list(pairs.values()))}
        for address, pair in pairs.items():
            results[address] = results.get(address) or hanging.get(pair.key)
        known.errors |= {address: error for address, error in results.items() if error is not None}
        self._links.put(LinkKind.CONTACT, [link for address, link in told.items() if results.get(address) is None])
