"""One pass over a report: who is in it, what each row is worth comparing by, and which rows stand for one order.

The file is read once. What is kept of a row is a number, eight bytes of digest and where it begins, some 40 bytes; a row
is parsed again, at its place, only when the engine asks for it.
"""

import re
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from hashlib import blake2b
from itertools import islice
from operator import eq, itemgetter

from connectors.order_report.client import CsvFile, Fault, cut
from core.model import BadRow, OrderFacts, Reject, SourceRow, order_key

_BETWEEN = "\x1f"
_NAMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_NONE = 0  # the number of a row that names no order


class ReportStream:
    """A pass over one report. Iterating gives a `SourceRow` for each order and a `Reject` for each unusable row.

    `read_row` turns the used columns, in the order of `used`, into an order. `salt` is what besides the row decides
    what becomes of it. Raises `ConfigurationError` where the file is no report, `RetriableError` where it changes
    while it is read.
    """

    complete = True
    cursor: str | None = None

    def __init__(
        self,
        file: CsvFile,
        ca: str,
        used: Sequence[str],
        read_row: Callable[[dict[str, str]], OrderFacts],
        salt: bytes,
    ) -> None:
        self.header = file.header
        self._file = file
        self._ca = ca
        self._names = [name for name in used if name in file.columns]
        self._pick = itemgetter(*(file.columns[name] for name in self._names))
        self._salt = blake2b(repr(self._names).encode(), key=salt, digest_size=16).digest()
        self._read_row = read_row
        self._ids = array("q")  # the order's number; below zero: an index into `_named`
        self._starts = array("Q")
        self._lines = array("Q")
        self._digests = bytearray()
        self._named: list[str] = []
        self._faults: dict[int, Fault] = {}
        self._doubles: set[int] = set()
        self._scan()
        self.size: int | None = self._compare()
        file.refuse_change()

    def __iter__(self) -> Iterator[SourceRow | Reject]:
        self._file.refuse_change()
        prefix, digests = order_key(self._ca, ""), self._digests
        for index, number in enumerate(self._ids):
            if index in self._doubles:
                continue
            if index in self._faults:
                yield self._reject(index)
                continue
            name = number if number > 0 else self._named[-number - 1]
            digest = bytes(digests[index * 8 : index * 8 + 8])
            yield SourceRow(f"{prefix}{name}", digest, self._where(index), partial(self._read, index))
        self._file.refuse_change()

    def _scan(self) -> None:
        at = self._file.columns["order_id"]
        pick, salt = self._pick, self._salt
        numbers: dict[str, int] = {}
        add_id, add_start, add_line = self._ids.append, self._starts.append, self._lines.append
        for start, line, fields, fault in self._file.records():
            name = fields[at].strip() if at < len(fields) else ""
            if name.isdecimal() and name.isascii() and name[0] != "0" and len(name) < 19:
                number = int(name)
            elif _NAMED.fullmatch(name) and name.strip("0"):
                number = numbers.setdefault(name, -len(numbers) - 1)
            else:
                number = _NONE
            text = _BETWEEN.join(pick(fields)) if fault is None else ""
            if fault is not None or number == _NONE or "\0" in text:
                self._faults[len(self._ids)] = fault or self._fault(fields, name)
            add_id(number)
            add_start(start)
            add_line(line)
            self._digests += blake2b(text.encode(), digest_size=8, person=salt).digest()
        self._named = list(numbers)

    def _fault(self, fields: list[str], name: str) -> Fault:
        for column, text in zip(self._names, self._pick(fields), strict=True):
            if "\0" in text:
                return Fault(column, "holds a NUL character")
        return Fault("order_id", "is no order number" if name else "is empty")

    def _compare(self) -> int:
        """Finds the orders that several rows name, and gives the number of distinct orders.

        Of rows that say the same the first stands for all; rows that differ are all unusable.
        """
        ordered = sorted(number for number in self._ids if number != _NONE)
        repeats: int = sum(map(eq, ordered, islice(ordered, 1, None)))
        if repeats:
            shared = {one for one, next_one in zip(ordered, islice(ordered, 1, None), strict=False) if one == next_one}
            rows: dict[int, list[int]] = defaultdict(list)
            for index, number in enumerate(self._ids):
                if number in shared:
                    rows[number].append(index)
            for indices in rows.values():
                self._compare_rows(indices)
        return len(ordered) - repeats

    def _compare_rows(self, indices: list[int]) -> None:
        sound = [index for index in indices if index not in self._faults]
        if len(sound) == len(indices) and len({self._digest(index) for index in indices}) == 1:
            self._doubles.update(indices[1:])
            return
        for index in sound:
            other = next(one for one in indices if one != index)
            self._faults[index] = Fault("order_id", f"the order stands also in {self._where(other)}, with other values")

    def _digest(self, index: int) -> bytes:
        return bytes(self._digests[index * 8 : index * 8 + 8])

    def _where(self, index: int) -> str:
        return f"row {index + 1} (line {self._lines[index]})"

    def _key(self, index: int) -> str:
        number = self._ids[index]
        if number == _NONE:
            return ""
        return order_key(self._ca, str(number if number > 0 else self._named[-number - 1]))

    def _reject(self, index: int) -> Reject:
        column, reason = self._faults[index]
        raw = cut(self._file.at(self._starts[index], self._lines[index]), self._file.width)
        return Reject(self._where(index), column, reason, raw, self._key(index))

    def _read(self, index: int) -> OrderFacts:
        fields = self._file.at(self._starts[index], self._lines[index])
        if len(fields) != self._file.width:
            raise self._file.changed()
        values = self._pick(fields)
        text = _BETWEEN.join(values)
        if blake2b(text.encode(), digest_size=8, person=self._salt).digest() != self._digest(index):
            raise self._file.changed()
        try:
            return self._read_row(dict(zip(self._names, values, strict=True)))
        except BadRow as error:
            raise BadRow(error.column, error.reason, cut(fields, self._file.width)) from error
