"""Words mails and tasks: facts in, subject and body out, in the reader's language.

A message is worded in two steps. Its own template (`renewal.j2`, `task_call.j2` ...) gives its passages as plain text;
a layout puts the same passages and facts into the text part and the HTML part, so that both say the same.
"""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from core.errors import ConfigurationError
from core.messages import Letter, Script, WordedMail, WordedTask
from templates.facts import Passages, letter_view, task_view
from templates.harmless import SUBJECT_LIMIT, plain
from templates.library import Library
from templates.samples import letters, scripts

MARK = "\x1e"  # begins a passage; no fact can hold it, control characters are taken out
MOST_ORDERS_IN_TASK = 40  # CRMs hold task texts of about 32 000 characters

_EMPTY_LINE = re.compile(r"\n\s*\n")
_LINE_END = re.compile(r"\n")
_PARAGRAPHS = frozenset({"opening", "advice", "invitation"})
_LISTS = frozenset({"steps", "signature"})


class JinjaWriter:
    """The `Writer` of the engine. `overrides` is the operator's folder of own templates, by language.

    Raises ConfigurationError, of one line, for an own template that is broken: on opening for its syntax and names,
    on use for everything else; `check` uses them all.
    """

    def __init__(self, overrides: Path | None = None) -> None:
        self._library = Library(overrides)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that have words of their own."""
        return self._library.languages

    def mail(self, letter: Letter) -> WordedMail:
        """The letter as a mail: one subject line, a text part and an HTML part of equal content."""
        shelf = self._library.shelf(letter.language)
        view, orders, digest = letter_view(letter, shelf.language)
        several = len(orders) > 1
        facts: dict[str, Any] = {
            "letter": view,
            "order": orders[0],
            "orders": orders,
            "digest": digest,
            "label": shelf.language.labels,
            "mark": MARK,
        }
        name = f"{view.kind}_digest.j2" if several else f"{view.kind}.j2"
        say = _passages(shelf.render(name, facts), name)
        facts["say"] = say
        return WordedMail(
            subject=plain(say.subject, SUBJECT_LIMIT),
            text=shelf.render("mail.txt.j2", facts).strip() + "\n",
            html=shelf.render("mail.html.j2", facts).strip() + "\n",
        )

    def task(self, script: Script) -> WordedTask:
        """The script as a task: one subject line, and a body of plain text."""
        shelf = self._library.shelf(script.language)
        view, orders, digest = task_view(script, shelf.language, MOST_ORDERS_IN_TASK)
        facts: dict[str, Any] = {
            "task": view,
            "order": digest.first,
            "orders": orders,
            "digest": digest,
            "label": shelf.language.labels,
            "mark": MARK,
        }
        name = f"task_{view.kind}.j2"
        subject, _, body = shelf.render(name, facts).partition(MARK)
        if not body.strip():
            raise ConfigurationError(f"{name}: has no body; keep to the frame of task.j2.")
        return WordedTask(subject=plain(subject, SUBJECT_LIMIT), body=_tidy(body))

    def check(self) -> None:
        """Words samples of every kind in every language. Raises ConfigurationError for the first broken template."""
        for language in self.languages:
            for letter in letters(language):
                self.mail(letter)
            for script in scripts(language):
                self.task(script)


def _passages(rendered: str, name: str) -> Passages:
    """The passages of a message, from what the frame made of its template."""
    given: dict[str, Any] = {}
    for part in rendered.split(MARK)[1:]:
        passage, _, text = part.partition("\n")
        given[passage.strip()] = _worded(passage.strip(), text)
    missing = [field.name for field in fields(Passages) if field.name not in given]
    if missing:
        raise ConfigurationError(f"{name}: lacks the passage {missing[0]}; keep to the frame of letter.j2.")
    return Passages(**{field.name: given[field.name] for field in fields(Passages)})


def _worded(passage: str, text: str) -> str | tuple[str, ...]:
    if passage in _PARAGRAPHS:
        return _split(_EMPTY_LINE, text)
    return _split(_LINE_END, text) if passage in _LISTS else " ".join(text.split())


def _split(between: re.Pattern[str], text: str) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in between.split(text) if part and not part.isspace())


def _tidy(body: str) -> str:
    """The body without blank space at line ends and without more than one empty line in a row."""
    lines: list[str] = []
    for line in body.strip().splitlines():
        line = line.rstrip()
        if line or lines[-1]:
            lines.append(line)
    return "\n".join(lines) + "\n"
