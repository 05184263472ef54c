"""The account behind the stand-in: what it holds, and everything that can happen to it."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from threading import RLock
from typing import Any, TypeVar

from tests.fakes.certcentral.clock import Clock
from tests.fakes.certcentral.portfolio import FIRST_ORDER, Portfolio, longest_days
from tests.fakes.certcentral.quirks import Quirks
from tests.fakes.certcentral.records import (
    RESTRICTIONS,
    Certificate,
    Change,
    Container,
    Contract,
    Field,
    Key,
    Order,
    Organisation,
    Person,
    Subaccount,
    Webhook,
)

K = TypeVar("K")
T = TypeVar("T")
KEY = "key-of-the-stand-in"
RENEWABLE_DAYS = 90


class World:
    """One account. Everything it holds may be read and changed while the server runs; hold `lock` for several steps.

    `portfolio` gives orders that are never stored unless they change.
    """

    def __init__(
        self, *, at: datetime | None = None, portfolio: Portfolio | None = None, keys: Sequence[Key] = (Key(KEY),)
    ) -> None:
        self.lock = RLock()
        self.clock = Clock(at)
        self.quirks = Quirks()
        self.version = 0
        self.keys = {key.secret: key for key in keys}
        self.account_id = 110_022
        self.account_type = "partner"
        self.make_renewal_calls = False
        self.organisations: dict[int, Organisation] = {}
        self.containers: dict[int, Container] = {1: Container(1, "Main")}
        self.subaccounts: dict[int, Subaccount] = {}
        self.fields: dict[int, Field] = {}
        self.contracts: dict[int, Contract] = {}
        self.changes: dict[int, Change] = {}
        self.webhook: Webhook | None = None
        self.heard: list[Callable[[str, int, int, bool], None]] = []  # event, order, certificate, issued at once
        self.portfolio = portfolio
        self._orders: dict[int, Order] = {}
        self._gone: set[int] = set()
        self._numbers = 900_000
        self._ids: tuple[int, list[int]] = (-1, [])
        self.selections: dict[Any, list[int]] = {}  # of pages: kept for the next one

    # What it holds

    def order_ids(self) -> list[int]:
        """The ids of the account's own orders, rising."""
        if self._ids[0] != self.version:
            base = self.portfolio.ids if self.portfolio else ()
            ids = [one for one in base if one not in self._orders]
            ids.extend(one.id for one in self._orders.values() if not one.subaccount)
            ids.sort()
            self._ids = (self.version, [one for one in ids if one not in self._gone] if self._gone else ids)
        return self._ids[1]

    def orders(self) -> Iterator[Order]:
        """The account's own orders, by rising ids."""
        return (self.order(one) for one in self.order_ids())

    def subaccount_orders(self) -> list[Order]:
        """The orders of subaccounts, by rising ids."""
        found = (one for one in self._orders.values() if one.subaccount and one.id not in self._gone)
        return sorted(found, key=lambda one: one.id)

    def order(self, order_id: int) -> Order:
        """An order as it is now. Raises `KeyError`."""
        found = self.find(order_id)
        if found is None:
            raise KeyError(f"there is no order {order_id}")
        return found

    def find(self, order_id: int) -> Order | None:
        """An order as it is now, if there is one."""
        if order_id in self._gone:
            return None
        found = self._orders.get(order_id)
        if found is None and self.portfolio and order_id in self.portfolio.ids:
            return self.portfolio.order(order_id)
        return found

    def organisation(self, organisation_id: int) -> Organisation | None:
        """An organisation; None for 0 and for one that nobody knows."""
        found = self.organisations.get(organisation_id)
        return found or (self.portfolio.organisation(organisation_id) if self.portfolio else None)

    def container(self, container_id: int) -> Container:
        """A container; one that nobody named is called by its number."""
        found = self.containers.get(container_id)
        if found is None and self.portfolio:
            found = self.portfolio.container(container_id)
        return found or Container(container_id, f"Division {container_id}")

    def all_containers(self) -> list[Container]:
        """Every container, by its id."""
        found = {one.id: one for one in self.portfolio.containers()} if self.portfolio else {}
        return [one for _, one in sorted((found | self.containers).items())]

    def number(self) -> int:
        """A number that nothing in this world has yet."""
        self._numbers += 1
        return self._numbers

    # People and places

    def add_key(self, secret: str, restriction: str = "none", region: str = "us", **said: Any) -> Key:
        """A further API key. Raises `ValueError` for a restriction that there is not."""
        if restriction not in RESTRICTIONS:
            raise ValueError(f"the restriction is one of {RESTRICTIONS}")
        return self._keep(self.keys, secret, Key(secret, restriction, region, **said))

    def add_organisation(self, name: str, **said: Any) -> Organisation:
        """A company."""
        one = Organisation(said.pop("id", 0) or self.number(), name, **said)
        return self._keep(self.organisations, one.id, one)

    def add_container(self, name: str, **said: Any) -> Container:
        """A division."""
        one = Container(said.pop("id", 0) or self.number(), name, **said)
        return self._keep(self.containers, one.id, one)

    def add_subaccount(self, name: str, **said: Any) -> Subaccount:
        """A subaccount, a direct one unless `parent_id` names another."""
        organisation = said.pop("organisation", None) or Organisation(self.number(), name)
        said.setdefault("created_at", self.clock.now())
        one = Subaccount(said.pop("account_id", 0) or self.number(), organisation, **said)
        return self._keep(self.subaccounts, one.account_id, one)

    def change_subaccount(self, account_id: int, **said: Any) -> Subaccount:
        """Changes a subaccount."""
        return self._keep(self.subaccounts, account_id, replace(self.subaccounts[account_id], **said))

    def add_field(self, label: str, data_type: str = "", **said: Any) -> Field:
        """A custom field."""
        one = Field(said.pop("id", 0) or self.number(), label, data_type, **said)
        return self._keep(self.fields, one.id, one)

    def add_contract(self, account_id: int, names: Sequence[str], **said: Any) -> Contract:
        """An ACME contract of a year."""
        now = self.clock.now()
        usual: dict[str, Any] = {
            "id": self.number(),
            "product": "ssl_dv_rapidssl",
            "created_at": now,
            "valid_till": now + timedelta(days=365),
        }
        one = Contract(account_id=account_id, names=tuple(names), **usual | said)
        return self._keep(self.contracts, one.id, one)

    def _keep(self, into: dict[K, T], key: K, one: T) -> T:
        with self.lock:
            into[key] = one
            self.version += 1
        return one

    # Orders

    def add(self, **said: Any) -> Order:
        """An issued order of a year for one name, placed today. What is said wins.

        `ends_on` alone places it so that it ends on that day; `certificate` given as None leaves it without one.
        """
        with self.lock:
            today, days = self.clock.today(), said.get("days", 365)
            ends_on = said.get("ends_on")
            starts_on = said.get("starts_on") or (ends_on - timedelta(days=days) if ends_on else today)
            order_id = said.pop("id", 0) or self._next_order_id()
            usual: dict[str, Any] = {
                "id": order_id,
                "product": "ssl_basic",
                "names": (f"www{order_id}.example.com",),
                "placed_at": min(datetime.combine(starts_on, time(9, 30), UTC), self.clock.now()),
            }
            order = Order(**usual | said)
            if order.status in ("issued", "expired", "revoked", "reissue_pending"):
                order = replace(order, starts_on=starts_on, ends_on=ends_on or starts_on + timedelta(days=days))
                if "certificate" not in said:
                    order = replace(order, certificate=self._certificate(order, today))
            self._store(order, order.placed_at)
            return order

    def add_all(self, orders: Iterable[Order]) -> None:
        """Orders as they are given."""
        with self.lock:
            for order in orders:
                self._store(order, order.placed_at)

    def change(self, order_id: int, **said: Any) -> Order:
        """Changes an order. A change of status or certificate shows among the status changes, others do not."""
        with self.lock:
            old = self.order(order_id)
            new = replace(old, **said)
            shows = (old.status, old.certificate) != (new.status, new.certificate)
            self._store(new, self.clock.now() if shows else None)
            return new

    def renew(self, order_id: int, **said: Any) -> Order:
        """A renewal that is placed and issued at once."""
        with self.lock:
            return self.issue(self.place_renewal(order_id, **said).id, at_once=True)

    def place_renewal(self, order_id: int, **said: Any) -> Order:
        """A renewal that waits to be issued."""
        with self.lock:
            old, now = self.order(order_id), self.clock.now()
            new = replace(
                old,
                id=said.pop("id", 0) or self._next_order_id(),
                placed_at=now,
                status="pending",
                certificate=None,
                starts_on=None,
                ends_on=None,
                renewal_of=old.id,
                renewed_by=0,
                is_renewed=False,
                reissues=0,
                **said,
            )
            self._store(new, now)
            if self.quirks.renewed_when == "placed":
                self.change(old.id, is_renewed=True, renewed_by=new.id)
            return new

    def issue(self, order_id: int, *, at_once: bool = False) -> Order:
        """Issues an order that waits. The order that it renews is then renewed.

        `at_once`: as it was ordered, of which the webhook tells only where its settings say so.
        """
        with self.lock:
            order, today = self.order(order_id), self.clock.today()
            old = self.find(order.renewal_of)
            kept = 0
            if old is not None:
                left = (old.ends_on - today).days if old.ends_on else 0
                kept = max(0, min(left, self.quirks.days_kept_at_most))
                self.change(old.id, is_renewed=True, renewed_by=order.id)
            order = replace(
                order,
                status="issued",
                starts_on=order.starts_on or today,
                ends_on=order.ends_on or today + timedelta(days=order.days + kept),
            )
            order = replace(order, certificate=self._certificate(order, today, issued_on=today))
            self._store(order, self.clock.now())
            self._tell("certificate_issued", order, at_once)
            return order

    def reissue(self, order_id: int) -> Order:
        """A new certificate for the same order, as long as it may be."""
        with self.lock:
            order, today = self.order(order_id), self.clock.today()
            assert order.ends_on is not None, f"order {order_id} was never issued"
            order = self.change(
                order_id,
                status="issued",
                certificate=self._certificate(order, today, issued_on=today),
                reissues=order.reissues + 1,
            )
            self._tell("certificate_issued", order)
            return order

    def reject(self, order_id: int) -> Order:
        """Rejects an order that waits."""
        return self._end(order_id, "rejected", "order_rejected")

    def cancel(self, order_id: int) -> Order:
        """Cancels an order."""
        return self._end(order_id, "canceled", "")

    def revoke(self, order_id: int) -> Order:
        """Revokes the certificate of an order."""
        return self._end(order_id, "revoked", "certificate_revoked")

    def expire(self, order_id: int) -> Order:
        """Lets an order have ended yesterday."""
        with self.lock:
            order, yesterday = self.order(order_id), self.clock.today() - timedelta(days=1)
            certificate = order.certificate and replace(order.certificate, valid_till=yesterday)
            return self.change(order_id, ends_on=yesterday, certificate=certificate)

    def vanish(self, order_id: int) -> None:
        """Takes an order out of every list, as if it had never been."""
        with self.lock:
            self.order(order_id)
            self._gone.add(order_id)
            self.version += 1

    def come_back(self, order_id: int) -> None:
        """Brings back an order that had vanished, as it was."""
        with self.lock:
            self._gone.discard(order_id)
            self.version += 1

    def advance(self, by: timedelta) -> None:
        """Lets time pass; ends that are reached show among the status changes where the quirk says so."""
        with self.lock:
            before = self.clock.today()
            self.clock.advance(by)
            if self.quirks.expiry_is_a_change:
                for order in list(self.orders()):
                    if order.ends_on and before <= order.ends_on < self.clock.today():
                        self._store(order, end_of(order.ends_on), "expired")
            self.version += 1

    def _end(self, order_id: int, status: str, event: str) -> Order:
        with self.lock:
            order = self.change(order_id, status=status)
            old = self.find(order.renewal_of)
            if old is not None and old.renewed_by == order_id and status != "revoked":
                self.change(old.id, is_renewed=False, renewed_by=0)
            if event:
                self._tell(event, order)
            return order

    def _next_order_id(self) -> int:
        """Ids rise, as the service's do."""
        last = self.portfolio.ids[-1] if self.portfolio and self.portfolio.ids else FIRST_ORDER
        return max(last, max(self._orders, default=0)) + 1

    def _store(self, order: Order, changed_at: datetime | None, status: str = "") -> None:
        self._orders[order.id] = order
        self._gone.discard(order.id)
        if changed_at is not None:
            certificate_id = order.certificate.id if order.certificate else order.id * 100
            self.changes[order.id] = Change(changed_at, order.id, certificate_id, status or order.status)
        self.version += 1

    def _certificate(self, order: Order, today: date, issued_on: date | None = None) -> Certificate:
        """The certificate in use today; each was reissued three weeks before its end."""
        assert order.starts_on is not None
        assert order.ends_on is not None
        number = order.reissues + 1
        if issued_on is not None:
            number += 1 if order.certificate else 0
            till = min(issued_on + timedelta(days=longest_days(issued_on)), order.ends_on)
            return Certificate(order.id * 100 + number, issued_on, till)
        since = order.starts_on
        till = min(since + timedelta(days=longest_days(since)), order.ends_on)
        while till < order.ends_on and till < today:
            since, number = till - timedelta(days=21), number + 1
            till = min(since + timedelta(days=longest_days(since)), order.ends_on)
        return Certificate(order.id * 100 + number, since, till)

    def _tell(self, event: str, order: Order, at_once: bool = False) -> None:
        for listener in self.heard:
            listener(event, order.id, order.certificate.id if order.certificate else order.id * 100, at_once)


def end_of(day: date) -> datetime:
    """The first instant after this day."""
    return datetime.combine(day + timedelta(days=1), time(0), UTC)


def person(name: str, email: str, telephone: str = "", job_title: str = "") -> Person:
    """Somebody by the full name."""
    first, _, last = name.partition(" ")
    return Person(first, re.sub(r"\s+", " ", last), email, telephone, job_title)
