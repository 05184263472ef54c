"""What a template may use: the facts of a message, made harmless and put into the forms of a language.

Every text here is one line without control characters.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import ConfigurationError
from core.messages import Brand, Letter, Script
from core.words import Clock, LetterKind, Nature, TaskKind
from templates.harmless import isolated, mail_link, plain, web_link
from templates.language import Language, local_day
from templates.orders import PLAN_ABOVE_DAYS, DigestView, OrderView, digest_view, loudest, order_views
from templates.parts import (
    AdviceView,
    BenefitView,
    KeptView,
    OfferView,
    advice_views,
    benefit_views,
    kept_view,
    offer_view,
    picture,
)

_SHORT_ACCOUNT = 60
_LONG_TEXT = 1000
COUNTED_FROM = 12
"""From so many orders on, a task gives counts and lists only `LISTED` of them: those that press most."""
LISTED = 10


@dataclass(slots=True)
class StepView:
    """An instruction, with the address and the words of its screenshot, which may be empty."""

    text: str
    screenshot_url: str
    screenshot_alt: str


@dataclass(frozen=True, slots=True)
class LinkView:
    """A link of the operator's."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class BrandView:
    """What the operator's brand adds: logo, legal text, links; each may be empty."""

    logo_url: str
    logo_alt: str
    legal_footer: str
    links: tuple[LinkView, ...]


@dataclass(slots=True)
class LetterView:
    """A letter. `tone` rises from notice to expired by urgency and by what is true; `plan` tells that renewing now
    would give paid days away, and there is time; `several` is the number of orders, 0 for a single one; `left_out` how
    many of them stand in the attached list alone; `late` that an automatic renewal has not come in time. `window_opens`
    and the facts of a renewal are empty where not known."""

    kind: str
    tone: str
    commercial: bool
    language: str
    account: str
    short_account: str
    person: str
    company: str
    console: str
    steps: tuple[str, ...]
    address: str
    support: str
    rep: str
    phone: str
    written: str
    action_url: str
    unsubscribe_url: str
    several: int
    left_out: int
    plan: bool
    late: bool
    carried_over: bool
    given_up: int
    window_opens: str
    window_open: bool
    replace_first: bool
    worked_out: bool
    renewed_on: str
    new_order: str
    new_end: str
    install_by: str
    blocks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerView:
    """What a customer has said; all of it is empty in a task that nobody's answer has made."""

    kind: str = ""
    day: str = ""
    words: str = ""
    person: str = ""


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task for somebody of ours. `orders_left_out` counts orders beyond those listed; `service_only`: sell nothing."""

    kind: str
    clock: str
    tone: str
    plan: bool
    account: str
    short_account: str
    company: str
    contact: str
    contact_language: str
    email: str
    phone: str
    time_there: str
    zone: str
    value: str
    last_contact: str
    last_channel: str
    due: str
    written: str
    certainty: str
    note: str
    answer: AnswerView
    action_url: str
    steps: tuple[str, ...]
    given_up: int
    worked_out: bool
    orders_left_out: int
    service_only: bool


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """All that a task's template sees."""

    task: TaskView
    order: OrderView
    orders: tuple[OrderView, ...]
    digest: DigestView
    counted: tuple[str, ...]
    offer: OfferView | None
    kept: KeptView | None
    questions: tuple[str, ...]
    upsell: tuple[AdviceView, ...]
    benefits: tuple[BenefitView, ...]


def letter_view(
    letter: Letter, language: Language, blocks: tuple[str, ...] = ()
) -> tuple[LetterView, tuple[OrderView, ...], DigestView]:
    """What a template sees of a letter: all orders are counted, those listed that stand in the mail.

    Raises ConfigurationError where it has no order or no usable link.
    """
    orders = order_views(letter.lines, letter.clock, letter.written_at, language, reader=letter.account_name)
    numbers = digest_view(orders)
    today = local_day(letter.written_at, letter.lines[0].ends_at.tzinfo)
    brand = letter.brand
    action_url = web_link(letter.action_url)
    if not action_url:
        raise ConfigurationError("A mail needs its link; set [web] public_url or [brand] console_url.")
    opens_on = letter.early_window_opens_on
    renewal = letter.clock is Clock.RENEWAL
    nearest = numbers.first.days if not numbers.ended else 0
    kind = letter.kind
    renewed = letter.renewed
    view = LetterView(
        kind=kind.value,
        tone=_tone(letter, kind, orders),
        commercial=letter.nature is Nature.COMMERCIAL and renewal and kind is not LetterKind.AUTO_RENEW,
        language=language.code,
        account=isolated(plain(letter.account_name)),
        short_account=isolated(plain(letter.account_name, _SHORT_ACCOUNT)),
        person=isolated(plain(letter.person_name)),
        company=isolated(plain(brand.company)),
        console=isolated(plain(brand.console_name)),
        steps=tuple(text for step in letter.steps if (text := plain(step.text, 400))),
        address=plain(brand.postal_address, 400),
        support=plain(brand.support),
        rep=isolated(plain(letter.reply_to_name)),
        phone=plain(letter.reply_to_phone),
        written=language.day(today),
        action_url=action_url,
        unsubscribe_url=web_link(letter.unsubscribe_url) or mail_link(letter.unsubscribe_mailto),
        several=len(orders) if len(orders) > 1 else 0,
        left_out=max(len(orders) - letter.rows, 0) if letter.rows else 0,
        plan=renewal and not letter.carried_over and nearest > PLAN_ABOVE_DAYS,
        late=any(order.state in ("ended", "today") for order in orders),
        carried_over=renewal and letter.carried_over,
        given_up=max(letter.paid_days_lost, 0) if renewal and not letter.carried_over else 0,
        window_opens=language.day(opens_on) if opens_on else "",
        window_open=opens_on is not None and opens_on <= today,
        replace_first=any(order.replace_first for order in orders),
        worked_out=any(order.inferred for order in orders),
        renewed_on=language.day(renewed.renewed_on) if renewed else "",
        new_order=plain(renewed.new_order_id, 80) if renewed else "",
        new_end=language.day(renewed.new_order_ends_on) if renewed and renewed.new_order_ends_on else "",
        install_by=language.day(renewed.install_by) if renewed and renewed.install_by else "",
        blocks=blocks,
    )
    return view, orders[: letter.rows] if letter.rows else orders, numbers


def _tone(letter: Letter, kind: LetterKind, orders: Sequence[OrderView]) -> str:
    if kind is LetterKind.THANK_YOU:
        return "thanks"
    if kind is LetterKind.WIN_BACK:
        return "notice"
    return loudest(letter.urgency, orders)


def brand_view(brand: Brand) -> BrandView:
    """What the operator's brand adds to a mail."""
    url, alt = picture(brand.logo)
    return BrandView(
        logo_url=url,
        logo_alt=alt or plain(brand.company),
        legal_footer=plain(brand.legal_footer, _LONG_TEXT),
        links=tuple(LinkView(plain(link.label), web_link(link.url)) for link in brand.links),
    )


def step_views(letter: Letter, said: Sequence[str]) -> tuple[StepView, ...]:
    """The instructions as worded, with their screenshots where the console's own were taken."""
    shown = [picture(step.screenshot) for step in letter.steps if plain(step.text, 400)]
    if len(shown) != len(said):
        shown = [("", "")] * len(said)
    return tuple(StepView(text, url, alt) for text, (url, alt) in zip(said, shown, strict=True))


def task_facts(script: Script, language: Language, most_orders: int) -> TaskFacts:
    """What a template sees of a task: all orders are counted, at most `most_orders` are listed."""
    orders = order_views(script.lines, script.clock, script.written_at, language, priced=True)
    counted = _counted(orders, language) if len(orders) > COUNTED_FROM else ()
    listed = orders[: LISTED if counted else most_orders]
    numbers = digest_view(orders, aside=script.kind is TaskKind.CALL)
    renewal = script.clock is Clock.RENEWAL
    last = script.last_contact
    view = TaskView(
        kind=script.kind.value,
        clock=script.clock.value,
        tone=loudest(script.urgency, orders),
        plan=renewal and not script.carried_over and not numbers.ended and numbers.first.days > PLAN_ABOVE_DAYS,
        account=plain(script.account_name),
        short_account=plain(script.account_name, _SHORT_ACCOUNT),
        company=plain(script.brand.company),
        contact=plain(script.contact_name),
        contact_language=language.name_of(script.contact_language) if script.contact_language else "",
        email=plain(script.contact_email, 320),
        phone=plain(script.contact_phone),
        time_there=language.time(script.contact_time) if script.contact_time else "",
        zone=plain(script.contact_zone),
        value=language.listed(language.money(one.minor, one.currency) for one in script.value),
        last_contact=_last_contact(script, language),
        last_channel=last.channel.value if last else "mail",
        due=language.day(script.due_on),
        written=language.day(local_day(script.written_at, script.lines[0].ends_at.tzinfo)),
        certainty=script.certainty.value if script.certainty is not None else "",
        note=plain(script.note, _LONG_TEXT),
        answer=_answer(script, language),
        action_url=web_link(script.action_url),
        steps=tuple(text for step in script.steps if (text := plain(step.text, 400))),
        given_up=max(script.paid_days_lost, 0) if renewal and not script.carried_over else 0,
        worked_out=any(order.inferred for order in listed),
        orders_left_out=len(orders) - len(listed),
        service_only=script.service_only,
    )
    sells = renewal and script.kind is TaskKind.CALL
    return TaskFacts(
        task=view,
        order=numbers.first,
        orders=listed,
        digest=numbers,
        counted=counted,
        offer=offer_view(script.offer, language) if script.offer and sells else None,
        kept=kept_view(script.no_days_lost, language) if script.no_days_lost and script.carried_over else None,
        questions=tuple(question.value for question in script.questions) if sells else (),
        upsell=advice_views(script.advice, language) if sells else (),
        benefits=benefit_views(script.benefits, language) if sells else (),
    )


def _answer(script: Script, language: Language) -> AnswerView:
    if not script.answers:
        return AnswerView()
    said = script.answers[-1]
    person = language.listed(part for part in (plain(said.name), plain(said.address, 320)) if part)
    return AnswerView(said.kind.value, language.day(said.at.date()), plain(said.words, _LONG_TEXT), person)


def _last_contact(script: Script, language: Language) -> str:
    on = script.last_contact.on if script.last_contact else script.mailed_on
    return language.day(on) if on else ""


def _counted(orders: Sequence[OrderView], language: Language) -> tuple[str, ...]:
    """Many orders as counts: how many end when, then how many there are of each product, the most first."""
    _ = language.catalogue.gettext
    ended = sum(order.state == "ended" for order in orders)
    open_days = [order.days for order in orders if order.state != "ended"]
    soon = sum(days <= 7 for days in open_days)
    month = sum(7 < days <= 30 for days in open_days)
    rows = [
        # Translators: a line of counted certificates
        (ended, _("already ended: %(count)s", count=language.number(ended))),
        # Translators: a line of counted certificates
        (soon, _("ending within 7 days: %(count)s", count=language.number(soon))),
        # Translators: a line of counted certificates
        (month, _("ending in 8 to 30 days: %(count)s", count=language.number(month))),
        # Translators: a line of counted certificates
        (later := len(open_days) - soon - month, _("ending later: %(count)s", count=language.number(later))),
    ]
    products = Counter(order.product for order in orders).most_common(5)
    return (
        *(text for count, text in rows if count),
        *(f"{product}: {language.number(count)}" for product, count in products if product),
    )
