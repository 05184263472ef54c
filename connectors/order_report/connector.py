"""The order report as an order source."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal

from connectors.order_report import people
from connectors.order_report.client import CsvFile
from connectors.order_report.mapping import NEEDED, USED, Reading, to_facts
from connectors.order_report.scan import ReportStream
from core.errors import NolapseError, UsageError
from core.model import AccountFacts, BadRow, OrderFacts, OrderStream, Reject, RepFacts, SourceRow, digest_of
from core.ports import Connector, Finding
from core.products import Catalogue

_MAPPING_VERSION = 1  # raise it when the mapping changes, so that every row is read afresh
_CREATED_AHEAD = timedelta(days=5 * 365)


@dataclass(frozen=True)
class OrderReportSettings:
    """The section `[order_report]`."""

    path: str = ""
    """The CSV of CertCentral's order report, in UTF-8 or in UTF-16 with a byte order mark.

    Empty where another source has the orders and only the files of people are wanted.
    """

    accounts_path: str = ""
    """A CSV of customers: names, countries, languages, owners. Empty: none."""

    contacts_path: str = ""
    """A CSV of the customers' people with their roles. Empty: none."""

    reps_path: str = ""
    """A CSV of our own people. Empty: none."""

    ca: str = "digicert"
    """Whose orders these are: the first part of every order's key, and the name of the CA's rules in validity.toml."""

    customer: Literal["organisation", "container", "account"] = "organisation"
    """What is one customer: the organisation on the certificate, the container (division), or the (sub)account."""

    currency: str = "USD"
    """The currency of the column `price` where no column `currency` names another."""


class NoOrders:
    """A pass over no report at all: nothing is new, and nothing has vanished."""

    complete = False
    size: int | None = None
    header: tuple[str, ...] = ()
    cursor: str | None = None

    def __iter__(self) -> Iterator[SourceRow | Reject]:
        return iter(())


class OrderReport:
    """Orders from the report; accounts, reps and contacts from the files beside it."""

    def __init__(self, settings: OrderReportSettings, catalogue: Catalogue) -> None:
        self.name = "order_report"
        self._settings = settings
        self._catalogue = catalogue

    def orders(self, cursor: str | None) -> OrderStream:
        """A pass over the whole report, whatever the cursor. Without a report, but with people's files, there are none.

        Raises `ConfigurationError` for a file that cannot be used, `RetriableError` for one that is being written to.
        """
        settings = self._settings
        if self._people_only:
            return NoOrders()
        reading = Reading(
            settings.ca,
            settings.customer,
            settings.currency,
            self._catalogue,
            datetime.now(UTC).date() + _CREATED_AHEAD,
        )
        entries = [
            (one.id, one.name, one.kind, one.level, one.brand, sorted(one.features))
            for one in sorted(self._catalogue.products.values(), key=lambda product: product.id)
        ]
        salt = digest_of(_MAPPING_VERSION, settings.ca, settings.customer, settings.currency, entries)
        return ReportStream(self._report(), settings.ca, USED, partial(to_facts, reading=reading), salt)

    def order(self, key: str) -> OrderFacts | None:
        """The order of this key as the report has it now, or None. Raises `UsageError` where its rows are unusable."""
        if not key.startswith(f"{self._settings.ca}:"):
            return None
        for row in self.orders(None):
            if row.key != key:
                continue
            if not isinstance(row, SourceRow):
                problem = f"{row.column}: {row.reason}" if row.column else row.reason
                raise UsageError(f"{self._settings.path}, {row.where}: {problem}")
            try:
                return row.read()
            except BadRow as error:
                raise UsageError(f"{self._settings.path}, {row.where}: {error}") from error
        return None

    @property
    def names_everybody(self) -> bool:
        """Whether there is a contacts file: whom it names no more is no longer the account's contact."""
        return bool(self._settings.contacts_path)

    def accounts(self) -> tuple[Sequence[AccountFacts], Sequence[Reject]]:
        """The customers of the accounts file, with the people of the contacts file, and the rows that are unusable."""
        settings = self._settings
        return people.accounts(settings.accounts_path, settings.contacts_path, f"{settings.ca}:{settings.customer}")

    def reps(self) -> tuple[Sequence[RepFacts], Sequence[Reject]]:
        """Our own people of the reps file, and the rows that are unusable."""
        return people.reps(self._settings.reps_path)

    def check(self) -> list[Finding]:
        """Whether each of the files can be read, holds its columns, and how good its rows are."""
        return [*([] if self._people_only else [self._check_report()]), *self._check_people()]

    @property
    def _people_only(self) -> bool:
        """Whether another source has the orders, and this one only knows the people to them."""
        said = self._settings
        return not said.path and bool(said.accounts_path or said.contacts_path or said.reps_path)

    def _report(self) -> CsvFile:
        return CsvFile(self._settings.path, "[order_report] path", NEEDED)

    def _check_report(self) -> Finding:
        try:
            file = self._report()
        except NolapseError as error:
            return Finding("order report", False, str(error), "mend the file or the setting, then check again")
        lacking = [name for name in ("order_valid_till", "dns_names", "tech_email") if name not in file.columns]
        written = datetime.fromtimestamp(os.stat(file.path).st_mtime, UTC)
        text = f"{file.path}: {len(file.header)} columns, written {written:%Y-%m-%d %H:%M} UTC"
        advice = f"without {', '.join(lacking)} less is known" if lacking else ""
        if "order_valid_till" in lacking:
            advice += "; the ends of orders are worked out and shown as such"
        return Finding("order report", True, text, advice)

    def _check_people(self) -> list[Finding]:
        found = []
        for subject, path, read in (
            (
                "accounts and contacts",
                self._settings.accounts_path or self._settings.contacts_path,
                self.accounts,
            ),
            ("reps", self._settings.reps_path, self.reps),
        ):
            if not path:
                continue
            try:
                facts, rejects = read()
            except NolapseError as error:
                found.append(Finding(subject, False, str(error), "mend the file or the setting, then check again"))
                continue
            first = f"{rejects[0].where}: {rejects[0].column} {rejects[0].reason}" if rejects else ""
            text = f"{len(facts)} usable, {len(rejects)} rows unusable"
            found.append(Finding(subject, not rejects, text, first))
        return found


def open_source(settings: Any, engine: Any, catalogue: Catalogue | None = None) -> OrderReport:
    """The order source of these settings; the store is not needed.

    Without a catalogue products are told by the words of their ids and names.
    """
    return OrderReport(settings, catalogue or Catalogue())


CONNECTOR = Connector("order_report", OrderReportSettings, order_source=open_source)
