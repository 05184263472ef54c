"""Turns a layout in MJML into HTML for mail programs: tables, styles in place. Once; never per mail."""

import re
from collections.abc import Callable
from pathlib import Path

from mjml import mjml2html

from core.errors import ConfigurationError

MJML = ".mjml"

# Where a line may end without a trace: inside a tag, before its first attribute.
_IN_TAG = re.compile(r"(<(?:a|div|h1|h2|img|p|strong|table|td|tr)) (?=[a-z-]+=)")


def to_html(source: str, file: Path, included: Callable[[str], str]) -> str:
    """The HTML that a layout makes, with Jinja's markup as it was; it loads no fonts from elsewhere.

    Its lines are short, since a mail with lines of more than 998 octets must be encoded, which makes it dearer and larger.
    `included` gives the file of an `mj-include`. Raises ConfigurationError where it is no MJML.
    """
    failed: list[Exception] = []

    def include(path: str) -> str:
        try:
            return included(path)
        except Exception as error:
            failed.append(error)  # the compiler would tell only that something cannot be included
            raise

    try:
        html: str = mjml2html(source, fonts={}, include_loader=include)
    except (ValueError, OSError) as error:
        if failed:
            raise failed[0] from error
        raise ConfigurationError(f"{file}: is no valid MJML: {' '.join(str(error).split())}") from error
    return _IN_TAG.sub(r"\1\n", html)
