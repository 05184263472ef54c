"""The words of the engine: every state, kind and level that is stored or shown, one enum per idea."""

from enum import StrEnum
from typing import Self


class Clock(StrEnum):
    """What runs out."""

    RENEWAL = "renewal"  # the order's end: paid
    REISSUE = "reissue"  # the certificate's end inside a running order: free
    INSTALL = "install"  # the old certificate's end after a renewal or reissue


class Channel(StrEnum):
    """How a person is reached."""

    MAIL = "mail"
    CALL = "call"


class Urgency(StrEnum):
    """How pressing a touchpoint is; compare with `rank`."""

    NOTICE = "notice"
    REMINDER = "reminder"
    WARNING = "warning"
    CRITICAL = "critical"
    EXPIRED = "expired"

    @property
    def rank(self) -> int:
        """0 for notice up to 4 for expired."""
        return _URGENCY_RANK[self]

    @property
    def passes_limits(self) -> bool:
        """Critical and expired messages pass the limits on how often somebody is written to."""
        return self in (Urgency.CRITICAL, Urgency.EXPIRED)

    @classmethod
    def highest(cls, first: Self, *others: Self) -> Self:
        """The most pressing of those given."""
        return max((first, *others), key=lambda urgency: urgency.rank)


_URGENCY_RANK = {urgency: rank for rank, urgency in enumerate(Urgency)}
URGENT = tuple(urgency for urgency in Urgency if urgency.passes_limits)


class Nature(StrEnum):
    """What a message may contain: facts only, or also offers."""

    SERVICE = "service"
    COMMERCIAL = "commercial"


class Route(StrEnum):
    """Who tells a customer what ends."""

    DIRECT = "direct"  # we do
    RESELLER = "reseller"  # the account above it, whom we tell
    SILENT = "silent"  # nobody of ours: neither mails nor calls


class TouchState(StrEnum):
    """The life of a touch."""

    PLANNED = "planned"
    SKIPPED = "skipped"
    MISSED = "missed"
    MERGED = "merged"
    WITHDRAWN = "withdrawn"
    DONE = "done"


class DeliveryKind(StrEnum):
    """What leaves the house."""

    MAIL = "mail"
    CALL_CREATE = "call_create"
    CALL_RAISE = "call_raise"
    CALL_CLOSE = "call_close"
    CALL_ASSIGN = "call_assign"
    RECORD = "record"
    MAIL_LOG = "mail_log"
    OPTOUT = "optout"


class DeliveryState(StrEnum):
    """The life of a delivery. `sending` is committed before the outside call is made."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    WITHDRAWN = "withdrawn"


class TaskKind(StrEnum):
    """Why somebody of ours is asked to act."""

    CALL = "call"  # the rep calls the account about a renewal
    SUPPORT = "support"  # support helps with a reissue or an installation
    CHECK = "check"  # somebody looks whether a renewal has happened that should have, or seems to have
    CONTACT = "contact"  # the rep finds out whom to write to
    ESCALATION = "escalation"  # a manager sees to a call that was not made
    ANSWER = "answer"  # the customer has said something that somebody is to see to


class TaskState(StrEnum):
    """The life of a task as we know it."""

    PLANNED = "planned"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


class Stage(StrEnum):
    """Where the renewal of an order stands."""

    UPCOMING = "upcoming"
    CONTACTED = "contacted"
    COMMITTED = "committed"
    IN_PROGRESS = "in_progress"
    RENEWED = "renewed"
    LOST = "lost"
    LAPSED = "lapsed"
    WON_BACK = "won_back"


class Certainty(StrEnum):
    """How sure it is that a renewal has happened."""

    IN_PROGRESS = "in_progress"
    PROBABLE = "probable"
    PROVISIONAL = "provisional"
    CONFIRMED = "confirmed"


class ConfirmationState(StrEnum):
    """What became of a confirmation."""

    WAITING = "waiting"
    APPLIED = "applied"
    STALE = "stale"
    RETRACTED = "retracted"


class InboxState(StrEnum):
    """What became of an event from outside."""

    RECEIVED = "received"
    APPLIED = "applied"
    QUARANTINED = "quarantined"
    DISCARDED = "discarded"


class Role(StrEnum):
    """What a person is to an order."""

    ORGANISATION = "organisation"
    TECHNICAL = "technical"
    BILLING = "billing"
    REQUESTER = "requester"


class ProductKind(StrEnum):
    """What a certificate is for."""

    TLS = "tls"
    CODE_SIGNING = "code_signing"
    SMIME = "smime"
    PRIVATE = "private"
    OTHER = "other"


class Level(StrEnum):
    """How far the CA checked the subject of a TLS certificate."""

    DV = "dv"
    OV = "ov"
    EV = "ev"


class OrderStatus(StrEnum):
    """The life of an order at its CA, reduced to what the engine distinguishes."""

    PENDING = "pending"
    ISSUED = "issued"
    EXPIRED = "expired"
    REVOKED = "revoked"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class Outcome(StrEnum):
    """What `explain` says of a touchpoint."""

    PLANNED = "planned"
    WAITING = "waiting"
    DELIVERED = "delivered"
    UNCERTAIN = "uncertain"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    SKIPPED = "skipped"
    MISSED = "missed"
    MERGED = "merged"


class LetterKind(StrEnum):
    """Which mail it is; each has words of its own."""

    SINGLE = "single"  # one order that is to be renewed
    DIGEST = "digest"  # several of them
    EXPIRES_TODAY = "expires_today"
    EXPIRED = "expired"
    AUTO_RENEW = "auto_renew"
    REISSUE = "reissue"
    INSTALL = "install"
    WIN_BACK = "win_back"
    THANK_YOU = "thank_you"
    VALIDATION = "validation"  # a renewal that is placed waits for the customer


class TaskOutcome(StrEnum):
    """What a rep can say of a task. Each completes it; a later step asks again where it must."""

    DONE = "done"
    REACHED = "reached"
    NO_ANSWER = "no_answer"
    WILL_RENEW = "will_renew"
    RENEWED = "renewed"
    INSTALLED = "installed"
    WRONG_PERSON = "wrong_person"
    LOST = "lost"
    DO_NOT_CALL = "do_not_call"


class LostScope(StrEnum):
    """How far a lost renewal reaches."""

    ORDER = "order"
    DOMAIN = "domain"
    ACCOUNT = "account"


class Block(StrEnum):
    """A part of a mail that the operator switches by product, urgency and segment."""

    OFFER = "offer"
    BENEFITS = "benefits"
    SEAL = "seal"
    BROWSER_WARNING = "browser_warning"
    AUTOMATION = "automation"
    UPSELL = "upsell"
    NO_DAYS_LOST = "no_days_lost"
    CONSOLE_END = "console_end"

    @property
    def nature(self) -> Nature:
        """Whether it is a fact about the orders, or sells something and stands in commercial messages alone."""
        return Nature.COMMERCIAL if self in _SELLING else Nature.SERVICE


_SELLING = frozenset({Block.OFFER, Block.BENEFITS, Block.SEAL, Block.AUTOMATION, Block.UPSELL})


class Benefit(StrEnum):
    """What a customer has bought with a product and may forget to use; the feature of that name in products.toml."""

    SEAL = "seal"
    WARRANTY = "warranty"
    MALWARE_SCAN = "malware_scan"
    VULNERABILITY_ASSESSMENT = "vulnerability_assessment"
    CT_MONITORING = "ct_monitoring"
    PRIORITY_SUPPORT = "priority_support"
    LIFECYCLE_MANAGEMENT = "lifecycle_management"


class AdviceKind(StrEnum):
    """What a customer could buy or do better, each from facts about their own orders."""

    HIGHER_BRAND = "higher_brand"
    HIGHER_LEVEL = "higher_level"
    MULTI_YEAR = "multi_year"
    WILDCARD = "wildcard"  # several orders on names below one domain
    MULTI_DOMAIN = "multi_domain"  # several orders on names that one wildcard does not cover
    CONSOLIDATE = "consolidate"  # certificates from other CAs
    AUTOMATE = "automate"  # renewed or replaced by hand


class Question(StrEnum):
    """What a rep asks to find the right product: the questions of the selection wizard."""

    PERSONAL_DATA = "personal_data"  # do you collect personal information, now or later?
    PAYMENT_DATA = "payment_data"  # do you collect payment information, now or later?
    MORE_NAMES = "more_names"  # how many names, and will there be more?
    OTHER_CAS = "other_cas"  # where else do you buy certificates?
    AUTOMATION = "automation"  # who replaces certificates, and how?
