"""What a customer can say to us, as it is told to a rep."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AnswerKind(StrEnum):
    """What was answered: on the form of a renewal link, or by a mail."""

    RENEW = "renew"  # renew as it is
    QUOTE = "quote"  # send me a quote
    CALL = "call"  # call me
    NOT_RENEWING = "not_renewing"
    NOT_MINE = "not_mine"  # somebody else looks after it
    INSTALLED = "installed"
    REPLY = "reply"  # a mail that a person wrote


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `words` are the customer's own, shortened; `name` and `address` say who answered, or who is in charge.

    What was not said is empty.
    """

    kind: AnswerKind
    at: datetime
    words: str = ""
    name: str = ""
    address: str = ""
