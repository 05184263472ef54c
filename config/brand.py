"""Makes of the settings what messages say beside the facts of their orders: the brand, its words, languages, parts."""

from collections.abc import Sequence
from dataclasses import replace

from config.sections import LinkSection
from config.settings import Settings
from core.errors import ConfigurationError
from core.languages import LANGUAGES, Languages, Words
from core.messages import Brand, Colours, Link, Picture
from core.policy import Branding, MessagePolicy

LEAST_CONTRAST = 4.5
"""What a reader needs to read text on a colour (WCAG 2, 1.4.3)."""


def brand_of(settings: Settings) -> Brand:
    """Whose messages they are. Raises `ConfigurationError` for a picture without the words that stand in for it."""
    said = settings.sections.brand
    console = settings.consoles.consoles[said.console]
    return Brand(
        company=said.company,
        sender=said.sender,
        console_name=said.console_name or console.name,
        console_url=said.console_url or console.url,
        postal_address=said.postal_address,
        support=said.support,
        logo=_picture("logo", said.logo_url, said.logo_alt),
        colours=Colours(accent=said.accent, link=said.link_colour, background=said.background),
    )


def messages_of(settings: Settings) -> MessagePolicy:
    """What else messages may say. Raises `ConfigurationError` for a language that there are no words for."""
    brand, language = settings.sections.brand, settings.sections.language
    known = ", ".join(LANGUAGES)
    for name, code in [("default", language.default), ("reps", language.reps), *language.countries.items()]:
        if code and code not in LANGUAGES:
            where = name if name in ("default", "reps") else f"countries.{name}"
            raise ConfigurationError(f"[language] {where}: {code} is not a language of the messages; known are {known}")
    countries = {country.upper(): code for country, code in language.countries.items()}
    return MessagePolicy(
        switches=settings.switches,
        offers=settings.offers,
        catalogue=settings.catalogue,
        advice=settings.advice,
        consoles=settings.consoles,
        console=brand.console,
        languages=Languages(language.default, countries),
        rep_language=language.reps,
        seal=_picture("seal", brand.seal_url, brand.seal_alt),
        seal_help_url=brand.seal_help_url,
        legal_footer=_by_language(brand.legal_footer),
        links=_links(brand.links),
    )


def brands_of(settings: Settings) -> dict[str, Branding]:
    """The further brands by name, in lower case; what one leaves out is as in [brand].

    Raises `ConfigurationError` for a picture without the words that stand in for it.
    """
    usual, words = brand_of(settings), messages_of(settings)
    found = {}
    for name, said in settings.brands.items():
        look = usual.colours
        found[name.lower()] = Branding(
            brand=replace(
                usual,
                company=said.company or usual.company,
                sender=said.sender or usual.sender,
                console_name=said.console_name or usual.console_name,
                console_url=said.console_url or usual.console_url,
                postal_address=said.postal_address or usual.postal_address,
                support=said.support or usual.support,
                logo=_picture("logo", said.logo_url, said.logo_alt, f"brands.toml: {name}.") or usual.logo,
                colours=Colours(
                    said.accent or look.accent, said.link_colour or look.link, said.background or look.background
                ),
            ),
            legal_footer=_by_language(said.legal_footer) if said.legal_footer else words.legal_footer,
            links=_links(said.links) if said.links else words.links,
        )
    return found


def _links(said: Sequence[LinkSection]) -> tuple[dict[str, Link], ...]:
    return tuple({code: Link(label, link.url) for code, label in _by_language(link.label).items()} for link in said)


def _picture(name: str, url: str, alt: str, where: str = "[brand] ") -> Picture | None:
    if url and not alt.strip():
        raise ConfigurationError(f"{where}{name}_alt is empty; give the words that stand in for the picture")
    return Picture(url, alt) if url else None


def _by_language(words: Words) -> dict[str, str]:
    return {"": words} if isinstance(words, str) else dict(words)
