"""Keeps rows that cannot be used, with the reason, beside what could be."""

import csv
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from core.errors import ConfigurationError
from core.model import Reject
from core.whom import Whom


class RejectsFile:
    """One CSV file per source and run: where, column, reason, and the row itself.

    The file is readable by its owner only, because rows name people.
    """

    def __init__(self, folder: str, base: Path) -> None:
        self._folder = base / folder
        self._stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        self.files: list[Path] = []

    def __call__(self, source: str, header: Sequence[str], rejects: Iterable[Reject]) -> None:
        """Adds rejects to the file of their source. Raises `ConfigurationError` where it cannot be written."""
        file = self._folder / f"{source}-{self._stamp}.csv"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if file not in self.files:
                file.touch(mode=0o600)
                self.files.append(file)
                self._write(file, [("where", "column", "reason", *header)])
            self._write(file, [(one.where, one.column, one.reason, *one.raw) for one in rejects])
        except OSError as error:
            raise ConfigurationError(
                f"sync.rejects_path: {file} cannot be written: {error.strerror}; choose a folder that can be"
            ) from error

    def _write(self, file: Path, rows: Iterable[Sequence[str]]) -> None:
        with file.open("a", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows(rows)


class RejectsFolder:
    """The files that were kept so far. They name people."""

    def __init__(self, folder: str, base: Path) -> None:
        self._folder = base / folder

    def naming(self, whom: Whom) -> Mapping[str, Sequence[Sequence[str]]]:
        """The rows that name a person, by file."""
        found = {file.name: [row for row in _rows(file) if _names(row, whom)] for file in self._files()}
        return {name: rows for name, rows in found.items() if rows}

    def forget(self, whom: Whom) -> int:
        """Takes the rows that name a person out, and gives how many those were."""
        count = 0
        for file in self._files():
            rows = _rows(file)
            left = [row for row in rows if not _names(row, whom)]
            if len(left) == len(rows):
                continue
            count += len(rows) - len(left)
            draft = file.with_suffix(".draft")
            with open(
                os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w", encoding="utf-8", newline=""
            ) as stream:
                csv.writer(stream).writerows(left)
            draft.replace(file)
        return count

    def files_before(self, moment: datetime) -> Sequence[Path]:
        """The files that nothing was added to since an instant."""
        return [file for file in self._files() if file.stat().st_mtime < moment.timestamp()]

    def _files(self) -> Sequence[Path]:
        return sorted(self._folder.glob("*.csv")) if self._folder.is_dir() else ()


def _rows(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def _names(row: Sequence[str], whom: Whom) -> bool:
    return any(whom.named_in(cell) for cell in row)
