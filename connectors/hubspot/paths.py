"""The version of HubSpot's API, in this one place.

The SDK and our own code name every path as the numbered versions have it; `in_version` turns that into the path of the
version that is set. Dated versions appear each March and September and are supported for 18 months; the numbered ones
end in March (v4) and September 2027 (v1 to v3).
"""

import re
from typing import Literal

ApiVersion = Literal["2026-03", "2026-09", "numbered"]

DEFAULT: ApiVersion = "2026-03"

_FAMILIES: tuple[tuple[str, str], ...] = (
    # Associations of single records moved under their objects, those in batches did not.
    (r"/crm/v[34]/objects(?=/|$)", "/crm/objects/{version}"),
    (r"/crm/v4/associations(?=/|$)", "/crm/associations/{version}"),
    (r"/crm/v3/(properties|owners|pipelines|lists)(?=/|$)", r"/crm/\1/{version}"),
    (r"/crm-object-schemas/v3(?=/|$)", "/crm-object-schemas/{version}"),
    (r"/automation/v4/sequences(?=/|$)", "/automation/sequences/{version}"),
    (r"/communication-preferences/v4(?=/|$)", "/communication-preferences/{version}"),
    (r"/marketing/v3/transactional(?=/|$)", "/marketing/transactional/{version}"),
    (r"/account-info/v3(?=/|$)", "/account-info/{version}"),
)
_RULES = tuple((re.compile(rule), path) for rule, path in _FAMILIES)


def in_version(path: str, version: ApiVersion) -> str:
    """The path of that version; one that has no dated form keeps its number."""
    if version == "numbered":
        return path
    for rule, dated in _RULES:
        changed, count = rule.subn(dated.format(version=version), path, count=1)
        if count and rule.match(path):
            return changed.rstrip("/")
    return path
