"""The colours of a mail: five steps that rise with the urgency, and the operator's brand where it is set."""

from dataclasses import dataclass
from functools import lru_cache

from core.errors import ConfigurationError
from core.messages import Colours

WHITE = "#ffffff"
INK = "#1d242b"
_BLACK = "#000000"  # white or black: one of them reads well on any colour
_PAGE = "#eef1f4"
_LINK = "#1f5a8a"
_LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3, for text of usual size


@dataclass(frozen=True, slots=True)
class Step:
    """One step: the band at the head of the mail with its text, and a strong colour that white text stands on."""

    hero: str
    on_hero: str
    strong: str


COLOURS = {
    "thanks": Step("#e4f4ea", "#14532d", "#1b6b3a"),
    "notice": Step("#e3eef8", "#173f60", "#1f5a8a"),
    "reminder": Step("#fbeebf", "#4d3d00", "#7a5c00"),
    "warning": Step("#9a4700", WHITE, "#9a4700"),
    "critical": Step("#b3261e", WHITE, "#b3261e"),
    "expired": Step("#640d12", WHITE, "#640d12"),
}
"""By tone: pale at first, then full, then dark."""


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours that the layout uses, as `#rrggbb`."""

    hero: str
    on_hero: str
    line: str
    button: str
    on_button: str
    brand: str
    link: str
    page: str


@lru_cache(256)
def theme(tone: str, colours: Colours) -> Theme:
    """The theme of a tone in the brand's colours.

    The brand's accent makes the line at the top and, while the tone is calm, the button; pressing mails keep the colour
    of their urgency. Text on a colour is white or dark, whichever reads better; a link too pale for its background is
    drawn in ours. Raises ConfigurationError for what is no colour.
    """
    step = COLOURS[tone]
    calm = step.on_hero != WHITE
    button = colours.accent if calm and colours.accent else step.strong
    page = colours.background or _PAGE
    link = colours.link or _LINK
    if min(contrast(link, page), contrast(link, WHITE)) < _LEAST_CONTRAST:
        link = _LINK if contrast(_LINK, page) >= _LEAST_CONTRAST else INK
    return Theme(
        hero=step.hero,
        on_hero=step.on_hero,
        line=step.strong,
        button=button,
        on_button=max((WHITE, _BLACK), key=lambda text: contrast(text, button)),
        brand=colours.accent or step.strong,
        link=link,
        page=page,
    )


def contrast(one: str, other: str) -> float:
    """The contrast of two colours by WCAG, from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    try:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    except ValueError:
        parts = []
    if len(parts) != 3 or len(colour) != 7 or colour[0] != "#":
        raise ConfigurationError(f"{colour[:20]!r} is no colour; write it as #rrggbb.")
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
