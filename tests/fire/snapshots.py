"""What is in a database and its mailbox, put so that two of them can be compared."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Tables = dict[str, list[Row]]

# Real times and what is drawn by lot: these differ from one run to the next.
_BY_CHANCE = {
    "deliveries": ("token", "lease_until", "sending_at", "settled_at"),
    "engine_locks": ("token", "holder", "lease_until"),
    "sync_runs": ("started_at", "finished_at"),
    "embedded_tasks": ("created_at", "done_at"),
    "embedded_mails": ("at",),
}
# How often something was tried, and how it was found to have arrived: a death may change these.
_BY_DEATH = {"deliveries": ("attempts", "error"), "embedded_mails": ("message_id",)}
# A record may be pushed once more: what counts is what the CRM has then. A pass that broke off is noted.
_REPEATABLE = ("sync_runs", "alembic_version")


@dataclass(frozen=True)
class Snapshot:
    """Every row of every table, and how often each mail has arrived, by its file name or message id."""

    tables: Tables
    mails: Counter[str]

    def digest(self) -> str:
        """The same for two deaths that left the same behind."""
        by_chance = {
            name: [_without(row, columns) for row in self.tables.get(name, ())] for name, columns in _BY_CHANCE.items()
        }
        left = self.tables | by_chance
        return sha256(repr((left, sorted(self.mails.items()))).encode()).hexdigest()

    def rows(self, table: str, **wanted: Any) -> list[Row]:
        """The rows of a table that have these values."""
        return [row for row in self.tables[table] if all(row[name] == value for name, value in wanted.items())]

    def words(self, table: str, **wanted: Any) -> list[tuple[str, str]]:
        """Key and state of these rows."""
        return sorted(
            (str(row.get("key", row.get("task_key"))), str(row["state"])) for row in self.rows(table, **wanted)
        )

    def mail_states(self, day: date) -> dict[str, str]:
        """The state of every mail delivery of a day, by key."""
        mails = self.rows("deliveries", kind="mail")
        return {row["key"]: row["state"] for row in mails if str(row["day"]) == str(day)}

    def message_id(self, key: str, domain: str) -> str:
        """The message id of a mail delivery."""
        installation = next(row["value"] for row in self.tables["meta"] if row["key"] == "installation")
        return f"<{sha256(f'{installation}:{key}'.encode()).hexdigest()[:32]}@{domain}>"

    def settled(self) -> dict[str, list[str]]:
        """Everything that counts in the end, without numbers given by the database."""
        names = _Names(self.tables)
        found: dict[str, list[str]] = {}
        for name, rows in self.tables.items():
            if name in _REPEATABLE:
                continue
            left = (*_BY_CHANCE.get(name, ()), *_BY_DEATH.get(name, ()), "id")
            if name == "deliveries":
                rows = [row for row in rows if row["kind"] != "record"]
            if name == "meta":  # what is done once a day, the command `run` does and the four steps do not
                rows = [row for row in rows if row["key"] != "daily_on"]
            found[name] = sorted(repr(sorted(names.told(row, left).items())) for row in rows)
        return found


def differences(one: Snapshot, other: Snapshot) -> list[str]:
    """The rows that only one of two endings has."""
    mine, theirs = one.settled(), other.settled()
    found = [f"- {name} {row}" for name in mine for row in (Counter(theirs[name]) - Counter(mine[name])).elements()]
    found += [f"+ {name} {row}" for name in mine for row in (Counter(mine[name]) - Counter(theirs[name])).elements()]
    return found


def _without(row: Row, columns: Sequence[str]) -> list[tuple[str, Any]]:
    """The row, of these columns only whether they are set."""
    return [(name, value is not None if name in columns else value) for name, value in row.items()]


class _Names:
    """The names of things in place of their numbers."""

    def __init__(self, tables: Tables) -> None:
        self._of = {
            "account": {row["id"]: row["account_key"] for row in tables["accounts"]},
            "contact": {row["id"]: row["email"] for row in tables["contacts"]},
            "order": {row["id"]: row["order_key"] for row in tables["orders"]},
        }
        orders = self._of["order"]
        self._of["cycle"] = {
            row["id"]: f"{orders[row['order_id']]}:{row['clock']}:{row['number']}" for row in tables["cycles"]
        }
        self._of["task"] = {row["id"]: self._spelt(row["task_key"]) for row in tables["tasks"]}
        self._of["delivery"] = {row["id"]: self._spelt(row["key"]) for row in tables["deliveries"]}

    def told(self, row: Row, left: Sequence[str]) -> Row:
        return {name: self._named(name, value) for name, value in row.items() if name not in left}

    def _named(self, column: str, value: Any) -> Any:
        known: Mapping[int, str] = self._of.get(column.removesuffix("_id"), {})
        if column.endswith("_id") and value in known:
            return known[value]
        return self._spelt(value) if isinstance(value, str) else self._spelt(str(value))

    def _spelt(self, text: str) -> str:
        return re.sub(
            r"\b(account|contact|order)-(\d+)",
            lambda found: str(self._of[found[1]].get(int(found[2]), found[0])),
            text,
        )


def files_in(folder: Path) -> Counter[str]:
    """How often each mail is in a Maildir. Drafts are not mails."""
    return Counter(file.name.partition(":")[0] for name in ("new", "cur") for file in (folder / name).glob("*"))
