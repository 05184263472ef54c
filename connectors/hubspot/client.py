"""What Nolapse asks of HubSpot's API, typed; each object type by its name, as `tickets`, `contacts`, `tasks`, `2-123`.

Each batch may be of any size: it is sent in parts of a hundred, several at once, within the limits.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from connectors.hubspot.batches import MOST, Batches, ItemResult, Write
from connectors.hubspot.calls import Caller, Gate, OpenGate, Patience
from connectors.hubspot.errors import Broken, Refused, details_of
from connectors.hubspot.foreign import dicts_of, mapping_of, properties_of
from connectors.hubspot.objects import (
    AssociationType,
    CrmObject,
    Filter,
    Owner,
    Pair,
    ends_of,
    input_of,
    link_body,
    marks_by,
    next_page,
    object_of,
    owner_of,
    pair_marks,
    results_of,
    type_body,
)
from connectors.hubspot.paths import DEFAULT, ApiVersion
from connectors.hubspot.transport import Answer, Query, Timeouts, Transport, answer_of
from core.batches import batched

SEARCH_PAGE = 200
_OWNER_PAGE = 500
_ALSO_KNOWN_BY = {"": "hs_merged_object_ids", "email": "hs_additional_emails"}
"""By what a batch goes: the property with the other names of a record, separated by semicolons."""

_NOT_FOUND = frozenset({"OBJECT_NOT_FOUND", "NO_ASSOCIATIONS_FOUND"})


@dataclass
class HubSpotClient:
    """The API. Safe for use by several threads; raises `HubSpotError`, and `RetriableError` where the limits are used up.

    The results of batches hold the errors of single records instead.
    """

    token: str = field(repr=False)
    base_url: str = "https://api.hubapi.com"
    version: ApiVersion = DEFAULT
    timeouts: Timeouts = field(default_factory=Timeouts)
    patience: Patience = field(default_factory=Patience)
    gate: Gate = field(default_factory=OpenGate)
    parallel: int = 8

    def __post_init__(self) -> None:
        self.transport = Transport(self.token, self.base_url, self.version, self.timeouts, self.parallel)
        self.caller = Caller(self.gate, self.patience)
        self._crm = self.transport.sdk.crm

    def call(
        self, method: str, path: str, query: Query = (), body: Any = None, *, repeatable: bool, search: bool = False
    ) -> Any:
        """The JSON of a success of any endpoint, by its numbered path."""
        return self.caller.ask(
            lambda: self.transport.call(method, path, query, body), repeatable=repeatable, search=search
        )

    def batch_upsert(self, object_type: str, writes: Sequence[Write], id_property: str) -> list[ItemResult]:
        """Creates or changes records by a unique property, whose value is each write's `id`. May be repeated."""
        inputs = [(write.key, {**input_of(write), "id": write.id, "idProperty": id_property}) for write in writes]
        api = self._crm.objects.batch_api
        return self._batches(True).run(
            inputs, lambda bodies: api.upsert(object_type, {"inputs": bodies}), marks_by(id_property)
        )

    def batch_update(self, object_type: str, writes: Sequence[Write], id_property: str = "") -> list[ItemResult]:
        """Changes records that exist, by their id or by the unique property. May be repeated."""
        by = {"idProperty": id_property} if id_property else {}
        inputs = [(write.key, {**input_of(write), "id": write.id, **by}) for write in writes]
        api = self._crm.objects.batch_api
        return self._batches(True).run(
            inputs, lambda bodies: api.update(object_type, {"inputs": bodies}), marks_by(id_property)
        )

    def batch_create(
        self, object_type: str, writes: Sequence[Write], key_property: str = "", *, repeatable: bool = False
    ) -> list[ItemResult]:
        """Creates records with their associations. Not repeated where nobody can tell whether it was done.

        `key_property` names a property with a value of its own for each write, by which an answer is known again that
        does not tell the trace.
        """
        inputs = [
            (write.key, {**input_of(write), "associations": [link_body(one) for one in write.links]})
            for write in writes
        ]
        by_value = {value: write.key for write in writes if (value := write.properties.get(key_property, ""))}
        api = self._crm.objects.batch_api

        def marks(result: Mapping[str, Any]) -> list[str]:
            value = properties_of(result).get(key_property, "")
            return [str(result.get("objectWriteTraceId") or ""), by_value.get(value, "")]

        return self._batches(repeatable).run(inputs, lambda bodies: api.create(object_type, {"inputs": bodies}), marks)

    def batch_read(
        self, object_type: str, ids: Sequence[str], properties: Sequence[str], id_property: str = ""
    ) -> dict[str, CrmObject]:
        """The records that exist, by the id asked for: their own, or the value of the unique property.

        A record that was merged into another stands for both, and a contact for each of its addresses. Raises
        `HubSpotError` where any part of it could not be read.
        """
        wanted = list(dict.fromkeys(ids))
        also = _ALSO_KNOWN_BY.get(id_property, "")
        asked = list(dict.fromkeys(name for name in (*properties, id_property, also) if name))
        by_text = {id.casefold(): id for id in wanted} | {id: id for id in wanted}
        found: dict[str, CrmObject] = {}
        for said in self._read_parts(object_type, wanted, asked, id_property):
            record = object_of(said)
            own = record.properties.get(id_property, "") if id_property else record.id
            for name in (own, *record.properties.get(also, "").split(";")):
                if (id := by_text.get(name) or by_text.get(name.casefold())) is not None:
                    found[id] = record
        return found

    def search(
        self,
        object_type: str,
        filters: Sequence[Filter] | Sequence[Sequence[Filter]],
        properties: Sequence[str],
    ) -> Iterator[CrmObject]:
        """Every record that meets all filters of one group, in the order of their ids.

        Pages are walked by id, so that HubSpot's end of a search at 10,000 results does not matter. What was written
        during the last moments may be missing.
        """
        groups = [list(group) for group in filters if isinstance(group, Sequence)] or [
            [one for one in filters if isinstance(one, Filter)]
        ]
        last = ""
        while True:
            results = self._page(object_type, groups, properties, last)
            yield from (object_of(one) for one in results)
            if len(results) < SEARCH_PAGE:
                return
            before, last = last, str(results[-1].get("id", ""))
            if last in ("", before):
                raise Broken("answered a search with results that have no order; check hubspot.api_version")

    def associate(self, from_type: str, to_type: str, pairs: Sequence[Pair]) -> list[ItemResult]:
        """Associates records; the result of each pair is under its `key`. May be repeated."""
        api = self._crm.associations.v4.batch_api
        plain = [pair for pair in pairs if pair.type_id is None]
        typed = [pair for pair in pairs if pair.type_id is not None]
        results: list[ItemResult] = []
        if plain:
            inputs = [(pair.key, ends_of(pair)) for pair in plain]
            results += self._batches(True).run(
                inputs, lambda bodies: api.create_default(from_type, to_type, {"inputs": bodies}), pair_marks
            )
        if typed:
            inputs = [
                (pair.key, {**ends_of(pair), "types": [type_body(pair.type_id, pair.category)]}) for pair in typed
            ]
            results += self._batches(True).run(
                inputs, lambda bodies: api.create(from_type, to_type, {"inputs": bodies}), pair_marks
            )
        return results

    def associated(self, from_type: str, to_type: str, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The ids of the records with which each is associated; those with none have no entry. Not delayed."""
        api = self._crm.associations.v4.batch_api
        found: dict[str, list[str]] = {}
        asked: list[dict[str, str]] = [{"id": id} for id in dict.fromkeys(ids)]
        while asked:
            answers = self._each_part(asked, lambda part: api.get_page(from_type, to_type, {"inputs": part}))
            asked = []
            for said in answers:
                id = str(mapping_of(said.get("from")).get("id", ""))
                found.setdefault(id, []).extend(str(one.get("toObjectId", "")) for one in dicts_of(said.get("to")))
                if after := next_page(said):
                    asked.append({"id": id, "after": after})
        return {id: tuple(dict.fromkeys(others)) for id, others in found.items() if others}

    def association_types(self, from_type: str, to_type: str) -> list[AssociationType]:
        """The kinds of association between two objects; those with custom objects differ from portal to portal."""
        api = self._crm.associations.v4.schema.definitions_api
        said = self.caller.ask(lambda: api.get_all(from_type, to_type))
        return [
            AssociationType(int(one["typeId"]), str(one.get("category", "")), str(one.get("label") or ""))
            for one in results_of(said)
            if str(one.get("typeId", "")).isdigit()
        ]

    def owners(self, *, archived: bool = False) -> list[Owner]:
        """Everybody who can own records, or who could once."""
        api = self._crm.owners.owners_api
        return [owner_of(one) for one in self._pages(api.get_page, limit=_OWNER_PAGE, archived=archived)]

    def close(self) -> None:
        """Closes the connections."""
        self.transport.close()

    def _pages(self, page: Callable[..., Any], **options: Any) -> Iterator[Mapping[str, Any]]:
        """Every result of a listing that is paged by `after`."""
        after: dict[str, str] = {}
        while True:
            said = self.caller.ask(partial(page, **options, **after))
            yield from results_of(said)
            following = next_page(mapping_of(said))
            if not following or following == after.get("after"):
                return
            after = {"after": following}

    def _page(
        self, object_type: str, groups: Sequence[Sequence[Filter]], properties: Sequence[str], last: str
    ) -> list[Mapping[str, Any]]:
        beyond = [Filter("hs_object_id", "GT", last)] if last else []
        body = {
            "filterGroups": [{"filters": [one.body() for one in [*group, *beyond]]} for group in groups],
            "sorts": ["hs_object_id"],
            "properties": list(properties),
            "limit": SEARCH_PAGE,
            "after": "0",
        }
        api = self._crm.objects.search_api
        return results_of(self.caller.ask(lambda: api.do_search(object_type, body), search=True))

    def _read_parts(
        self, object_type: str, ids: Sequence[str], properties: Sequence[str], id_property: str
    ) -> list[Mapping[str, Any]]:
        api = self._crm.objects.batch_api
        by = {"idProperty": id_property} if id_property else {}

        def read(part: list[dict[str, str]]) -> Answer:
            body = {"inputs": part, "properties": list(properties), "propertiesWithHistory": [], **by}
            return answer_of(api.read(object_type, body))

        return self._each_part([{"id": id} for id in ids], read)

    def _each_part(
        self, inputs: Sequence[dict[str, str]], ask: Callable[[list[dict[str, str]]], Any]
    ) -> list[Mapping[str, Any]]:
        """The results of a reading batch endpoint, part by part, several at once; what is not found is left out."""
        parts = list(batched(inputs, MOST))
        if not parts:
            return []
        with ThreadPoolExecutor(min(self.parallel, len(parts)), thread_name_prefix="hubspot") as pool:
            answers = pool.map(lambda part: self.caller.ask(lambda: ask(part)), parts)
            return [one for said in answers for one in self._found(said)]

    def _found(self, said: Any) -> list[Mapping[str, Any]]:
        for error in dicts_of(mapping_of(said).get("errors")):
            details = details_of(207, error)
            if details.category not in _NOT_FOUND and details.sub_category not in _NOT_FOUND:
                raise Refused("a part of what was asked for could not be read", details)
        return results_of(said)

    def _batches(self, repeatable: bool) -> Batches:
        return Batches(self.caller, self.parallel, repeatable)
