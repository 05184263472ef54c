"""The results of HubSpot's batches as the engine's."""

from connectors.hubspot.batches import ItemResult
from core.errors import NolapseError
from core.ports import Handed, Result


def result_of(key: str, found: ItemResult) -> Result:
    """The fate of one item of ours, out of that of one input."""
    if found.error is None:
        return Result(key, Handed.DELIVERED, found.id)
    return Result(key, Handed.UNCERTAIN if found.unclear else Handed.FAILED, error=found.error)


def failed(key: str, error: NolapseError) -> Result:
    """An item that did not arrive."""
    return Result(key, Handed.FAILED, error=error)
