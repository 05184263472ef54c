"""The parts of a message beside its orders: offer, benefits, seal, warning, exact dates, the console's steps.

Each is made only from what is known at the moment at which the message goes; a part without its facts is None or empty.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from core.advice import Account, Holding, advise, benefits
from core.dossiers import Dossier
from core.languages import words_in
from core.messages import (
    Advice,
    BenefitUse,
    Brand,
    BrowserWarning,
    Letter,
    NoDaysLost,
    Offer,
    OrderLine,
    Seal,
    Step,
)
from core.money import Money
from core.offers import Case, Promise, ends_at
from core.policy import Branding, Policy
from core.products import Product
from core.validity import early_window_opens_on, rest_of_order
from core.words import AdviceKind, Benefit, Block, Clock, LetterKind, Nature, ProductKind

_SERVICE = frozenset(block for block in Block if block.nature is Nature.SERVICE)
_OFFERED_IN = (LetterKind.SINGLE, LetterKind.DIGEST)
_SOLD_IN = (*_OFFERED_IN, LetterKind.EXPIRED)
_USUAL_TERM_DAYS = 365


@dataclass(frozen=True, slots=True)
class Known:
    """What a message may need beyond its dossiers: what the customers hold, by account id."""

    holdings: Mapping[int, Sequence[Holding]] = field(default_factory=dict)


def may_offer(kind: LetterKind, nature: Nature) -> bool:
    """Whether a mail of this kind and nature may promise a discount: never in reissues, installs or service messages."""
    return nature is Nature.COMMERCIAL and kind in _OFFERED_IN


def sells(facts: Letter) -> bool:
    """Whether a letter is commercial: its reader may be sold to, and it is of a kind that sells."""
    return facts.nature is Nature.COMMERCIAL and facts.kind in _SOLD_IN


def sold(policy: Policy, leading: Dossier, facts: Letter, told: Sequence[Dossier]) -> Letter:
    """A commercial letter with what its reader's country and price list add: label, footer, what each renewal costs."""
    rule = policy.consent.of(leading.addressee.country)
    foot = "\n".join(filter(None, (facts.brand.legal_footer, words_in(rule.footer, facts.language))))
    lines = facts.lines
    if policy.prices.lists:
        on = facts.written_at.date()
        lines = tuple(_priced(policy, one, of, facts.language, on) for one, of in zip(lines, told, strict=True))
    return replace(
        facts, label=words_in(rule.label, facts.language), brand=replace(facts.brand, legal_footer=foot), lines=lines
    )


def _priced(policy: Policy, line: OrderLine, dossier: Dossier, language: str, on: date) -> OrderLine:
    found = price_of(policy, dossier, on)
    if found is None:
        return line
    prices = policy.prices.of(dossier.handling.price_list)
    return replace(line, price=found, price_note=words_in(prices.note, language) if prices is not None else "")


def price_of(policy: Policy, dossier: Dossier, on: date) -> Money | None:
    """What renewing this order costs those who are written to; None where their price list does not say."""
    prices = policy.prices.of(dossier.handling.price_list)
    if prices is None or dossier.clock is not Clock.RENEWAL:
        return None
    return prices.price(dossier.order.product_id, dossier.order.term_days, on)


def blocks_of(policy: Policy, leading: Dossier, line: OrderLine, nature: Nature) -> frozenset[Block]:
    """The blocks that are switched on for a mail led by this order and allowed by its nature."""
    switches = policy.messages.switches
    days_left = -1 if line.ended else line.days_left
    found = switches.allowed(leading.order.product_id, line.urgency, leading.account.segment, days_left)
    return by_nature(found, nature)


def by_nature(blocks: frozenset[Block], nature: Nature) -> frozenset[Block]:
    """Those of these blocks that a message of this nature may hold."""
    return blocks if nature is Nature.COMMERCIAL else blocks & _SERVICE


def filled_blocks(facts: Letter) -> frozenset[Block]:
    """The blocks whose facts a letter holds."""
    there = {
        Block.OFFER: facts.offer,
        Block.BENEFITS: facts.benefits,
        Block.SEAL: facts.seal,
        Block.BROWSER_WARNING: facts.browser_warning,
        Block.NO_DAYS_LOST: facts.no_days_lost,
        Block.CONSOLE_END: facts.console_end,
    } | {block_of(one.kind): one for one in facts.advice}
    return frozenset(block for block, fact in there.items() if fact)


def cases(told: Sequence[Dossier], zone: ZoneInfo, moment: datetime) -> list[Case]:
    """These renewals as the offers see them. What renews by itself needs no discount to be renewed early."""
    return [
        Case(one.id, one.order.account_id, one.order.product_id, one.account.segment, one.ends_on, zone, moment)
        for one in told
        if not one.order.auto_renew
    ]


def offer(
    policy: Policy, told: Sequence[Dossier], promises: Mapping[int, Promise], zone: ZoneInfo, language: str
) -> Offer | None:
    """The offer that holds for the first of these renewals which has one, and for those others with the same."""
    held = [(one, promises[one.id]) for one in told if one.id in promises]
    if not held:
        return None
    first = held[0][1]
    same = [
        (dossier, promise)
        for dossier, promise in held
        if (promise.offer, promise.percent, promise.code) == (first.offer, first.percent, first.code)
    ]
    last = min(ends_at(promise.ends_on, zone) for _, promise in same)
    rule = policy.messages.offers.rules.get(first.offer)
    conditions = rule.conditions if rule is not None else {}
    products = sorted(rule.products) if rule is not None else ()
    return Offer(
        name=first.offer,
        percent=first.percent,
        code=first.code,
        ends_on=last.date(),
        ends_at=last,
        conditions=conditions.get(language, ""),
        products=tuple(found.name for id in products if (found := policy.messages.catalogue.find(id)) is not None),
        order_ids=tuple(dossier.order.outside_id for dossier, _ in same),
    )


def product_of(policy: Policy, dossier: Dossier) -> Product | None:
    """What was bought, where the catalogue knows it."""
    return policy.messages.catalogue.find(dossier.order.product_id)


def benefits_of(policy: Policy, dossier: Dossier) -> tuple[BenefitUse, ...]:
    """What was bought with the product, and whether it is known to be in use."""
    return tuple(
        BenefitUse(one, _in_use(dossier, one)) for one in benefits(product_of(policy, dossier)) if one != Benefit.SEAL
    )


def _in_use(dossier: Dossier, benefit: Benefit) -> bool | None:
    if benefit in dossier.account.unused.split():
        return False
    return True if benefit in dossier.account.used.split() else None


def seal(policy: Policy, dossier: Dossier) -> Seal | None:
    """The trust mark of products that carry it."""
    product = product_of(policy, dossier)
    if product is None or Benefit.SEAL not in product.features:
        return None
    return Seal(product.name, policy.messages.seal, policy.messages.seal_help_url, _in_use(dossier, Benefit.SEAL))


def browser_warning(dossier: Dossier, line: OrderLine) -> BrowserWarning | None:
    """What visitors see once the certificate has ended: only of public TLS, and where that is the end told of."""
    if dossier.order.kind != ProductKind.TLS:
        return None
    if dossier.clock is Clock.RENEWAL and line.certificate_expires_on != line.ends_on:
        return None
    name = line.common_name
    # A wildcard covers the names below its domain, of which this one is usual.
    domain = f"www.{name.removeprefix('*.')}" if name.startswith("*.") else name
    return BrowserWarning(domain, line.ends_on, line.ended) if "." in domain and " " not in domain else None


def no_days_lost(policy: Policy, dossier: Dossier, on: date) -> NoDaysLost | None:
    """What renewing on a day gives, to the day, where the CA's policy for the product carries the rest over."""
    order, rules = dossier.order, policy.validity
    if dossier.clock is not Clock.RENEWAL or order.ca not in rules.cas or order.order_expires_inferred:
        return None
    renew_on = max(on, early_window_opens_on(dossier.ends_on, rules))
    rest = rest_of_order(
        order_expires_on=dossier.ends_on, renew_on=renew_on, rules=rules, ca=order.ca, product=order.product_id
    )
    if rest.carried_over_days <= 0:
        return None
    term = order.term_days or _USUAL_TERM_DAYS
    return NoDaysLost(
        renew_on=renew_on,
        order_ends_on=dossier.ends_on,
        rest_days=rest.carried_over_days,
        term_days=term,
        new_order_ends_on=renew_on + timedelta(days=term + rest.carried_over_days),
        order_id=order.outside_id,
    )


def advice_for(policy: Policy, dossier: Dossier, known: Known, today: date) -> tuple[Advice, ...]:
    """What to advise the customer whose order this is."""
    held = known.holdings.get(dossier.order.account_id, ())
    account = Account(dossier.account.account_key, held)
    rules = policy.messages
    return advise(account, dossier.order.outside_id, rules.catalogue, rules.advice, policy.validity, today)


def shown_advice(found: Sequence[Advice], blocks: frozenset[Block]) -> tuple[Advice, ...]:
    """The advice whose blocks are switched on."""
    return tuple(one for one in found if block_of(one.kind) in blocks)


def block_of(kind: AdviceKind) -> Block:
    """The block in which a kind of advice stands."""
    return Block.AUTOMATION if kind is AdviceKind.AUTOMATE else Block.UPSELL


def steps(
    policy: Policy, clock: Clock, lines: Sequence[OrderLine], language: str, called: str = ""
) -> tuple[Step, ...]:
    """The console's steps for a clock; those for several orders where the message tells of more than one.

    `called` is the console's name in the brand of the message; empty: that of the usual brand.
    """
    rules = policy.messages
    console = rules.consoles.consoles.get(rules.console)
    if console is None:
        return ()
    order_id = lines[0].order_id if len(lines) == 1 else ""
    return console.steps(clock, language, order_id, name=called or policy.brand.console_name)


def brand_in(policy: Policy, language: str, name: str = "") -> Brand:
    """A brand with its own words in a language: that of this name, else the usual one."""
    rules = policy.messages
    own = policy.brands.get(name.lower()) or Branding(policy.brand, rules.legal_footer, rules.links)
    links = (by_language.get(language, by_language.get("")) for by_language in own.links)
    return replace(
        own.brand,
        legal_footer=words_in(own.legal_footer, language),
        links=tuple(link for link in links if link is not None),
    )
