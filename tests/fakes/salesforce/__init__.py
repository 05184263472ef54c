"""A stand-in for a Salesforce org that speaks its REST API over real HTTP and remembers what it was told.

`running_salesforce()` starts one; its `org` is the org, and what a test does to it; its counts say which calls came; it
goes wrong where it is told to. It is strict: only documented paths, parameters and fields, JSON values of the right
types, at most 200 records in a call. `python -m tests.fakes.salesforce` runs one by itself.

Documented operations stand in the modules whose names end in `_api`.
"""

from importlib import import_module
from pkgutil import iter_modules

from tests.fakes.hubspot.clock import ManualClock, RealClock
from tests.fakes.hubspot.tally import Came
from tests.fakes.salesforce.apps import App
from tests.fakes.salesforce.fields import FieldDef
from tests.fakes.salesforce.objects import ObjectDef
from tests.fakes.salesforce.org import SESSION, Org
from tests.fakes.salesforce.server import SalesforceServer, running_salesforce

for _module in iter_modules(__path__):
    if _module.name.endswith("_api"):
        import_module(f"{__name__}.{_module.name}")

__all__ = [
    "SESSION",
    "App",
    "Came",
    "FieldDef",
    "ManualClock",
    "ObjectDef",
    "Org",
    "RealClock",
    "SalesforceServer",
    "running_salesforce",
]
