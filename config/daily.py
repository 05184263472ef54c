"""What is done once a day, whoever comes first: let go of what is old, and tell the administrator how the day stands."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import update

from config.amounts import money
from config.assembly import App
from config.operator_mail import tell_operator
from config.people import People
from core.errors import RetriableError
from core.schema import meta
from core.sql import insert_new
from core.summary import lines, summary
from core.timing import Timer

KEY = "daily_on"


@dataclass(frozen=True, slots=True)
class Daily:
    """What was let go of, by table, and whether the summary was sent."""

    purged: Mapping[str, int]
    told: bool


def once_a_day(app: App, timer: Timer) -> Daily | None:
    """Does what is done once a day; None where it was done for this day, or a later one.

    Raises `RetriableError` where the summary could not be sent; it is not sent again by itself.
    """
    if not _claim(app, timer.day):
        return None
    purged = People(app).purge(timer, store=app.store, dry_run=False)
    if not app.settings.sections.report.to:
        return Daily(purged, told=False)
    with app.store.read() as connection:
        found = summary(connection, app.policy.scope, timer.day)
    send_summary(app, lines(found, money), timer.day)
    return Daily(purged, told=True)


def _claim(app: App, day: date) -> bool:
    with app.store.begin() as connection:
        insert_new(connection, meta, [{"key": KEY, "value": ""}])
        mine = update(meta).where(meta.c.key == KEY, meta.c.value < day.isoformat())
        return connection.execute(mine.values(value=day.isoformat())).rowcount == 1


def send_summary(app: App, told: list[str], day: date, *, again: bool = False) -> None:
    """Mails the summary of a day to `[report] to`. Raises `RetriableError` where that fails."""
    key = f"summary:{day}:{secrets.token_hex(4)}" if again else f"summary:{day}"
    problem = tell_operator(app, app.settings.sections.report.to, key, told[0], told, datetime.now(UTC))
    if problem:
        raise RetriableError(f"the summary of {day} could not be sent: {problem}; `nolapse report summary --send` does")
