"""`nolapse check` for Salesforce: which org, how many calls are left, what is missing, what falls back to what."""

from collections.abc import Callable, Iterator

from connectors.crm.foreign import text_of
from connectors.salesforce.capabilities import engagement_findings, mail_findings, standard_findings
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.errors import SalesforceError
from connectors.salesforce.provisioning import gaps, sets_findings, stage_finding
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.statements import ORGANIZATION
from core.errors import NolapseError
from core.ports import Finding

_SETUP = "`nolapse setup salesforce` tells what to do"
_WAYS = {
    "jwt": "logged in by JWT bearer",
    "client_credentials": "logged in by client credentials",
    "session": "in a given session",
    "password": "logged in by user name and password",
}


def run_check(client: SalesforceClient, settings: SalesforceSettings) -> list[Finding]:
    """All findings; where the org cannot be reached at all, only that. It changes nothing."""
    try:
        found = [_org(client, settings)]
    except NolapseError as error:
        return [Finding("Salesforce", False, str(error), _version_advice(client, settings, error))]
    parts: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        ("login", lambda: _login(settings)),
        ("API", lambda: _version(client, settings)),
        ("limits", lambda: _limits(client, settings)),
        ("package", lambda: _package(client, settings)),
        ("stages", lambda: iter([stage_finding(client, settings)])),
        ("fields", lambda: iter(standard_findings(client, settings))),
        ("open deals and talks", lambda: iter(engagement_findings(client, settings))),
        ("mails", lambda: iter(mail_findings(client, settings))),
    )
    for subject, ask in parts:
        try:
            found += ask()
        except NolapseError as error:
            found.append(Finding(f"Salesforce {subject}", False, str(error)))
    return found


def _org(client: SalesforceClient, settings: SalesforceSettings) -> Finding:
    org = next(client.query(ORGANIZATION()), {})
    kind = "sandbox of " if org.get("IsSandbox") is True else ""
    ends = text_of(org.get("TrialExpirationDate"))[:10]
    trial = f", which ends on {ends}" if ends else ""
    edition = text_of(org.get("OrganizationType"))
    text = f"org {text_of(org.get('Id'))} ({kind}{edition}{trial}), API {settings.api_version}, {_WAYS[settings.auth]}"
    return Finding("Salesforce", True, text)


def _login(settings: SalesforceSettings) -> Iterator[Finding]:
    if settings.auth == "password":
        text = "warning: Salesforce ends the login with user name and password in June 2027; it is off in new orgs"
        yield Finding("Salesforce login", True, text, 'make an External Client App, set salesforce.auth = "jwt"')
    if settings.auth == "session":
        text = "warning: a given session ends, and cannot be renewed; it is for tests"
        yield Finding("Salesforce login", True, text, 'set salesforce.auth = "jwt" or "client_credentials"')


def _version(client: SalesforceClient, settings: SalesforceSettings) -> Iterator[Finding]:
    spoken = client.versions()
    if spoken and settings.api_version not in spoken:
        newest = max(spoken, key=float)
        text = f"the org does not speak version {settings.api_version}; its newest is {newest}"
        yield Finding("Salesforce API", False, text, f'set salesforce.api_version = "{newest}"')


def _version_advice(client: SalesforceClient, settings: SalesforceSettings, error: NolapseError) -> str:
    """What to do where a path is not there since the org does not speak the version in it."""
    if not isinstance(error, SalesforceError) or error.details.status not in (404, 410):
        return ""
    return next((found.advice for found in _version(client, settings)), "")


def _limits(client: SalesforceClient, settings: SalesforceSettings) -> Iterator[Finding]:
    usage = client.usage
    if usage is None:
        yield Finding("Salesforce limits", True, "the org does not tell how many of its calls are used")
        return
    ours = int(usage.most * (1 - settings.daily_reserve_percent / 100))
    text = f"{usage.used} of the org's {usage.most} calls in 24 hours are used; we stop at {ours}"
    advice = "others use them up, or set salesforce.daily_reserve_percent lower"
    yield Finding("Salesforce limits", usage.used < ours, text, "" if usage.used < ours else advice)


def _package(client: SalesforceClient, settings: SalesforceSettings) -> Iterator[Finding]:
    found = gaps(client, settings)
    if not found:
        yield Finding("Salesforce package", True, "all of it that is needed is there")
    for gap in found:
        yield Finding("Salesforce package", False, f"{gap.sobject}: {gap.words()}", _SETUP)
    yield from sets_findings(client, settings, complete=not found)
