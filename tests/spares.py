"""Spares the tests work that a process does once, and that they would do over and over in theirs.

Each test opens an engine of its own, which would compile the same statements anew: the engines of one kind of database
share a dialect, and with it what was compiled for it; connections stay apart. Each command reads the settings, and what
reads a section would be made anew. Each writer compiles the templates that it uses.
"""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import sqlalchemy
from jinja2 import Environment
from pydantic import TypeAdapter
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.util import LRUCache

import config.files
import config.settings
import core.store

_STATEMENTS = 5000
_first: dict[str, Engine] = {}


def share_statements() -> None:
    """Lets every store that is opened from now on use what others of this process have compiled."""
    vars(core.store)["create_engine"] = _like_the_first


def share_readers() -> None:
    """Lets all settings be read by what was made for the first."""
    shared = cache(TypeAdapter)
    for module in (config.files, config.settings):
        vars(module)["TypeAdapter"] = shared


def share_templates() -> None:
    """Lets every environment use what others of its kind and language have compiled of the same file."""
    setattr(Environment, "compile", _once(Environment.compile))  # noqa: B010, no attribute to assign to for the types


def _once(anew: Callable[..., Any]) -> Callable[..., Any]:
    made: dict[tuple[object, ...], Any] = {}

    @wraps(anew)
    def once(self: Any, source: Any, name: Any = None, filename: Any = None, *more: Any, **named: Any) -> Any:
        if filename is None or more or named:
            return anew(self, source, name, filename, *more, **named)
        # Texts are put into what is compiled, and what is trusted is compiled in another way.
        words = tuple(getattr(self, "catalogue", {}).values())
        said = (self.trim_blocks, self.lstrip_blocks, frozenset(self.filters), frozenset(getattr(self, "trusts", ())))
        key = (type(self), words, said, source, name, filename)
        if key not in made:
            made[key] = anew(self, source, name, filename)
        return made[key]

    return once


def _like_the_first(url: Any, **options: Any) -> Engine:
    engine = sqlalchemy.create_engine(url, **options)
    name = engine.dialect.name
    if name not in _first and (first := _acquainted(url, options)) is not None:
        first._compiled_cache = LRUCache(_STATEMENTS)
        _first[name] = first
    if name in _first:
        engine.dialect, engine._compiled_cache = _first[name].dialect, _first[name]._compiled_cache
    return engine


def _acquainted(url: Any, options: dict[str, Any]) -> Engine | None:
    """An engine whose dialect has asked its database what it can; None where there is none."""
    if sqlalchemy.make_url(url).get_backend_name() == "sqlite":
        url = "sqlite://"
    engine = sqlalchemy.create_engine(url, **options)
    try:
        engine.connect().close()
    except DBAPIError:
        return None
    finally:
        engine.dispose()
    return engine
