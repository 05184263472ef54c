"""Reads the HTML of a mail as a mail program does, and measures it."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from templates.theme import contrast

_VOID = frozenset({"br", "meta", "img", "link"})
_STYLE = re.compile(r"([a-z-]+)\s*:\s*([^;]+)")
_LARGE_PX = 24.0
_LARGE_BOLD_PX = 18.66


@dataclass(slots=True)
class Element:
    """An open element, with what its text looks like."""

    tag: str
    colour: str
    background: str
    size: float
    bold: bool


@dataclass(slots=True)
class Words:
    """A piece of text and its contrast with what it stands on."""

    text: str
    contrast: float
    needed: float


@dataclass(slots=True)
class Page(HTMLParser):
    """Every tag closed in its order; links, pictures and words gathered."""

    tags: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    images: list[dict[str, str]] = field(default_factory=list)
    attributes: set[str] = field(default_factory=set)
    styles: list[dict[str, str]] = field(default_factory=list)
    words: list[Words] = field(default_factory=list)
    roles: list[tuple[str, str]] = field(default_factory=list)
    language: str = ""
    _open: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        HTMLParser.__init__(self)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.attributes |= set(given)
        style = dict(_STYLE.findall(given.get("style", "")))
        self.styles.append(style)
        if tag == "html":
            self.language = given.get("lang", "")
        if tag == "a":
            self.links.append(given["href"])
        if tag == "img":
            self.images.append(given)
        if tag == "table":
            self.roles.append((given.get("role", ""), given.get("border", "")))
        if tag not in _VOID:
            self._open.append(self._styled(tag, style))

    def _styled(self, tag: str, style: dict[str, str]) -> Element:
        around = self._open[-1] if self._open else Element("", "#000000", "#ffffff", 16, False)
        colour = style.get("color", around.colour).split()[0]
        background = style.get("background-color", style.get("background", around.background)).split()[0]
        size = style.get("font-size", "")
        pixels = float(size[:-2]) if size.endswith("px") else 0.0 if size == "0" else around.size
        weight = style.get("font-weight", "")
        bold = (
            tag in ("strong", "b", "th", "h1", "h2")
            if not weight
            else weight == "bold" or weight.startswith(("6", "7"))
        )
        return Element(tag, colour, background, pixels, bold or (not weight and around.bold))

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:  # <br /> is told as its end, too
            assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        inside = self._open[-1] if self._open else None
        if not data.strip() or inside is None or inside.tag in ("style", "title") or inside.size <= 1:
            return
        large = inside.size >= _LARGE_PX or (inside.bold and inside.size >= _LARGE_BOLD_PX)
        self.words.append(Words(data.strip(), contrast(inside.colour, inside.background), 3.0 if large else 4.5))

    @classmethod
    def read(cls, page: str) -> "Page":
        """The page; AssertionError where tags are not closed in their order, in the parts for Outlook too."""
        parser = cls()
        parser.feed(page)
        parser.close()
        assert parser._open == []
        outlook = cls()
        outlook.feed(re.sub(r"<!--\[if mso \| IE\]>(.*?)<!\[endif\]-->", r"\1", page, flags=re.DOTALL))
        outlook.close()
        assert outlook._open == []
        return parser
