"""How far a mailbox has been read: the validity of its numbers, and the number of the last mail."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Behind which mail it goes on."""

    validity: str
    number: int

    def __str__(self) -> str:
        return f"{self.validity}:{self.number}"


def place_of(text: str | None, validity: str) -> Place | None:
    """The place of an earlier session; None for none, and where its numbers hold no more."""
    before, _, number = (text or "").partition(":")
    if before != validity or not number.isascii() or not number.isdigit():
        return None
    return Place(before, int(number))
