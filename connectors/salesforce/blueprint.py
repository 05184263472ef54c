"""What of the package an org needs under these settings: its folders, permission sets and fields. Pure."""

from importlib import resources
from shlex import quote

from connectors.salesforce.describing import FieldInfo
from connectors.salesforce.fields import FIELDS, Field, Holder, Kind
from connectors.salesforce.layout import object_of_holder, shape_of
from connectors.salesforce.settings import SalesforceSettings

ENGINE, REP = "Nolapse_Engine", "Nolapse_Rep"
DEALS = f"{ENGINE}_Deals"

_RECORD_FOLDERS = {"case": "orders-as-cases", "opportunity": "orders-as-opportunities"}
_RECORD_SETS = {"case": "Cases", "opportunity": "Opportunities"}

_DESCRIBED = {
    Kind.TEXT: "string",
    Kind.TEXT_AREA: "textarea",
    Kind.URL: "url",
    Kind.DATE: "date",
    Kind.NUMBER: "double",
    Kind.CHECKBOX: "boolean",
    Kind.PICKLIST: "picklist",
    Kind.LOOKUP: "reference",
}
"""The kinds as the description of an object calls them."""


def holders(settings: SalesforceSettings) -> list[Holder]:
    """What carries fields of ours under these settings, orders first."""
    unused = set()
    if settings.record != "custom":
        unused.add(Holder.OWN_ORDER)
    if settings.log_mails != "email":
        unused.add(Holder.MAIL)
    if not settings.forecast_opportunities:
        unused.add(Holder.FORECAST)
    return [holder for holder in FIELDS if holder not in unused]


def fields_by_object(settings: SalesforceSettings) -> dict[str, list[Field]]:
    """The fields of ours by the object that carries them."""
    found: dict[str, list[Field]] = {}
    for holder in holders(settings):
        found.setdefault(object_of_holder(holder, settings), []).extend(FIELDS[holder])
    return found


def rights(settings: SalesforceSettings) -> dict[str, tuple[str, ...]]:
    """What the user of the connection must be able to do with the records of each object: create, change."""
    everything = ("create", "change")
    found: dict[str, tuple[str, ...]] = {
        "Account": everything if settings.create == "always" else ("change",),
        "Contact": everything if settings.create != "never" else ("change",),
        "Task": everything,
        shape_of(settings).sobject: everything,
    }
    if settings.forecast_opportunities:
        found["Opportunity"] = everything
    if settings.log_mails == "email":
        found["EmailMessage"] = ("create",)
    return found


def folders(settings: SalesforceSettings) -> list[str]:
    """The folders of the package to be deployed."""
    return [
        "force-app",
        *([_RECORD_FOLDERS[settings.record]] if settings.record in _RECORD_FOLDERS else []),
        *(["forecast"] if settings.forecast_opportunities else []),
        *(["deals"] if settings.open_deals else []),
        *(["email-messages"] if settings.log_mails == "email" else []),
    ]


def engine_sets(settings: SalesforceSettings) -> list[str]:
    """The permission sets that the user of the connection needs."""
    return [
        ENGINE,
        *([f"{ENGINE}_{_RECORD_SETS[settings.record]}"] if settings.record in _RECORD_SETS else []),
        *([f"{ENGINE}_Creates"] if settings.create != "never" else []),
        *([f"{ENGINE}_Forecast"] if settings.forecast_opportunities else []),
        *([DEALS] if settings.open_deals else []),
        *([f"{ENGINE}_Email_Messages"] if settings.log_mails == "email" else []),
    ]


def rep_sets(settings: SalesforceSettings) -> list[str]:
    """The permission sets that sales people need."""
    return [REP, *([f"{REP}_{_RECORD_SETS[settings.record]}"] if settings.record in _RECORD_SETS else [])]


def deploying(settings: SalesforceSettings) -> str:
    """The one command that deploys the package."""
    place = resources.files("connectors.salesforce") / "package"
    parts = " ".join(f"--source-dir {folder}" for folder in folders(settings))
    return f"cd {quote(str(place))} && sf project deploy start {parts} --target-org ORG"


def assigning(sets: list[str], username: str = "") -> str:
    """The command that gives somebody permission sets."""
    names = " ".join(f"--name {name}" for name in sets)
    return (
        f"sf org assign permset {names} --on-behalf-of {quote(username) if username else 'USERNAME'} --target-org ORG"
    )


def mistakes(wanted: Field, there: FieldInfo, *, writable: bool = True) -> list[str]:
    """What is wrong with a field that is there, each to be put behind "is"; nothing where it is as it should be.

    `writable`: the user may create and change records of the object.
    """
    kind = _DESCRIBED[wanted.kind]
    if there.kind != kind:
        return [f"of type {there.kind}, but must be {kind}"]
    found = []
    if there.calculated is not wanted.calculated:
        found.append("no formula" if wanted.calculated else "a formula, but must be filled in")
    if wanted.kind is Kind.TEXT and not wanted.calculated and there.length < wanted.length:
        found.append(f"{there.length} characters long, but must be {wanted.length}")
    if wanted.key and not (there.external_id and there.unique):
        found.append("not a unique external id")
    missing = [value for value, _ in wanted.options if value not in there.values]
    if missing:
        found.append(f"without the values {', '.join(missing)}")
    if wanted.refers_to and wanted.refers_to not in there.refers_to:
        found.append(f"not a lookup to {wanted.refers_to}")
    if writable and not (wanted.by_rep or wanted.calculated or (there.createable and there.updateable)):
        found.append("read-only for the user")
    return found
