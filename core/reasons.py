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
    HELD = "held"
    COMMITTED = "committed"
    ANSWERED = "answered"
    LOST = "lost"
    DO_NOT_CONTACT = "do_not_contact"
    DO_NOT_CALL = "do_not_call"
    BELOW_VALUE_FLOOR = "below_value_floor"
    OPEN_DEAL = "open_deal"
    HUMAN_CONTACT = "human_contact"
    UNPROVEN = "unproven"
    NO_CONSENT = "no_consent"
    OTHER_RECIPIENT = "other_recipient"
    # why a person is not written to
    NO_CONTACT = "no_contact"
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"
    OWN_DOMAIN = "own_domain"
    SILENT = "silent"
    NO_RESELLER = "no_reseller"
    # why somebody is not sold to
    NO_BASIS = "no_basis"
    BASIS_NOT_ENOUGH = "basis_not_enough"
    BASIS_UNPROVEN = "basis_unproven"
    BASIS_UNDATED = "basis_undated"
    BASIS_RUN_OUT = "basis_run_out"
    OFFERS_REFUSED = "offers_refused"
    NOT_SOLD = "not_sold"
    # what the cadence decided
    PASSED_OVER = "passed_over"
    SAME_DAY = "same_day"
    NEWER_STEP = "newer_step"
    LISTED = "listed"
    END_MOVED = "end_moved"
    REOPENED = "reopened"
    # why a delivery waits or fell away
    NOT_LIVE = "not_live"
    NOT_IN_PILOT = "not_in_pilot"
    PAUSED = "paused"
    NOT_YET = "not_yet"
    DUE = "due"
    OFFICE_HOURS = "office_hours"
    CONTACT_CAP = "contact_cap"
    RAMP = "ramp"
    SEND_NOW = "send_now"
    NO_MEMBERS = "no_members"
    TASK_CLOSED = "task_closed"
    TOO_OLD = "too_old"
    UNCHANGED = "unchanged"
    BY_OPERATOR = "by_operator"
    TASKS_OF_DAY_USED = "tasks_of_day_used"
    ESCALATED = "escalated"
    CALL_ANSWERED = "call_answered"
    CRM_CANNOT = "crm_cannot"
    FORGOTTEN = "forgotten"

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
    Reason.HELD: "the operator has it held",
    Reason.COMMITTED: "the customer has promised to renew",
    Reason.ANSWERED: "the customer has answered, and a rep is seeing to it",
    Reason.LOST: "the customer will not renew",
    Reason.DO_NOT_CONTACT: "the customer does not want to be contacted",
    Reason.DO_NOT_CALL: "the customer does not want to be called",
    Reason.BELOW_VALUE_FLOOR: "the order is worth less than the floor for calls",
    Reason.OPEN_DEAL: "a deal with the customer is open; the rep got a note instead of a call",
    Reason.HUMAN_CONTACT: "somebody has just talked to the customer; the rep got a note instead of a call",
    Reason.UNPROVEN: "the CA did not show the renewal in time",
    Reason.OTHER_RECIPIENT: "somebody else would be written to now",
    Reason.NO_CONSENT: "the person has not agreed to get offers",
    Reason.NO_CONTACT: "there is nobody to write to",
    Reason.UNSUBSCRIBED: "everybody who could be written to has unsubscribed",
    Reason.SUPPRESSED: "everybody who could be written to is suppressed",
    Reason.OWN_DOMAIN: "the only addresses known are our own",
    Reason.SILENT: "the customer's route is silent",
    Reason.NO_RESELLER: "the customer is told by a reseller, and there is nobody of theirs to write to",
    Reason.NO_BASIS: "no basis for selling to the person is known",
    Reason.BASIS_NOT_ENOUGH: "the basis that is known is not enough in the country",
    Reason.BASIS_UNPROVEN: "the person said yes, but no day and proof of it are noted",
    Reason.BASIS_UNDATED: "the basis runs out with time, and no day is noted",
    Reason.BASIS_RUN_OUT: "the basis for selling to the person has run out",
    Reason.OFFERS_REFUSED: "the person does not want to be sold to",
    Reason.NOT_SOLD: "about this clock only service messages go",
    Reason.PASSED_OVER: "its day had passed when it was first looked at",
    Reason.SAME_DAY: "a later step of the order fell on the same day",
    Reason.NEWER_STEP: "it was still waiting when a later step came due and was worded afresh",
    Reason.LISTED: "another mail to the same person has just listed the order",
    Reason.END_MOVED: "the end has moved and its steps were planned afresh",
    Reason.REOPENED: "the cycle was reopened",
    Reason.NOT_LIVE: "nothing is sent until `nolapse go-live`",
    Reason.NOT_IN_PILOT: "the pilot alone is live, and its account is not in it",
    Reason.PAUSED: "it is paused",
    Reason.NOT_YET: "its time has not come",
    Reason.DUE: "it is due and goes with the next delivery",
    Reason.OFFICE_HOURS: "it was late and waits for office hours",
    Reason.CONTACT_CAP: "its reader has had enough mails for now",
    Reason.RAMP: "the mails of the day are used up while they are stepped up",
    Reason.SEND_NOW: "the operator has it sent now",
    Reason.NO_MEMBERS: "none of its orders needs it any more",
    Reason.TASK_CLOSED: "its task is closed already",
    Reason.TOO_OLD: "it waited longer than deliver.max_age_days",
    Reason.UNCHANGED: "the CRM has this state of the order already",
    Reason.BY_OPERATOR: "the operator decided so",
    Reason.TASKS_OF_DAY_USED: "the rep has got as many tasks today as tasks.per_day allows",
    Reason.ESCALATED: "the call was not made in time; the manager was told",
    Reason.CALL_ANSWERED: "what came of the call has been said",
    Reason.CRM_CANNOT: "the CRM's connector cannot do that",
    Reason.FORGOTTEN: "the person it was for has been forgotten",
}


def sentence(code: str) -> str:
    """The sentence of a reason code, or the text itself where it is none."""
    return Reason(code).sentence if code in Reason.__members__.values() else code
