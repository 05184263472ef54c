"""Mails to whoever looks after the installation: by the mailer that is set, also before going live."""

from datetime import datetime

from config.assembly import App
from core.errors import NolapseError
from core.ports import Handed, Mail


def tell_operator(app: App, to: str, key: str, subject: str, lines: list[str], now: datetime) -> str:
    """Mails these lines to an address of the operator's; gives why that failed, or nothing. Never raises."""
    brand, domain = app.policy.brand, app.policy.mail.domain
    mail = Mail(
        key=key,
        message_id=f"<{key.replace(':', '.')}@{domain}>",
        sender=brand.sender,
        sender_name="Nolapse",
        to=to,
        to_name="",
        subject=subject,
        text="\n".join(lines),
        html="",
        date=now,
        headers={"Auto-Submitted": "auto-generated"},
    )
    try:
        (result,) = app.mailer.send([mail])
    except NolapseError as error:
        return str(error)
    except Exception as error:
        return f"the mailer broke off: {type(error).__name__}"
    return str(result.error or "it was refused") if result.handed is Handed.FAILED else ""
