"""Words mails and tasks: facts in, subject and body out, in the reader's language.

A mail is worded in two steps. Its own template (`mail_single.j2` …) and those of its blocks (`block_offer.j2` …) give
passages of plain text; the layouts `mail.mjml` and `mail.txt.j2` put the same passages and facts into the HTML part and
the text part, so that both say the same.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.errors import ConfigurationError
from core.languages import LANGUAGES
from core.messages import Letter, Script
from core.wording import WordedEntry, WordedMail, WordedTask
from templates.facts import brand_view, letter_view, step_views, task_facts
from templates.harmless import SUBJECT_LIMIT, plain
from templates.library import Library
from templates.orders import list_columns
from templates.parts import parts
from templates.passages import MARK, SEPARATOR, passages
from templates.samples import letters, scripts
from templates.theme import theme

MOST_ORDERS_IN_TASK = 40  # CRMs hold task texts of about 32 000 characters


class JinjaWriter:
    """The `Writer` of the engine. `overrides` is the operator's folder of own templates.

    Raises ConfigurationError, of one line, for an own template that is broken: on opening for its syntax and names,
    on use for everything else; `check` uses them all.
    """

    def __init__(self, overrides: Path | None = None) -> None:
        self._library = Library(overrides)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that messages exist in."""
        return LANGUAGES

    def mail(self, letter: Letter) -> WordedMail:
        """The letter as a mail: one subject line, a text part and an HTML part of equal content, a calendar entry.

        A thank-you has no entry, and neither has what ended before the mail was written.
        """
        shelf = self._library.shelf(letter.language)
        language = shelf.language(letter.country)
        shown = parts(letter, language)
        view, orders, digest = letter_view(letter, language, shown.shown)
        facts: dict[str, Any] = {
            "letter": view,
            "order": orders[0],
            "orders": orders,
            "digest": digest,
            "offer": shown.offer,
            "benefits": shown.benefits,
            "upsell": shown.upsell,
            "automation": shown.automation,
            "warning": shown.warning,
            "seal": shown.seal,
            "kept": shown.kept,
            "closing": shown.closing,
            "mark": MARK,
            "sep": SEPARATOR,
        }
        name = f"mail_{view.kind}.j2"
        urls = {
            "seal": shown.seal.url if shown.seal else "",
            "console_end": shown.closing.url if shown.closing else "",
        }
        say = passages(shelf.render(name, facts), name, urls)
        say.steps = step_views(letter, say.steps)
        facts |= {
            "say": say,
            "brand": brand_view(letter.brand),
            "theme": theme(view.tone, letter.brand.colours),
        }
        ahead = not letter.lines[0].ended and view.kind != "thank_you"
        return WordedMail(
            subject=plain(f"{letter.label} {say.subject}" if letter.label else say.subject, SUBJECT_LIMIT),
            text=shelf.render("mail.txt.j2", facts).strip() + "\n",
            html=shelf.render("mail.mjml", facts).strip() + "\n",
            preheader=plain(say.preheader),
            entry=WordedEntry(plain(say.entry_summary), plain(say.entry_description, 1000)) if ahead else None,
            columns=list_columns(language) if view.left_out else (),
        )

    def expect(self, letters: int) -> None:
        """So many letters are about to come: nothing is to be done for them."""

    def mails(self, letters: Sequence[Letter]) -> list[WordedMail]:
        """The letters as mails, in their order."""
        return [self.mail(letter) for letter in letters]

    def task(self, script: Script) -> WordedTask:
        """The script as a task: one subject line, and a body of plain text whose first eight lines say the most."""
        shelf = self._library.shelf(script.language)
        found = task_facts(script, shelf.language(""), MOST_ORDERS_IN_TASK)
        name = f"task_{found.task.kind}.j2"
        facts: dict[str, Any] = {
            "task": found.task,
            "order": found.order,
            "orders": found.orders,
            "digest": found.digest,
            "counted": found.counted,
            "offer": found.offer,
            "kept": found.kept,
            "questions": found.questions,
            "upsell": found.upsell,
            "benefits": found.benefits,
            "mark": MARK,
            "sep": SEPARATOR,
        }
        subject, _, body = shelf.render(name, facts).partition(MARK)
        if not body.strip():
            raise ConfigurationError(f"{name}: has no body; keep to the frame of task.j2.")
        return WordedTask(subject=plain(subject, SUBJECT_LIMIT), body=_tidy(body))

    def close(self) -> None:
        """There is nothing to close."""

    def check(self) -> None:
        """Words samples of every kind in every language. Raises ConfigurationError for the first broken template."""
        for language in self.languages:
            for letter in letters(language):
                self.mail(letter)
            for script in scripts(language):
                self.task(script)


def _tidy(body: str) -> str:
    """The body without blank space at line ends and without more than one empty line in a row."""
    lines: list[str] = []
    for line in body.strip().splitlines():
        line = line.rstrip()
        if line or lines[-1]:
            lines.append(line)
    return "\n".join(lines) + "\n"
