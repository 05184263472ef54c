"""`nolapse preview`."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.common import common, opened, say_json, today_option
from core.errors import NolapseError, UsageError
from core.languages import LANGUAGES
from core.words import LetterKind, TaskKind, Urgency

if TYPE_CHECKING:
    from cli.gallery import Shown
    from config.assembly import App
    from core.messages import Letter, Script

_MAILS = tuple(kind.value for kind in LetterKind)
_TASKS = {f"task_{kind}": kind for kind in TaskKind}
_WIDTHS = (320, 600)


@click.command()
@click.option(
    "--output", default="nolapse-preview.html", show_default=True, type=click.Path(), help="The page to write."
)
@click.option(
    "--template",
    "templates",
    multiple=True,
    type=click.Choice([*_MAILS, *_TASKS]),
    help="Only this one; may be given several times.",
)
@click.option(
    "--urgency",
    "urgencies",
    multiple=True,
    type=click.Choice([one.value for one in Urgency]),
    help="Only this one; likewise.",
)
@click.option("--language", "languages", multiple=True, type=click.Choice(LANGUAGES), help="Only this one; likewise.")
@click.option(
    "--width",
    "widths",
    multiple=True,
    type=click.IntRange(240, 1600),
    help="How wide mail programs show it; likewise. [default: 320, 600]",
)
@click.option(
    "--to", "address", metavar="ADDRESS", help="Send what is chosen as mails to this address, and write no page."
)
@today_option
@common
def preview(
    output: str,
    templates: tuple[str, ...],
    urgencies: tuple[str, ...],
    languages: tuple[str, ...],
    widths: tuple[int, ...],
    address: str | None,
    today: date | None,
    as_json: bool,
) -> None:
    """Show every message, made-up orders in your own brand, on one page; or send it as a test."""
    day = today or datetime.now(UTC).date()
    with opened(fresh=address is not None) as app:
        if address is None:
            _write_page(app, templates, urgencies, languages, widths or _WIDTHS, Path(output), day, as_json=as_json)
        else:
            _send(app, address, templates, urgencies, languages, day, as_json=as_json)


def _write_page(
    app: "App",
    templates: Sequence[str],
    urgencies: Sequence[str],
    languages: Sequence[str],
    widths: Sequence[int],
    file: Path,
    day: date,
    *,
    as_json: bool,
) -> None:
    from cli.gallery import gallery

    shown = [_shown(app, one) for one in _chosen(app, templates, urgencies, languages or LANGUAGES, day)]
    if not shown:
        raise UsageError("no message is of this template and urgency; leave one of the two out")
    page = gallery(shown, tuple(dict.fromkeys(widths)), f"{app.policy.brand.company}: messages")
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {error.strerror}") from error
    if as_json:
        say_json({"file": str(file), "messages": len(shown), "widths": list(widths)})
    else:
        click.echo(f"{len(shown)} messages in {file}: open it in a browser")


def _chosen(
    app: "App", templates: Sequence[str], urgencies: Sequence[str], languages: Sequence[str], day: date
) -> "Iterator[tuple[str, Letter | Script]]":
    from cli.preview_samples import URGENCIES, sample_letter, sample_script

    for kind, steps in URGENCIES.items():
        for urgency in steps:
            if (not templates or kind in templates) and (not urgencies or urgency in urgencies):
                for language in languages:
                    yield kind.value, sample_letter(app.policy, kind, urgency, language, day)
    for name, task in _TASKS.items():
        if (not templates or name in templates) and (not urgencies or Urgency.WARNING in urgencies):
            for language in languages:
                yield name, sample_script(app.policy, task, language, day)


def _shown(app: "App", named: "tuple[str, Letter | Script]") -> "Shown":
    from cli.gallery import Shown
    from core.messages import Letter

    name, facts = named
    if isinstance(facts, Letter):
        mail = app.writer.mail(facts)
        return Shown(name, facts.urgency, facts.language, mail.subject, mail.preheader, mail.html, mail.text)
    task = app.writer.task(facts)
    return Shown(name, facts.urgency, facts.language, task.subject, "", "", task.body)


def _send(
    app: "App",
    address: str,
    templates: Sequence[str],
    urgencies: Sequence[str],
    languages: Sequence[str],
    day: date,
    *,
    as_json: bool,
) -> None:
    """Sends what is chosen; one reminder in the default language where nothing is."""
    from core.calendar_entry import calendar_attachments
    from core.messages import Letter
    from core.ports import Handed, Mail
    from core.suppressions import normal_address

    to = normal_address(address)
    if any(name in _TASKS for name in templates):
        raise UsageError("call scripts are no mails; leave --to out to see them")
    if not templates and not urgencies:
        templates, urgencies = (LetterKind.SINGLE,), (Urgency.REMINDER,)
    languages = languages or (app.settings.sections.language.default,)
    moment = datetime.now(UTC)
    brand, domain = app.policy.brand, app.policy.mail.domain
    mails = []
    for number, (name, facts) in enumerate(_chosen(app, templates or _MAILS, urgencies, languages, day)):
        assert isinstance(facts, Letter)
        words = app.writer.mail(facts)
        key = f"preview:{name}:{facts.urgency}:{facts.language}:{moment:%Y%m%d%H%M%S%f}:{number}"
        mails.append(
            Mail(
                key=key,
                message_id=f"<{key.replace(':', '.')}@{domain}>",
                sender=brand.sender,
                sender_name=brand.company,
                to=to,
                to_name="",
                subject=words.subject,
                text=words.text,
                html=words.html,
                date=moment,
                headers={"Auto-Submitted": "auto-generated"},
                attachments=calendar_attachments(facts, words, "preview", domain),
            )
        )
    if not mails:
        raise UsageError("no message is of this template and urgency; leave one of the two out")
    size = app.mailer.batch_size
    results = [one for start in range(0, len(mails), size) for one in app.mailer.send(mails[start : start + size])]
    failed = [one for one in results if one.handed is not Handed.DELIVERED]
    if as_json:
        say_json({"sent": len(results) - len(failed), "failed": len(failed)})
    else:
        click.echo(f"{len(results) - len(failed)} of {len(mails)} mails handed to {app.mailer.name}")
    if failed:
        why = failed[0].error
        raise why if isinstance(why, NolapseError) else NolapseError(f"{app.mailer.name} gave no answer for a mail")
