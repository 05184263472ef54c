"""`nolapse setup salesforce`: holds the org against the package and tells what is missing; the package itself is deployed
by Salesforce's own tool, so that an administrator sees and decides what comes into the org.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connectors.crm.foreign import mapping_of, text_of
from connectors.salesforce.blueprint import (
    assigning,
    deploying,
    engine_sets,
    fields_by_object,
    mistakes,
    rep_sets,
    rights,
)
from connectors.salesforce.capabilities import as_offered, engagement_findings, standard_findings
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.errors import Denied, Refused
from connectors.salesforce.fields import Field
from connectors.salesforce.layout import layout_of
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.statements import ASSIGNED_PERMISSION_SETS
from core.errors import NolapseError
from core.ports import Finding


@dataclass(frozen=True, slots=True)
class Gap:
    """What one object lacks of ours: fields that are missing or hidden, what is wrong with those that are there, and what
    the user may not do with its records."""

    sobject: str
    missing: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    absent: bool = False

    def words(self) -> str:
        """All of it in one line."""
        if self.absent:
            return "the object is missing or hidden"
        hidden = [f"{', '.join(self.missing)} missing or hidden"] if self.missing else []
        denied = [f"the user may not {' or '.join(self.denied)} its records"] if self.denied else []
        return "; ".join([*hidden, *self.wrong, *denied])


def gaps(client: SalesforceClient, settings: SalesforceSettings) -> list[Gap]:
    """The objects on which something of ours is missing or wrong. Raises `SalesforceError`.

    Of what the org itself has not, such as e-mail messages, nothing is missing.
    """
    settings = as_offered(client, settings)
    needed = rights(settings)
    compared = (
        _compare(client, sobject, wanted, needed[sobject]) for sobject, wanted in fields_by_object(settings).items()
    )
    return [gap for gap in compared if gap.words()]


def _compare(client: SalesforceClient, sobject: str, wanted: Sequence[Field], needed: Sequence[str]) -> Gap:
    info = client.describe(sobject, afresh=True)
    if info is None:
        return Gap(sobject, absent=True)
    there = info.fields
    missing = tuple(str(one.name) for one in wanted if one.name not in there)
    writable = info.createable and info.updateable
    found = ((one.name, mistakes(one, there[one.name], writable=writable)) for one in wanted if one.name in there)
    wrong = tuple(f"{name} is {' and '.join(said)}" for name, said in found if said)
    allowed = {"create": info.createable, "change": info.updateable}
    return Gap(sobject, missing, wrong, tuple(one for one in needed if not allowed[one]))


def missing_sets(client: SalesforceClient, settings: SalesforceSettings) -> list[str] | None:
    """The permission sets that the user still needs; None where Salesforce does not tell."""
    wanted = engine_sets(as_offered(client, settings))
    try:
        user = client.identity().user_id
        rows = list(client.query(ASSIGNED_PERMISSION_SETS(user=user, names=wanted)))
    except (Denied, Refused):
        return None
    assigned = {text_of(mapping_of(row.get("PermissionSet")).get("Name")) for row in rows}
    return [name for name in wanted if name not in assigned]


def run_setup(client: SalesforceClient, settings: SalesforceSettings) -> list[Finding]:
    """What the org has and what it lacks, object by object, and the commands that bring it."""
    return list(_findings(client, as_offered(client, settings)))


def _findings(client: SalesforceClient, settings: SalesforceSettings) -> Iterator[Finding]:
    found = {gap.sobject: gap for gap in gaps(client, settings)}
    for sobject, wanted in fields_by_object(settings).items():
        if sobject in found:
            yield Finding(f"Salesforce {sobject}", False, found[sobject].words())
        else:
            fields = f"all {len(wanted)} fields of ours are" if len(wanted) > 1 else "our field is"
            yield Finding(f"Salesforce {sobject}", True, f"{fields} there")
    yield from sets_findings(client, settings, complete=not found)
    yield from standard_findings(client, settings)
    yield from engagement_findings(client, settings)
    try:
        yield stage_finding(client, settings)
    except NolapseError as error:
        yield Finding("Salesforce stages", False, str(error))
    if found:
        text = "not all of it is in the org, or not all of it can be seen"
        advice = f"an administrator deploys it: {deploying(settings)}"
        yield Finding("Salesforce package", False, text, advice)
    else:
        yield Finding("Salesforce package", True, f"deployed; reps need {', '.join(rep_sets(settings))}")


def sets_findings(client: SalesforceClient, settings: SalesforceSettings, *, complete: bool) -> Iterator[Finding]:
    """Whether the user has our permission sets; with a `complete` package what they give may come from elsewhere."""
    subject, wanted = "Salesforce permission sets", engine_sets(as_offered(client, settings))
    lacking = missing_sets(client, settings)
    if lacking is None:
        text = f"Salesforce does not tell which ones the user has; it needs {', '.join(wanted)}, or as much"
        yield Finding(subject, True, text)
    elif not lacking:
        yield Finding(subject, True, f"the user has {', '.join(wanted)}")
    elif complete:
        text = f"the user has not got {', '.join(lacking)}, but sees everything that is needed"
        yield Finding(subject, True, text)
    else:
        text = f"the user has not got {', '.join(lacking)}: fields that are there stay hidden"
        yield Finding(subject, False, text, assigning(lacking, client.identity().username))


def stage_finding(client: SalesforceClient, settings: SalesforceSettings) -> Finding:
    """Whether each record can stand where it belongs. Raises `ConfigurationError` where it cannot."""
    layout = layout_of(client, settings)
    text = f"{len(layout.stages)} of our stages have a place in {layout.shape.sobject}.{layout.shape.stage}"
    return Finding("Salesforce stages", True, text)
