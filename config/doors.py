"""The doors of the web app put together from the settings: what each needs, what follows from its events."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import SecretStr

from config.sections import WebSection
from core.errors import UsageError
from core.inbox import Applier
from core.listening import Forget, NamesPeople, RereadingCrm, SendsEvents, Webhook
from core.looks import CrmLooker, Looker, OrderLooker
from core.ports import Finding

if TYPE_CHECKING:
    from flask import Blueprint

    from config.assembly import App
    from webhooks.inlet import Inlet
    from webhooks.targets import Targets

CERTCENTRAL = "certcentral"
CRMS = ("hubspot", "salesforce")


def secrets(section: WebSection, door: str) -> dict[str, str]:
    """The live secrets of a door, by the names of their settings."""
    found: dict[str, SecretStr | None] = {
        name: getattr(section, name) for name in (f"{door}_secret", f"{door}_secret_before")
    }
    return {f"[web] {name}": one.get_secret_value() for name, one in found.items() if one is not None}


def doors(app: "App", inlet: "Inlet") -> list["Blueprint"]:
    """The doors of all senders. Raises `ConfigurationError` for a secret that is none."""
    from webhooks import certcentral, hubspot, mail, renewals, salesforce

    section = app.settings.sections.web
    crm = app.settings.sections.sync.crm
    return [
        renewals.door(inlet, [renewals.secret(one, name) for name, one in secrets(section, "renewals").items()]),
        certcentral.door(
            inlet,
            [certcentral.secret(one, name) for name, one in secrets(section, "certcentral").items()],
            certcentral.networks(section.certcentral_sources, "[web] certcentral_sources"),
            open_=CERTCENTRAL in app.settings.sections.sync.sources,
        ),
        hubspot.door(inlet, list(secrets(section, "hubspot").values()), section.public_url, open_=crm == "hubspot"),
        salesforce.door(
            inlet,
            list(secrets(section, "salesforce").values()),
            section.salesforce_organisation,
            open_=crm == "salesforce",
        ),
        mail.door(inlet, list(secrets(section, "mail").values())),
    ]


def targets(app: "App") -> "Targets":
    """Where renewals are done. Raises `ConfigurationError` for what is no web address, or no such place."""
    from webhooks.targets import Targets

    section = app.settings.sections.web
    usual = {"shop": section.shop_url} if section.shop_url else {}
    return Targets(usual | {"console": app.policy.brand.console_url} | dict(section.targets), section.modes)


def appliers(app: "App") -> Mapping[str, Applier]:
    """What is drawn from events that came in, by door. A CRM's events wait while it is not the one that is set."""
    from webhooks import (
        answer_events,
        certcentral_events,
        hubspot_events,
        mail_events,
        renewal_events,
        salesforce_events,
    )

    found: dict[str, Applier] = {
        renewal_events.DOOR: renewal_events.Renewals(app.policy),
        certcentral_events.DOOR: certcentral_events.apply,
        answer_events.DOOR: answer_events.Answers(app.policy),
        mail_events.DOOR: mail_events.Mails(app.policy, crm=bool(app.settings.sections.sync.crm)),
    }
    name = app.settings.sections.sync.crm
    if name == "salesforce":
        found[salesforce_events.DOOR] = salesforce_events.apply
    if name == "hubspot" and (crm := app.crm) is not None and isinstance(crm, NamesPeople):
        found[hubspot_events.DOOR] = hubspot_events.HubSpotEvents(crm, forget_of(app))
    return found


def forget_of(app: "App") -> Forget:
    """What erases a person from all that is kept here."""
    from config.people import People

    return People(app).forget_within


def lookers(app: "App") -> Mapping[str, Looker]:
    """Who is asked about what was told: order sources that send events, and a CRM that does."""
    records = bool(app.settings.sections.sync.crm)
    found: dict[str, Looker] = {
        source.name: OrderLooker(source, app.policy, records)
        for source in app.sources
        if isinstance(source, SendsEvents)
    }
    if app.settings.sections.sync.crm in CRMS and (crm := app.crm) is not None and isinstance(crm, RereadingCrm):
        found[crm.name] = CrmLooker(crm, app.policy)
    return found


def event_source(app: "App") -> SendsEvents | None:
    """The order source whose system sends events to a webhook of ours, where its door has a secret."""
    if app.settings.sections.web.certcentral_secret is None or CERTCENTRAL not in app.settings.sections.sync.sources:
        return None
    return next((source for source in app.sources if isinstance(source, SendsEvents)), None)


def setup_webhook(app: "App", name: str, dry_run: bool) -> list[Finding]:
    """Lets a source's system tell us of events. Raises `UsageError` where it tells of none, or something is not set."""
    from webhooks.certcentral_events import challenges

    section = app.settings.sections.web
    source = next(one for one in app.sources if one.name == name)
    if not isinstance(source, SendsEvents):
        raise UsageError(f"{name} sends no events")
    if not section.public_url or section.certcentral_secret is None:
        raise UsageError("set [web] public_url, and the secret of the door as NOLAPSE_WEB__CERTCENTRAL_SECRET")
    with app.store.read() as connection:
        answers = challenges(connection, datetime.now(UTC))
    url = f"{section.public_url.rstrip('/')}/webhooks/{name}"
    return source.setup_webhook(Webhook(url, section.certcentral_secret.get_secret_value(), answers), dry_run)
