"""A portal: its objects, people, pipelines, lists and mails, and what tests may do to it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from tests.fakes.hubspot.association_types import AssociationTypes
from tests.fakes.hubspot.clock import Clock, RealClock
from tests.fakes.hubspot.errors import ApiError, not_found
from tests.fakes.hubspot.kinds import ObjectKind, standard_kinds
from tests.fakes.hubspot.limits import TIERS, Gate, Limits
from tests.fakes.hubspot.parts import Enrolment, Owner, Preferences, RecordList, Sent, Sequence, Subscription
from tests.fakes.hubspot.pipelines import Pipeline, standard_pipelines
from tests.fakes.hubspot.records import Author, Record, Rule, Shelf

TOKEN = "pat-eu1-00000000-0000-4000-8000-000000000000"
PORTAL_ID = 48_120_001
APP_ID = 7_700_001
MAIL_TEMPLATE = 98_765_432_101

CRM_SCOPES = (
    "crm.objects.companies.read",
    "crm.objects.companies.write",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.objects.custom.read",
    "crm.objects.custom.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
    "crm.objects.owners.read",
    "sales-email-read",
    "crm.schemas.companies.read",
    "crm.schemas.companies.write",
    "crm.schemas.contacts.read",
    "crm.schemas.contacts.write",
    "crm.schemas.custom.read",
    "crm.schemas.custom.write",
    "crm.schemas.deals.read",
    "crm.schemas.deals.write",
    "crm.lists.read",
    "crm.lists.write",
    "tickets",
)
MAIL_SCOPES = (
    "automation.sequences.read",
    "automation.sequences.enrollments.write",
    "communication_preferences.read",
    "communication_preferences.read_write",
    "transactional-email",
)


@dataclass
class World:
    """The state behind the API, and the hand of a test in it."""

    clock: Clock = field(default_factory=RealClock)
    tier: str = "professional"
    """free, starter, professional or enterprise."""
    limits: Limits | None = None
    """What is refused with 429; without, nothing is, and answers tell the limits of the tier."""
    token: str = TOKEN
    scopes: set[str] = field(default_factory=lambda: {*CRM_SCOPES, *MAIL_SCOPES})
    portal_id: int = PORTAL_ID
    time_zone: str = "Europe/Berlin"
    search_lag: timedelta = timedelta(0)
    unique_on_tasks: bool = True
    """Whether the portal takes a unique property on tasks."""
    multi_status: dict[str, bool] = field(default_factory=dict)
    """By version, whether a batch with failures answers 207 or names them in a 200 or 201."""
    transactional: bool = True
    """Whether the account has the transactional add-on."""
    legal_basis_required: bool = False

    def __post_init__(self) -> None:
        self.gate = Gate(self.limits or replace(TIERS[self.tier], enforced=False), self.time_zone)
        self.kinds: dict[str, ObjectKind] = {}
        self.shelves: dict[str, Shelf] = {}
        self.links = AssociationTypes()
        self.pipelines: dict[str, dict[str, Pipeline]] = {}
        self.owners: dict[str, Owner] = {}
        self.lists: dict[str, RecordList] = {}
        self.subscriptions = [Subscription(1001, "One to One"), Subscription(1002, "Marketing Information")]
        self.mail_templates = {MAIL_TEMPLATE}
        self.sent: list[Sent] = []
        self.bouncing: set[str] = set()
        self.sequences: dict[str, Sequence] = {}
        self.enrolments: dict[str, Enrolment] = {}
        self._preferences: dict[str, Preferences] = {}
        self._ids = count(30_000_000_001)
        self._numbers: defaultdict[str, count[int]] = defaultdict(lambda: count(1001))
        for kind in standard_kinds():
            self.add_kind(kind)
        for object_type, found in standard_pipelines(self.clock.now()).items():
            self.pipelines[object_type] = found

    @property
    def app(self) -> Author:
        """Writes through the API."""
        return Author("INTEGRATION", str(APP_ID))

    @property
    def hubspot(self) -> Author:
        """Writes of HubSpot's own."""
        return Author("AUTOMATION_PLATFORM", "hubspot")

    @property
    def zone(self) -> ZoneInfo:
        """The account's zone."""
        return ZoneInfo(self.time_zone)

    def in_some_order(self, results: list[Any]) -> list[Any]:
        """Results of a batch, which come in no order that a caller may count on: here backwards."""
        return results[::-1]

    def new_id(self) -> str:
        """A number that no object has."""
        return str(next(self._ids))

    def number(self, of: str) -> int:
        """The next number of a series."""
        return next(self._numbers[of])

    def add_kind(self, kind: ObjectKind) -> None:
        """Makes a kind of object known under all its names."""
        self.kinds[kind.name] = kind
        self.shelves[kind.name] = Shelf(
            kind, lambda: self.pipelines.get(kind.name, {}), self._is_owner, lambda: self.search_lag
        )

    def _is_owner(self, owner_id: str) -> bool:
        owner = self.owners.get(owner_id)
        return owner is not None and not owner.archived

    def remove_kind(self, kind: ObjectKind) -> None:
        """Takes a kind of object away."""
        del self.kinds[kind.name], self.shelves[kind.name]

    def kind(self, named: str) -> ObjectKind:
        """The kind of object of a path; raises `ApiError` if there is none."""
        short = named.removeprefix(f"p{self.portal_id}_").removeprefix("p_")
        for kind in self.kinds.values():
            if named in (kind.name, kind.singular, kind.type_id) or (kind.schema is not None and short == kind.name):
                return kind
        raise ApiError(400, "VALIDATION_ERROR", f"Unable to infer object type from: {named}")

    def shelf(self, named: str) -> Shelf:
        """The records of a kind."""
        return self.shelves[self.kind(named).name]

    # What tests and the demo do.

    def record(self, object_type: str, record_id: str) -> Record:
        """A record by its id."""
        found = self.shelf(object_type).get(record_id)
        if found is None:
            raise not_found(f"no {object_type} {record_id}")
        return found

    def records(self, object_type: str) -> list[Record]:
        """The live records of a kind, oldest first."""
        return [record for record in self.shelf(object_type) if record.archived_at is None]

    def add(self, object_type: str, **values: str) -> str:
        """Makes a record as a person at the screen does; its id."""
        shelf = self.shelf(object_type)
        kept = shelf.check(values, None, rules=False)
        return shelf.add(self.new_id(), kept, self.person(), self.clock.now()).id

    def edit(self, object_type: str, record_id: str, user_id: int | None = None, **values: str) -> None:
        """Changes a record as a person at the screen does."""
        shelf = self.shelf(object_type)
        record = self.record(object_type, record_id)
        shelf.write(record, shelf.check(values, record, rules=False), self.person(user_id), self.clock.now())

    def archive(self, object_type: str, record_id: str) -> None:
        """Deletes a record as a person at the screen does."""
        self.shelf(object_type).archive(self.record(object_type, record_id), self.clock.now())

    def merge(self, object_type: str, primary_id: str, other_id: str) -> str:
        """Merges two records; the id of the one that they become."""
        shelf = self.shelf(object_type)
        primary, other = self.record(object_type, primary_id), self.record(object_type, other_id)
        merged = shelf.merge(primary, other, self.new_id(), self.person(), self.clock.now())
        self.links.move(shelf.kind.name, (primary.id, other.id), merged.id)
        return merged.id

    def forget_person(self, contact_id: str) -> None:
        """Deletes a contact for privacy: it is gone for good, with its links."""
        shelf = self.shelf("contacts")
        record = self.record("contacts", contact_id)
        shelf.forget(record, self.clock.now())
        self.links.drop("contacts", record.id)

    def person(self, user_id: int | None = None) -> Author:
        """Writes at the screen."""
        return Author("CRM_UI", f"userId:{user_id or 1}", user_id or 1)

    def add_owner(self, email: str, first_name: str = "", last_name: str = "", **more: Any) -> Owner:
        """Takes a person in."""
        now = self.clock.now()
        number = self.number("owners")
        owner = Owner(str(number), 50_000_000 + number, email, first_name, last_name, now, now, **more)
        self.owners[owner.id] = owner
        return owner

    def deactivate_owner(self, owner_id: str) -> None:
        """Takes a person's access away."""
        self.owners[owner_id].archived = True
        self.owners[owner_id].updated_at = self.clock.now()

    def link(self, from_type: str, from_id: str, to_type: str, to_id: str) -> None:
        """Associates two records without a label."""
        self.links.link(self.kind(from_type), from_id, self.kind(to_type), to_id)

    def linked(self, from_type: str, from_id: str, to_type: str) -> list[str]:
        """The records of a kind that one is associated with."""
        return [found.to_id for found in self.links.of(self.kind(from_type).name, from_id, self.kind(to_type).name)]

    def add_rule(
        self, object_type: str, property_name: str, check: Callable[[Mapping[str, str], bool], str | None]
    ) -> None:
        """Sets a validation rule, as an administrator does."""
        self.shelf(object_type).rules.append(Rule(property_name, check))

    def require(self, object_type: str, property_name: str) -> None:
        """Sets the validation rule that a property may not be empty."""
        self.add_rule(
            object_type,
            property_name,
            lambda values, _: (
                None if values.get(property_name) else f"{property_name} is required by your organisation"
            ),
        )

    def grant(self, *scopes: str) -> None:
        self.scopes.update(scopes)

    def revoke(self, *scopes: str) -> None:
        self.scopes.difference_update(scopes)

    def needs(self, scopes: Iterable[str]) -> bool:
        """Whether the app has one of these scopes."""
        return any(scope in self.scopes for scope in scopes)

    def members(self, list_id: str) -> list[str]:
        """The records that are in a list now."""
        found = self.lists[list_id]
        if found.test is None:
            return []
        now = self.clock.now()
        return [record.id for record in self.records(found.object_type_id) if found.test(record.values, now)]

    def preferences(self, address: str) -> Preferences:
        """What the person of an address said about mail."""
        return self._preferences.setdefault(address.lower(), Preferences())

    def opt_out(self, addresses: Iterable[str]) -> None:
        """Takes people out of all mail, as their click on a link in one does."""
        for address in addresses:
            preferences = self.preferences(address)
            preferences.all_since = preferences.all_since or self.clock.now()
            contact = self.shelf("contacts").find("email", address)
            if contact is not None:
                self.shelf("contacts").write(contact, {"hs_email_optout": "true"}, self.hubspot, self.clock.now())

    def add_sequence(self, name: str, owner: Owner) -> Sequence:
        """Makes a sequence."""
        made = Sequence(str(self.number("sequences")), name, owner.user_id, self.clock.now())
        self.sequences[made.id] = made
        return made

    def finish_sequence(self, contact_id: str) -> None:
        """Lets a contact come to the end of its sequence."""
        del self.enrolments[contact_id]
        contact = self.record("contacts", contact_id)
        self.shelf("contacts").write(contact, {"hs_sequences_is_enrolled": "false"}, self.hubspot, self.clock.now())
