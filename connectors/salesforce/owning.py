"""Writes whose owner has left the org: they go once more, to whoever stands in."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from connectors.salesforce.errors import SalesforceError
from connectors.salesforce.records import Outcome, Write
from connectors.salesforce.target import Target

REFUSED = frozenset({"INACTIVE_OWNER_OR_USER", "OP_WITH_INVALID_USER_TYPE_EXCEPTION"})
"""The codes with which Salesforce refuses an owner: one who is inactive, or of a licence that owns nothing."""

Send = Callable[[Sequence[Write]], list[Outcome]]


def with_owners(target: Target, send: Send, writes: Sequence[Write]) -> tuple[list[Outcome], dict[str, str]]:
    """Sends writes. One whose owner is refused goes to the deputy or the fallback, or without an owner to our own user.

    Gives the outcomes in the order of the writes, and by key the owner each was given at last, where it was given one.
    """
    if not writes:
        return [], {}
    sent = {one.key: one for one in writes}
    outcomes = {one.key: one for one in send(writes)}
    refused = [one for one in writes if "OwnerId" in one.fields and _refuses_owner(outcomes[one.key])]
    if refused:
        for one in refused:
            target.left(one.fields["OwnerId"])
        again = [_instead(target, one) for one in refused]
        sent |= {one.key: one for one in again}
        outcomes |= {one.key: one for one in send(again)}
    owners = {key: one.fields["OwnerId"] for key, one in sent.items() if "OwnerId" in one.fields}
    return [outcomes[one.key] for one in writes], owners


def _refuses_owner(outcome: Outcome) -> bool:
    return isinstance(outcome.error, SalesforceError) and outcome.error.details.code in REFUSED


def _instead(target: Target, write: Write) -> Write:
    kept = {name: value for name, value in write.fields.items() if name != "OwnerId"}
    owner_id = target.owner_id(target.rep_key(write.fields["OwnerId"]))
    return replace(write, fields=kept | ({"OwnerId": owner_id} if owner_id else {}))
