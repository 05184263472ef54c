"""What an outside system says, fit for a line of ours: it may quote a value, and that may be a person's."""

import re

_ADDRESS = re.compile(r"[^\s@\"'<>:;,()\[\]{}=]+@[^\s@\"'<>:;,()\[\]{}=]+")
_NUMBER = re.compile(r"\+?\d(?:[\s().-]{0,2}\d){8,}")
_SHOWN = 200


def plain(text: str) -> str:
    """The text in one line of bounded length, addresses and telephone numbers blotted out."""
    line = _NUMBER.sub(_number, _ADDRESS.sub("(address)", " ".join(text.split())))
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"


def _number(found: re.Match[str]) -> str:
    digits = found.group()
    return digits if digits.isdigit() else "(number)"  # an id has no separators and no plus sign
