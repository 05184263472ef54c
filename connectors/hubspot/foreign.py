"""HubSpot's JSON, typed where it is used."""

from collections.abc import Mapping
from typing import Any

from connectors.crm.foreign import dicts_of, mapping_of, text_of

__all__ = ["dicts_of", "mapping_of", "properties_of", "text_of"]


def properties_of(said: Mapping[str, Any]) -> dict[str, str]:
    """The properties of a record as it was answered; what is null or not there has no entry."""
    properties = mapping_of(said.get("properties"))
    return {str(name): str(value) for name, value in properties.items() if value is not None}
