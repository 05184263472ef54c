"""Our people as Salesforce's contacts: found by our key on them or by their address, or made where the settings allow it.

What is linked already needs no call. Several contacts may share an address: the one at the account is meant.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from connectors.crm.customers import Customer, Known, OtherUsers, Someone, customers_of, people_of
from connectors.crm.foreign import text_of
from connectors.crm.links import Link, LinkKind, Links
from connectors.crm.tables import LinkState
from connectors.crm.values import contact_key
from connectors.salesforce.accounts import Accounts
from connectors.salesforce.errors import SalesforceError
from connectors.salesforce.fields import ContactField
from connectors.salesforce.mapping import contact_fields, renewal_digest, renewal_fields
from connectors.salesforce.records import Row, Write
from connectors.salesforce.statements import CONTACTS_BY_EMAIL, CONTACTS_BY_KEY
from connectors.salesforce.target import Target
from core.errors import NolapseError
from core.ports import Record

log = logging.getLogger("nolapse.salesforce")

_KEY = str(ContactField.KEY)


@dataclass(frozen=True, slots=True)
class _Candidates:
    """The contacts that may be one of our people; `sure`: it carries our key."""

    rows: tuple[Row, ...]
    sure: bool

    def accounts(self) -> list[str]:
        return [text_of(row.get("AccountId")) for row in self.rows if row.get("AccountId")]

    def choose(self, account_id: str) -> Row | None:
        """The one that is meant: by our key, of the account, or the only one. None where nobody can tell."""
        at_account = [row for row in self.rows if account_id and row.get("AccountId") == account_id]
        if self.sure or len(self.rows) == 1:
            return self.rows[0]
        return at_account[0] if len(at_account) == 1 else None


class People:
    """Accounts and contacts of one org."""

    def __init__(self, target: Target, links: Links, other_users: OtherUsers) -> None:
        self._target = target
        self._links = links
        self._accounts = Accounts(target, links, other_users)

    def of_records(self, records: Sequence[Record]) -> Known:
        """Finds, and where it may makes, what these records belong to. Renewal facts of contacts are brought up to date."""
        customers, everybody = customers_of(records), people_of(records)
        known = Known()
        contact_links = self._links.get(LinkKind.CONTACT, everybody)
        linked = {key: link for key, link in contact_links.items() if link.state is LinkState.LINKED}
        unknown = {key: one for key, one in everybody.items() if key not in contact_links}
        candidates = self._find_contacts(unknown.values())
        theirs = self._accounts_of(linked.values()) if self._unlinked(customers) else {}
        theirs |= {address: one.accounts() for address, one in candidates.items()}
        self._accounts.find(customers, theirs, known)
        known.contacts = {key: link.their_id for key, link in linked.items()}
        fresh: dict[str, Link] = {}
        for address, one in candidates.items():
            row = one.choose(known.companies.get(unknown[address].account_key, ""))
            if row is None:
                log.warning("%s: several contacts have one address; merge them in Salesforce", contact_key(address))
                continue
            known.contacts[address] = text_of(row.get("Id"))
            fresh[address] = Link(address, known.contacts[address])
        self._make_contacts([one for key, one in unknown.items() if key not in candidates], known)
        self._tell([everybody[key] for key in known.contacts], linked | fresh, known)
        return known

    def tell(self, everybody: Sequence[Someone]) -> dict[str, NolapseError]:
        """Brings the renewal facts of contacts that are linked up to date; gives what went wrong, by address."""
        known = Known()
        links = self._links.get(LinkKind.CONTACT, [one.address for one in everybody])
        linked = {key: link for key, link in links.items() if link.state is LinkState.LINKED}
        self._tell([one for one in everybody if one.address in linked], linked, known)
        return known.errors

    def forget(self, kind: LinkKind, ids: Iterable[str]) -> None:
        """Forgets accounts or contacts that are gone from Salesforce, so that they are looked for anew next time."""
        lost = self._links.of_theirs(kind, ids)
        self._links.forget(kind, [link.our_key for link in lost.values()])

    def _unlinked(self, customers: Mapping[str, Customer]) -> bool:
        return len(self._links.get(LinkKind.COMPANY, customers)) < len(customers)

    def _accounts_of(self, links: Iterable[Link]) -> dict[str, list[str]]:
        """The accounts of contacts that are linked already, by their addresses."""
        ids = {link.their_id: link.our_key for link in links}
        there = self._target.client.retrieve("Contact", list(ids), ("AccountId",)) if ids else {}
        return {ids[id]: [text_of(row.get("AccountId"))] for id, row in there.items() if row.get("AccountId")}

    def _find_contacts(self, unknown: Iterable[Someone]) -> dict[str, _Candidates]:
        """By our own key on them, then by address, which several contacts may share."""
        wanted = {one.address: contact_key(one.address) for one in unknown}
        if not wanted:
            return {}
        client = self._target.client
        by_key = {key: address for address, key in wanted.items()}
        rows = client.query_for(CONTACTS_BY_KEY, "keys", list(by_key), key=_KEY)
        found = {by_key[row[_KEY]]: _Candidates((row,), True) for row in rows if row[_KEY] in by_key}
        rest = [address for address in wanted if address not in found]
        by_address: dict[str, list[Row]] = {}
        for row in client.query_for(CONTACTS_BY_EMAIL, "emails", rest, key=_KEY) if rest else ():
            by_address.setdefault(text_of(row.get("Email")).strip().lower(), []).append(row)
        return found | {
            address: _Candidates(tuple(by_address[address]), False) for address in rest if address in by_address
        }

    def _make_contacts(self, unknown: Sequence[Someone], known: Known) -> None:
        if self._target.settings.create == "never" or not unknown:
            return
        writes, told = [], {}
        for one in unknown:
            account_id = known.companies.get(one.account_key, "")
            said = renewal_fields(one.person, one.link)
            fields = contact_fields(one.person) | {name: value for name, value in said.items() if value}
            if account_id:
                fields["AccountId"] = account_id
            told[one.address] = said
            writes.append(Write(one.address, self._target.fitting("Contact", fields, new=True), parent=account_id))
        made = []
        for result in self._target.client.upsert("Contact", _KEY, writes):
            if result.error is not None:
                known.errors[result.key] = result.error
            else:
                made.append(Link(result.key, result.id, digest=renewal_digest(told[result.key])))
        known.contacts |= {link.our_key: link.their_id for link in made}
        self._links.put(LinkKind.CONTACT, made)

    def _tell(self, everybody: Iterable[Someone], links: Mapping[str, Link], known: Known) -> None:
        """Writes our key and the renewal facts where they changed."""
        writes, told = [], {}
        taken: set[str] = set()
        for one in everybody:
            link = links.get(one.address)
            if link is None or link.their_id in taken:
                continue  # a contact with two of our addresses is told once; a call refuses it twice
            said = renewal_fields(one.person, one.link)
            digest = renewal_digest(said)
            if digest != link.digest:
                taken.add(link.their_id)
                writes.append(Write(one.address, self._target.fitting("Contact", said, new=False), link.their_id))
                told[one.address] = Link(one.address, link.their_id, digest=digest)
        if not writes:
            return
        results = {one.key: one.error for one in self._target.client.update("Contact", writes)}
        known.errors |= {address: error for address, error in results.items() if error is not None}
        self._links.put(LinkKind.CONTACT, [link for address, link in told.items() if results[address] is None])
        self.forget(LinkKind.CONTACT, [told[address].their_id for address, error in results.items() if is_gone(error)])


def is_gone(error: NolapseError | None) -> bool:
    """Whether a record was refused since it, or one that it refers to, has been deleted or merged away."""
    return isinstance(error, SalesforceError) and error.details.code in _GONE


_GONE = frozenset({"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND"})
