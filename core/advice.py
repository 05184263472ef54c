"""What a customer could buy or do better, by rules over the catalogue and the customer's own orders. Pure.

A piece of advice is given only where its fact is known and what it leads to can be ordered in that account. Which names
belong to one customer is never guessed from the shape of a domain: it is known where one of the customer's own
certificates holds the domain itself, since a CA has then checked the control of everything below it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache

from core.messages import Advice
from core.products import Catalogue, Product
from core.validity_rules import ValidityRules
from core.words import AdviceKind, Benefit, Level, ProductKind

_COVERAGE = frozenset({"wildcard", "multi_domain"})
_NEXT = {Level.DV: Level.OV, Level.OV: Level.EV}
_RECENT = timedelta(days=400)
LONGEST_YEARS = 6


@dataclass(frozen=True, slots=True)
class Terms:
    """What one account can order: product ids, the preferred first, and the longest term in years."""

    orderable: tuple[str, ...] = ()
    years: int = 1


@dataclass(frozen=True, slots=True)
class AdviceRules:
    """What may be advised. An account in `accounts` (by its key) can order what stands there, others what stands here.

    `competitors` are other CAs, by the name that orders carry, with the name that people know.
    """

    orderable: tuple[str, ...] = ()
    years: int = 1
    orders_on_one_domain: int = 3
    accounts: Mapping[str, Terms] = field(default_factory=dict)
    competitors: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.orders_on_one_domain < 2:
            raise ValueError("orders_on_one_domain must be 2 or more")
        if not all(
            1 <= years <= LONGEST_YEARS for years in (self.years, *(one.years for one in self.accounts.values()))
        ):
            raise ValueError(f"years must be from 1 to {LONGEST_YEARS}")

    def terms(self, account_key: str) -> Terms:
        return self.accounts.get(account_key, Terms(self.orderable, self.years))


@dataclass(frozen=True, slots=True)
class Holding:
    """An order that a customer holds: issued, and not at its end."""

    order_id: str
    ca: str
    kind: ProductKind
    product_id: str
    level: Level | None
    names: frozenset[str]
    placed_on: date
    term_days: int | None
    auto_renew: bool


@dataclass(frozen=True, slots=True)
class Account:
    """A customer with everything that they hold."""

    key: str
    holdings: Sequence[Holding]


def benefits(product: Product | None) -> tuple[Benefit, ...]:
    """What a product brings, in the order of the words."""
    return _benefits(product.features) if product is not None else ()


@lru_cache(maxsize=256)
def _benefits(features: frozenset[str]) -> tuple[Benefit, ...]:
    return tuple(one for one in Benefit if one in features)


def advise(
    account: Account,
    order_id: str,
    catalogue: Catalogue,
    rules: AdviceRules,
    validity: ValidityRules,
    today: date,
) -> tuple[Advice, ...]:
    """What to tell a customer about whose order a message is: at most one piece of each kind."""
    own = [one for one in account.holdings if one.kind is ProductKind.TLS and one.ca not in rules.competitors]
    led = next((one for one in own if one.order_id == order_id), None)
    terms = rules.terms(account.key)
    orderable = _orderable(terms, own, catalogue, today)
    found: list[Advice | None] = []
    if led is not None and (product := catalogue.find(led.product_id)) is not None:
        found += [_higher_brand(led, product, orderable), _higher_level(led, product, orderable)]
    if led is not None:
        found.append(_multi_year(led, terms))
    found.append(_one_certificate(own, order_id, orderable, rules.orders_on_one_domain))
    found.append(_consolidate(account.holdings, rules))
    found.append(_automate(own, validity, today))
    return tuple(one for one in found if one is not None)


def _orderable(terms: Terms, own: Sequence[Holding], catalogue: Catalogue, today: date) -> list[Product]:
    """What this account can order: what is set, and what it has ordered within about a year."""
    recent = [one.product_id for one in own if today - one.placed_on <= _RECENT]
    products = (catalogue.find(id) for id in dict.fromkeys((*terms.orderable, *recent)))
    return [product for product in products if product is not None and product.kind is ProductKind.TLS]


def _higher_brand(led: Holding, product: Product, orderable: Sequence[Product]) -> Advice | None:
    """The next product of the same level and coverage that brings more, and everything there was."""
    had = set(benefits(product))
    better = [
        one
        for one in orderable
        if one.level is product.level and _covers(one) == _covers(product) and had < set(benefits(one))
    ]
    if not better:
        return None
    chosen = min(better, key=lambda one: len(benefits(one)))
    gains = tuple(one for one in benefits(chosen) if one not in had)
    return _towards(AdviceKind.HIGHER_BRAND, led, chosen, gains)


def _higher_level(led: Holding, product: Product, orderable: Sequence[Product]) -> Advice | None:
    """The next level of validation with the same coverage, which takes nothing away."""
    wanted = _NEXT.get(product.level) if product.level is not None else None
    had = set(benefits(product))
    higher = [
        one
        for one in orderable
        if one.level is wanted and _covers(one) == _covers(product) and had <= set(benefits(one))
    ]
    if wanted is None or not higher:
        return None
    chosen = min(higher, key=lambda one: (one.brand != product.brand, len(benefits(one))))
    return _towards(AdviceKind.HIGHER_LEVEL, led, chosen, tuple(one for one in benefits(chosen) if one not in had))


def _towards(kind: AdviceKind, led: Holding, chosen: Product, gains: tuple[Benefit, ...]) -> Advice:
    return Advice(
        kind,
        order_ids=(led.order_id,),
        product_id=chosen.id,
        product_name=chosen.name,
        brand=chosen.brand,
        level=chosen.level,
        gains=gains,
    )


def _covers(product: Product) -> frozenset[str]:
    return product.features & _COVERAGE


def _multi_year(led: Holding, terms: Terms) -> Advice | None:
    if led.term_days is None or terms.years <= max(1, round(led.term_days / 365)):
        return None
    return Advice(AdviceKind.MULTI_YEAR, order_ids=(led.order_id,), years=terms.years)


def _one_certificate(
    own: Sequence[Holding], order_id: str, orderable: Sequence[Product], at_least: int
) -> Advice | None:
    """One wildcard or multi-domain certificate in place of several orders on one domain; the message's own first."""
    controlled = {name.removeprefix("*.") for one in own for name in one.names}
    groups: dict[str, list[Holding]] = defaultdict(list)
    for one in own:
        domains = {_domain(name, controlled) for name in one.names}
        if len(domains) == 1 and "" not in domains and not any(name.startswith("*.") for name in one.names):
            groups[domains.pop()].append(one)
    several = sorted(
        ((domain, held) for domain, held in groups.items() if len({one.names for one in held}) >= at_least),
        key=lambda group: (all(one.order_id != order_id for one in group[1]), -len(group[1]), group[0]),
    )
    for domain, held in several:
        if (advice := _together(domain, held, orderable)) is not None:
            return advice
    return None


def _domain(name: str, controlled: set[str]) -> str:
    """The highest domain that this name lies in and that the customer is known to control; empty where there is none.

    A public suffix is never among them: no CA certifies one for a customer.
    """
    labels = name.split(".")
    if ":" in name or labels[-1].isdigit():
        return ""
    parts = (".".join(labels[start:]) for start in range(len(labels) - 2, -1, -1))
    return next((part for part in parts if part in controlled), "")


def _together(domain: str, held: Sequence[Holding], orderable: Sequence[Product]) -> Advice | None:
    names = sorted({name for one in held for name in one.names})
    levels = {one.level for one in held}
    one_below = all(name == domain or name.partition(".")[2] == domain for name in names)
    for kind, feature, fits in (
        (AdviceKind.WILDCARD, "wildcard", one_below),
        (AdviceKind.MULTI_DOMAIN, "multi_domain", True),
    ):
        product = next((one for one in orderable if feature in one.features and levels == {one.level}), None)
        if fits and product is not None:
            return Advice(
                kind,
                order_ids=tuple(sorted(one.order_id for one in held)),
                product_id=product.id,
                product_name=product.name,
                brand=product.brand,
                level=product.level,
                domain=domain,
                names=tuple(names),
                count=len(held),
            )
    return None


def _consolidate(holdings: Sequence[Holding], rules: AdviceRules) -> Advice | None:
    others = [rules.competitors[one.ca] for one in holdings if one.ca in rules.competitors]
    if not others:
        return None
    return Advice(AdviceKind.CONSOLIDATE, issuers=tuple(sorted(set(others))), count=len(others))


def _automate(own: Sequence[Holding], validity: ValidityRules, today: date) -> Advice | None:
    """By hand is what does not renew by itself. With it, the next shorter life of certificates, where one is known."""
    by_hand = [one for one in own if not one.auto_renew]
    if not by_hand:
        return None
    ca = validity.cas.get(by_hand[0].ca)
    steps = ca.schedule.steps if ca is not None else ()
    ahead = next((step for step in steps if step.issued_from > today), None)
    return Advice(
        AdviceKind.AUTOMATE,
        order_ids=tuple(sorted(one.order_id for one in by_hand)),
        count=len(by_hand),
        days=ahead.days if ahead else 0,
        from_on=ahead.issued_from if ahead else None,
    )
