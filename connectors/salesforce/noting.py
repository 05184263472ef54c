"""Notes about customers: what a call would have been about, for a rep who is talking to them anyway.

A note is a completed task. Salesforce's own notes (ContentNote) take no fields of ours, so that nobody could find one
again by its key, and hang on a record only by a second call.
"""

from collections.abc import Sequence
from typing import Any

from connectors.crm.links import LinkKind, Links
from connectors.salesforce.fields import TaskField
from connectors.salesforce.hanging import About, ends_of
from connectors.salesforce.mapping import note_fields
from connectors.salesforce.once import Once
from connectors.salesforce.outcomes import result_of
from connectors.salesforce.records import Write
from connectors.salesforce.target import Target
from connectors.salesforce.tasking import Tasks
from core.crm_ports import Note
from core.ports import Result

_TASK = "Task"


class Notes:
    """Our notes in one org."""

    def __init__(self, target: Target, links: Links, tasks: Tasks) -> None:
        self._target = target
        self._links = links
        self._tasks = tasks
        self._once = Once(target, links, LinkKind.NOTE, _TASK, str(TaskField.NOTE_KEY))

    def add(self, notes: Sequence[Note]) -> list[Result]:
        """Adds notes; one that was made before stays as its rep has made it, deleted ones too."""
        ends = ends_of(self._links, [About(one.key, one.account_key, "", one.order_keys) for one in notes])
        writes = []
        for one in notes:
            said: dict[str, Any] = note_fields(one) | {"Status": self._tasks.done_status()}
            end = ends[one.key]
            said |= {"WhatId": end.what} if end.what else {}
            if owner_id := self._target.owner_id(one.owner_key):
                said["OwnerId"] = owner_id
            writes.append(Write(one.key, self._target.fitting(_TASK, said, new=True), parent=end.parent))
        return [result_of(one.key, one) for one in self._once.make(writes)]
