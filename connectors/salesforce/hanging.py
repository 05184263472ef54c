"""What tasks and mails of ours hang on: the contact (`WhoId`), and the record or account (`WhatId`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.crm.links import LinkKind, Links
from connectors.crm.tables import LinkState
from connectors.salesforce.records import Write
from connectors.salesforce.target import Target, existing


@dataclass(frozen=True, slots=True)
class About:
    """Something of ours to be hung up: its account, the person's address, its orders."""

    key: str
    account_key: str
    address: str
    order_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ends:
    """The ids it hangs on; empty where Salesforce knows none. `parent` is the account, which Salesforce locks meanwhile."""

    who: str = ""
    what: str = ""
    parent: str = ""


def ends_of(links: Links, things: Sequence[About]) -> dict[str, Ends]:
    """What each of these hangs on. What is about one order hangs on its record; what is about several, on the account.

    Either way it shows on the account: a record of ours belongs to one.
    """
    accounts = _ids(links, LinkKind.COMPANY, [one.account_key for one in things])
    contacts = _ids(links, LinkKind.CONTACT, [one.address.strip().lower() for one in things])
    records = _ids(links, LinkKind.RECORD, [key for one in things for key in one.order_keys])
    found = {}
    for one in things:
        account = accounts.get(one.account_key, "")
        held = [records[key] for key in one.order_keys if key in records]
        what = held[0] if len(one.order_keys) == 1 and held else account or next(iter(held), "")
        found[one.key] = Ends(contacts.get(one.address.strip().lower(), ""), what, account or what)
    return found


def without_lost(target: Target, links: Links, writes: Sequence[Write]) -> list[Write]:
    """Those of these writes that hang on something that is gone, without it. It is looked for anew next time."""
    lost: set[str] = set()
    record = target.layout.shape.sobject
    for sobject, kind, name in (
        ("Contact", LinkKind.CONTACT, "WhoId"),
        ("Account", LinkKind.COMPANY, "WhatId"),
        (record, LinkKind.RECORD, "WhatId"),
    ):
        ids = {str(one.fields[name]) for one in writes if one.fields.get(name)}
        ours = links.of_theirs(kind, ids)
        missing = set(ours) - existing(target, sobject, sorted(ours))
        links.forget(kind, [ours[id].our_key for id in missing])
        lost |= missing
    return [
        Write(one.key, {name: value for name, value in one.fields.items() if value not in lost}, one.id)
        for one in writes
        if lost & {one.fields.get("WhoId"), one.fields.get("WhatId")}
    ]


def _ids(links: Links, kind: LinkKind, keys: Sequence[str]) -> Mapping[str, str]:
    found = links.get(kind, keys)
    return {key: link.their_id for key, link in found.items() if link.state is LinkState.LINKED and link.their_id}
