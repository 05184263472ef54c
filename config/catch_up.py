"""Reads the event log of CertCentral, so that what was sent while nobody listened is not lost: it sends each event once."""

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from config.doors import event_source
from core import inbox
from core.errors import NolapseError, StoreError
from core.listening import SendsEvents
from core.schema import meta
from core.sql import upsert

if TYPE_CHECKING:
    from config.assembly import App

LOG = logging.getLogger("nolapse.web")
_EVERY = timedelta(hours=1)
_FIRST = timedelta(days=7)
_KEY = "event_log_read"


class CatchUp:
    """Puts what the log knows and the inbox does not into the inbox: at the start, then once an hour."""

    def __init__(self, app: "App") -> None:
        self._app = app
        self._next: datetime | None = None

    def turn(self, now: datetime) -> int:
        """Reads the log if it is time; gives how many events were new. Trouble is told, and tried again next time."""
        if self._next is not None and now < self._next:
            return 0
        self._next = now + _EVERY
        source = event_source(self._app)
        if source is None:
            return 0
        try:
            return self._read(source, now)
        except StoreError:
            raise
        except NolapseError as error:
            LOG.warning("the event log is read later: %s", error)
            return 0

    def _read(self, source: SendsEvents, now: datetime) -> int:
        from webhooks.certcentral_events import of_log

        store = self._app.store
        with store.read() as connection:
            before: str | None = connection.execute(select(meta.c.value).where(meta.c.key == _KEY)).scalar()
        since = datetime.fromisoformat(before) if before else now - _FIRST
        events = of_log(source.logged_events(since), now)
        with store.begin() as connection:
            new = sum(inbox.receive(connection, event) for event in events)
            upsert(connection, meta, ["key"], [{"key": _KEY, "value": now.isoformat()}])
        if new:
            LOG.info("%d events were sent while nobody listened; they are taken in now", new)
        return new
