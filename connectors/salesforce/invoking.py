"""Standard invocable actions, such as `emailSimple` and those of Sales Engagement, by the REST API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from connectors.crm.foreign import dicts_of, mapping_of, text_of
from connectors.salesforce.calls import Caller
from connectors.salesforce.errors import SalesforceError, Unclear
from connectors.salesforce.records import ActionOutcome
from connectors.salesforce.retry import record_error
from connectors.salesforce.transport import Answer
from core.batches import batched
from core.errors import NolapseError

MOST = 100
"""Inputs in one call."""


@dataclass
class Actions:
    """The actions that the user may call."""

    caller: Caller
    _names: frozenset[str] | None = None

    def names(self) -> frozenset[str]:
        """Their names; asked once."""
        if self._names is None:
            said = mapping_of(self.caller.ask("GET", "actions/standard"))
            self._names = frozenset(text_of(one.get("name")) for one in dicts_of(said.get("actions")))
        return self._names

    def invoke(self, action: str, inputs: Sequence[tuple[str, Mapping[str, Any]]]) -> list[ActionOutcome]:
        """What an action made of each input."""
        return [outcome for part in batched(inputs, MOST) for outcome in self._part(action, part)]

    def _part(self, action: str, part: Sequence[tuple[str, Mapping[str, Any]]]) -> list[ActionOutcome]:
        body = {"inputs": [dict(one) for _, one in part]}
        path = f"actions/standard/{quote(action, safe='')}"
        try:
            answer = self.caller.make("POST", path, body=body, repeatable=False, also=_is_of_inputs)
        except NolapseError as error:
            return [ActionOutcome(key, error=_about(error, key)) for key, _ in part]
        results = _results(answer)
        if len(results) != len(part):
            unclear = Unclear(f"answered {len(results)} results for {len(part)} inputs of the action {action}")
            return [ActionOutcome(key, error=unclear.about(key)) for key, _ in part]
        return [_outcome(key, result) for (key, _), result in zip(part, results, strict=True)]


def _is_of_inputs(answer: Answer) -> bool:
    """Whether a refusal tells the fate of each input: with one that fails, the whole answer is 400."""
    return answer.status == 400 and any("isSuccess" in one for one in _results(answer))


def _results(answer: Answer) -> list[Mapping[str, Any]]:
    try:
        return dicts_of(answer.json())
    except ValueError:
        return []


def _outcome(key: str, result: Mapping[str, Any]) -> ActionOutcome:
    if result.get("isSuccess") is True:
        return ActionOutcome(key, mapping_of(result.get("outputValues")))
    return ActionOutcome(key, error=record_error(result.get("errors")).about(key))


def _about(error: NolapseError, key: str) -> NolapseError:
    return error.about(key) if isinstance(error, SalesforceError) else error
