"""What Nolapse asks of Salesforce's API, typed; each object by its API name, as `Task`, `Certificate_Order__c`.

Writes may be of any number: they go in calls of 200, several at once, or as one bulk job, and each record has its own
outcome, in the order of the writes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from connectors.crm.foreign import dicts_of, mapping_of, number_of, text_of
from connectors.salesforce.auth import Auth, Way
from connectors.salesforce.bulk import Bulk
from connectors.salesforce.calls import Caller, Metered, Patience
from connectors.salesforce.collections import Collections
from connectors.salesforce.describing import ObjectInfo, ObjectSummary, object_of, summary_of
from connectors.salesforce.errors import Broken, Refused
from connectors.salesforce.gate import Gate, Usage
from connectors.salesforce.invoking import Actions
from connectors.salesforce.records import ActionOutcome, Outcome, Row, Write, long_id
from connectors.salesforce.settings import API_VERSION
from connectors.salesforce.soql import SAFE, Names, Soql, Statement, Value, parts_of
from connectors.salesforce.statements import USERNAME
from connectors.salesforce.transport import Login, Timeouts, Transport
from connectors.salesforce.writing import Writer
from core.batches import batched

_RETRIEVED = 2000
"""Ids in one call that retrieves records."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the connection is: ids of 18 characters."""

    user_id: str
    organization_id: str
    username: str


@dataclass(frozen=True, slots=True)
class Limit:
    """One of the org's limits."""

    most: int
    left: int


@dataclass
class SalesforceClient:
    """The API. Safe for use by several threads. Raises `SalesforceError` (connectors.salesforce.errors): Retriable,
    Skippable, Fatal, Configuration. Outcomes of writes hold the errors of single records instead.

    `base_url` stands in for https://<anything>.salesforce.com, logins included; `meter` is told each answer.
    """

    way: Way
    base_url: str = ""
    version: str = API_VERSION
    timeouts: Timeouts = field(default_factory=Timeouts)
    patience: Patience = field(default_factory=Patience)
    reserve: float = 0.0
    parallel: int = 4
    bulk_from: int = 2000
    bulk_seconds: float = 3600.0
    meter: Callable[[Metered], None] | None = None

    def __post_init__(self) -> None:
        self.transport = Transport(self.version, self.base_url, self.timeouts)
        self.auth = Auth(self.way, self.transport)
        self.caller = Caller(self.transport, self.auth, Gate(self.reserve), self.patience, self.meter)
        self._writer = Writer(
            Collections(self.caller, self.parallel), Bulk(self.caller, self.bulk_seconds), self.bulk_from
        )
        self._actions = Actions(self.caller)
        self._described: dict[str, ObjectInfo | None] = {}
        self._identity: Identity | None = None

    def versions(self) -> list[str]:
        """The versions of the API that the org speaks, as `66.0`."""
        said = self.caller.ask("GET", "/services/data")
        return [text_of(one.get("version")) for one in dicts_of(said)]

    def identity(self) -> Identity:
        """The user of the connection; asked once."""
        if self._identity is None:
            login = self.auth.login()
            self._identity = self._known(login) if login.user_id else self._asked()
        return self._identity

    def _known(self, login: Login) -> Identity:
        """The user whom the login has told: a token for the API alone must not ask for more."""
        user = next(self.query(USERNAME(id=login.user_id)), {})
        return Identity(long_id(login.user_id), long_id(login.organization_id), text_of(user.get("Username")))

    def _asked(self) -> Identity:
        said = mapping_of(self.caller.ask("GET", "/services/oauth2/userinfo"))
        user, organization = (long_id(text_of(said.get(name))) for name in ("user_id", "organization_id"))
        return Identity(user, organization, text_of(said.get("preferred_username")))

    def limits(self) -> Mapping[str, Limit]:
        """The org's limits by Salesforce's names, as `DailyApiRequests`, `SingleEmail`, `DataStorageMB`."""
        said = mapping_of(self.caller.ask("GET", "limits"))
        return {
            name: Limit(number_of(one.get("Max")), number_of(one.get("Remaining")))
            for name, one in said.items()
            if isinstance(one, Mapping)
        }

    @property
    def usage(self) -> Usage | None:
        """The org's use of calls as the last answer told it; None before the first."""
        return self.caller.gate.usage

    def describe_global(self) -> Mapping[str, ObjectSummary]:
        """All objects that the user may see, by name."""
        said = mapping_of(self.caller.ask("GET", "sobjects"))
        return {one.name: one for one in map(summary_of, dicts_of(said.get("sobjects")))}

    def describe(self, sobject: str, *, afresh: bool = False) -> ObjectInfo | None:
        """One object with its fields as the user sees them; None where there is none, or it is hidden.

        It is kept until asked for `afresh`.
        """
        if afresh or sobject not in self._described:
            try:
                said = self.caller.ask("GET", f"sobjects/{quote(sobject, safe='')}/describe")
            except Refused as error:
                if error.details.status != 404:
                    raise
                self._described[sobject] = None
            else:
                self._described[sobject] = object_of(mapping_of(said))
        return self._described[sobject]

    def query(self, soql: Soql, *, deleted: bool = False) -> Iterator[Row]:
        """The rows of a query, page by page. `deleted`: those in the recycle bin and archived ones too (`IsDeleted`).

        Rows lack `attributes`; a related record is a row, or None; a subquery is a list of rows.
        """
        path = f"{'queryAll' if deleted else 'query'}?q={quote(soql.text, safe=SAFE)}"
        yield from self._pages(self.caller.ask("GET", path))

    def query_for(
        self, statement: Statement, place: str, values: Sequence[str], *, deleted: bool = False, **others: Value | Names
    ) -> Iterator[Row]:
        """The rows for a list of values of any length, without double ones, which goes into the place `:place`."""
        for soql in parts_of(statement, place, values, **others):
            yield from self.query(soql, deleted=deleted)

    def retrieve(self, sobject: str, ids: Sequence[str], fields: Sequence[str]) -> dict[str, Row]:
        """Those of the records that exist and may be seen, by the id asked for."""
        found: dict[str, Row] = {}
        for part in batched(list(dict.fromkeys(ids)), _RETRIEVED):
            wanted = {"ids": part, "fields": list(dict.fromkeys(["Id", *fields]))}
            said = self.caller.ask("POST", f"composite/sobjects/{sobject}", body=wanted)
            by_id = {long_id(text_of(one.get("Id"))): self._row(one) for one in dicts_of(said)}
            found |= {id: by_id[long_id(id)] for id in part if long_id(id) in by_id}
        return found

    def upsert(self, sobject: str, external_id_field: str, writes: Sequence[Write]) -> list[Outcome]:
        """Creates or changes records by an external id, which each write has among its fields. May be repeated."""
        return self._writer.upsert(sobject, external_id_field, writes)

    def create(self, sobject: str, writes: Sequence[Write], key_field: str = "") -> list[Outcome]:
        """Creates records. A call without an answer is not repeated: its records are `Unclear`.

        With `key_field`, a unique field that each write fills, many go as one bulk job, a call may be repeated, and a
        record that is there already is a success that is not `new`.
        """
        return self._writer.create(sobject, writes, key_field)

    def update(self, sobject: str, writes: Sequence[Write]) -> list[Outcome]:
        """Changes records by their id. May be repeated."""
        return self._writer.update(sobject, writes)

    def actions(self) -> frozenset[str]:
        """The names of the standard invocable actions that the user may call, as `emailSimple`; asked once."""
        return self._actions.names()

    def invoke(self, action: str, inputs: Sequence[tuple[str, Mapping[str, Any]]]) -> list[ActionOutcome]:
        """Calls a standard invocable action: the caller's key and the input of each. Not repeated after a silence."""
        return self._actions.invoke(action, inputs)

    def close(self) -> None:
        """Closes the connections; the next call opens new ones."""
        self.transport.close()

    def _pages(self, said: Any) -> Iterator[Row]:
        while True:
            page = mapping_of(said)
            yield from (self._row(one) for one in dicts_of(page.get("records")))
            if page.get("done") is not False:
                return
            following = text_of(page.get("nextRecordsUrl"))
            if not following.startswith("/services/data/"):
                raise Broken("answered a query without saying where its next page is")
            said = self.caller.ask("GET", following)

    def _row(self, said: Mapping[str, Any]) -> Row:
        return {name: self._value(value) for name, value in said.items() if name != "attributes"}

    def _value(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return list(self._pages(value)) if isinstance(value.get("records"), list) else self._row(value)
