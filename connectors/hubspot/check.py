"""`nolapse check` for HubSpot: which account, which limits, what may be done, what is missing, what falls back to what."""

from collections.abc import Callable, Sequence

from connectors.hubspot.blueprint import holders
from connectors.hubspot.capabilities import (
    Need,
    has_custom_objects,
    has_sequences,
    has_transactional_mail,
    needs,
    seen_besides,
    unmet,
)
from connectors.hubspot.client import HubSpotClient
from connectors.hubspot.errors import Denied, HubSpotError, Refused
from connectors.hubspot.fields import FIELDS, Holder, unique_field
from connectors.hubspot.layout import Layout, layout_of, object_type_of
from connectors.hubspot.made import Made
from connectors.hubspot.portal import Account, Portal
from connectors.hubspot.settings import HubSpotSettings
from core.errors import NolapseError
from core.ports import Finding

_SETUP = "run `nolapse setup hubspot`"


class Check:
    """One look at one account; it changes nothing."""

    def __init__(self, settings: HubSpotSettings, client: HubSpotClient, made: Callable[[str], Made]) -> None:
        self._settings = settings
        self._client = client
        self._portal = Portal(client)
        self._made = made

    def run(self) -> list[Finding]:
        """All findings; where the account cannot be reached at all, only that."""
        try:
            account = self._portal.account
        except NolapseError as error:
            return [Finding("HubSpot", False, str(error), self._version_advice(error))]
        kind = f" ({account.kind.lower().replace('_', ' ')})" if account.kind else ""
        text = f"account {account.portal_id}{kind}, API {self._settings.api_version}"
        found = [Finding("HubSpot", True, text)]
        usage, findings = self._limits()
        found += findings
        layout: list[Layout] = []
        parts: Sequence[tuple[str, Callable[[], list[Finding]]]] = (
            ("pipeline", lambda: self._layout(account, layout)),
            ("scopes", lambda: self._scopes(layout)),
            ("open deals and talks", self._engagements),
            ("properties", lambda: self._properties(layout)),
            ("custom objects", lambda: self._custom_objects(usage)),
            ("sequences", self._sequences),
            ("transactional mail", self._transactional),
        )
        for subject, ask in parts:
            try:
                found += ask()
            except NolapseError as error:
                found.append(Finding(f"HubSpot {subject}", False, str(error)))
        return found

    def _version_advice(self, error: NolapseError) -> str:
        if isinstance(error, HubSpotError) and error.details.status in (404, 405):
            return 'this version may be gone; set hubspot.api_version to another, "numbered" at last'
        return ""

    def _limits(self) -> tuple[Account, list[Finding]]:
        account, said = self._portal.account, self._settings
        own = int(said.calls_per_day * (1 - said.daily_reserve_percent / 100))
        mine = f"we make at most {own} calls a day and {said.calls_per_10_seconds} in 10 seconds"
        try:
            account = self._portal.usage()
        except (Denied, Refused):
            return account, [Finding("HubSpot limits", True, f"{mine}; the account's own are not told to this token")]
        except NolapseError as error:
            return account, [Finding("HubSpot limits", False, str(error))]
        limit, used = account.daily_limit, account.daily_used
        if limit is None:
            return account, [Finding("HubSpot limits", True, f"{mine}; the account does not tell its own")]
        text = f"{used or 0} of the account's {limit} calls of today are used; {mine}"
        if limit < said.calls_per_day:
            return account, [Finding("HubSpot limits", False, text, f"set hubspot.calls_per_day = {limit}")]
        return account, [Finding("HubSpot limits", True, text)]

    def _layout(self, account: Account, layout: list[Layout]) -> list[Finding]:
        layout.append(layout_of(self._portal, self._settings, self._made(account.portal_id)))
        stages = len(layout[0].stages)
        return [Finding("HubSpot pipeline", True, f"{layout[0].object_type} in a pipeline with {stages} of our stages")]

    def _scopes(self, layout: list[Layout]) -> list[Finding]:
        wanted = needs(self._client, self._settings, self._record_type(layout))
        missing = unmet(self._client, wanted)
        if not missing:
            return [Finding("HubSpot scopes", True, f"the token may do all {len(wanted)} things that are needed")]
        return [
            Finding("HubSpot scopes", False, f"the token may not {need.what}", f"add the scope {need.scope}")
            for need in missing
        ]

    def _engagements(self) -> list[Finding]:
        subject = "HubSpot open deals and talks"
        wanted = seen_besides(self._client, self._settings)
        missing = unmet(self._client, wanted)
        if not missing:
            return [Finding(subject, True, f"turn calls into notes; {_listed(wanted)} are seen")]
        text = f"warning: {_listed(missing)} are not seen, so that calls are made all the same"
        scopes = ", ".join(dict.fromkeys(need.scope for need in missing))
        return [Finding(subject, True, text, f"add the scope {scopes}")]

    def _record_type(self, layout: list[Layout]) -> str:
        if layout:
            return layout[0].object_type
        return "" if self._settings.record == "custom" else f"{self._settings.record}s"

    def _properties(self, layout: list[Layout]) -> list[Finding]:
        missing: list[str] = []
        found: list[Finding] = []
        for holder in holders(self._settings):
            object_type = object_type_of(holder, self._record_type(layout))
            if not object_type:
                continue
            there = self._portal.properties(object_type)
            missing += [f"{object_type}.{field.name}" for field in FIELDS[holder] if field.name not in there]
            key = there.get(unique_field(holder).name)
            if holder is Holder.TASK and key is not None:
                found.append(_task_keys(unique=key.unique))
        if missing:
            return [*found, Finding("HubSpot properties", False, f"{', '.join(missing)} are missing", _SETUP)]
        return [*found, Finding("HubSpot properties", True, "all are there")]

    def _custom_objects(self, account: Account) -> list[Finding]:
        wanted = self._settings.record == "custom"
        has = has_custom_objects(self._client, account.daily_limit)
        if has is False:
            text = "not part of this account's subscription, or the token lacks crm.schemas.custom.read"
            if wanted:
                return [Finding("HubSpot custom objects", False, text, 'set hubspot.record = "ticket"')]
            return [Finding("HubSpot custom objects", True, f"{text}; orders are {self._settings.record}s")]
        told = (
            "can be made" if has else "can be read; `nolapse setup hubspot` shows whether one can be made (Enterprise)"
        )
        kept = "" if wanted else f"; orders are {self._settings.record}s"
        return [Finding("HubSpot custom objects", True, told + kept)]

    def _sequences(self) -> list[Finding]:
        user = next((owner.user_id for owner in self._client.owners() if owner.active and owner.user_id), "")
        if has_sequences(self._client, user):
            text = "can be used; who enrols needs a Sales or Service seat and an inbox"
            return [Finding("HubSpot sequences", True, text)]
        text = "not available (Professional with a seat, scope automation.sequences.read); our own mails go instead"
        wanted = bool(self._settings.sequence_id)
        return [Finding("HubSpot sequences", not wanted, text, "set hubspot.sequence_id to nothing" if wanted else "")]

    def _transactional(self) -> list[Finding]:
        if has_transactional_mail(self._client):
            return [Finding("HubSpot transactional mail", True, "can be sent")]
        text = "not available (add-on of Marketing Professional, scope transactional-email); mails go by SMTP instead"
        wanted = bool(self._settings.single_send_id)
        return [Finding("HubSpot transactional mail", not wanted, text, 'set mail.via = "smtp"' if wanted else "")]


def _listed(needs: Sequence[Need]) -> str:
    return ", ".join(need.what.removeprefix("read ") for need in needs)


def _task_keys(*, unique: bool) -> Finding:
    if unique:
        return Finding("HubSpot tasks", True, "are made once by their unique key")
    text = "cannot have a unique key here; after a broken call ours are looked up by what they are associated with"
    return Finding("HubSpot tasks", True, text)
