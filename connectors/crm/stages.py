"""The operator's own names for our stages, as the settings list them."""

from collections.abc import Iterable

from core.errors import ConfigurationError
from core.words import Stage


def stage_map(entries: Iterable[str], setting: str) -> dict[Stage, str]:
    """The operator's names by our stages, out of entries like "upcoming=New".

    Raises `ConfigurationError`, which names the setting, for one that is no stage of ours, and where none is for upcoming.
    """
    said: dict[Stage, str] = {}
    for entry in entries:
        ours, _, theirs = (part.strip() for part in entry.partition("="))
        if ours not in tuple(Stage) or not theirs:
            raise ConfigurationError(f'{setting}: {entry!r} is no "ours=theirs"; ours are {", ".join(Stage)}')
        said[Stage(ours)] = theirs
    if Stage.UPCOMING not in said:
        raise ConfigurationError(f"{setting} names no stage for upcoming, in which each record begins")
    return said
