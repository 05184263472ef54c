"""A stand-in for HubSpot's CRM that speaks its API over real HTTP and remembers what it was told.

`running_hubspot()` starts one; its `world` is the portal, and what a test does to it; its counts say which calls came;
it goes wrong where it is told to. It is strict: only documented paths, parameters and fields, all that are documented
as needed, property values as strings, at most 100 inputs in a batch.

Documented operations stand in the modules whose names end in `_api`.
"""

from importlib import import_module
from pkgutil import iter_modules

from tests.fakes.hubspot.clock import ManualClock, RealClock
from tests.fakes.hubspot.limits import ENTERPRISE, PROFESSIONAL, STARTER, Limits
from tests.fakes.hubspot.server import TRUE_LATENCY, HubSpotServer, running_hubspot
from tests.fakes.hubspot.tally import Came
from tests.fakes.hubspot.world import TOKEN, World

for _module in iter_modules(__path__):
    if _module.name.endswith("_api"):
        import_module(f"{__name__}.{_module.name}")

__all__ = [
    "ENTERPRISE",
    "PROFESSIONAL",
    "STARTER",
    "TOKEN",
    "TRUE_LATENCY",
    "Came",
    "HubSpotServer",
    "Limits",
    "ManualClock",
    "RealClock",
    "World",
    "running_hubspot",
]
