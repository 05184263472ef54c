"""External Client Apps: who may log in by which way."""

from dataclasses import dataclass, field


@dataclass
class App:
    """An app as the org knows it. `certificate` is the public key (PEM) for the JWT flow.

    `approved`: the users that its policy pre-authorises; None for everybody.
    """

    consumer_key: str
    consumer_secret: str = ""
    certificate: str = ""
    run_as: str = ""
    approved: set[str] | None = None
    installed: bool = True
    blocked: bool = False
    client_credentials: bool = True
    jwt: bool = True
    restricted_network: bool = False
    scope: str = "api"
    logins: list[str] = field(default_factory=list)
