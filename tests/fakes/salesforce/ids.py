"""Ids of 15 and 18 characters."""

from itertools import count

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def checked(id: str) -> str:
    """An id with its three check characters."""
    if len(id) != 15:
        return id
    tail = ""
    for block in (id[:5], id[5:10], id[10:]):
        bits = "".join("1" if letter.isupper() else "0" for letter in reversed(block))
        tail += _CHECK[int(bits, 2)]
    return id + tail


def is_id(text: object) -> bool:
    """Whether a text has the form of an id, the check characters included."""
    if not isinstance(text, str) or not text.isascii() or not text.isalnum():
        return False
    return len(text) == 15 or (len(text) == 18 and checked(text[:15]) == text)


class Ids:
    """Makes ids, each once."""

    def __init__(self, instance: str = "Wz") -> None:
        self._instance = instance
        self._numbers = count(40_001)

    def new(self, prefix: str) -> str:
        """The next id of an object with this prefix."""
        number, digits = next(self._numbers), ""
        while number:
            number, rest = divmod(number, len(_DIGITS))
            digits = _DIGITS[rest] + digits
        return checked(prefix + self._instance + digits.rjust(10, "0"))
