"""The section `[hubspot]`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from connectors.hubspot.paths import DEFAULT, ApiVersion


@dataclass(frozen=True)
class HubSpotSettings:
    """The section `[hubspot]`."""

    token: SecretStr | None = None
    """The token of a project app or service key; NOLAPSE_HUBSPOT__TOKEN or token_file, never in nolapse.toml."""

    base_url: str = "https://api.hubapi.com"
    """Where the API is; http only on this machine."""

    api_version: ApiVersion = DEFAULT
    """Which version of the API: 2026-03, 2026-09, or the numbered ones as a fall-back."""

    connect_timeout: Annotated[float, Field(gt=0)] = 5.0
    """Seconds to connect."""

    read_timeout: Annotated[float, Field(gt=0)] = 30.0
    """Seconds between two bytes of an answer."""

    attempts: Annotated[int, Field(ge=1, le=20)] = 5
    """How often one call is made at most."""

    longest_pause: Annotated[float, Field(ge=0)] = 30.0
    """The longest pause before a call is made again (seconds); who asks for more is tried in a later run."""

    parallel_calls: Annotated[int, Field(ge=1, le=50)] = 8
    """How many calls are under way at once."""

    calls_per_10_seconds: Annotated[int, Field(ge=1)] = 100
    """The app's limit: 100 on Free and Starter, 190 on Professional and Enterprise, 250 with the add-on."""

    calls_per_day: Annotated[int, Field(ge=1)] = 250_000
    """The account's limit, shared by all its apps: 250000, 625000, 1000000 by tier."""

    daily_reserve_percent: Annotated[int, Field(ge=0, lt=100)] = 50
    """How much of the account's day is left to its other apps."""

    searches_per_second: Annotated[int, Field(ge=1)] = 5
    """The account's limit of searches."""

    record: Literal["ticket", "deal", "custom"] = "ticket"
    """What an order is in HubSpot: a ticket (every tier), a deal, or a custom object (Enterprise)."""

    custom_object: str = "certificate_order"
    """The name of the custom object's schema."""

    pipeline: str = ""
    """The name or id of an existing pipeline to use; empty: one of our own, which `nolapse setup hubspot` makes."""

    stages: tuple[str, ...] = ()
    """With `pipeline`: its stage for each of ours, as "upcoming=New"; for one that is not named a record stays put."""

    forecast_deals: bool = False
    """Whether each account gets one deal a month for the renewals that end in it."""

    forecast_pipeline: str = "default"
    """The id of the deals' pipeline in which they stand."""

    open_deals: bool = True
    """Whether an open deal of a customer, other than ours, turns our calls into notes."""

    create: Literal["never", "contacts", "always"] = "never"
    """What is made for customers that HubSpot does not know: nothing, contacts, or companies and contacts."""

    shared_domains: tuple[str, ...] = ()
    """Mail domains that many of your customers share, besides free mail: they never say which company somebody is of."""

    owners: tuple[str, ...] = ()
    """Reps whose address differs in HubSpot, as "rep-7=64492917": our rep key and HubSpot's owner id."""

    due_hour: Annotated[int, Field(ge=0, le=23)] = 9
    """The hour (UTC) of its day at which a task is due."""

    single_send_id: Annotated[int, Field(ge=0)] = 0
    """With mail.via = "hubspot": the id of the transactional e-mail that carries our mails."""

    sequence_id: str = ""
    """With mail.via = "hubspot": the sequence for contacts whose `nolapse_use_sequence` is set; empty: none."""

    subscription_id: Annotated[int, Field(ge=0)] = 0
    """The subscription type of offers, out of which somebody who refuses offers is opted; 0: the contact is marked only."""
