"""What `nolapse check` says of CertCentral: key, region, account, rights, features, notices. In plain words."""

from collections.abc import Callable, Iterator
from io import BytesIO

from connectors.certcentral import mapping
from connectors.certcentral.client import AbsentError, Client, RefusedError
from connectors.certcentral.writing import Wishes
from core import notices
from core.errors import NolapseError
from core.model import BadRow
from core.ports import Finding
from core.store import Store

SUBJECT = "CertCentral"
_LOOKED_AT = 100


def findings(
    client: Client, other_region: Callable[[], Client | None], wishes: Wishes, *, subaccounts: bool
) -> Iterator[Finding]:
    """Whether the key opens the account, and what is there. Nothing further is asked with a key that is refused."""
    try:
        account = client.get("/account")
    except RefusedError as error:
        yield _refused(error, other_region)
        return
    except NolapseError as error:
        yield Finding(SUBJECT, False, str(error), "check base_url and the network")
        return
    kind = account.get("cert_central_type") or account.get("account_type") or "of an unknown type"
    yield Finding(SUBJECT, True, f"{client.base_url} answers; account {account.get('id', '')} ({kind})")
    if account.get("make_renewal_calls") in (True, 1, "1"):
        advice = "agree with your account manager who calls, or customers hear twice"
        yield Finding("renewal calls", True, "DigiCert itself calls the customers of this account", advice)
    elif "make_renewal_calls" in account:
        yield Finding("renewal calls", True, "DigiCert does not call the customers of this account")
    yield _orders(client)
    yield _report(client)
    if subaccounts:
        yield _subaccounts(client)
    if wishes.any:
        yield _rights(client, wishes)
    if wishes.field:
        yield _field(client, wishes.field)


def notice_findings(store: Store, source: str) -> Iterator[Finding]:
    """How many orders have the CA's own renewal notices off, and by whom."""
    with store.read() as connection:
        ours = len(notices.switched_off_by_us(connection, source))
        others = notices.switched_off_by_others(connection, source)
    text = f"CertCentral's renewal notices are off for {ours} orders by us, for {others} by others"
    yield Finding("renewal notices", True, text)


def contract_finding(client: Client) -> Finding:
    """Whether the Partner Subscriptions API can be read."""
    try:
        accounts = client.get("/account/reporting").get("accounts")
    except NolapseError as error:
        advice = "the API is opened by DigiCert's account manager; the key is that of the parent account"
        return Finding("partner subscriptions", False, str(error), advice)
    number = len(accounts) if isinstance(accounts, list) else 0
    return Finding("partner subscriptions", True, f"contracts of {number} subaccounts can be read")


def _refused(error: RefusedError, other_region: Callable[[], Client | None]) -> Finding:
    if error.status == 401 or "api_key" in error.code:
        other = other_region()
        try:
            if other is not None and other.get("/account") is not None:
                text = f"the key is refused here, but is good at {other.base_url}"
                return Finding(SUBJECT, False, text, "set [certcentral] region to the other one")
        except NolapseError:
            pass  # then it is good nowhere, which the finding below says
        advice = "set NOLAPSE_CERTCENTRAL__KEY, or key_file; a key is shown only once, when it is made"
        return Finding(SUBJECT, False, "the key is wrong, expired or revoked: CertCentral refuses it", advice)
    return Finding(SUBJECT, False, str(error), "give the key's user the right to read the account")


def _orders(client: Client) -> Finding:
    try:
        page = client.get("/order/certificate", {"limit": str(_LOOKED_AT)})
    except NolapseError as error:
        return Finding("orders", False, str(error), "the key must be allowed to read orders")
    rows = page.get("orders")
    listed = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    told = page.get("page")
    total = told.get("total") if isinstance(told, dict) else len(listed)
    bad = sum(1 for row in listed if not _readable(row))
    unknown = sorted({name for row in listed for name in mapping.unknown_fields(row)})
    text = f"{total} orders can be read"
    if bad:
        return Finding(
            "orders", False, f"{text}, but {bad} of the first {len(listed)} make no sense", "see the rejects"
        )
    advice = f"unknown fields, kept as told: {', '.join(unknown)[:200]}" if unknown else ""
    return Finding("orders", True, text, advice)


def _readable(row: dict[str, object]) -> bool:
    try:
        mapping.columns_of(row)
    except BadRow:
        return False
    return True


def _report(client: Client) -> Finding:
    try:
        client.download("/report/order", {"offset": "0", "limit": "1"}, "text/csv", BytesIO())
    except NolapseError as error:
        advice = "contacts come from order info then, one call for each order"
        return Finding("order report", True, f"cannot be read: {error}", advice)
    return Finding("order report", True, "can be read")


def _subaccounts(client: Client) -> Finding:
    try:
        told = client.get("/account/subaccount", {"limit": "1"}).get("page")
    except NolapseError as error:
        advice = "ask DigiCert to enable subaccounts, or set [certcentral] subaccounts = false"
        return Finding("subaccounts", False, f"this account has no subaccounts it may read: {error}", advice)
    total = told.get("total", 0) if isinstance(told, dict) else 0
    return Finding("subaccounts", True, f"{total} direct subaccounts can be read")


def _rights(client: Client, wishes: Wishes) -> Finding:
    """Whether the key may write: the notices of an order that cannot be there are switched, which changes nothing."""
    try:
        client.put(f"/order/certificate/0/renewal-emails/{wishes.words[0]}")
    except AbsentError:
        return Finding("rights", True, "the key may write to orders")
    except RefusedError as error:
        if error.status == 403:
            text = "the key may only read, but the settings want CertCentral written to"
            return Finding("rights", False, text, "use a key with the restriction Orders, or none")
        advice = "notice_words are perhaps not those of this account"
        return Finding("rights", error.status == 400, f"it is not sure that the key may write: {error}", advice)
    except NolapseError as error:
        return Finding("rights", False, str(error))
    return Finding("rights", True, "the key may write to orders")


def _field(client: Client, wanted: int) -> Finding:
    try:
        told = client.get("/account/metadata").get("metadata")
    except NolapseError as error:
        return Finding("custom field", False, str(error), "the key must be allowed to read custom fields")
    fields = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    found = next((one for one in fields if str(one.get("id")) == str(wanted)), None)
    if found is None or found.get("is_active") is False:
        known = ", ".join(
            f"{one.get('id')} ({one.get('label')})" for one in fields if one.get("is_active") is not False
        )
        text = f"there is no active custom field {wanted}; there are: {known or 'none'}"
        return Finding("custom field", False, text, "set [certcentral] crm_id_field")
    return Finding("custom field", True, f"the CRM's record id goes into {found.get('label')}")
