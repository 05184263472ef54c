"""What is read of CertCentral: lists in pages, the order report as a file, single orders several at a time."""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from connectors.certcentral.client import AbsentError, Client, RefusedError
from connectors.order_report.client import CsvFile
from connectors.order_report.mapping import USED
from core.errors import ConfigurationError, RetriableError

LOG = logging.getLogger("nolapse.certcentral")
PAGE = 1000
REPORT_PAGE = 100_000
LONGEST_CHANGES_SECONDS = 604_800
_SHRINKS = 20  # how often a list may lose orders while it is read


class Listing:
    """A list of orders in pages, by rising order number where the API sorts so.

    `total` is known from the beginning, since the first page is read at once. An order that leaves the list meanwhile
    moves the rest up; the next page then begins so much earlier. Each order comes once.
    """

    def __init__(self, client: Client, path: str, sort: str = "") -> None:
        self._client = client
        self._path = path
        self._sort = sort
        self._first = self._sorted_page()
        self.total = _total(self._first)

    def pages(self) -> Iterator[Sequence[Mapping[str, Any]]]:
        """The orders, a page at a time; the next is fetched meanwhile. Rows that are no objects are left out."""
        page, offset, total = self._first, 0, self.total
        seen: set[str] = set()
        shrinks = 0
        with ThreadPoolExecutor(1) as ahead:
            while True:
                rows = page.get("orders")
                rows = rows if isinstance(rows, list) else []
                now = _total(page)
                if now < total and shrinks < _SHRINKS:
                    # What stood before this page has moved up, some of it out of the page.
                    shrinks += 1
                    offset = max(0, offset - (total - now))
                else:
                    offset += len(rows)
                total = now
                following = ahead.submit(self._page, offset) if rows and offset < total else None
                fresh = [row for row in rows if isinstance(row, dict) and str(row.get("id")) not in seen]
                seen.update(str(row.get("id")) for row in fresh)
                yield fresh
                if following is None:
                    return
                page = following.result()

    def _sorted_page(self) -> Mapping[str, Any]:
        """The first page. Some accounts want a sign before what is sorted by."""
        for sort in dict.fromkeys((self._sort, f"+{self._sort}" if self._sort else "", "")):
            self._sort = sort
            try:
                return self._page(0)
            except RefusedError as error:
                if error.status != 400 or not sort:
                    raise
        raise AssertionError("the list without a sort was neither answered nor refused")

    def _page(self, offset: int) -> Mapping[str, Any]:
        sort = {"sort": self._sort} if self._sort else {}
        return self._client.get(self._path, {"offset": str(offset), "limit": str(PAGE), **sort})


def _total(page: Mapping[str, Any]) -> int:
    told = page.get("page")
    total = told.get("total") if isinstance(told, dict) else None
    rows = page.get("orders")
    return total if isinstance(total, int) and total >= 0 else len(rows) if isinstance(rows, list) else 0


class Report:
    """The order report as files in a folder: of each order it is only known where its row stands."""

    def __init__(self) -> None:
        self._files: list[CsvFile] = []
        self._places: dict[str, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._places)

    def load(self, client: Client, folder: Path, orders: int) -> str:
        """Downloads the report of so many orders. Gives why it cannot be used, or an empty text."""
        try:
            for offset in range(0, orders, REPORT_PAGE):
                self._load_part(client, folder / f"report-{offset}.csv", offset)
        except (AbsentError, RefusedError, ConfigurationError, RetriableError) as error:
            return str(error)
        return ""

    def _load_part(self, client: Client, path: Path, offset: int) -> None:
        query = {"offset": str(offset), "limit": str(REPORT_PAGE)}
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
            client.download("/report/order", query, "text/csv", file)
        table = CsvFile(str(path), "the order report", ("order_id",))
        at = table.columns["order_id"]
        number = len(self._files)
        for start, _, fields, fault in table.records():
            if fault is None:
                self._places[fields[at].strip()] = (number, start)
        self._files.append(table)

    def columns(self, order_id: str) -> dict[str, str]:
        """The columns of an order's row that are used; none where the report lacks it."""
        place = self._places.get(order_id)
        if place is None:
            return {}
        number, start = place
        table = self._files[number]
        fields = table.at(start, 1)
        if len(fields) != table.width:
            return {}
        return {name: fields[table.columns[name]] for name in USED if name in table.columns}


def changed_orders(client: Client, seconds: int) -> list[str]:
    """The ids of the orders whose status changed within so many seconds from now, each once, oldest change first.

    The time is counted back from now by the service itself, so that its Mountain Time does not matter.
    """
    told = client.get("/order/certificate/status-changes", {"seconds": str(min(seconds, LONGEST_CHANGES_SECONDS))})
    rows = told.get("orders")
    ids = (row.get("order_id") for row in (rows if isinstance(rows, list) else ()) if isinstance(row, dict))
    return list(dict.fromkeys(str(one) for one in ids if isinstance(one, int | str) and str(one).strip()))


def several(
    pool: ThreadPoolExecutor, ids: Sequence[str], read: Callable[[str], Mapping[str, Any]]
) -> dict[str, Mapping[str, Any] | None]:
    """What `read` gives of each id, some at the same time; None for what the API does not know."""
    return dict(zip(ids, pool.map(lambda which: known(read, which), ids), strict=True))


def known(read: Callable[[str], Mapping[str, Any]], which: str) -> Mapping[str, Any] | None:
    """What `read` gives of it; None where the API does not know it."""
    try:
        return read(which)
    except AbsentError:
        return None


def reported(what: str, words: Iterable[str]) -> None:
    """Says once in a pass what nothing here has heard of. It is kept, and stops nothing."""
    if found := sorted(set(words)):
        LOG.warning("certcentral: unknown %s, kept as told: %s", what, ", ".join(found)[:300])
