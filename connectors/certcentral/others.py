"""Orders that do not stand in the account's own list: those of subaccounts, and the contracts of the Partner API."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from connectors.certcentral import mapping
from connectors.certcentral.client import Client
from connectors.certcentral.memory import Told
from connectors.certcentral.passes import Scene, reject_of
from connectors.certcentral.reading import Listing, several
from core.model import BadRow, OrderFacts, Reject
from core.products import Catalogue


def subaccount_orders(scene: Scene, listing: Listing) -> Iterator[OrderFacts | Reject]:
    """The orders of subaccounts and of theirs.

    The list tells neither order ends nor people, and of deeper accounts no certificate. So each order inside a
    touchpoint window is asked for once, and the subaccount for its master user, who stands for the organisation.
    """
    masters: dict[str, Mapping[str, str]] = {}
    with ThreadPoolExecutor(scene.parallel) as pool:
        for page in listing.pages():
            rows: dict[str, dict[str, str]] = {}
            for order in page:
                number = ""
                try:
                    number = mapping.number_of(order)
                    rows[number] = _columns(order)
                except BadRow as error:
                    yield reject_of(number, error)
                scene.unknown_fields |= mapping.unknown_fields(order)
            yield from _page(scene, pool, rows, masters)


def _page(
    scene: Scene, pool: ThreadPoolExecutor, rows: Mapping[str, dict[str, str]], masters: dict[str, Mapping[str, str]]
) -> Iterator[OrderFacts | Reject]:
    told = scene.memory.of(list(rows))
    wanted = []
    for number, columns in rows.items():
        known = told[number].columns if number in told else {}
        try:
            if scene.wanted(scene.facts(mapping.filled(columns, known)), told.get(number)):
                wanted.append(number)
        except BadRow:
            continue  # it is told below, where the row is read for good
    details = several(pool, wanted, lambda number: scene.client.get(f"/account/subaccount/order/{number}"))
    accounts = {rows[number].get("account_id", "") for number in wanted} - masters.keys() - {""}
    found = several(pool, sorted(accounts), lambda account: scene.client.get(f"/account/subaccount/{account}"))
    masters |= {account: mapping.people_of(one or {}) for account, one in found.items()}
    learnt: dict[str, Told] = {}
    for number, columns in rows.items():
        more: Mapping[str, str] = told[number].columns if number in told else {}
        try:
            if number in details:
                detail = _columns(details[number] or {"id": number})
                master = masters.get(columns.get("account_id", ""), {})
                more = mapping.kept(mapping.filled(detail, master))
                learnt[number] = Told(columns.get("certificate_id", ""), scene.today, more)
            yield scene.facts(mapping.filled(columns, more))
        except BadRow as error:
            yield reject_of(number, error)
    scene.memory.keep(learnt)


def _columns(order: Mapping[str, Any]) -> dict[str, str]:
    """A row as columns; a certificate whose first day is not told counts from the day of the order."""
    columns = mapping.columns_of(order)
    if columns.get("valid_till") and not columns.get("valid_from"):
        columns["valid_from"] = columns.get("order_valid_from") or columns.get("date_created", "")
    return columns


def contracts(client: Client, catalogue: Catalogue) -> list[OrderFacts | Reject]:
    """The ACME contracts of all subaccounts, in one call. Single ones are shown to keys of subaccounts only."""
    told = client.get("/account/reporting").get("accounts")
    found: list[OrderFacts | Reject] = []
    for account in told if isinstance(told, list) else ():
        several_contracts = account.get("acme") if isinstance(account, dict) else None
        for contract in several_contracts if isinstance(several_contracts, list) else ():
            if not isinstance(contract, dict):
                continue
            number = ""
            try:
                number = mapping.contract_number(contract)
                found.append(mapping.contract_facts(contract, account, catalogue))
            except BadRow as error:
                found.append(reject_of(number, error))
    return found
