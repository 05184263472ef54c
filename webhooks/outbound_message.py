"""Reads Outbound Messages of Salesforce: SOAP 1.1 with 1 to 100 notifications, each naming a record.

Nothing in the message is believed but ids. Document types and entities are refused, so that no message can grow or reach
out while it is read.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from webhooks.salesforce_events import Notification

MOST = 100
ACK = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>'
    b"</soapenv:Body></soapenv:Envelope>"
)
"""The answer to a message that was stored; any other lets Salesforce send it again."""

_SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
_OUTBOUND = "{http://soap.sforce.com/2005/09/outbound}"
_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_SOBJECT = re.compile(r"\{urn:sobject\.(enterprise|partner)\.soap\.sforce\.com\}Id")
_ID = re.compile(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?")
_TYPE = re.compile(r"(?:\w+:)?([A-Za-z][A-Za-z0-9_]{0,79})")


class OutboundMessageError(ValueError):
    """The message is none, in one line."""


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """The organisation that sends it, and the records that it names. A notification of a deleted record names none."""

    organisation: str
    notifications: tuple[Notification, ...]


def notifications(body: bytes) -> OutboundMessage:
    """The message in a request. Raises `OutboundMessageError` for what is none."""
    try:
        envelope: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise OutboundMessageError("the message is no XML, or not of a form that is read") from error
    said = envelope.find(f"{_SOAP}Body/{_OUTBOUND}notifications") if envelope.tag == f"{_SOAP}Envelope" else None
    if said is None:
        raise OutboundMessageError("the message is no Outbound Message")
    every = said.findall(f"{_OUTBOUND}Notification")
    if not 1 <= len(every) <= MOST:
        raise OutboundMessageError(f"an Outbound Message has 1 to {MOST} notifications")
    organisation = (said.findtext(f"{_OUTBOUND}OrganizationId") or "").strip()
    return OutboundMessage(organisation, tuple(_named(every)))


def _named(every: list[Element]) -> Iterator[Notification]:
    for one in every:
        mark = (one.findtext(f"{_OUTBOUND}Id") or "").strip()
        if not _ID.fullmatch(mark):
            raise OutboundMessageError("a notification has no id")
        record = one.find(f"{_OUTBOUND}sObject")
        if record is None or not len(record):
            continue
        kind = _TYPE.fullmatch(record.get(_XSI_TYPE, ""))
        id = next(((field.text or "").strip() for field in record if _SOBJECT.fullmatch(str(field.tag))), "")
        if kind is None or not _ID.fullmatch(id):
            raise OutboundMessageError("a notification does not name its record")
        yield Notification(kind[1], id, mark)
