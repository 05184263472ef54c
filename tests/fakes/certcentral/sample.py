"""Worlds from what is already there: the demo's portfolio, played day by day, and the engine's own orders."""

import csv
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from cli.sample_portfolio import CUSTOMERS, PRODUCTS
from core.model import OrderFacts
from core.model import Person as Somebody
from core.words import OrderStatus, Role
from tests.fakes.certcentral.records import Certificate, Container, Order, Organisation, Person, product
from tests.fakes.certcentral.world import World, person

if TYPE_CHECKING:
    from cli.sample import Event, Sample, SampleOrder

_MORNING = time(6)
_FIRST_ORGANISATION = 401_000
_STATUSES = {
    OrderStatus.PENDING: "pending",
    OrderStatus.REVOKED: "revoked",
    OrderStatus.CANCELLED: "canceled",
    OrderStatus.REJECTED: "rejected",
}
_RENEWED = ("renewed", "auto_renewed", "issued")
_ENDED = {"revoked": "revoked", "cancelled": "canceled"}


class SampleWorld:
    """The account of the demo's sample: as it is on the first day, then on each day to which it is brought."""

    def __init__(self, sample: "Sample") -> None:
        self.world = World(at=_morning(sample.start))
        self.day = sample.start
        self._sample = sample
        with sample.accounts.open(encoding="utf-8", newline="") as file:
            numbers = [int(row["account"].rpartition(":")[2]) for row in csv.DictReader(file)]
        self._containers = numbers
        self.world.organisations[1] = Organisation(1, "Nordlicht Hosting", "de")
        for place, (number, customer) in enumerate(zip(numbers, CUSTOMERS, strict=True)):
            self.world.containers[number] = Container(number, customer.name)
            organisation = Organisation(_FIRST_ORGANISATION + place, customer.name, customer.country.lower())
            self.world.organisations[organisation.id] = organisation
        self.world.add_all(self._order(one) for one in sample.orders)
        self._happen(sample.start)

    def advance_to(self, day: date) -> None:
        """Everything that happens up to the end of this day, each on its own. Raises `ValueError` for an earlier day."""
        if day < self.day:
            raise ValueError(f"{day} is before {self.day}")
        with self.world.lock:
            while self.day < day:
                self.day = date.fromordinal(self.day.toordinal() + 1)
                self.world.advance(_morning(self.day) - self.world.clock.now())
                self._happen(self.day)

    def _happen(self, day: date) -> None:
        for event in self._sample.on(day):
            if event.order is not None:
                self._take(event, event.order)
            if event.kind in _RENEWED:
                old, new = event.order_ids
                self.world.change(int(old), is_renewed=True, renewed_by=int(new))
            elif event.kind in _ENDED:
                self.world.change(int(event.order_ids[0]), status=_ENDED[event.kind])

    def _take(self, event: "Event", told: "SampleOrder") -> None:
        order = self._order(told)
        if self.world.find(order.id) is None:
            self.world.add_all([order])
        else:
            self.world.change(order.id, certificate=order.certificate, status=order.status, ends_on=order.ends_on,
                              starts_on=order.starts_on, reissues=order.reissues)  # fmt: skip

    def _order(self, told: "SampleOrder") -> Order:
        customer = CUSTOMERS[told.customer]
        people = [
            (roles.split(), Person(first, last, f"{local}@{customer.domain}", customer.phone))
            for local, first, last, roles in customer.people
        ]
        certificate, number = None, 1
        if told.certificate is not None:
            used = told.certificate
            certificate = Certificate(int(used.id), used.valid_from, used.valid_till)
            number = int(used.id.removeprefix(told.id))
        technical = _first(people, "technical")
        return Order(
            int(told.id), told.product, told.names,
            placed_at=min(_morning(told.placed_on), self.world.clock.now()),
            status=told.status,
            certificate=certificate,
            starts_on=told.placed_on if certificate else None,
            ends_on=told.ends_on if certificate else None,
            days=(told.ends_on - told.placed_on).days,
            organisation=0 if product(told.product)[2] == "dv" else _FIRST_ORGANISATION + told.customer,
            container=self._containers[told.customer],
            technical=technical,
            organisation_contact=_first(people, "organisation"),
            user=technical, user_id=9000 + told.customer if technical else 0,
            auto_renew=told.auto_renew, notices_off=told.notices_off,
            renewal_of=int(told.renewal_of or 0), renewed_by=int(told.renewed_by or 0),
            is_renewed=bool(told.renewed_by), reissues=number - 1,
            multi_year=(told.ends_on - told.placed_on).days > 365, price=f"{PRODUCTS[told.product][2]}",
        )  # fmt: skip


def world_of(facts: Iterable[OrderFacts], at: datetime) -> World:
    """The account that holds these orders at this instant. Each customer has a container of its own."""
    world, customers = World(at=at), dict[str, tuple[int, int]]()
    for order in facts:
        account = order.account
        key = account.key or order.key
        if key not in customers:
            organisation = world.add_organisation(account.name or key, country=account.country.lower())
            customers[key] = (organisation.id, world.add_container(account.name or key).id)
        world.add_all([_from_facts(order, *customers[key])])
    return world


def _from_facts(told: OrderFacts, organisation: int, container: int) -> Order:
    order_id, start = int(told.outside_id), told.certificate_issued_on
    certificate = None
    if start is not None and told.certificate_expires_on is not None:
        certificate = Certificate(order_id * 100 + 1, start, told.certificate_expires_on)
    contact = _role(told.people, Role.ORGANISATION)
    return Order(
        order_id, told.product_id, told.dns_names or (told.common_name,),
        placed_at=_morning(told.placed_on),
        status=_STATUSES.get(told.status, "issued"),
        certificate=certificate, starts_on=told.starts_on, ends_on=told.order_expires_on,
        days=told.term_days or 365,
        organisation=0 if product(told.product_id)[2] == "dv" else organisation,
        container=container, organisation_contact=contact,
        technical=_role(told.people, Role.TECHNICAL), user=_role(told.people, Role.REQUESTER),
        auto_renew=told.auto_renew, notices_off=told.ca_notices_off, is_renewed=told.is_renewed,
        renewal_of=_number(told.renewal_of), renewed_by=_number(told.renewed_by),
        price=f"{(told.value_minor or 0) / 100:.2f}", currency=told.currency or "USD",
    )  # fmt: skip


def _number(key: str) -> int:
    text = key.rpartition(":")[2]
    return int(text) if text.isdigit() else 0


def _role(people: Iterable[Somebody], role: Role) -> Person | None:
    found = next((one for one in people if role in one.roles), None)
    return person(found.name, found.email, found.phone) if found else None


def _first(people: list[tuple[list[str], Person]], role: str) -> Person | None:
    return next((one for roles, one in people if role in roles), None)


def _morning(day: date) -> datetime:
    return datetime.combine(day, _MORNING, UTC)
