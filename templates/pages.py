"""Words the pages that customers see, in the reader's language: a small HTML page and its style."""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from core.answered import AnswerKind
from core.languages import Languages
from core.pages import Page, PageKind
from templates.harmless import plain
from templates.library import Library
from templates.passages import SEPARATOR

_LAYOUTS = Path(__file__).parent / "layouts"
_WORDS = "page.j2"
_WISHES = ("offers", "all")
_ANSWERS = (
    AnswerKind.RENEW, AnswerKind.QUOTE, AnswerKind.CALL, AnswerKind.NOT_RENEWING, AnswerKind.NOT_MINE,
    AnswerKind.INSTALLED,
)  # fmt: skip
_FIELDS = ((AnswerKind.CALL, "phone"), (AnswerKind.NOT_RENEWING, "why"), (AnswerKind.NOT_MINE, "name"),
           (AnswerKind.NOT_MINE, "mail"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that can be answered, with what else may be said: (name, label) of each field."""

    value: str
    label: str
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PageView:
    """What the words of a page may use."""

    kind: str
    address: str
    order_id: str
    name: str
    ends: str
    installs: bool
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
            page.kind,
            plain(page.address),
            plain(page.order_id),
            plain(page.common_name),
            shelf.language("").day(page.ends_on) if page.ends_on else "",
            AnswerKind.INSTALLED in page.choices,
            plain(brand.console_name),
            plain(brand.sender),
        )
        words = [plain(one) for one in shelf.render(_WORDS, {"page": view, "sep": SEPARATOR}).split(SEPARATOR)]
        return self._layout.render(
            language=page.language,
            company=plain(brand.company),
            title=words[0],
            text=words[1],
            asked="answer" if page.kind is PageKind.FORM else "wish",
            choices=_choices(page, words[2:]),
            button=_button(page, words[2:]),
            footer=plain(brand.postal_address, 1000),
        )


def _choices(page: Page, words: list[str]) -> list[Choice]:
    """What may be chosen on a page, in the order of its words."""
    if page.kind is PageKind.UNSUBSCRIBE:
        return [Choice(value, label) for value, label in zip(_WISHES, words, strict=False)]
    if page.kind is not PageKind.FORM:
        return []
    labels = words[len(_ANSWERS) + 1 :]
    fields = [(kind, name, label) for (kind, name), label in zip(_FIELDS, labels, strict=True)]
    return [
        Choice(kind, label, tuple((name, said) for of, name, said in fields if of is kind))
        for kind, label in zip(_ANSWERS, words, strict=False)
        if kind in page.choices
    ]


def _button(page: Page, words: list[str]) -> str:
    """The words of its button; empty where nothing is asked."""
    before = {PageKind.UNSUBSCRIBE: len(_WISHES), PageKind.FORM: len(_ANSWERS)}
    return words[before[page.kind]] if page.kind in before else ""
