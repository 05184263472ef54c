"""Why something was, or was not, done: every reason code with its sentence."""

from enum import StrEnum


class Reason(StrEnum):
    """A reason code; `sentence` says it to a person."""

    # why an order is not contacted
    RENEWED = "renewed"
    REPLACED = "replaced"
    REISSUED = "reissued"
    INSTALLED = "installed"
    SUPERSEDED = "superseded"
    IN_PROGRESS = "in_progress"
    PROBABLY_RENEWED = "probably_renewed"
    CANCELLED = "cancelled"
    REVOKED = "revoked"
    REJECTED = "rejected"
    LAPSED = "lapsed"
    ENDED_BEFORE_FIRST_SEEN = "ended_before_first_seen"
    ENDED_BEFORE_GO_LIVE = "ended_before_go_live"
    AUTO_RENEW = "auto_renew"
    CA_NOTICES_OFF = "ca_notices_off"
    OUT_OF_SCOPE = "out_of_scope"
    SNOOZED = "snoozed"
    COMMITTED = "committed"
    LOST = "lost"
    DO_NOT_CONTACT = "do_not_contact"
    DO_NOT_CALL = "do_not_call"
    BELOW_VALUE_FLOOR = "below_value_floor"
    # why a person is not written to
    NO_CONTACT = "no_contact"
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"
    OWN_DOMAIN = "own_domain"
    # what the cadence decided
    PASSED_OVER = "passed_over"
    SAME_DAY = "same_day"
    NEWER_STEP = "newer_step"
    LISTED = "listed"
    END_MOVED = "end_moved"
    REOPENED = "reopened"
    # why a delivery waits or fell away
    NOT_LIVE = "not_live"
    NOT_YET = "not_yet"
    NO_MEMBERS = "no_members"
    TASK_CLOSED = "task_closed"
    TOO_OLD = "too_old"
    UNCHANGED = "unchanged"
    BY_OPERATOR = "by_operator"

    @property
    def sentence(self) -> str:
        """The reason as a sentence without its full stop."""
        return _SENTENCES[self]


_SENTENCES = {
    Reason.RENEWED: "the order has been renewed",
    Reason.REPLACED: "a newer order of the same customer covers all its names",
    Reason.REISSUED: "the certificate has been reissued",
    Reason.INSTALLED: "the new certificate is installed",
    Reason.SUPERSEDED: "another clock of the order now says the same",
    Reason.IN_PROGRESS: "a renewal has been placed and waits for issue",
    Reason.PROBABLY_RENEWED: "a renewal is likely; the rep has been asked",
    Reason.CANCELLED: "the order was cancelled",
    Reason.REVOKED: "the certificate was revoked",
    Reason.REJECTED: "the CA rejected the order",
    Reason.LAPSED: "it ended and was not renewed in time",
    Reason.ENDED_BEFORE_FIRST_SEEN: "it had ended before it was first seen",
    Reason.ENDED_BEFORE_GO_LIVE: "it had ended before the day of going live",
    Reason.AUTO_RENEW: "the order renews by itself",
    Reason.CA_NOTICES_OFF: "renewal notices are switched off at the CA",
    Reason.OUT_OF_SCOPE: "products of this kind are left alone",
    Reason.SNOOZED: "the rep has put it off",
    Reason.COMMITTED: "the customer has promised to renew",
    Reason.LOST: "the customer will not renew",
    Reason.DO_NOT_CONTACT: "the customer does not want to be contacted",
    Reason.DO_NOT_CALL: "the customer does not want to be called",
    Reason.BELOW_VALUE_FLOOR: "the order is worth less than the floor for calls",
    Reason.NO_CONTACT: "there is nobody to write to",
    Reason.UNSUBSCRIBED: "everybody who could be written to has unsubscribed",
    Reason.SUPPRESSED: "everybody who could be written to is suppressed",
    Reason.OWN_DOMAIN: "the only addresses known are our own",
    Reason.PASSED_OVER: "its day had passed when it was first looked at",
    Reason.SAME_DAY: "a later step of the order fell on the same day",
    Reason.NEWER_STEP: "it was still waiting when a later step came due and was worded afresh",
    Reason.LISTED: "another mail to the same person has just listed the order",
    Reason.END_MOVED: "the end has moved and its steps were planned afresh",
    Reason.REOPENED: "the cycle was reopened",
    Reason.NOT_LIVE: "nothing is sent until `nolapse go-live`",
    Reason.NOT_YET: "its time has not come",
    Reason.NO_MEMBERS: "none of its orders needs it any more",
    Reason.TASK_CLOSED: "its task is closed already",
    Reason.TOO_OLD: "it waited longer than deliver.max_age_days",
    Reason.UNCHANGED: "the CRM has this state of the order already",
    Reason.BY_OPERATOR: "the operator decided so",
}


def sentence(code: str) -> str:
    """The sentence of a reason code, or the text itself where it is none."""
    return Reason(code).sentence if code in Reason.__members__.values() else code
