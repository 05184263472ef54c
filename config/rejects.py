"""Keeps rows that cannot be used, with the reason, beside what could be."""

import csv
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from core.errors import ConfigurationError
from core.model import Reject


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
