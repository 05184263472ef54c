"""How the server does, as a small JSON file: written by `nolapse serve`, read by `nolapse serve --check`."""

import json
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

from config.sections import ScheduleSection
from core.errors import ConfigurationError

BEAT_SECONDS = 10
STALE_SECONDS = 60
OK, FAILED, SKIPPED, STOPPED = "ok", "failed", "skipped", "stopped"


@dataclass(slots=True)
class JobHealth:
    """One job: its last start and end (UTC), how it ended, one line of why, and failures in a row."""

    started_at: str = ""
    ended_at: str = ""
    outcome: str = ""
    why: str = ""
    failures: int = 0


@dataclass(slots=True)
class Health:
    """What is known of the running server. Several threads may write it down."""

    section: ScheduleSection
    jobs: dict[str, JobHealth]
    troubles: Sequence[str] = ()
    stopped: bool = False
    _started_at: str = field(default_factory=lambda: _now().isoformat())
    _writing: Lock = field(default_factory=Lock)

    def begin(self, name: str) -> None:
        """A job begins."""
        job = self.jobs[name]
        job.started_at, job.ended_at = _now().isoformat(), ""
        self.write()

    def end(self, name: str, outcome: str, why: str) -> None:
        """A job has ended. A turn that was left out neither mends nor worsens its failures."""
        job = self.jobs[name]
        job.ended_at, job.outcome, job.why = _now().isoformat(), outcome, why
        if outcome in (OK, FAILED):
            job.failures = job.failures + 1 if outcome == FAILED else 0
        self.write()

    def failing(self) -> Mapping[str, str]:
        """The jobs that have failed often enough to be told, and why."""
        return {name: job.why for name, job in self.jobs.items() if job.failures >= self.section.alert_after}

    def write(self) -> None:
        """Writes the file, whole or not at all. Raises `ConfigurationError` where that is impossible."""
        if not self.section.health_file:
            return
        with self._writing:
            found: dict[str, Any] = {
                "server": f"{socket.gethostname()}:{os.getpid()}",
                "started_at": self._started_at,
                "written_at": _now().isoformat(),
                "stopped": self.stopped,
                "jobs": {name: asdict(job) for name, job in self.jobs.items()},
                "troubles": list(self.troubles),
            }
            why = unwell(found, self.section, _now())
            found |= {"healthy": not why, "why": why}
            file = Path(self.section.health_file)
            draft = file.with_name(f"{file.name}.draft")
            try:
                draft.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
                draft.replace(file)
            except OSError as error:
                raise ConfigurationError(
                    f"[schedule] health_file: {file} cannot be written: {error.strerror}"
                ) from error


def unwell(found: Mapping[str, Any], section: ScheduleSection, now: datetime) -> str:
    """Why the server that wrote this is not well at this instant; empty where it is."""
    if found["stopped"]:
        return "the server has been stopped"
    written_at = datetime.fromisoformat(found["written_at"])
    if abs(now - written_at) > timedelta(seconds=STALE_SECONDS):
        return f"the server has not been heard of since {written_at:%Y-%m-%d %H:%M:%S} UTC"
    for name, job in found["jobs"].items():
        if job["failures"] >= section.alert_after:
            return f"{name} has failed {job['failures']} times in a row: {job['why']}"
        if job["started_at"] and not job["ended_at"]:
            started_at = datetime.fromisoformat(job["started_at"])
            if now - started_at > timedelta(seconds=section.longest_seconds):
                return f"{name} has been at work since {started_at:%Y-%m-%d %H:%M:%S} UTC"
    return ""


def check(section: ScheduleSection) -> tuple[str, Mapping[str, Any]]:
    """Why the server is not well, empty where it is, and what it wrote. Raises `ConfigurationError` without a file set."""
    if not section.health_file:
        raise ConfigurationError("[schedule] health_file is not set; name the file that `nolapse serve` is to write")
    file = Path(section.health_file)
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return unwell(found, section, _now()), found
    except FileNotFoundError:
        return f"{file} is not there; the server has not started", {}
    except (OSError, ValueError, KeyError, TypeError):
        return f"{file} cannot be read", {}


def _now() -> datetime:
    return datetime.now(UTC)
