"""The words of `[schedule]` and what they mean to the scheduler: five cron fields, or `every 15m`."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from config.sections import JOBS, ScheduleSection
from core.errors import ConfigurationError

_EVERY = re.compile(r"every +([1-9][0-9]{0,5}) *([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# Counted from one instant, all servers have their turns at the same moments.
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def triggers(section: ScheduleSection) -> Mapping[str, BaseTrigger]:
    """When each job that is not switched off runs. Raises `ConfigurationError` for words that cannot be meant."""
    zone = _zone(section.timezone)
    words = {name: str(getattr(section, name)).strip() for name in JOBS}
    return {name: _trigger(name, told, zone) for name, told in words.items() if told}


def next_turn(trigger: BaseTrigger, after: datetime) -> datetime | None:
    """The first turn that is later than this instant (UTC)."""
    found: datetime | None = trigger.get_next_fire_time(None, after + timedelta(microseconds=1))
    return None if found is None else found.astimezone(UTC)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise ConfigurationError(
            f"[schedule] timezone: {name!r} is no time zone; write it as UTC or Europe/Berlin"
        ) from error


def _trigger(name: str, words: str, zone: ZoneInfo) -> BaseTrigger:
    place = f"[schedule] {name}: {words!r}"
    if found := _EVERY.fullmatch(words.lower()):
        return IntervalTrigger(**{_UNITS[found[2]]: int(found[1])}, start_date=_EPOCH, timezone=UTC)
    parts = words.split()
    if len(parts) != 5:
        raise ConfigurationError(
            f'{place} is no schedule; write five cron fields such as "*/15 * * * *", or "every 15m"'
        )
    minute, hour, day, month, weekday = parts
    if "*" not in (day, weekday):
        raise ConfigurationError(f"{place} names both days of the month and weekdays; leave one of them *")
    try:
        trigger = CronTrigger(
            minute=minute, hour=hour, day=day, month=month, day_of_week=_weekdays(weekday), timezone=zone
        )
        comes = trigger.get_next_fire_time(None, datetime.now(UTC).astimezone(zone))
    except (ValueError, KeyError, IndexError) as error:
        said = str(error).split("\n")[0]
        raise ConfigurationError(f"{place} is no schedule: {said[:1].lower()}{said[1:]}") from error
    if comes is None:
        raise ConfigurationError(f"{place} never comes; there is no such day")
    return trigger


def _weekdays(field: str) -> str:
    """The weekdays by name: cron counts them from Sunday, the scheduler from Monday."""
    if field == "*":
        return field
    found: list[str] = []
    for part in field.lower().split(","):
        span, _, step = part.partition("/")
        first, _, last = ("0-6" if span == "*" else span).partition("-")
        start = _weekday(first)
        end = _weekday(last) if last else (6 if step else start)
        end += 7 if end < start else 0
        found += [_WEEKDAYS[number % 7] for number in range(start, end + 1, _step(step))]
    return ",".join(dict.fromkeys(found))


def _weekday(word: str) -> int:
    if word in _WEEKDAYS:
        return _WEEKDAYS.index(word)
    if word.isascii() and word.isdigit() and int(word) <= 7:
        return int(word)
    raise ValueError(f"{word} is no weekday; write 0 to 7, or sun to sat")


def _step(word: str) -> int:
    if not word:
        return 1
    if word.isascii() and word.isdigit() and int(word):
        return int(word)
    raise ValueError(f"{word} is no step of weekdays")
