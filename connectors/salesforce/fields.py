"""The fields of ours in Salesforce, and who writes each. The package brings them; `mapping` fills and reads them."""

from dataclasses import dataclass
from enum import StrEnum

from connectors.crm.choices import LOST_REASONS, LOST_SCOPES, STAGES, TASK_OUTCOMES, URGENCIES

ORDER_OBJECT = "Certificate_Order__c"
"""Our own object for an order."""


class Holder(StrEnum):
    """What carries fields of ours, by the object's name where it is always the same."""

    ORDER = "order"  # Certificate_Order__c, Case or Opportunity, by setting
    OWN_ORDER = ORDER_OBJECT  # what Case and Opportunity have of their own
    ACCOUNT = "Account"
    CONTACT = "Contact"
    TASK = "Task"
    MAIL = "EmailMessage"
    FORECAST = "Opportunity"


class OrderField(StrEnum):
    """Ours on whatever object holds an order."""

    KEY = "Nolapse_Order_Key__c"
    RECORD_KEY = "Nolapse_Record_Key__c"
    ACCOUNT_KEY = "Nolapse_Account_Key__c"
    ACCOUNT_NAME = "Nolapse_Account_Name__c"
    REP_KEY = "Nolapse_Rep_Key__c"
    COMMON_NAME = "Nolapse_Common_Name__c"
    PRODUCT = "Nolapse_Product__c"
    STATUS = "Nolapse_Status__c"
    STAGE = "Nolapse_Stage__c"  # as we last wrote it; people set the stage of the object itself
    STARTS_ON = "Nolapse_Starts_On__c"
    ENDS_ON = "Nolapse_Order_Ends_On__c"
    END_INFERRED = "Nolapse_Order_End_Inferred__c"
    CERTIFICATE_ENDS_ON = "Nolapse_Certificate_Ends_On__c"
    AUTO_RENEW = "Nolapse_Auto_Renew__c"
    VALUE = "Nolapse_Value__c"
    CURRENCY = "Nolapse_Currency__c"
    RENEWAL_LINK = "Nolapse_Renewal_Link__c"
    SNOOZE_UNTIL = "Nolapse_Snooze_Until__c"
    DO_NOT_RENEW = "Nolapse_Do_Not_Renew__c"
    LOST_REASON = "Nolapse_Lost_Reason__c"
    LOST_SCOPE = "Nolapse_Lost_Scope__c"
    WIN_BACK_ON = "Nolapse_Win_Back_On__c"
    DAYS_LEFT = "Nolapse_Days_Left__c"  # worked out by Salesforce
    URGENCY = "Nolapse_Urgency__c"  # worked out by Salesforce


class OwnOrderField(StrEnum):
    """Further ones on our own object, which Case and Opportunity have of their own."""

    ACCOUNT = "Account__c"
    CONTACT = "Contact__c"
    STAGE = "Stage__c"  # where the rep sees and moves the renewal


class AccountField(StrEnum):
    """Ours on accounts."""

    KEY = "Nolapse_Account_Key__c"
    DO_NOT_CONTACT = "Nolapse_Do_Not_Contact__c"
    DO_NOT_CALL = "Nolapse_Do_Not_Call__c"


class ContactField(StrEnum):
    """Ours on contacts."""

    KEY = "Nolapse_Contact_Key__c"
    NEXT_ON = "Nolapse_Next_Touchpoint_On__c"
    URGENCY = "Nolapse_Urgency__c"
    OFFER_CODE = "Nolapse_Offer_Code__c"
    RENEWAL_LINK = "Nolapse_Renewal_Link__c"
    LANGUAGE = "Nolapse_Language__c"
    NO_OFFERS = "Nolapse_No_Offers__c"
    USE_CADENCE = "Nolapse_Use_Cadence__c"


class TaskField(StrEnum):
    """Ours on activities, as tasks show them. Activities have no long texts: 255 characters at most."""

    KEY = "Nolapse_Task_Key__c"
    MAIL_KEY = "Nolapse_Mail_Key__c"  # of a task that logs a mail
    NOTE_KEY = "Nolapse_Note_Key__c"  # of a task that is a note
    ORDER_KEYS = "Nolapse_Order_Keys__c"
    OUTCOME = "Nolapse_Task_Outcome__c"
    URGENCY = "Nolapse_Urgency__c"
    CLOSED_BECAUSE = "Nolapse_Closed_Because__c"


class MailField(StrEnum):
    """Ours on e-mail messages."""

    KEY = "Nolapse_Mail_Key__c"


class ForecastField(StrEnum):
    """Ours on the opportunities of the forecast."""

    KEY = "Nolapse_Forecast_Key__c"
    AMOUNT = "Nolapse_Forecast_Amount__c"


class Kind(StrEnum):
    """The types of fields that we use, as metadata names them."""

    TEXT = "Text"
    TEXT_AREA = "TextArea"
    URL = "Url"
    DATE = "Date"
    NUMBER = "Number"
    CHECKBOX = "Checkbox"
    PICKLIST = "Picklist"
    LOOKUP = "Lookup"


@dataclass(frozen=True, slots=True)
class Field:
    """A field: `options` are (value, label) of a picklist, `refers_to` the object of a lookup.

    `key` marks the unique external id by which we know what is ours, `by_rep` what people fill in and we only read,
    `calculated` what a formula in the package works out: nothing daily is ever written.
    """

    name: str
    label: str
    kind: Kind = Kind.TEXT
    length: int = 255
    options: tuple[tuple[str, str], ...] = ()
    refers_to: str = ""
    key: bool = False
    by_rep: bool = False
    calculated: bool = False
    description: str = ""


def _key(name: str, label: str, description: str) -> Field:
    return Field(name, label, key=True, description=description)


def _day(name: str, label: str, description: str = "", *, by_rep: bool = False) -> Field:
    return Field(name, label, Kind.DATE, by_rep=by_rep, description=description)


def _flag(name: str, label: str, description: str = "", *, by_rep: bool = False) -> Field:
    return Field(name, label, Kind.CHECKBOX, by_rep=by_rep, description=description)


def _choice(name: str, label: str, options: tuple[tuple[str, str], ...], *, by_rep: bool = False) -> Field:
    return Field(name, label, Kind.PICKLIST, options=options, by_rep=by_rep)


FIELDS: dict[Holder, tuple[Field, ...]] = {
    Holder.ORDER: (
        _key(OrderField.KEY, "Order Key", "Names the order; written once, never changed by hand."),
        Field(OrderField.RECORD_KEY, "Last Written By"),
        Field(OrderField.ACCOUNT_KEY, "Account Key"),
        Field(OrderField.ACCOUNT_NAME, "Account Name at the CA"),
        Field(OrderField.REP_KEY, "Rep Key"),
        Field(OrderField.COMMON_NAME, "Common Name"),
        Field(OrderField.PRODUCT, "Product"),
        Field(OrderField.STATUS, "Status at the CA"),
        _choice(OrderField.STAGE, "Stage as Last Written", STAGES),
        _day(OrderField.STARTS_ON, "Order Started On"),
        _day(OrderField.ENDS_ON, "Order Ends On", "23:59:59 UTC of that day."),
        _flag(OrderField.END_INFERRED, "Order End Worked Out", "The CA did not tell the end."),
        _day(OrderField.CERTIFICATE_ENDS_ON, "Certificate Ends On", "23:59:59 UTC of that day."),
        _flag(OrderField.AUTO_RENEW, "Renews by Itself"),
        Field(OrderField.VALUE, "Value", Kind.NUMBER, description="In the order's own currency."),
        Field(OrderField.CURRENCY, "Currency of Value", length=3),
        Field(OrderField.RENEWAL_LINK, "Renewal Link", Kind.URL),
        _day(OrderField.SNOOZE_UNTIL, "Leave Alone Until", by_rep=True),
        _flag(OrderField.DO_NOT_RENEW, "Will Not Be Renewed", by_rep=True),
        _choice(OrderField.LOST_REASON, "Lost Because", LOST_REASONS, by_rep=True),
        _choice(OrderField.LOST_SCOPE, "Lost For", LOST_SCOPES, by_rep=True),
        _day(OrderField.WIN_BACK_ON, "Ask Again On", by_rep=True),
        Field(OrderField.DAYS_LEFT, "Days Left", Kind.NUMBER, calculated=True),
        Field(OrderField.URGENCY, "Urgency", calculated=True),
    ),
    Holder.OWN_ORDER: (
        Field(OwnOrderField.ACCOUNT, "Account", Kind.LOOKUP, refers_to="Account"),
        Field(OwnOrderField.CONTACT, "Contact", Kind.LOOKUP, refers_to="Contact"),
        _choice(OwnOrderField.STAGE, "Stage", STAGES),
    ),
    Holder.ACCOUNT: (
        _key(AccountField.KEY, "Renewal Account Key", "Names the customer in the renewal engine."),
        _flag(AccountField.DO_NOT_CONTACT, "Never Contact About Renewals", by_rep=True),
        _flag(AccountField.DO_NOT_CALL, "Never Call About Renewals", by_rep=True),
    ),
    Holder.CONTACT: (
        _key(ContactField.KEY, "Renewal Contact Key", "Names the person in the renewal engine."),
        _day(ContactField.NEXT_ON, "Next Renewal Touchpoint On"),
        _choice(ContactField.URGENCY, "Urgency of Renewal", URGENCIES),
        Field(ContactField.OFFER_CODE, "Renewal Offer Code"),
        Field(ContactField.RENEWAL_LINK, "Renewal Link", Kind.URL),
        Field(ContactField.LANGUAGE, "Language of Renewal Messages"),
        _flag(ContactField.NO_OFFERS, "Does Not Want Renewal Offers"),
        _flag(ContactField.USE_CADENCE, "Renewal Mails by Cadence", by_rep=True),
    ),
    Holder.TASK: (
        _key(TaskField.KEY, "Renewal Task Key", "Names the task in the renewal engine."),
        _key(TaskField.MAIL_KEY, "Renewal Mail Key", "Names the logged mail in the renewal engine."),
        _key(TaskField.NOTE_KEY, "Renewal Note Key", "Names the note in the renewal engine."),
        Field(TaskField.ORDER_KEYS, "Orders", Kind.TEXT_AREA),
        _choice(TaskField.OUTCOME, "What Came of It", TASK_OUTCOMES, by_rep=True),
        _choice(TaskField.URGENCY, "Urgency", URGENCIES),
        Field(TaskField.CLOSED_BECAUSE, "Closed Because"),
    ),
    Holder.MAIL: (_key(MailField.KEY, "Renewal Mail Key", "Names the mail in the renewal engine."),),
    Holder.FORECAST: (
        _key(ForecastField.KEY, "Renewal Forecast Key", "Names account and month of the renewals."),
        Field(ForecastField.AMOUNT, "Forecast as Last Written"),
    ),
}
"""Every field of ours by what carries it. Nothing in them changes from one day to the next by itself."""
