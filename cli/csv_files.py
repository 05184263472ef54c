"""CSV files that an operator gives and takes: read row by row, written so that no spreadsheet runs what is in them."""

import csv
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar

import click

from core.errors import UsageError
from core.model import BadRow, Reject
from core.suppressions import normal_address

_LONGEST = 500
_MOST_TOLD = 20
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Row:
    """A row with its place in the file; values without blanks around them, by column in lower case."""

    where: str
    values: Mapping[str, str]
    raw: tuple[str, ...]

    def text(self, column: str) -> str:
        """The value of a column; empty where there is none. Raises `BadRow` for one that cannot be kept."""
        text = self.values.get(column, "")
        if len(text) > _LONGEST:
            raise BadRow(column, f"is longer than {_LONGEST} characters")
        if "\0" in text:
            raise BadRow(column, "holds a NUL character")
        return text


@dataclass(frozen=True, slots=True)
class CsvRows:
    """The rows of a file under its header."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]


def read_csv(file: Path, needed: Sequence[str], known: Sequence[str]) -> CsvRows:
    """The rows of a CSV in UTF-8 whose header names the columns, in any order. Empty rows are left out.

    Raises `UsageError` where it cannot be read, or a column is lacking, twice there or none of those known.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            read = list(csv.reader(lines, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{file}: cannot be read as CSV in UTF-8 ({type(error).__name__})") from error
    header = tuple(name.strip().lower() for name in read[0]) if read else ()
    for name in needed:
        if name not in header:
            raise UsageError(
                f"{file}: the column {name} is lacking; its first line names the columns: {', '.join(known)}"
            )
    for name in header:
        if name not in known or header.count(name) > 1:
            why = "stands there twice" if name in known else f"is not known; known are {', '.join(known)}"
            raise UsageError(f"{file}: the column {name or '(without a name)'} {why}")
    return CsvRows(header, tuple(_rows(file, header, read[1:])))


def usable(read: CsvRows, meant: Callable[[Row], Iterable[_T]]) -> tuple[list[_T], list[Reject]]:
    """What the rows mean, and those that make no sense: `meant` raises `BadRow` for them."""
    found: list[_T] = []
    rejects: list[Reject] = []
    for row in read.rows:
        try:
            found += meant(row)
        except BadRow as error:
            rejects.append(Reject(row.where, error.column, error.reason, row.raw))
    return found, rejects


def rejects_as_json(rejects: Iterable[Reject]) -> list[dict[str, str]]:
    """Rows that cannot be used, as `--json` tells of them."""
    return [{"where": one.where, "column": one.column, "reason": one.reason} for one in rejects]


def say_rejects(rejects: Sequence[Reject], files: Iterable[Path]) -> None:
    """Tells of the first rows that cannot be used, and in which files all of them are."""
    for one in rejects[:_MOST_TOLD]:
        click.echo(f"{one.where}, column {one.column}: {one.reason}")
    for path in files:
        click.echo(f"The rows that cannot be used are in {path}.")


def address_of(row: Row, column: str) -> str:
    """The address in a column, as it is stored. Raises `BadRow`."""
    try:
        return normal_address(row.text(column))
    except UsageError as error:
        raise BadRow(column, str(error)) from error


def _rows(file: Path, header: Sequence[str], read: Iterable[Sequence[str]]) -> Iterator[Row]:
    for number, cells in enumerate(read, start=2):
        if any(cell.strip() for cell in cells):
            values = dict(zip(header, (plain_cell(cell) for cell in cells), strict=False))
            yield Row(f"{file.name}, row {number}", values, tuple(cells))


def write_csv(file: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Writes a CSV in UTF-8 that its owner alone can read, whole or not at all; gives the number of rows.

    Raises `UsageError` where it cannot be written.
    """
    written = 0
    draft = file.with_name(f"{file.name}.draft")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8-sig",
                       newline="") as out:  # fmt: skip
            writer = csv.writer(out)
            writer.writerow(columns)
            for row in rows:
                writer.writerow([harmless("" if cell is None else str(cell)) for cell in row])
                written += 1
        draft.replace(file)
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {error.strerror}") from error
    return written


def harmless(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def plain_cell(text: str) -> str:
    """A cell as it was before `harmless`, without blanks around it."""
    text = text.strip()
    return text[1:] if text[:1] == "'" and text[1:2] in ("=", "+", "-", "@") else text


def day_of(row: Row, column: str, today: date) -> date | None:
    """A day that is not in the future; None where there is none. Raises `BadRow`."""
    text = row.text(column)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text).date()
    except ValueError as error:
        raise BadRow(column, "is no day; write it as YYYY-MM-DD") from error
    if found > today:
        raise BadRow(column, "is in the future")
    return found
