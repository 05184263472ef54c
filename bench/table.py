"""The table of figures: its rows, its form, and its place in a README."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import UsageError

COLUMNS = ("what", "here", "bare comparison", "ratio", "goal", "met")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure beside what it is compared with. `met` is None where there is no goal."""

    what: str
    here: str
    bare: str = ""
    ratio: str = ""
    goal: str = ""
    met: bool | None = None


def markdown(rows: Sequence[Row]) -> str:
    """The rows as a table in Markdown, its columns in line."""
    cells = [COLUMNS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(COLUMNS))]
    lines = [_line(line, widths) for line in cells]
    lines.insert(1, _line(["-" * width for width in widths], widths))
    return "\n".join(lines)


def _cells(row: Row) -> tuple[str, ...]:
    met = "" if row.met is None else "yes" if row.met else "**no**"
    return row.what, row.here, row.bare, row.ratio, row.goal, met


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return f"| {' | '.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))} |"


def put_between(file: Path, mark: str, text: str) -> None:
    """Puts the text between `<!-- mark -->` and `<!-- /mark -->`. Raises `UsageError` where the file lacks these."""
    begins, ends = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    before, found, rest = file.read_text(encoding="utf-8").partition(begins)
    _, closed, after = rest.partition(ends)
    if not found or not closed:
        raise UsageError(f"{file}: lacks the lines {begins} and {ends}")
    file.write_text(f"{before}{begins}\n{text}\n{ends}{after}", encoding="utf-8")
