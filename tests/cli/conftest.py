import csv
import io
import json
import shutil
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.main import main

COLUMNS = [
    *("order_id", "status", "date_created", "common_name", "valid_from", "valid_till", "validity_years"),
    *("organization_id", "organization_name", "organization_country", "tech_first_name", "tech_last_name"),
    *("tech_email", "user_first_name", "user_last_name", "user_email", "product_name_id", "product_name"),
    *("product_type", "order_valid_till", "serial_number", "is_renewed", "renewed_order_id", "renewal_of_order_id"),
    *("auto_renew", "disable_renewal_notifications", "price", "currency", "dns_names", "csr"),
]

ORDER = {
    "order_id": "1001",
    "status": "issued",
    "date_created": "2026-06-20 10:00:00",
    "common_name": "www.example.com",
    "valid_from": "2026-06-20",
    "valid_till": "2026-12-20",
    "validity_years": "1",
    "organization_id": "11",
    "organization_name": "Acme GmbH",
    "organization_country": "DE",
    "tech_first_name": "Tina",
    "tech_last_name": "Tech",
    "tech_email": "tina@acme.example",
    "user_first_name": "Ulf",
    "user_last_name": "User",
    "user_email": "ulf@acme.example",
    "product_name_id": "ssl_securesite_flex",
    "product_name": "Secure Site OV",
    "product_type": "ssl_certificate",
    "order_valid_till": "2026-12-20",
    "serial_number": "AA01",
    "auto_renew": "0",
    "disable_renewal_notifications": "0",
    "price": "399",
    "currency": "EUR",
    "csr": "-----BEGIN CERTIFICATE REQUEST-----\nMIIC\n-----END CERTIFICATE REQUEST-----",
}


@dataclass
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


class Desk:
    """An operator at a folder with settings and an order report."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str] | None = None) -> None:
        self.folder = folder
        self._capsys = capsys
        self.settings('[order_report]\npath = "report.csv"\n[reps]\nfallback = "maria"\n')

    def settings(self, text: str) -> None:
        (self.folder / "nolapse.toml").write_text(text, encoding="utf-8")

    def report(self, *orders: Mapping[str, str], columns: list[str] | None = None) -> Path:
        file = self.folder / "report.csv"
        with file.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, columns or COLUMNS, quoting=csv.QUOTE_ALL, extrasaction="ignore")
            writer.writeheader()
            writer.writerows([{**ORDER, **order} for order in orders])
        return file

    def __call__(self, *arguments: str, code: int | None = 0) -> Said:
        assert self._capsys is not None, "what it says is only read within a test"
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(self.folder / "nolapse.toml"), *arguments])
        out, err = self._capsys.readouterr()
        said = Said(int(ended.value.code or 0), out, err)
        assert code is None or said.code == code, (said.out, said.err)
        assert "Traceback" not in said.err
        return said

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything in the database, to see whether a command has changed anything."""
        import sqlite3
        from contextlib import closing

        with closing(sqlite3.connect(self.folder / "nolapse.db")) as connection:
            names = connection.execute("select name from sqlite_master where type = 'table' order by name").fetchall()
            return {
                name: connection.execute(f"select * from {name} order by 1").fetchall()
                for (name,) in names
                if name != "engine_locks"
            }

    def mails(self) -> list[str]:
        return [file.read_text(encoding="utf-8") for file in self._files()]

    def _files(self) -> list[Path]:
        """The mails, in the order in which they went."""
        return sorted((self.folder / "mailbox").glob("new/*"), key=lambda file: file.stat().st_mtime_ns)


@pytest.fixture
def nolapse(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path, capsys)


DAY = "2026-11-20"
"""A month before the orders of `played` end."""

NOBODYS = {
    "order_id": "1002", "serial_number": "AA02", "common_name": "shop.example.com", "price": "", "dns_names": "",
    "organization_id": "12", "organization_name": "Béta SA", "organization_country": "FR", "tech_email": "",
    "user_email": "",
}  # fmt: skip
"""An order without people or price."""

UNREADABLE = {"order_id": "1003", "serial_number": "AA03", "valid_till": "never", "order_valid_till": ""}


@pytest.fixture(scope="session")
def first_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an installation that has just gone live: three orders were read, of which one cannot be used."""
    folder = tmp_path_factory.mktemp("first-day")
    desk = Desk(folder)
    desk.report({"dns_names": "www.example.com, api.example.com"}, NOBODYS, UNREADABLE)
    for arguments in (("go-live", "--from", DAY), ("run", "--today", DAY)):
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), pytest.raises(SystemExit) as ended:
            main(["--config", str(folder / "nolapse.toml"), *arguments])
        assert not ended.value.code
    return folder


@pytest.fixture
def played(nolapse: Desk, first_day: Path) -> Desk:
    """A copy of it: the first mail and call about order 1001 are out, whom to write to about 1002 is asked."""
    shutil.copytree(first_day, nolapse.folder, dirs_exist_ok=True)
    return nolapse
