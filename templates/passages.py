"""The passages of a mail: what its own template and those of its blocks say, before a layout sets it.

A template in words marks the beginning of each passage; no fact can hold the mark, control characters are taken out.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from core.errors import ConfigurationError
from core.words import Block

_BLANKS = re.compile(r"[ \t\r\n]+")

MARK = "\x1e"
"""Begins a passage; its name follows up to the end of the line."""

SEPARATOR = "\x1f"
"""Stands between the parts of one point of a block; at the beginning of a line it adds to the point before."""

_LINES = ("subject", "preheader", "kicker", "headline", "lead", "greeting", "action", "steps_title", "reason",
          "unsubscribe", "entry_summary", "entry_description")  # fmt: skip
_PARAGRAPHS = ("opening", "notes", "invitation", "disregard")
_LISTS = ("steps", "signature")
_BLOCKS = tuple(block.value for block in Block)
_EMPTY_LINE = re.compile(r"\n\s*\n")


@dataclass(slots=True)
class BlockPassages:
    """What a block says: its title, paragraphs, points of one or more parts, code and link. `url` is the link's."""

    title: str = ""
    text: tuple[str, ...] = ()
    points: tuple[tuple[str, ...], ...] = ()
    code: tuple[str, ...] = ()
    link: tuple[str, ...] = ()
    url: str = ""


@dataclass(slots=True)
class Passages:
    """What a mail says: lines, paragraphs, lists, and its blocks; a block that is not shown is None."""

    subject: str
    preheader: str
    kicker: str
    headline: str
    lead: str
    greeting: str
    action: str
    steps_title: str
    reason: str
    unsubscribe: str
    entry_summary: str
    entry_description: str
    opening: tuple[str, ...]
    notes: tuple[str, ...]
    invitation: tuple[str, ...]
    disregard: tuple[str, ...]
    steps: tuple[Any, ...]
    signature: tuple[str, ...]
    offer: BlockPassages | None = None
    benefits: BlockPassages | None = None
    seal: BlockPassages | None = None
    browser_warning: BlockPassages | None = None
    automation: BlockPassages | None = None
    upsell: BlockPassages | None = None
    no_days_lost: BlockPassages | None = None
    console_end: BlockPassages | None = None


def passages(rendered: str, name: str, urls: Mapping[str, str]) -> Passages:
    """The passages of a rendered template. `urls` are the links of blocks, by block.

    Raises ConfigurationError where a passage is missing or none of ours.
    """
    given: dict[str, Any] = {}
    blocks: dict[str, dict[str, Any]] = {}
    for part in rendered.split(MARK)[1:]:
        passage, _, text = part.partition("\n")
        passage = passage.strip()
        block, dot, field = passage.partition(".")
        if dot:
            if block not in _BLOCKS or field not in _BLOCK_READERS:
                raise ConfigurationError(f"block_{block}.j2: no layout knows the passage {passage}.")
            blocks.setdefault(block, {})[field] = _BLOCK_READERS[field](text)
        elif passage in _READERS:
            given[passage] = _READERS[passage](text)
        else:
            raise ConfigurationError(f"{name}: no layout knows the passage {passage}; keep to the frame of mail.j2.")
    for passage in _READERS:
        if passage not in given:
            raise ConfigurationError(f"{name}: lacks the passage {passage}; keep to the frame of mail.j2.")
    for block, parts in blocks.items():
        given[block] = BlockPassages(**parts, url=urls.get(block, ""))
    return Passages(**given)


@lru_cache(4096)
def _line(text: str) -> str:
    """The text with single blanks. No-break spaces stay: French sets them before some signs."""
    return " ".join(text.split() if text.isascii() else [word for word in _BLANKS.split(text) if word])


def _paragraphs(text: str) -> tuple[str, ...]:
    if not text or text.isspace():
        return ()
    # Chinese puts no space between sentences.
    return tuple(_line(part).replace("。 ", "。") for part in _EMPTY_LINE.split(text) if part and not part.isspace())


def _list(text: str) -> tuple[str, ...]:
    return tuple(_line(part) for part in text.split("\n") if part and not part.isspace())


def _points(text: str) -> tuple[tuple[str, ...], ...]:
    found: list[tuple[str, ...]] = []
    for line in text.split("\n"):
        if not line or line.isspace():
            continue
        parts = tuple(_line(part) for part in line.strip(" \t").split(SEPARATOR))
        if parts[0] or not found:
            found.append(parts)
        else:
            found[-1] += tuple(part for part in parts if part)
    return tuple(found)


_READERS: Mapping[str, Callable[[str], Any]] = (
    dict.fromkeys(_LINES, _line) | dict.fromkeys(_PARAGRAPHS, _paragraphs) | dict.fromkeys(_LISTS, _list)
)
_BLOCK_READERS: Mapping[str, Callable[[str], Any]] = {
    "title": _line,
    "text": _paragraphs,
    "points": _points,
    "code": _list,
    "link": _list,
}
