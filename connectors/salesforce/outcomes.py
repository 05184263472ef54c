"""What became of writes, as the engine wants to know it."""

from connectors.salesforce.errors import Unclear
from connectors.salesforce.records import Outcome
from core.errors import NolapseError
from core.ports import Handed, Result


def result_of(key: str, found: Outcome) -> Result:
    """The fate of one item of ours, out of that of one write."""
    return Result(key, Handed.DELIVERED, found.id) if found.error is None else failed(key, found.error)


def failed(key: str, error: NolapseError) -> Result:
    """An item that did not arrive, or of which nobody knows whether it did."""
    return Result(key, Handed.UNCERTAIN if isinstance(error, Unclear) else Handed.FAILED, error=error)
