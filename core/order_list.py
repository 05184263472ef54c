"""All orders of a long mail as a list that goes along: CSV, in the mail's language, dates as every program reads them."""

import csv
import io

from core.messages import Letter, OrderLine
from core.ports import Attachment
from core.wording import WordedMail

CONTENT_TYPE = "text/csv; charset=utf-8"
FILE_NAME = "orders.csv"
COLUMNS = (
    *("order_id", "common_name", "product_name", "issued_on", "ends_on", "order_expires_on"),
    *("validity_days", "days_left"),
)
"""What stands in each column, under the heads of `WordedMail.columns`; dates as 2026-06-01."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def list_attachments(letter: Letter, words: WordedMail) -> tuple[Attachment, ...]:
    """The list of a mail in which not all orders stand; nothing where they do."""
    if not words.columns:
        return ()
    return (Attachment(FILE_NAME, CONTENT_TYPE, order_list(letter, words)),)


def order_list(letter: Letter, words: WordedMail) -> bytes:
    """The orders of a mail as a CSV file, as spreadsheets open it: UTF-8 with its mark."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(words.columns)
    writer.writerows([_row(line) for line in letter.lines])
    return stream.getvalue().encode("utf-8-sig", "replace")


def _row(line: OrderLine) -> list[object]:
    return [safe_cell(getattr(line, name)) for name in COLUMNS]


def safe_cell(value: object) -> object:
    """A spreadsheet must not take a name for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
