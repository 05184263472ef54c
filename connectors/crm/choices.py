"""What people choose from in a CRM, and the labels they read: the same words in every CRM."""

from enum import StrEnum

from core.words import LostScope, Stage, Urgency

LOST_REASONS = (
    ("price", "Price"),
    ("competitor", "Bought elsewhere"),
    ("automated", "Moved to a free or automated certificate"),
    ("not_needed", "Not needed any more"),
    ("closed_down", "Customer closed down"),
    ("no_answer", "No answer"),
    ("other", "Other"),
)

TASK_OUTCOMES = (
    ("done", "Done"),
    ("reached", "Reached"),
    ("no_answer", "No answer"),
    ("will_renew", "Will renew"),
    ("renewed", "Has renewed"),
    ("installed", "Has installed the new certificate"),
    ("wrong_person", "Wrong person"),
    ("lost", "Will not renew"),
    ("do_not_call", "Does not want calls"),
)

STAGES = (
    (Stage.UPCOMING, "Upcoming"),
    (Stage.CONTACTED, "Contacted"),
    (Stage.COMMITTED, "Promised to renew"),
    (Stage.IN_PROGRESS, "Order placed"),
    (Stage.RENEWED, "Renewed"),
    (Stage.LOST, "Lost"),
    (Stage.LAPSED, "Lapsed"),
    (Stage.WON_BACK, "Won back"),
)


def words_of(values: type[StrEnum]) -> tuple[tuple[str, str], ...]:
    """The values of an enum, each with a label."""
    return tuple((str(one), str(one).replace("_", " ").capitalize()) for one in values)


URGENCIES = words_of(Urgency)
LOST_SCOPES = words_of(LostScope)
