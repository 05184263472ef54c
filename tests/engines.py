"""Spares the tests work: each opens an engine of its own, which would compile the same statements anew.

The engines of one kind of database share a dialect, and with it what was compiled for it; connections stay apart.
"""

from typing import Any

import sqlalchemy
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.util import LRUCache

import core.store

_STATEMENTS = 5000
_first: dict[str, Engine] = {}


def share_statements() -> None:
    """Lets every store that is opened from now on use what others of this process have compiled."""
    vars(core.store)["create_engine"] = _like_the_first


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
