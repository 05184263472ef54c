"""Wording complete mails beside bare libraries that render the same templates and build the same parts."""

from dataclasses import replace
from itertools import cycle, islice

from bench.delivering import Kept, build_by_library, parts_of, recording
from bench.measure import Taken, stopwatch
from connectors.mime import build
from core.calendar_entry import calendar_attachments
from core.languages import LANGUAGES
from core.messages import Letter
from core.ports import Mail
from core.wording import WordedMail
from core.words import LetterKind, Urgency
from templates.samples import of_kind
from templates.writer import JinjaWriter

_KINDS = (LetterKind.SINGLE, LetterKind.SINGLE, LetterKind.REISSUE, LetterKind.DIGEST, LetterKind.EXPIRED)


def word_once(mails: int) -> Taken:
    """Words so many mails and builds them: facts in, bytes out, the calendar entry in them."""
    writer, letters = _warm(mails)
    taken = Taken(done=mails)
    with stopwatch(taken):
        for letter in letters:
            build(_mail(letter, writer.mail(letter)))
    return taken


def render_once(mails: int) -> Taken:
    """Renders and builds the same mails by bare Jinja and the standard library's `email`; their facts are not timed."""
    writer, letters = _warm(mails)
    kept: list[Kept] = [Kept()]
    with recording(kept):
        worded = [writer.mail(letter) for letter in letters]
    found = [one for one in kept if one.rendered]
    for one, letter, words in zip(found, letters, worded, strict=True):
        one.mail = _mail(letter, words)
    taken = Taken(done=mails)
    with stopwatch(taken):
        for one in found:
            build_by_library(*parts_of(one))
    return taken


def _warm(mails: int) -> tuple[JinjaWriter, list[Letter]]:
    """A writer whose templates are compiled, and letters of the usual kinds in all languages, each its own."""
    writer = JinjaWriter()
    samples = [
        of_kind(kind, language, urgency, count=3 if kind is LetterKind.DIGEST else 1)
        for language in LANGUAGES
        for kind in _KINDS
        for urgency in (Urgency.NOTICE, Urgency.WARNING)
    ]
    for sample in samples:
        writer.mail(sample)
    letters = [
        replace(sample, account_name=f"Example {number} GmbH", person_name=f"Alex Example {number}")
        for number, sample in enumerate(islice(cycle(samples), mails))
    ]
    return writer, letters


def _mail(letter: Letter, words: WordedMail) -> Mail:
    return Mail(
        key="mail",
        message_id="<0123456789abcdef@certificates.example>",
        sender="renewals@certificates.example",
        sender_name=letter.brand.company,
        to="alex@example.com",
        to_name=letter.person_name,
        subject=words.subject,
        text=words.text,
        html=words.html,
        date=letter.written_at,
        headers={"List-Unsubscribe": f"<{letter.unsubscribe_url}>"},
        attachments=calendar_attachments(letter, words, "bench", "certificates.example"),
    )
