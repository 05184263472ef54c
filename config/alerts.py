"""Tells the operator by mail of trouble that lasts: at most once a day per kind of trouble, and once when it is over.

What was told is in the store, so that several servers tell it once; where the store is the trouble, memory stands in.
"""

import json
import logging
import secrets
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from config.assembly import App
from config.operator_mail import tell_operator
from core.breaker import broken_circuits
from core.errors import NolapseError
from core.outbox import stuck
from core.schema import meta
from core.sql import insert_new, upsert

LOG = logging.getLogger("nolapse.serve")
KEY = "alerts"
AGAIN = timedelta(days=1)
PAUSE = timedelta(minutes=15)
"""How long a mailer that could not take an alert is left alone."""

_JOB = "job "


class Alerts:
    """Looks for trouble after each job, and tells it."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._to = app.settings.sections.schedule.alert_to
        self._memory: dict[str, str] = {}
        self._rest_until = datetime.min.replace(tzinfo=UTC)

    def look(self, failing: Mapping[str, str], well: Collection[str]) -> list[str]:
        """Gives every trouble in plain words, and mails what is new. `failing` jobs with why; `well` jobs did succeed."""
        troubles = {f"{_JOB}{name}": f"{name} keeps failing: {why}" for name, why in failing.items()}
        seen = {f"{_JOB}{name}" for name in well}
        try:
            with self._app.store.read() as connection:
                if words := stuck(connection).words:
                    troubles["stuck"] = words
                for one in broken_circuits(connection, self._app.policy.deliver):
                    troubles[f"circuit {one.kind} {one.connector}"] = one.words
            told = self._told()
            seen |= {kind for kind in told if not kind.startswith(_JOB)}
        except NolapseError:
            told = dict(self._memory)
        now = datetime.now(UTC)
        if self._to and now >= self._rest_until:
            self._tell(troubles, seen, told, now)
        return list(troubles.values())

    def _tell(self, troubles: Mapping[str, str], seen: Collection[str], told: Mapping[str, str], now: datetime) -> None:
        new = [kind for kind in troubles if kind not in told or _age(told[kind], now) >= AGAIN]
        over = [kind for kind in told if kind not in troubles and kind in seen]
        if not new and not over:
            return
        # Noted first: of two servers one tells it, and one that dies here has told it at most once.
        after = {kind: at for kind, at in told.items() if kind not in over} | dict.fromkeys(new, now.isoformat())
        if not self._note(told, after):
            return
        problem = self._send([troubles[kind] for kind in new], over, now)
        if problem:
            self._rest_until = now + PAUSE
            self._note(after, told)
            LOG.warning("the operator could not be told of trouble: %s", problem)

    def _told(self) -> dict[str, str]:
        with self._app.store.read() as connection:
            value = connection.execute(select(meta.c.value).where(meta.c.key == KEY)).scalar()
        found: dict[str, str] = json.loads(value) if value else {}
        return found

    def _note(self, before: Mapping[str, str], after: Mapping[str, str]) -> bool:
        """Writes down what has been told; gives False where another server was faster."""
        self._memory = dict(after)
        try:
            with self._app.store.begin() as connection:
                insert_new(connection, meta, [{"key": KEY, "value": "{}"}])
                query = select(meta.c.value).where(meta.c.key == KEY).with_for_update()
                if json.loads(connection.execute(query).scalar_one()) != before:
                    return False
                upsert(connection, meta, ["key"], [{"key": KEY, "value": json.dumps(after)}])
        except NolapseError:
            return True
        return True

    def _send(self, troubles: list[str], over: list[str], now: datetime) -> str:
        """Mails the operator; gives why that failed, or nothing."""
        ended = [_ended(kind) for kind in over]
        subject = "Nolapse needs you" if troubles else "Nolapse is well again"
        key = f"alert:{now:%Y%m%dT%H%M%SZ}:{secrets.token_hex(4)}"
        more = "`nolapse deliveries`, `nolapse check` and `nolapse locks` tell more."
        return tell_operator(self._app, self._to, key, subject, [*troubles, *ended, "", more], now)


def _age(at: str, now: datetime) -> timedelta:
    return now - datetime.fromisoformat(at)


def _ended(kind: str) -> str:
    what, _, which = kind.partition(" ")
    if what == "stuck":
        return "no delivery is uncertain or has failed any more"
    return f"{which.replace(' ', ' by ')} goes again"
