"""Sales Engagement's cadences: contacts whom a person has marked go into one instead of getting our mails.

A cadence is left when the last order for which somebody was put into it is settled. Where the org has no Sales
Engagement, or the user may not use it, nothing is asked of it and every mail goes by itself.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connectors.crm.customers import Known
from connectors.crm.foreign import text_of
from connectors.crm.links import Link, LinkKind, Links
from connectors.crm.tables import LinkState
from connectors.salesforce.errors import Unclear
from connectors.salesforce.statements import RUNNING_CADENCES
from connectors.salesforce.target import Target
from core.errors import NolapseError
from core.ports import Mail, Record
from core.words import Stage

log = logging.getLogger("nolapse.salesforce")

ASSIGN, REMOVE = "assignTargetToSalesCadence", "removeTargetFromSalesCadence"
"""The standard actions that Sales Engagement lists where the org has it and the user may use it."""

_TRACKER = "ActionCadenceTracker"
_RUNNING = ("Initializing", "Processing", "Running", "Paused")
_OVER = (Stage.RENEWED, Stage.WON_BACK, Stage.LOST, Stage.LAPSED)
_KEY = "cadence:"


@dataclass(frozen=True, slots=True)
class Seat:
    """A mail whose part is a cadence's, and the contact it would go to."""

    mail: Mail
    contact_id: str


class Cadences:
    """The one cadence of the settings."""

    def __init__(self, target: Target, links: Links) -> None:
        self._target = target
        self._links = links

    @property
    def name(self) -> str:
        """The cadence by name or id; empty where none is wanted."""
        return self._target.settings.cadence

    def usable(self) -> bool:
        """Whether a cadence is wanted, and the org lists the actions for it."""
        return bool(self.name) and self._target.client.actions() >= {ASSIGN, REMOVE}

    def assign(self, seats: Sequence[Seat]) -> tuple[dict[str, str], dict[str, NolapseError]]:
        """Puts contacts into the cadence: its name by the key of each mail that it stands for, and what is unclear.

        What is in neither goes as a mail of its own: the contact is in another cadence, or was refused.
        """
        if not seats:
            return {}, {}
        contacts = list(dict.fromkeys(seat.contact_id for seat in seats))
        ours, running = self._held(contacts), self._running(contacts)
        under_way = {id for id in contacts if id in ours and (running is None or id in running)}
        new = [id for id in contacts if id not in under_way and id not in (running or ())]
        first = {seat.contact_id: seat.mail for seat in reversed(seats)}
        done, unclear = self._put(new, first)
        seated = under_way | done
        self._remember(seats, seated, ours)
        stands = {seat.mail.key: f"cadence {self.name}" for seat in seats if seat.contact_id in seated}
        return stands, {seat.mail.key: unclear[seat.contact_id] for seat in seats if seat.contact_id in unclear}

    def _put(self, new: Sequence[str], mails: Mapping[str, Mail]) -> tuple[set[str], dict[str, NolapseError]]:
        done: set[str] = set()
        unclear: dict[str, NolapseError] = {}
        inputs = [(id, self._seat(id, mails[id])) for id in new]
        for outcome in self._target.client.invoke(ASSIGN, inputs) if inputs else ():
            if outcome.error is None:
                done.add(outcome.key)
            elif isinstance(outcome.error, Unclear):
                unclear[outcome.key] = outcome.error
            else:
                log.warning("%s goes as a mail, not by cadence: %s", mails[outcome.key].key, outcome.error)
        return done, unclear

    def _seat(self, contact_id: str, mail: Mail) -> dict[str, Any]:
        said = {"salesCadenceNameOrId": self.name, "targetId": contact_id}
        user = self._target.active_user(mail.owner_key)
        return said | ({"userId": user.id} if user is not None else {})

    def _remember(self, seats: Sequence[Seat], seated: set[str], ours: Mapping[str, Link]) -> None:
        orders: dict[str, dict[str, None]] = {}
        for seat in seats:
            if seat.contact_id in seated:
                held = orders.setdefault(seat.contact_id, {})
                held.update(
                    dict.fromkeys(ours[seat.contact_id].facts.get("orders", ()) if seat.contact_id in ours else ())
                )
                held.update(dict.fromkeys(seat.mail.order_keys))
        self._links.put(
            LinkKind.ENROLMENT,
            [
                Link(f"{_KEY}{id}", id, facts={"cadence": self.name, "orders": list(held)})
                for id, held in orders.items()
            ],
        )

    def settle(self, records: Sequence[Record], known: Known) -> None:
        """Takes contacts out of the cadence for whom no order is left. What fails is told, and tried with the next."""
        if not self.usable():
            return
        over = {record.order_key for record in records if record.stage in _OVER}
        people = [known.contacts.get(one.email.strip().lower(), "") for one in _people(records, over)]
        held = self._held([id for id in dict.fromkeys(people) if id])
        changed = {id: [key for key in link.facts["orders"] if key not in over] for id, link in held.items()}
        kept = [
            replace(link, facts=dict(link.facts) | {"orders": changed[id]}) for id, link in held.items() if changed[id]
        ]
        self._links.put(LinkKind.ENROLMENT, kept)
        leaving = [id for id, left in changed.items() if not left]
        gone = []
        for outcome in (
            self._target.client.invoke(REMOVE, [(id, {"targetId": id}) for id in leaving]) if leaving else ()
        ):
            if outcome.error is None or outcome.error.permanent:
                gone.append(f"{_KEY}{outcome.key}")
            if outcome.error is not None:
                log.warning("somebody stays in the cadence: %s", outcome.error)
        self._links.forget(LinkKind.ENROLMENT, gone)

    def _held(self, contacts: Sequence[str]) -> dict[str, Link]:
        """Whom we have put into a cadence, by the id of the contact."""
        found = self._links.get(LinkKind.ENROLMENT, [f"{_KEY}{id}" for id in contacts])
        return {link.their_id: link for link in found.values() if link.state is LinkState.LINKED}

    def _running(self, contacts: Sequence[str]) -> set[str] | None:
        """Those who are in any cadence now; None where the user may not look."""
        if self._target.client.describe(_TRACKER) is None:
            return None
        rows = self._target.client.query_for(RUNNING_CADENCES, "ids", contacts, states=list(_RUNNING))
        return {text_of(row.get("TargetId")) for row in rows}


def _people(records: Sequence[Record], over: set[str]) -> list[Any]:
    return [one for record in records if record.order_key in over for one in record.people]
