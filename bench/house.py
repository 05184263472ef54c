"""An installation for the time of a benchmark: the application as the command line puts it together."""

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from config.assembly import App
from config.settings import load
from core.policy import Policy
from core.store import Store

_SETTINGS = """
[store]
url = "{url}"

[order_report]
{report}

[brand]
company = "Nordlicht Hosting"
sender = "renewals@nordlicht.example"
console_name = "the Nordlicht console"
console_url = "https://console.nordlicht.example/certificates"
postal_address = "Nordlicht Hosting, Hafenstrasse 1, 20095 Hamburg, Germany"
support = "support@nordlicht.example"

[reps]
fallback = "rep0"
support = "rep1"

[embedded]
mailbox = "{mailbox}"
"""


class House:
    """The application on the database at `url`, with the embedded CRM and mailbox, and the default settings else.

    `reading` are the lines of [order_report] where the report is not read by the defaults.
    """

    def __init__(self, url: str, *, report: Path | None = None, mailbox: Path | None = None, reading: str = "") -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "nolapse.toml"
            said = reading or f'path = "{report or "report.csv"}"'
            text = _SETTINGS.format(url=url, report=said, mailbox=mailbox or "mailbox")
            file.write_text(text, encoding="utf-8")
            self.app = App(load(file, environment={}))

    @property
    def store(self) -> Store:
        return self.app.bare_store

    @property
    def policy(self) -> Policy:
        return self.app.policy

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.app.close()
