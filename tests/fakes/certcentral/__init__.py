"""A stand-in for DigiCert CertCentral: the Services API v2 and the Partner Subscriptions API, over real HTTP."""

from tests.fakes.certcentral.limits import RollingLimits, no_limits
from tests.fakes.certcentral.portfolio import SeededPortfolio
from tests.fakes.certcentral.quirks import Quirks
from tests.fakes.certcentral.records import Key, Order, Organisation, Person
from tests.fakes.certcentral.server import CertCentral, running_certcentral
from tests.fakes.certcentral.world import KEY, World, person

__all__ = [
    "KEY",
    "CertCentral",
    "Key",
    "Order",
    "Organisation",
    "Person",
    "Quirks",
    "RollingLimits",
    "SeededPortfolio",
    "World",
    "no_limits",
    "person",
    "running_certcentral",
]
