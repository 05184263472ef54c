"""Finds, compiles and renders templates: the operator's own first, then ours, language by language.

Templates run in Jinja's sandbox, under strict rules for names, and are compiled once per process. Whatever is wrong
with one is told as a ConfigurationError of one line that names its file and line.
"""

import re
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

from jinja2 import BaseLoader, Environment, StrictUndefined, Template, TemplateNotFound, nodes
from jinja2.environment import TemplateModule
from jinja2.exceptions import SecurityError, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from core.errors import ConfigurationError
from templates.facts import DigestView, LetterView, OrderView, Passages, TaskView
from templates.language import WORDS, Language, read_language

BASE = "en"
OURS = "packaged/"  # what stands before the name of a template that is to be ours, though there is an own one
SUFFIX = ".j2"
NAMES = frozenset({"letter", "task", "order", "orders", "digest", "label", "mark", "say"})
_ALWAYS = frozenset({"loop", "self", "super", "caller", "varargs", "kwargs"})
_FACTS = frozenset({LetterView, TaskView, OrderView, DigestView, Passages, SimpleNamespace, TemplateModule})

_PACKAGED = Path(__file__).parent
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Shelf:
    """One language's templates and words."""

    environment: Environment
    language: Language

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
    """All languages. `overrides` holds folders per language with the operator's own templates and words.

    Raises ConfigurationError where that folder is missing, holds files whose names no message uses, or templates
    that do not compile.
    """

    def __init__(self, overrides: Path | None = None) -> None:
        self._overrides = overrides
        self._shelves: dict[tuple[str, ...], Shelf] = {}
        self._chains: dict[str, tuple[str, ...]] = {}
        self._lock = threading.Lock()
        self._folders = _languages(_PACKAGED)
        if overrides is not None:
            self._folders |= _checked(overrides)
            for code in sorted(_languages(overrides)):
                shelf = self.shelf(code)
                for path in sorted((overrides / code).glob(f"*{SUFFIX}")):
                    shelf.compile(path.name)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages for which there is a folder."""
        return tuple(sorted(self._folders))

    def shelf(self, code: str) -> Shelf:
        """The templates of a language such as `fr`, `pt-BR`, `zh_Hans_CN`: its own, its base language's, English."""
        chain = self._chains.get(code) or self._chain(code)
        shelf = self._shelves.get(chain)
        if shelf is None:
            with self._lock:
                shelf = self._shelves.get(chain)
                if shelf is None:
                    shelf = self._shelves[chain] = self._open(chain)
        return shelf

    def _chain(self, code: str) -> tuple[str, ...]:
        known = {folder.lower(): folder for folder in self._folders}
        parts = code.strip().lower().replace("_", "-").split("-")
        wanted = ["-".join(parts[:length]) for length in range(len(parts), 0, -1)][:8]
        chain = tuple(dict.fromkeys([*(known[name] for name in wanted if name in known), BASE]))
        if len(self._chains) < 1000:
            self._chains[code] = chain
        return chain

    def _open(self, chain: tuple[str, ...]) -> Shelf:
        roots = [root for root in (self._overrides, _PACKAGED) if root is not None]
        loader = _Loader([root / code for code in chain for root in roots], [_PACKAGED / code for code in chain])
        words = [path for folder in loader.folders if (path := folder / WORDS).is_file()]
        language = read_language(chain[0], words)
        environment = _Sandbox(
            loader=loader,
            autoescape=lambda name: name is not None and name.endswith(f".html{SUFFIX}"),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
            auto_reload=False,
            cache_size=-1,
        )
        environment.globals.clear()
        environment.globals["count"] = language.count
        environment.filters["wrap"] = wrap
        return Shelf(environment, language)


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, with a short way to the facts, which are plain values and phrases, and the most of all reads."""

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
        self.folders = folders
        self._ours = ours

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        name = template.removeprefix(OURS)
        if Path(name).name != name:
            raise TemplateNotFound(template)
        for folder in self._ours if template.startswith(OURS) else self.folders:
            path = folder / name
            if not path.is_file():
                continue
            try:
                source = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigurationError(f"{path}: cannot be read: {error}") from error
            _check_names(environment, source, template, path)
            return source, str(path), lambda: True
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


def _languages(root: Path) -> set[str]:
    folders = (path for path in root.iterdir() if path.is_dir() and not path.name.startswith((".", "_")))
    return {folder.name for folder in folders}


def _checked(overrides: Path) -> set[str]:
    """The languages of the operator's folder, after a look at its names."""
    if not overrides.is_dir():
        raise ConfigurationError(f"{overrides}: is no folder; make it, with a folder per language in it, such as en.")
    ours = {path.name for path in (_PACKAGED / BASE).iterdir()}
    for path in sorted(overrides.rglob("*")):
        deep = len(path.relative_to(overrides).parts)
        if path.is_dir() or path.name.startswith((".", "_")) or path.suffix not in (SUFFIX, ".toml"):
            continue
        if deep != 2:
            raise ConfigurationError(f"{path}: must lie in a language's folder, such as {overrides / BASE}.")
        if path.name not in ours:
            raise ConfigurationError(f"{path}: no message uses this name; the names are {', '.join(sorted(ours))}.")
    return _languages(overrides)


def _refuse(name: str, error: Exception) -> NoReturn:
    where, line = _place(name, error)
    place = f"{where}, line {line}" if line else where
    if Path(where).name != Path(name).name:
        place += f", used by {name}"
    raise ConfigurationError(f"{place}: {_what(error)}") from error


def _place(name: str, error: Exception) -> tuple[str, int]:
    if isinstance(error, TemplateSyntaxError):
        return error.filename or error.name or name, error.lineno
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(SUFFIX)]
    return (frames[-1].filename, frames[-1].lineno or 0) if frames else (name, 0)


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


def wrap(text: str, width: int = 76, indent: str = "") -> str:
    """The text in lines of at most `width`, later ones indented; a longer word, such as a link, keeps a line."""
    return "\n".join(_lines(text.split(), width, indent))


def _lines(words: list[str], width: int, indent: str) -> Iterator[str]:
    line = ""
    for word in words:
        if line and len(line) + len(word) >= width:
            yield line
            line = f"{indent}{word}"
        else:
            line = f"{line} {word}" if line else word
    yield line
