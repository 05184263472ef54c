"""Who works when, as the settings say it."""

from datetime import date

from config.sections import RepsSection, TasksSection
from core.errors import ConfigurationError
from core.policy import TaskPolicy


def task_policy(tasks: TasksSection, reps: RepsSection) -> TaskPolicy:
    """What `[tasks]` and `[reps]` say. Raises `ConfigurationError` for an absence that cannot be meant."""
    return TaskPolicy(
        one_open_per_account=tasks.one_open_per_account,
        fallback_owner=reps.fallback,
        support_owner=reps.support,
        manager=reps.manager,
        deputies=reps.deputies,
        managers=reps.managers,
        absences={key: tuple(_absence(key, text) for text in spans) for key, spans in reps.absent.items()},
        per_day=tasks.per_day,
        no_answer_days=tasks.no_answer_days,
        no_answer_times=tasks.no_answer_times,
        quiet_days=tasks.quiet_days,
        escalate_after_days=tasks.escalate_after_days,
    )


def _absence(key: str, text: str) -> tuple[date, date]:
    first, _, last = text.partition("/")
    try:
        span = date.fromisoformat(first.strip()), date.fromisoformat(last.strip())
    except ValueError as error:
        raise _wrong(key, text) from error
    if span[1] < span[0]:
        raise _wrong(key, text)
    return span


def _wrong(key: str, text: str) -> ConfigurationError:
    return ConfigurationError(
        f"[reps] absent.{key}: {text!r} is no absence; write FIRST/LAST, as 2026-12-21/2027-01-03"
    )
