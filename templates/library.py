"""Finds, compiles and renders templates: the operator's own first, then ours, in each language.

Templates run in Jinja's sandbox, under strict rules for names, and are compiled once per process and language; layouts
in MJML are turned into HTML once, Jinja's markup passing through unharmed. Whatever is wrong with one is told as a
ConfigurationError of one line that names its file and, where it is known, the line.
"""

import re
import threading
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import FunctionType
from typing import Any, NoReturn

from jinja2 import BaseLoader, Environment, StrictUndefined, Template, TemplateNotFound, nodes
from jinja2.environment import TemplateModule
from jinja2.exceptions import SecurityError, TemplateError, TemplateSyntaxError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from core.errors import ConfigurationError
from core.languages import LANGUAGES, Languages
from templates.catalogues import BASE, read_catalogue
from templates.direct import Direct, escaped
from templates.facts import BrandView, LetterView, LinkView, StepView, TaskView
from templates.language import Language, language
from templates.layout import MJML, to_html
from templates.orders import DigestView, OrderView, Row
from templates.parts import (
    AdviceView,
    BenefitView,
    ClosingView,
    KeptView,
    OfferView,
    SealView,
    WarningView,
)
from templates.passages import BlockPassages, Passages
from templates.theme import Theme

OURS = "packaged/"  # what stands before the name of a template that is to be ours, though there is an own one
WORDS = ".j2"
LAYOUT = "mail.mjml"
NAMES = frozenset(
    {
        "letter", "task", "order", "orders", "digest", "say", "brand", "theme", "offer", "benefits", "upsell", "automation",
        "warning", "seal", "kept", "closing", "counted", "questions", "mark", "sep", "page",
    }
)  # fmt: skip
_ALWAYS = frozenset({"loop", "self", "super", "caller", "varargs", "kwargs"})
_FACTS = frozenset(
    {
        LetterView, TaskView, OrderView, DigestView, Row, StepView, BrandView, LinkView, Theme, Passages, BlockPassages,
        OfferView, BenefitView, AdviceView, WarningView, SealView, KeptView, ClosingView, TemplateModule,
    }
)  # fmt: skip

_HERE = Path(__file__).parent
_PACKAGED = (_HERE / "words", _HERE / "layouts")
_SPACES = re.compile(r"\s+")
_BLANKS = re.compile(r"[ \t\r\n]+")  # not no-break spaces: no line ends there


@dataclass(frozen=True, slots=True)
class Shelf:
    """One language's templates, and its forms by country."""

    environment: Environment
    home: Language
    _countries: dict[str, Language] = field(default_factory=dict)

    def language(self, country: str) -> Language:
        """The forms of the language in a country, a code such as US; empty: those where it is at home."""
        found = self._countries.get(country)
        if found is None:
            found = self._countries[country] = language(self.home.catalogue, country)
        return found

    def render(self, name: str, facts: Mapping[str, Any]) -> str:
        """The template filled with facts. Raises ConfigurationError where it is broken."""
        try:
            return self._template(name).render(facts)
        except ConfigurationError:
            raise
        except Exception as error:
            _refuse(name, error)

    def compile(self, name: str) -> None:
        """Compiles a template ahead of its use. Raises ConfigurationError where it is broken."""
        try:
            self._template(name)
        except TemplateError as error:
            _refuse(name, error)

    def _template(self, name: str) -> Template:
        return self.environment.get_template(name)


class Library:
    """All languages. `overrides` holds the operator's own templates, for every language or in a folder per language.

    Raises ConfigurationError where that folder is missing, holds files whose names no message uses, or templates
    that do not compile.
    """

    def __init__(self, overrides: Path | None = None) -> None:
        self._overrides = overrides
        self._shelves: dict[str, Shelf] = {}
        self._codes: dict[str, str] = {}
        self._match = Languages().choose
        self._lock = threading.Lock()
        if overrides is not None:
            for code, name in _checked(overrides):
                # A block's layout is no whole one: it is looked at where it is taken in.
                self.shelf(code or BASE).compile(LAYOUT if name.endswith(MJML) else name)

    def shelf(self, code: str) -> Shelf:
        """The templates of a language such as `fr`, `es-MX`, `zh_CN`; English where it is none of ours."""
        known = self._codes.get(code)
        if known is None:
            known = self._match(code)
            if len(self._codes) < 1000:
                self._codes[code] = known
        shelf = self._shelves.get(known)
        if shelf is None:
            with self._lock:
                shelf = self._shelves.get(known)
                if shelf is None:
                    shelf = self._shelves[known] = self._open(known)
        return shelf

    def _open(self, code: str) -> Shelf:
        catalogue = read_catalogue(code)
        own = self._overrides
        folders = [own / code, own / code.replace("-", "_"), own] if own is not None else []
        loader = _Loader([*dict.fromkeys(folders), *_PACKAGED], list(_PACKAGED))
        environment = _Sandbox(
            loader=loader,
            autoescape=lambda name: name is not None and name.endswith(MJML),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
            auto_reload=False,
            cache_size=-1,
        )
        environment.globals.clear()
        environment.catalogue = {
            "_": catalogue.gettext, "ngettext": catalogue.ngettext, "pgettext": catalogue.pgettext,
        }  # fmt: skip
        environment.globals |= environment.catalogue
        environment.words = frozenset(environment.catalogue.values())
        environment.filters["wrap"] = wrap
        environment.trusts = loader.ours_alone
        return Shelf(environment, language(catalogue))


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, with a short way to the facts and the catalogue, which are most of what templates read and call.

    The facts are plain values; the functions of the catalogue look a text up and fill it in. What was opened stays so:
    every template is given the same globals, and none changes while the process runs.
    """

    code_generator_class = Direct
    catalogue: Mapping[str, Callable[..., str]] = {}
    words: frozenset[Callable[..., str]] = frozenset()
    trusts: Collection[str] = ()
    escaped = staticmethod(escaped)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.opened: dict[str, Template] = {}

    def get_template(
        self, name: str | Template, parent: str | None = None, globals: MutableMapping[str, Any] | None = None
    ) -> Template:
        if not isinstance(name, str):
            return super().get_template(name, parent, globals)
        found = self.opened.get(name)
        if found is None:
            found = self.opened[name] = super().get_template(name, parent, globals)
        return found

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        if type(__obj) is FunctionType and __obj in __self.words:
            return __obj(*args, **kwargs)
        return super().call(__context, __obj, *args, **kwargs)

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) in _FACTS and attribute[:1] != "_":
            try:
                return getattr(obj, attribute)
            except AttributeError:
                return self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)


class _Loader(BaseLoader):
    """Reads a template from the first folder that has it; from ours alone where the name says `packaged/`."""

    def __init__(self, folders: list[Path], ours: list[Path]) -> None:
        self._folders = folders
        self._ours = ours
        self.ours_alone: set[str] = set()
        """The templates in which no line is an operator's."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        path, source = self._read(environment, template)
        folders = {path.parent}
        if path.suffix == MJML:

            def included(name: str) -> str:
                part, text = self._read(environment, name)
                folders.add(part.parent)
                return text

            source = to_html(source, path, included)
        if folders <= set(self._ours):
            self.ours_alone.add(template)
        return source, str(path), lambda: True

    def _read(self, environment: Environment, template: str) -> tuple[Path, str]:
        name = template.removeprefix(OURS)
        if Path(name).name != name:
            raise TemplateNotFound(template)
        for folder in self._ours if template.startswith(OURS) else self._folders:
            path = folder / name
            if not path.is_file():
                continue
            try:
                source = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigurationError(f"{path}: cannot be read: {error}") from error
            if folder not in self._ours:
                _check_names(environment, source, template, path)
            return path, source
        raise TemplateNotFound(template)


def _check_names(environment: Environment, source: str, template: str, path: Path) -> None:
    """Refuses a template that uses a name which no message gives: sooner than the first mail would."""
    tree = environment.parse(source, template, str(path))
    allowed = NAMES | _ALWAYS | set(environment.globals) | set(_declared(tree))
    for found in tree.find_all(nodes.Name):
        if found.ctx == "load" and found.name not in allowed:
            raise TemplateSyntaxError(
                f"{found.name!r} is not known; there are {', '.join(sorted(NAMES))}",
                found.lineno,
                template,
                str(path),
            )


def _declared(tree: nodes.Template) -> Iterator[str]:
    """The names that a template makes itself."""
    for node in tree.find_all((nodes.Name, nodes.Import, nodes.FromImport, nodes.Macro)):
        if isinstance(node, nodes.Name):
            if node.ctx != "load":
                yield node.name
        elif isinstance(node, nodes.Import):
            yield node.target
        elif isinstance(node, nodes.FromImport):
            yield from (name if isinstance(name, str) else name[1] for name in node.names)
        elif isinstance(node, nodes.Macro):
            yield node.name


def _checked(overrides: Path) -> Iterator[tuple[str, str]]:
    """The operator's own templates, each with its language (empty: every one), after a look at their names."""
    if not overrides.is_dir():
        raise ConfigurationError(f"{overrides}: is no folder; make it, and put templates of your own into it.")
    ours = {path.name for folder in _PACKAGED for path in folder.iterdir()}
    codes = {name: code for code in LANGUAGES for name in (code, code.replace("-", "_"))}
    for path in sorted(overrides.rglob("*")):
        if path.is_dir() or path.name.startswith((".", "_")) or path.suffix not in (WORDS, MJML):
            continue
        *folder, name = path.relative_to(overrides).parts
        if len(folder) > 1 or (folder and folder[0] not in codes):
            raise ConfigurationError(
                f"{path}: must lie in {overrides} itself or in a language's folder in it: {', '.join(LANGUAGES)}."
            )
        if name not in ours:
            raise ConfigurationError(f"{path}: no message uses this name; the names are {', '.join(sorted(ours))}.")
        yield codes[folder[0]] if folder else "", name


def _refuse(name: str, error: Exception) -> NoReturn:
    where, line = _place(name, error)
    place = f"{where}, line {line}" if line else where
    if Path(where).name != Path(name).name:
        place += f", used by {name}"
    raise ConfigurationError(f"{place}: {_what(error)}") from error


def _place(name: str, error: Exception) -> tuple[str, int]:
    if isinstance(error, TemplateSyntaxError):
        return error.filename or error.name or name, error.lineno
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith((WORDS, MJML))]
    if not frames:
        return name, 0
    last = frames[-1]
    # Lines of a layout are those of the HTML made of it: they would mislead.
    return last.filename, 0 if last.filename.endswith(MJML) else last.lineno or 0


def _what(error: Exception) -> str:
    """What is wrong, without the data that was being rendered."""
    if isinstance(error, TemplateNotFound):
        return f"there is no template {error.name}."
    if isinstance(error, SecurityError):
        return f"not allowed in a template: {_line(error)}."
    if isinstance(error, TemplateError | LookupError):
        return f"{_line(error)}."
    return f"cannot be rendered ({type(error).__name__})."


def _line(error: Exception) -> str:
    return _SPACES.sub(" ", str(error.args[0] if error.args else error)).strip(" .")[:300]


@lru_cache(4096)
def wrap(text: str, width: int = 76, indent: str = "") -> str:
    """The text in lines of at most `width`, later ones indented; a longer word, such as a link, keeps a line."""
    text = " ".join(text.split() if text.isascii() else [word for word in _BLANKS.split(text) if word])
    return text if len(text) <= width else "\n".join(_lines(text, width, indent))


def _lines(text: str, width: int, indent: str) -> Iterator[str]:
    begin, room, before = 0, width, ""
    while len(text) - begin > room:
        end = text.rfind(" ", begin, begin + room + 1)
        if end < 0:  # one word fills the line, and more
            end = text.find(" ", begin + room)
        if end < 0:
            break
        yield before + text[begin:end]
        begin, room, before = end + 1, width - len(indent), indent
    yield before + text[begin:]
