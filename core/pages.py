"""The pages that customers see, before they are worded: which one, for whom, about what."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from core.answered import AnswerKind
from core.messages import Brand


class PageKind(StrEnum):
    """The pages that customers see."""

    UNSUBSCRIBE = "unsubscribe"
    NO_OFFERS = "no_offers"
    UNSUBSCRIBED = "unsubscribed"
    RENEWED = "renewed"
    FORM = "form"
    ANSWERED = "answered"
    NOT_VALID = "not_valid"
    TRY_LATER = "try_later"


@dataclass(frozen=True, slots=True)
class Page:
    """One page for one reader. `address` is masked; it is there where the page is about somebody's mails.

    A form is about an order: what may be answered, the name on the certificate, and the day on which it ends.
    """

    kind: PageKind
    language: str
    brand: Brand
    address: str = ""
    order_id: str = ""
    common_name: str = ""
    ends_on: date | None = None
    choices: tuple[AnswerKind, ...] = ()
