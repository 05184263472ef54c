"""Reads a CSV file as a stream of records, and keeps every fault to the record in which it stands.

A record may hold line breaks inside quotes, so it has a number of its own and a line on which it begins. One that
has too many columns, or whose quote is not closed, must not take others with it: reading goes on at the next line
that makes a whole record.
"""

import codecs
import csv
import os
import stat
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, NamedTuple

from core.errors import ConfigurationError, RetriableError

FIELD_LIMIT = 131_072
_TELLING_LIMIT = 1 << 24  # a field up to this length is still read whole, only to tell its column
_MOST_UNREADABLE = 100  # each costs a reading of up to the limit
_RAW_LIMIT = 1000
_HEADER_LIMIT = 1 << 20
_OTHER_SIGNS = ((";", "semicolons"), ("\t", "tabs"))


class Fault(NamedTuple):
    """What is wrong with a record; `column` is empty where it is the record as a whole."""

    column: str
    reason: str


class Record(NamedTuple):
    """One record: the byte and line at which it begins (the header's line is 1), and what is wrong with it."""

    start: int
    line: int
    fields: list[str]
    fault: Fault | None = None


def cut(fields: Sequence[str], width: int) -> tuple[str, ...]:
    """Fields fit to be shown or written elsewhere: long ones and surplus ones are cut."""
    return tuple(one if len(one) <= _RAW_LIMIT else f"{one[:_RAW_LIMIT]}..." for one in fields[: width + 10])


class CsvFile:
    """An open CSV file with a header, in UTF-8 or, with a byte order mark, UTF-16.

    `setting` names what the operator set to this path. The file is closed when the object is no longer used.
    Raises `ConfigurationError`, one line that names the file, where it cannot be read or lacks a needed column.
    """

    def __init__(self, path: str, setting: str, needed: Sequence[str]) -> None:
        csv.field_size_limit(FIELD_LIMIT)
        self.path = path
        self._handle = _open(path, setting)
        weakref.finalize(self, self._handle.close)
        self._stamp = self._stamp_now()
        self._start, self._line, self.header = self._read_header()
        self.width = len(self.header)
        names = [name.strip().lower() for name in self.header]
        self.columns = {name: index for index, name in reversed(list(enumerate(names)))}
        self._require(names, needed)

    def records(self) -> Iterator[Record]:
        """Every record after the header, in order; blank lines are passed over.

        Raises `ConfigurationError` where the text is not in the file's encoding, or too much of it is no CSV.
        """
        start, line, width, tell = self._start, self._line, self.width, self._handle.tell
        unreadable = 0
        while True:
            self._handle.seek(start)
            reader = csv.reader(map(bytes.decode, self._handle))
            first = line
            try:
                for fields in reader:
                    if len(fields) == width:
                        yield Record(start, line, fields)
                    elif fields:
                        break
                    start, line = tell(), first + reader.line_num
                else:
                    return
            except UnicodeDecodeError as error:
                raise self._not_text(first + reader.line_num) from error
            except csv.Error:
                pass  # what is wrong with it is found out below, as for a wrong number of columns
            except OSError as error:
                raise _unreadable(self.path, "[order_report]", error) from error
            record, start, line = self._repair(start, line)
            unreadable += not record.fields
            if unreadable > _MOST_UNREADABLE:
                raise self._no_csv(record.line)
            yield record

    def at(self, start: int, line: int) -> list[str]:
        """The fields of the record that begins at this byte and line, as far as they can be read.

        Not to be used while `records` is running.
        """
        fields, _, _ = self._one(start, line)
        return fields or []

    def refuse_change(self) -> None:
        """Raises `RetriableError` where the file was written to since it was opened."""
        if self._stamp_now() != self._stamp:
            raise self.changed()

    def changed(self) -> RetriableError:
        """The error to raise where the file proves to be another than the one that was scanned."""
        return RetriableError(f"{self.path}: the file changed while it was being read; run again when it is complete")

    def _stamp_now(self) -> tuple[int, int]:
        state = os.fstat(self._handle.fileno())
        return state.st_size, state.st_mtime_ns

    def _one(self, start: int, line: int) -> tuple[list[str] | None, int, int]:
        """The record at a byte (None: it cannot be read), the byte after it, and how many lines it takes."""
        self._handle.seek(start)
        reader = csv.reader(map(bytes.decode, self._handle))
        try:
            fields = next(reader, [])
        except UnicodeDecodeError as error:
            raise self._not_text(line + reader.line_num) from error
        except csv.Error:
            return None, start, 0
        return fields, self._handle.tell(), reader.line_num

    def _read_header(self) -> tuple[int, int, tuple[str, ...]]:
        begin = self._handle.tell()
        beginning = self._handle.readline(_HEADER_LIMIT)
        if not beginning.strip():
            raise ConfigurationError(f"{self.path}: the file is empty, or its first line is; it must name the columns")
        if b"\0" in beginning:
            raise self._not_text(1)
        header, start, lines = self._one(begin, 1)
        if header is None or len(beginning) == _HEADER_LIMIT:
            raise ConfigurationError(
                f"{self.path}: the first line holds no names of columns; save the file as CSV with a line for each row"
            )
        return start, lines + 1, tuple(header)

    def _require(self, names: list[str], needed: Sequence[str]) -> None:
        missing = [name for name in needed if name not in names]
        if missing:
            other = next((word for sign, word in _OTHER_SIGNS if len(names) == 1 and sign in names[0]), "")
            hint = f"; its columns are separated by {other}, save it with commas" if other else ""
            what = f"columns {', '.join(missing)} are" if len(missing) > 1 else f"column {missing[0]} is"
            raise ConfigurationError(f"{self.path}: the {what} missing{hint}")
        if twice := [name for name in needed if names.count(name) > 1]:
            raise ConfigurationError(f"{self.path}: the column {twice[0]} stands twice in the first line; keep one")

    def _repair(self, start: int, line: int) -> tuple[Record, int, int]:
        """The faulty record at a byte, and the byte and line at which reading goes on."""
        with _telling_limit():
            fields, end, lines = self._one(start, line)
        if fields is not None and len(fields) == self.width:
            column = self.header[max(range(self.width), key=lambda index: len(fields[index]))]
            fault = Fault(column, f"is longer than {FIELD_LIMIT:,} characters")
            return Record(start, line, fields, fault), end, line + lines
        if fields is None:
            problem = "cannot be read: a quote is not closed, or a line break stands outside quotes"
        else:
            problem = f"the row has {len(fields)} columns where the first line names {self.width}"
        again = self._next_whole(start, line, end if fields is not None else self._size()) if lines != 1 else None
        if again is None:
            again = (end, line + lines) if fields is not None else (self._size(), line)
        elif fields is not None:
            problem = f"a quote is not closed in lines {line} to {again[1] - 1}"
        return Record(start, line, fields or [], Fault("", problem)), *again

    def _next_whole(self, start: int, line: int, end: int) -> tuple[int, int] | None:
        """The byte and line of the first whole record that begins on a later line and before `end`.

        A quote inside a field tells that the line is rather the rest of a longer record.
        """
        for _ in range(_MOST_UNREADABLE):
            fields: list[str] | None = []
            while fields is not None:
                self._handle.seek(start)
                self._handle.readline()
                start, line = self._handle.tell(), line + 1
                if start >= end:
                    return None
                fields, _, _ = self._one(start, line)
                if fields and len(fields) == self.width and not any('"' in one for one in fields):
                    return start, line
        raise self._no_csv(line)

    def _size(self) -> int:
        return os.fstat(self._handle.fileno()).st_size

    def _no_csv(self, line: int) -> ConfigurationError:
        return ConfigurationError(
            f"{self.path}: more than {_MOST_UNREADABLE} rows cannot be read, the last on line {line}: "
            "quotes are not closed, or fields are far too long; export the file again"
        )

    def _not_text(self, line: int) -> ConfigurationError:
        return ConfigurationError(
            f"{self.path}: line {line} is not text in UTF-8, nor in UTF-16 with a byte order mark; "
            "save the file as CSV in UTF-8"
        )


def _open(path: str, setting: str) -> BinaryIO:
    if not path:
        raise ConfigurationError(f"{setting} is not set; set it to the path of the CSV file")
    if "\0" in path:
        raise ConfigurationError(f"{setting} is no path; set it to the path of the CSV file")
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            kind = "a folder" if Path(path).is_dir() else "no regular file"
            raise ConfigurationError(f"{path}: this is {kind}; set {setting} to the CSV file")
        handle = open(path, "rb", buffering=1 << 18)  # noqa: SIM115, closed with the CsvFile
        mark = handle.read(4)
    except OSError as error:
        raise _unreadable(path, setting, error) from error
    if mark.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _as_utf8(path, handle)
    handle.seek(len(codecs.BOM_UTF8) if mark.startswith(codecs.BOM_UTF8) else 0)
    return handle


def _unreadable(path: str, setting: str, error: OSError) -> ConfigurationError:
    reason = error.strerror or type(error).__name__
    return ConfigurationError(f"{path}: cannot be read ({reason}); check the file and {setting}")


def _as_utf8(path: str, handle: BinaryIO) -> BinaryIO:
    """A temporary file with the same text in UTF-8, in which lines can be found byte by byte."""
    handle.seek(0)
    copy: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115, closed with the CsvFile
    with TextIOWrapper(handle, encoding="utf-16", newline="") as text:
        try:
            while part := text.read(_HEADER_LIMIT):
                copy.write(part.encode())
        except UnicodeError as error:
            copy.close()
            raise ConfigurationError(f"{path}: the text is broken UTF-16; save the file as CSV in UTF-8") from error
        except OSError as error:
            copy.close()
            raise _unreadable(path, "the room for temporary files", error) from error
    copy.seek(0)
    return copy


@contextmanager
def _telling_limit() -> Iterator[None]:
    """Lets the csv module read longer fields for a moment: its limit is the process's."""
    csv.field_size_limit(_TELLING_LIMIT)
    try:
        yield
    finally:
        csv.field_size_limit(FIELD_LIMIT)
