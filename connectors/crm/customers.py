"""Whom records are about: the accounts, and the people of their orders. Pure."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from core.errors import NolapseError
from core.ports import Record, RecordPerson

OtherUsers = Callable[[Iterable[str]], Mapping[str, Collection[str]]]
"""For mail domains: the keys of all accounts of ours that have people there."""


@dataclass(frozen=True, slots=True)
class Customer:
    """An account with the people of those of its orders that are to be written."""

    key: str
    name: str
    owner_key: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Someone:
    """A person with the account, and what is to be told of the renewal."""

    person: RecordPerson
    account_key: str
    link: str = ""

    @property
    def address(self) -> str:
        """By which we know them, in lower case."""
        return self.person.email.strip().lower()


@dataclass(slots=True)
class Known:
    """What the CRM has of ours: ids of companies by account, of contacts by address; and what went wrong, by either."""

    companies: dict[str, str] = field(default_factory=dict)
    contacts: dict[str, str] = field(default_factory=dict)
    errors: dict[str, NolapseError] = field(default_factory=dict)


def customers_of(records: Sequence[Record]) -> dict[str, Customer]:
    """The accounts of these records."""
    found: dict[str, Customer] = {}
    for record in records:
        before = found.get(record.account_key)
        addresses = dict.fromkeys(before.addresses if before else ())
        addresses |= dict.fromkeys(one.email.strip().lower() for one in record.people)
        found[record.account_key] = Customer(
            record.account_key, record.account_name, record.owner_key, tuple(addresses)
        )
    return found


def people_of(records: Sequence[Record]) -> dict[str, Someone]:
    """The people of these records by address, each with the order of theirs that ends first."""
    found: dict[str, Someone] = {}
    for record in sorted(records, key=lambda one: str(one.order_expires_on or one.certificate_expires_on or "9")):
        for person in record.people:
            one = Someone(person, record.account_key, record.renewal_link)
            found.setdefault(one.address, one)
    return found
