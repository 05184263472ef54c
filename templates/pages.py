"""Words the pages that customers see, in the reader's language: a small HTML page and its style."""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from core.languages import Languages
from core.pages import Page, PageKind
from templates.harmless import plain
from templates.library import Library
from templates.passages import SEPARATOR

_LAYOUTS = Path(__file__).parent / "layouts"
_WORDS = "page.j2"
_CHOICES = ("offers", "all")


@dataclass(frozen=True, slots=True)
class PageView:
    """What the words of a page may use."""

    kind: str
    address: str
    order_id: str
    console: str
    contact: str


class PageWriter:
    """Words pages. `overrides` is the operator's folder of own templates, as for mails."""

    def __init__(self, overrides: Path | None, languages: Languages) -> None:
        self._library = Library(overrides)
        self._languages = languages
        self.style = (_LAYOUTS / "page.css").read_text(encoding="utf-8")
        environment = Environment(
            loader=FileSystemLoader(_LAYOUTS),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._layout = environment.get_template("page.html.j2")

    def language_for(self, *wishes: str, country: str = "") -> str:
        """The first of these languages that there are words in, else the country's, else the default."""
        return self._languages.choose(*wishes, country=country)

    def page(self, page: Page) -> str:
        """The page as HTML. Raises `ConfigurationError` where the operator's own words are broken."""
        shelf = self._library.shelf(page.language)
        brand = page.brand
        view = PageView(
            page.kind, plain(page.address), plain(page.order_id), plain(brand.console_name), plain(brand.sender)
        )
        words = [plain(one) for one in shelf.render(_WORDS, {"page": view, "sep": SEPARATOR}).split(SEPARATOR)]
        asks = page.kind is PageKind.UNSUBSCRIBE
        return self._layout.render(
            language=page.language,
            company=plain(brand.company),
            title=words[0],
            text=words[1],
            choices=list(zip(_CHOICES, words[2:4], strict=True)) if asks else [],
            button=words[4] if asks else "",
            footer=plain(brand.postal_address, 1000),
        )
