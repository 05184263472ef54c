"""A whole installation in a folder, worked by processes of its own: it has lived through a day, and has one before it."""

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from config.assembly import application
from config.settings import load
from core import golive
from core.deliver import deliver
from core.migrations import migrate
from core.plan import plan
from core.settle import settle
from core.sync import sync
from core.timing import WholeDay
from tests.builders import no_rejects
from tests.cli.conftest import COLUMNS, ORDER
from tests.fakes.smtp_server import SmtpServer, running_smtp_server
from tests.fire.commands import Command
from tests.fire.grounds import Ground, Prepare
from tests.fire.snapshots import Snapshot

BEFORE = date(2026, 11, 20)
DAY = date(2026, 12, 11)
CUSTOMERS = 10

_SETTINGS = """
[store]
url = "{url}"
[sync]
batch_size = 5
[plan]
batch_size = 4
lock_wait_seconds = 120
[deliver]
batch_size = 2
[order_report]
path = "report.csv"
[mail]
via = "smtp"
[smtp]
host = "127.0.0.1"
port = {port}
security = "none"
[reps]
fallback = "maria"
"""


@dataclass(frozen=True)
class House:
    """An installation in a folder that has lived through its first day, and the mail server that it uses."""

    folder: Path
    ground: Ground
    server: SmtpServer

    def furnish(self) -> None:
        """As it was on the morning of the second day."""
        self.ground.restore()
        self.arrange()

    def arrange(self) -> None:
        """The settings and the report of the second day; no mail has come in."""
        self.server.forget()
        write_settings(self.folder, self.ground.url, self.server)
        write_report(self.folder / "report.csv", DAY)

    def do(self, day: date, *names: str) -> None:
        """Some of the four steps, by this process alone."""
        do_steps(self.folder, day, names)

    def at_once(self, command: str, count: int) -> list[Any]:
        """What so many processes answer that do a command at the same time."""
        started = [self.start(command, "--json") for _ in range(count)]
        ended = [one.end() for one in started]
        assert [one.code for one in ended] == [0] * count, ended
        return [json.loads(one.out) for one in ended]

    def start(self, command: str, *options: str) -> Command:
        """A process that does a command for the second day."""
        return Command("--config", str(self.folder / "nolapse.toml"), command, "--today", str(DAY), *options)

    def ending(self) -> Snapshot:
        """Everything that is there, once what is left to do is done."""
        self.do(DAY, "settle", "deliver")
        mails = Counter(str(one.message["Message-ID"]) for one in self.server.received())
        return Snapshot(self.ground.tables(), mails)

    def readers(self) -> Counter[str]:
        """How many mails each person got."""
        return Counter(address for one in self.server.received() for address in one.recipients)


def write_report(file: Path, day: date) -> None:
    """The orders of the customers, two each; later every third customer has renewed one of them."""
    rows = []
    for number in range(1, CUSTOMERS + 1):
        for part in (1, 2):
            name = f"www{part}.customer{number}.example"
            usual = ORDER | {
                "order_id": f"{number}{part:02}",
                "common_name": name,
                "dns_names": name,
                "serial_number": f"AA{number}{part:02}",
                "organization_id": str(number),
                "organization_name": f"Customer {number}",
                "tech_email": f"tech@customer{number}.example",
                "user_email": f"user@customer{number}.example",
            }
            rows.append(usual)
            if day >= DAY and part == 1 and number % 3 == 0:
                renewal = {
                    "order_id": f"{number}90",
                    "renewal_of_order_id": usual["order_id"],
                    "serial_number": f"BB{number}",
                    "date_created": f"{day} 08:00:00",
                    "valid_from": str(day),
                    "valid_till": "2027-06-20",
                    "order_valid_till": "2027-12-20",
                }
                rows.append(usual | renewal)
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, quoting=csv.QUOTE_ALL, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def write_settings(folder: Path, url: str, server: SmtpServer) -> None:
    (folder / "nolapse.toml").write_text(_SETTINGS.format(url=url, port=server.port), encoding="utf-8")


def do_steps(folder: Path, day: date, names: Sequence[str]) -> None:
    timer = WholeDay(day)
    with application(load(folder / "nolapse.toml", environment={})) as app:
        steps: dict[str, Callable[[], object]] = {
            "migrate": lambda: migrate(app.bare_store),
            "sync": lambda: sync(app.store, app.sources, app.crm, timer, app.policy, rejects=no_rejects),
            "settle": lambda: settle(app.store, timer, app.policy, records=True),
            "plan": lambda: plan(app.store, timer, app.policy),
            "deliver": lambda: deliver(app.store, app.kinds, timer, app.policy),
        }
        for name in names:
            steps[name]()
            if name == "migrate":
                with app.store.begin() as connection:
                    golive.go_live(connection, BEFORE)


@dataclass(frozen=True)
class Alone:
    """A house, and how its second day ends where one process does it."""

    house: House
    snapshot: Snapshot
    readers: Counter[str]


@contextmanager
def lived_alone(folder: Path, make_ground: Callable[[Prepare], Ground]) -> Iterator[Alone]:
    """A house in this folder, played once by one process for comparison."""
    with running_smtp_server(folder / "smtp") as server:

        def live_through_the_first_day(url: str) -> None:
            write_settings(folder, url, server)
            write_report(folder / "report.csv", BEFORE)
            do_steps(folder, BEFORE, ("migrate", "sync", "settle", "plan", "deliver"))

        ground = make_ground(live_through_the_first_day)
        house = House(folder, ground, server)
        house.furnish()
        house.do(DAY, "sync", "settle", "plan", "deliver")
        try:
            yield Alone(house, house.ending(), house.readers())
        finally:
            ground.close()
