"""Who refuses mails or offers, by the boxes of a contact or lead and of its Individual."""

from connectors.crm.foreign import mapping_of
from connectors.salesforce.fields import ContactField
from connectors.salesforce.records import Row
from connectors.salesforce.target import Target

OPTED_OUT = "HasOptedOutOfEmail"
_INDIVIDUAL = ("HasOptedOutProcessing", "ShouldForget", "HasOptedOutSolicit")


def wishes_seen(target: Target, sobject: str) -> list[str]:
    """The fields by which people refuse mails, as far as the user may read them."""
    info = target.info(sobject)
    seen = [OPTED_OUT] if OPTED_OUT in info.fields else []
    individual = target.client.describe("Individual") if "IndividualId" in info.fields else None
    return seen + [f"Individual.{name}" for name in _INDIVIDUAL if individual is not None and name in individual.fields]


def opted_out(row: Row) -> bool | None:
    """Whether somebody wants no mail at all: by the contact's box, or since the Individual must not be processed or is
    to be forgotten. None where the box is hidden from us: then nobody can tell."""
    individual = mapping_of(row.get("Individual"))
    if individual.get("HasOptedOutProcessing") is True or individual.get("ShouldForget") is True:
        return True
    said = row.get(OPTED_OUT)
    return said if isinstance(said, bool) else None


def no_offers(row: Row) -> bool:
    """Whether somebody wants no offers: by our own box, or by the Individual's."""
    solicit = mapping_of(row.get("Individual")).get("HasOptedOutSolicit") is True
    return row.get(ContactField.NO_OFFERS) is True or solicit
