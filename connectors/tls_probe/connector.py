"""Looks whether new certificates are installed, at the servers themselves."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from connectors.tls_probe.client import Client, Unseen
from connectors.tls_probe.mapping import served, unseen
from core.installs import Served
from core.ports import Connector, Finding

NAME = "tls_probe"


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsProbeSettings:
    """`[tls_probe]`.

    `timeout_seconds` is for each of look-up, connection and handshake; `parallel` names are looked at side by side, and
    `names_per_order` of one certificate. Without `allow_private` addresses of private networks are never connected to.
    """

    port: Annotated[int, Field(ge=1, le=65535)] = 443
    timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 5
    parallel: Annotated[int, Field(ge=1, le=64)] = 8
    names_per_order: Annotated[int, Field(ge=1, le=100)] = 5
    allow_private: bool = False


class TlsProbe:
    """Looks from this machine. It is a `Prober`."""

    name = NAME

    def __init__(self, client: Client, parallel: int = 8, names_per_order: int = 5) -> None:
        self.names_per_order = names_per_order
        self._client = client
        self._parallel = parallel

    def look(self, names: Sequence[str]) -> list[Served]:
        """What is served under each of these names, in their order; each server is asked once."""
        once = list(dict.fromkeys(names))
        if not once:
            return []
        with ThreadPoolExecutor(max_workers=min(self._parallel, len(once))) as pool:
            found = dict(zip(once, pool.map(self._look, once), strict=True))
        return [found[name] for name in names]

    def _look(self, name: str) -> Served:
        try:
            return served(name, self._client.certificate(name))
        except Unseen as why:
            return unseen(name, why)

    def check(self) -> list[Finding]:
        """What it does; there is nothing to be reached beforehand."""
        reach = "private networks too" if self._client.allow_private else "public addresses only"
        text = f"servers are asked on port {self._client.port} whether new certificates are installed; {reach}"
        return [Finding("tls_probe", True, text)]


def open_prober(settings: TlsProbeSettings, engine: object = None) -> TlsProbe:
    """The probe with these settings."""
    client = Client(settings.port, settings.timeout_seconds, settings.allow_private)
    return TlsProbe(client, settings.parallel, settings.names_per_order)


CONNECTOR = Connector(name=NAME, settings=TlsProbeSettings, prober=open_prober)
