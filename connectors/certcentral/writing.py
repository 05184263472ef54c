"""What is written back to CertCentral: renewal notices off and on, the renewal message, the CRM's record id.

Each order's write is noted when it is made, so a pass that breaks off goes on where it was. At most 500 calls in a pass.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from connectors.certcentral.client import LOG, AbsentError, Client
from connectors.certcentral.memory import Memory
from core import notices
from core.batches import batched
from core.errors import ConfigurationError
from core.notices import Followed
from core.store import Store

MOST_WRITES = 500
LAST_NOTICES_DAYS = 4  # CertCentral's own notices of 3 days before and 7 days after the end still go


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the settings let us write. `words`: the API's for notices on and off; `field`: a custom field's id, or 0."""

    notices: bool = False
    last_notices: bool = True
    words: tuple[str, str] = ("enabled", "disabled")
    message: str = ""
    field: int = 0

    @property
    def any(self) -> bool:
        return self.notices or bool(self.message) or bool(self.field)


class Writer:
    """Writes back what the ledger and the wishes say, order by order. Raises `NolapseError` where the API refuses."""

    def __init__(self, client: Client, store: Store, memory: Memory, source: str, wishes: Wishes) -> None:
        self._client = client
        self._store = store
        self._memory = memory
        self._source = source
        self._wishes = wishes
        self._proved = False

    def write(self, today: date) -> int:
        """Makes the writes that are due, and gives how many those were."""
        done = 0
        for make in self._due(today):
            if done >= MOST_WRITES:
                LOG.info("certcentral: more is to be written; the next pass goes on")
                break
            try:
                make()
            except AbsentError as error:
                LOG.warning("%s; the order is passed over", error)
            done += 1
        return done

    def _due(self, today: date) -> Iterator[Callable[[], None]]:
        with self._store.read() as connection:
            # Contracts of the Partner API have no such switches.
            ours = [one for one in notices.followed(connection, self._source, today) if one.outside_id.isdecimal()]
            off_by_us = notices.switched_off_by_us(connection, self._source)
        wanted = {one.id for one in ours if self._rests(one, today)} if self._wishes.notices else set()
        for id, outside_id, off in off_by_us:
            if id not in wanted:
                yield self._switch_on(id, outside_id, off)
        for one in ours:
            if one.id in wanted and not one.off:
                yield self._switch_off(one)
        yield from self._messages(ours)
        yield from self._record_ids(ours)

    def _rests(self, one: Followed, today: date) -> bool:
        """Whether the CA's notices rest for this order: not those that somebody else switched off, they are his."""
        left = (one.ends_on - today).days
        return (one.ours or not one.off) and (left > LAST_NOTICES_DAYS or not self._wishes.last_notices)

    def _switch_off(self, one: Followed) -> Callable[[], None]:
        def make() -> None:
            self._note(one.id, off=False, ours=True)
            self._put(one.outside_id, off=True)
            self._note(one.id, off=True, ours=True)

        return make

    def _switch_on(self, id: int, outside_id: str, off: bool) -> Callable[[], None]:
        def make() -> None:
            if off:
                self._put(outside_id, off=False)
            self._note(id, off=False, ours=False)

        return make

    def _put(self, outside_id: str, *, off: bool) -> None:
        self._client.put(f"/order/certificate/{outside_id}/renewal-emails/{self._wishes.words[off]}")
        if not self._proved:
            shown = self._client.get(f"/order/certificate/{outside_id}").get("disable_renewal_notifications")
            if shown in (True, False, 0, 1, "0", "1") and bool(int(shown)) is not off:
                raise ConfigurationError(
                    "[certcentral] notice_words: CertCentral understood the opposite; give the words for on and off"
                )
            self._proved = True

    def _note(self, id: int, *, off: bool, ours: bool) -> None:
        with self._store.begin() as connection:
            notices.note(connection, id, off=off, ours=ours)

    def _messages(self, ours: list[Followed]) -> Iterator[Callable[[], None]]:
        message = self._wishes.message
        written = self._memory.written("message")
        for one in ours:
            if message and written.pop(one.outside_id, "") != message:
                yield self._set(one.outside_id, "message", message)
        if not message:
            for outside_id in written:
                yield self._set(outside_id, "message", "")

    def _record_ids(self, ours: list[Followed]) -> Iterator[Callable[[], None]]:
        if not self._wishes.field:
            return
        written = self._memory.written("record_id")
        for some in batched(ours, 500):
            with self._store.read() as connection:
                ids = notices.record_ids(connection, [one.id for one in some])
            for one in some:
                if one.id in ids and written.get(one.outside_id) != ids[one.id]:
                    yield self._set(one.outside_id, "record_id", ids[one.id])

    def _set(self, outside_id: str, what: str, value: str) -> Callable[[], None]:
        def make() -> None:
            if what == "message":
                path = f"/order/certificate/{outside_id}/custom-renewal-message"
                self._client.put(path, {"custom_renewal_message": value})
            else:
                body = {"metadata_id": self._wishes.field, "value": value}
                self._client.post(f"/order/certificate/{outside_id}/custom-field", body)
            self._memory.note_written(outside_id, what, value)

        return make
