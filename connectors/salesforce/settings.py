"""The section `[salesforce]`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, SecretStr

API_VERSION = "66.0"
"""The version of the API that every call names; the one place where it stands."""


@dataclass(frozen=True)
class SalesforceSettings:
    """The section `[salesforce]`."""

    auth: Literal["jwt", "client_credentials", "session", "password"] = "jwt"
    """How to log in: jwt or client_credentials by an External Client App; session for tests; password ends in 2027."""

    domain: str = ""
    """The org's My Domain, as "acme.my" or "acme--uat.sandbox.my"; jwt also takes login or test."""

    consumer_key: str = ""
    """The consumer key of the External Client App."""

    consumer_secret: SecretStr | None = None
    """With client_credentials; NOLAPSE_SALESFORCE__CONSUMER_SECRET or consumer_secret_file, never in nolapse.toml."""

    username: str = ""
    """With jwt and password: the integration user's name in Salesforce."""

    private_key: SecretStr | None = None
    """With jwt: the private key (PEM); NOLAPSE_SALESFORCE__PRIVATE_KEY or private_key_file, never in nolapse.toml."""

    password: SecretStr | None = None
    """With password; NOLAPSE_SALESFORCE__PASSWORD or password_file, never in nolapse.toml."""

    security_token: SecretStr | None = None
    """With password; NOLAPSE_SALESFORCE__SECURITY_TOKEN or security_token_file, never in nolapse.toml."""

    session_id: SecretStr | None = None
    """With session: an access token that somebody else has got, for tests; it cannot be renewed."""

    base_url: str = ""
    """Where the org and its login are, in place of https://<domain>.salesforce.com; http only on this machine."""

    api_version: Annotated[str, Field(pattern=r"^\d\d\.0$")] = API_VERSION
    """The version of the API."""

    connect_timeout: Annotated[float, Field(gt=0)] = 5.0
    """Seconds to connect."""

    read_timeout: Annotated[float, Field(gt=0)] = 120.0
    """Seconds between two bytes of an answer; an org's own automation runs before a write is answered."""

    attempts: Annotated[int, Field(ge=1, le=20)] = 5
    """How often one call is made at most, and how often a locked record is tried."""

    longest_pause: Annotated[float, Field(ge=0)] = 30.0
    """The longest pause before a call is made again (seconds)."""

    parallel_calls: Annotated[int, Field(ge=1, le=20)] = 4
    """How many calls are under way at once; an org takes 25 that last 20 seconds or more, a developer org 5."""

    daily_reserve_percent: Annotated[int, Field(ge=0, lt=100)] = 20
    """How much of the org's calls in 24 hours is left to its other integrations."""

    bulk_from: Annotated[int, Field(ge=1)] = 2000
    """From so many records at once Bulk API 2.0 is used instead of calls of 200."""

    bulk_minutes: Annotated[float, Field(gt=0)] = 60.0
    """How long a bulk job is waited for."""

    record: Literal["custom", "case", "opportunity"] = "custom"
    """What an order is in Salesforce: a record of our own object Certificate_Order__c, a case, or an opportunity."""

    record_type: str = ""
    """The API name of the record type that cases or opportunities of ours get; empty: the user's default."""

    stages: tuple[str, ...] = ()
    """With case or opportunity: its status or stage for each of ours, as "upcoming=New"; others stay where they are."""

    create: Literal["never", "contacts", "always"] = "never"
    """What is made for customers that Salesforce does not know: nothing, contacts, or accounts and contacts."""

    match: tuple[Literal["people", "website", "name"], ...] = ("people", "website")
    """How accounts are found that do not carry our key: by their contacts' addresses, their website, their name."""

    shared_domains: tuple[str, ...] = ()
    """Mail domains that many of your customers share, besides free mail: they never say whose account somebody is of."""

    owners: tuple[str, ...] = ()
    """Reps whose address differs in Salesforce, as "rep-7=005xx0000012345": our rep key and the user's id."""

    fallback_owner: str = ""
    """Who gets what an inactive user without a deputy would own: a rep key, or the id of a user or queue."""

    reminder_hour: Annotated[int, Field(ge=-1, le=23)] = 8
    """The hour (UTC) at which Salesforce reminds of a task on its day; -1: it does not."""

    forecast_opportunities: bool = False
    """Whether each account gets one opportunity a month for the renewals that end in it."""

    forecast_stages: tuple[str, ...] = ("open=Qualification", "won=Closed Won", "lost=Closed Lost")
    """The stages of these opportunities while a renewal may still come, and when the last one is settled."""

    open_deals: bool = True
    """Whether an open opportunity of a customer, other than ours, turns our calls into notes."""

    log_mails: Literal["email", "task"] = "email"
    """What a mail that went out is logged as: an e-mail message where the org has them, or a completed task."""

    mail_sender: Literal["org_wide", "user"] = "org_wide"
    """With mail.via = "salesforce": whether mails come from the org-wide address of mail.sender, or from our user."""

    cadence: str = ""
    """With mail.via = "salesforce": the sales cadence, by name or id, for contacts marked for it; empty: none."""
