"""The parts of a mail that are switched on, as a template sees them: offer, benefits, advice and the like."""

from collections.abc import Iterable
from dataclasses import dataclass

from core.messages import (
    Advice,
    BenefitUse,
    BrowserWarning,
    ConsoleEnd,
    Letter,
    NoDaysLost,
    Offer,
    Picture,
    Seal,
)
from core.words import AdviceKind, Benefit, Block, Clock, LetterKind, Nature
from templates.harmless import LONGEST_NAME, both_spellings, isolated, plain, tail, web_link
from templates.language import Language

COMMERCIAL = frozenset(block for block in Block if block.nature is Nature.COMMERCIAL)
"""What never stands in a service message, whatever the letter says."""

_MOST_TEXT = 1000


@dataclass(frozen=True, slots=True)
class OfferView:
    """A discount. `products` and `orders` are lists in words; empty: it holds for all."""

    percent: str
    ends_day: str
    code: str
    conditions: str
    products: str
    orders: str


@dataclass(frozen=True, slots=True)
class BenefitView:
    """Something bought with the product. `unused`: known not to be in use."""

    key: str
    name: str
    unused: bool


@dataclass(frozen=True, slots=True)
class AdviceView:
    """One piece of advice with its facts in words; what does not belong to its kind is empty."""

    kind: str
    product: str
    level: str
    gains: str
    years: int
    domain: str
    names: str
    issuers: str
    count: int
    days: int
    from_day: str


@dataclass(frozen=True, slots=True)
class WarningView:
    """What browsers show. `domain` stands in an address; `ended` tells that they show it now."""

    domain: str
    ends_day: str
    ended: bool


@dataclass(frozen=True, slots=True)
class SealView:
    """The trust mark. Its picture and the page on how to place it may be empty."""

    product: str
    url: str
    picture_url: str
    picture_alt: str
    unused: bool


@dataclass(frozen=True, slots=True)
class KeptView:
    """What renewing on a day keeps of the running order."""

    renew_on: str
    ends_day: str
    rest_days: int
    term_days: int
    total_days: int
    new_end: str


@dataclass(frozen=True, slots=True)
class ClosingView:
    """The console in use closes."""

    name: str
    ends_day: str
    next: str
    url: str


@dataclass(frozen=True, slots=True)
class Parts:
    """All of them; `shown` names those that stand in the message, in their order."""

    shown: tuple[str, ...]
    offer: OfferView | None = None
    benefits: tuple[BenefitView, ...] = ()
    upsell: tuple[AdviceView, ...] = ()
    automation: AdviceView | None = None
    warning: WarningView | None = None
    seal: SealView | None = None
    kept: KeptView | None = None
    closing: ClosingView | None = None


def parts(letter: Letter, language: Language) -> Parts:
    """The parts of a letter that are switched on and have their facts; in a service message none that sells."""
    on = letter.blocks
    if (
        letter.nature is Nature.SERVICE
        or letter.clock is not Clock.RENEWAL
        or letter.kind in (LetterKind.AUTO_RENEW, LetterKind.EXPIRES_TODAY)
    ):
        on -= COMMERCIAL
    found: dict[Block, object] = {}
    if Block.OFFER in on and letter.offer:
        found[Block.OFFER] = offer_view(letter.offer, language)
    if Block.NO_DAYS_LOST in on and letter.no_days_lost and letter.carried_over and letter.clock is Clock.RENEWAL:
        found[Block.NO_DAYS_LOST] = kept_view(letter.no_days_lost, language)
    if Block.BROWSER_WARNING in on and letter.browser_warning:
        found[Block.BROWSER_WARNING] = _warning(letter.browser_warning, language)
    if Block.BENEFITS in on and letter.benefits:
        found[Block.BENEFITS] = benefit_views(letter.benefits, language)
    if Block.SEAL in on and letter.seal:
        found[Block.SEAL] = _seal(letter.seal)
    automate = next((one for one in letter.advice if one.kind is AdviceKind.AUTOMATE), None)
    if Block.AUTOMATION in on and automate:
        found[Block.AUTOMATION] = _advice(automate, language)
    if Block.UPSELL in on and (advice := advice_views(letter.advice, language)):
        found[Block.UPSELL] = advice
    if Block.CONSOLE_END in on and letter.console_end:
        found[Block.CONSOLE_END] = _closing(letter.console_end, language)
    names = {Block.BROWSER_WARNING: "warning", Block.NO_DAYS_LOST: "kept", Block.CONSOLE_END: "closing"}
    given = {names.get(block, block.value): view for block, view in found.items()}
    return Parts(tuple(block.value for block in found), **given)  # type: ignore[arg-type]


def offer_view(offer: Offer, language: Language) -> OfferView:
    """An offer in words."""
    return OfferView(
        percent=language.percent(offer.percent),
        ends_day=language.day(offer.ends_on),
        code=plain(offer.code, 80),
        conditions=plain(offer.conditions, _MOST_TEXT),
        products=language.listed(isolated(plain(name)) for name in offer.products),
        orders=language.listed(plain(order, 80) for order in offer.order_ids),
    )


def kept_view(kept: NoDaysLost, language: Language) -> KeptView:
    """What an early renewal keeps, with its dates."""
    return KeptView(
        renew_on=language.day(kept.renew_on),
        ends_day=language.day(kept.order_ends_on),
        rest_days=kept.rest_days,
        term_days=kept.term_days,
        total_days=kept.total_days,
        new_end=language.day(kept.new_order_ends_on),
    )


def benefit_views(benefits: Iterable[BenefitUse], language: Language) -> tuple[BenefitView, ...]:
    """What was bought, by name."""
    names = benefit_names(language)
    return tuple(BenefitView(one.key.value, names[one.key], one.in_use is False) for one in benefits)


def benefit_names(language: Language) -> dict[Benefit, str]:
    """The names of all benefits."""
    _ = language.catalogue.gettext
    return {
        # Translators: a mark of trust that a website shows
        Benefit.SEAL: _("Trust seal"),
        Benefit.WARRANTY: _("Warranty"),
        Benefit.MALWARE_SCAN: _("Malware scan"),
        Benefit.VULNERABILITY_ASSESSMENT: _("Vulnerability assessment"),
        # Translators: CT is Certificate Transparency, the public logs of certificates
        Benefit.CT_MONITORING: _("CT log monitoring"),
        Benefit.PRIORITY_SUPPORT: _("Priority support"),
        Benefit.LIFECYCLE_MANAGEMENT: _("Certificate lifecycle management"),
    }


def advice_views(advice: Iterable[Advice], language: Language) -> tuple[AdviceView, ...]:
    """Advice on what to buy; that on automation stands apart."""
    return tuple(_advice(one, language) for one in advice if one.kind is not AdviceKind.AUTOMATE)


def _advice(advice: Advice, language: Language) -> AdviceView:
    names = benefit_names(language) if advice.gains else {}
    return AdviceView(
        kind=advice.kind.value,
        product=isolated(plain(advice.product_name)),
        level=advice.level.value if advice.level is not None else "",
        gains=language.listed(names[gain] for gain in advice.gains),
        years=advice.years,
        domain=_domain(advice.domain),
        names=language.listed(_domain(name) for name in advice.names),
        issuers=language.listed(isolated(plain(issuer)) for issuer in advice.issuers),
        count=advice.count,
        days=advice.days,
        from_day=language.day(advice.from_on) if advice.from_on else "",
    )


def _domain(name: str) -> str:
    return isolated(tail(both_spellings(plain(name))[0], LONGEST_NAME))


def _warning(warning: BrowserWarning, language: Language) -> WarningView:
    return WarningView(_domain(warning.domain), language.day(warning.ends_on), warning.ended)


def _seal(seal: Seal) -> SealView:
    url, alt = picture(seal.picture)
    return SealView(isolated(plain(seal.product_name)), web_link(seal.help_url), url, alt, seal.in_use is False)


def _closing(end: ConsoleEnd, language: Language) -> ClosingView:
    return ClosingView(plain(end.name), language.day(end.ends_on), plain(end.next_name), web_link(end.next_url))


def picture(shown: Picture | None) -> tuple[str, str]:
    """Address and words of a picture; both empty where there is none."""
    return (web_link(shown.url), plain(shown.alt)) if shown is not None else ("", "")
