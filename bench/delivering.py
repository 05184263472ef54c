"""Delivering mails to the embedded connector, beside bare libraries that render and build the same mails."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from bench.house import House
from bench.ledger import DAY
from bench.measure import Taken, stopwatch
from connectors.mime import build
from core.deliver import deliver
from core.plan import plan
from core.ports import Mail
from core.timing import WholeDay
from core.words import DeliveryKind
from templates.library import Shelf
from templates.writer import JinjaWriter

_DAY_OF_MAILS = DAY + timedelta(days=1)


def plan_mails(url: str) -> Taken:
    """Plans the day of a ledger in which only mails are due; `done` mails wait then."""
    with House(url) as house:
        counts = plan(house.store, WholeDay(DAY), house.policy)
    return Taken(done=counts.deliveries)


def deliver_once(url: str, folder: str) -> Taken:
    """Delivers everything that waits: re-checked, worded, built, on disk, logged in the embedded CRM."""
    taken = Taken()
    mailbox = _mailbox(folder)
    with House(url, mailbox=mailbox) as house:
        app, kinds = house.app, house.app.kinds
        with stopwatch(taken):
            counts = deliver(app.store, kinds, WholeDay(_DAY_OF_MAILS), app.policy)
    taken.done = counts.kinds[DeliveryKind.MAIL].delivered
    files = sum(1 for _ in (mailbox / "new").iterdir())
    taken.notes = {"files": files, "logged": counts.kinds[DeliveryKind.MAIL_LOG].delivered}
    return taken


@dataclass(slots=True)
class Kept:
    """What one mail was made of: each template with the facts it was filled with, and the mail itself."""

    rendered: list[tuple[Template, Mapping[str, Any]]] = field(default_factory=list)
    mail: Mail | None = None


def _mailbox(folder: str) -> Path:
    """A mailbox of this pass's own. Where many files were just deleted, ext4 looks long for a place for new ones."""
    return Path(tempfile.mkdtemp(prefix="mailbox-", dir=folder))


def build_once(url: str, folder: str) -> Taken:
    """Renders and builds the same mails from the same facts by Jinja and the standard library's `email`, in a loop.

    The facts are what the templates are given when the engine delivers; making them, and everything else, is not timed.
    `notes` has the same with our own builder of messages.
    """
    kept = _facts_of_all(url, folder)
    taken = Taken(done=len(kept))
    with stopwatch(taken):
        for one in kept:
            build_by_library(*parts_of(one))
    own = Taken()
    with stopwatch(own):
        for one in kept:
            parts_of(one)
            build(_mail_of(one))
    taken.notes = {"own": own.wall}
    return taken


def parts_of(one: Kept) -> tuple[Mail, str, str]:
    """The mail, and its text and HTML parts rendered afresh by a bare Jinja."""
    worded = [template.render(facts) for template, facts in one.rendered]
    return _mail_of(one), worded[1], worded[2]


def _mail_of(one: Kept) -> Mail:
    assert one.mail is not None
    return one.mail


def build_by_library(mail: Mail, text: str, html: str) -> bytes:
    """The mail as the standard library's `email` makes it."""
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(mail.sender_name, addr_spec=mail.sender)
    message["To"] = Address(mail.to_name, addr_spec=mail.to)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.date)
    message["Message-ID"] = mail.message_id
    if mail.reply_to:
        message["Reply-To"] = mail.reply_to
    for name, value in mail.headers.items():
        message[name] = value
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    for file in mail.attachments:
        main, _, sub = file.content_type.partition(";")[0].partition("/")
        message.add_attachment(file.content, maintype=main, subtype=sub, filename=file.name)
    return message.as_bytes()


def _facts_of_all(url: str, folder: str) -> list[Kept]:
    kept: list[Kept] = [Kept()]
    with House(url, mailbox=_mailbox(folder)) as house, recording(kept):
        app = house.app
        mailer = app.mailer
        app.writer = JinjaWriter()  # all templates are filled in this process
        passing_on: Callable[[Sequence[Mail]], Any] = mailer.send
        mails: list[Mail] = []

        def noting(batch: Sequence[Mail]) -> Any:
            mails.extend(batch)
            return passing_on(batch)

        mailer.send = noting  # type: ignore[method-assign]
        deliver(app.store, app.kinds, WholeDay(_DAY_OF_MAILS), app.policy)
    found = [one for one in kept if one.rendered]
    for one, mail in zip(found, mails, strict=True):
        one.mail = mail
    return found


@contextmanager
def recording(kept: list[Kept]) -> Iterator[None]:
    """Keeps what each template is filled with, the template as a bare Jinja compiles it, without the sandbox."""
    engines: dict[int, Environment] = {}
    render = Shelf.render

    def keeping(shelf: Shelf, name: str, facts: Mapping[str, Any]) -> str:
        bare = engines.setdefault(id(shelf), _bare(shelf.environment))
        kept[-1].rendered.append((bare.get_template(name), dict(facts)))
        if name == "mail.mjml":
            kept.append(Kept())
        return render(shelf, name, facts)

    Shelf.render = keeping  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        Shelf.render = render  # type: ignore[method-assign]


def _bare(own: Environment) -> Environment:
    bare = Environment(
        loader=own.loader,
        autoescape=own.autoescape,  # noqa: S701, as in the product
        undefined=StrictUndefined,
        trim_blocks=own.trim_blocks,
        lstrip_blocks=own.lstrip_blocks,
        keep_trailing_newline=own.keep_trailing_newline,
        auto_reload=False,
        cache_size=-1,
    )
    bare.globals.clear()
    bare.globals.update(own.globals)
    bare.filters["wrap"] = own.filters["wrap"]
    return bare
