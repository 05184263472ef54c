"""What all tests share: the databases, and how Hypothesis searches.

- `store_url` runs a test on both databases, each time on an empty one.
- `prepared_store_url` likewise, on copies of one that was prepared once.
- `postgres_url`, `postgres_template` are for what only PostgreSQL does.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import HealthCheck, settings

from core.process import collect_less
from tests.postgres import IN_MEMORY, NO_SERVER, NoServer, PostgresServer, has_room, running_server
from tests.spares import share_readers, share_statements, share_templates

IN_CI = os.environ.get("CI", "").lower() not in ("", "0", "false")

# Tests share the machine's cores, so the clock says nothing about an example.
settings.register_profile("here", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "in_ci", settings.get_profile("here"), max_examples=100, derandomize=True, database=None, print_blob=True
)
settings.load_profile("in_ci" if IN_CI else "here")


def pytest_configure(config: pytest.Config) -> None:
    """Spares work, and puts the folders of the tests into memory where there is room: no test unplugs the machine.

    Every commit on SQLite waits until it is on the disk, which is most of the time of many tests.
    """
    collect_less()
    share_statements()
    share_readers()
    share_templates()
    if has_room():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(IN_MEMORY))


# What takes longest, the longest first. Begun last, one test would keep one worker while the others are done.
_DEAREST = (
    "tests/fire/test_web_killed.py",
    "tests/fire/test_life.py",
    "tests/fire/test_processes.py",
    "tests/fire/test_store_trouble.py",
    "tests/fire/test_kill.py",
    "tests/bench",
    "tests/test_wheel.py",
    "tests/cli",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with what takes longest; otherwise the order stays."""

    def place(item: pytest.Item) -> int:
        return next((at for at, path in enumerate(_DEAREST) if item.nodeid.startswith(path)), len(_DEAREST))

    items.sort(key=place)


Prepare = Callable[[str], Any]


class Prepared(Protocol):
    """Gives the URL of a copy of what `prepare` made of an empty database; that runs once per name."""

    def __call__(self, name: str, prepare: Prepare) -> str: ...


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The server of this worker. Without one the tests that need it skip; where CI is set they fail."""
    try:
        with running_server() as server:
            yield server
    except NoServer as error:
        if IN_CI:
            pytest.fail(f"{error}; CI must have one", pytrace=False)
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> Callable[[str, Prepare], str]:
    """`postgres_template(name, prepare)`: a database that `prepare`, given its URL, filled once; its name."""
    return postgres_server.template


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """SQLAlchemy's URL of an empty PostgreSQL database of this test's own."""
    name = postgres_server.create()
    yield postgres_server.url(name)
    postgres_server.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """SQLAlchemy's URL of an empty database of this test's own: the test runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'nolapse.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture(scope="session")
def sqlite_templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the SQLite databases that were prepared once."""
    return tmp_path_factory.mktemp("sqlite-templates")


@pytest.fixture(params=["sqlite", "postgresql"])
def prepared_store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Prepared]:
    """`prepared_store_url(name, prepare)`: the URL of a copy of a database prepared once, on both databases.

    `prepare` gets the URL of an empty database, and closes what it opens.
    """
    if request.param == "sqlite":
        templates: Path = request.getfixturevalue("sqlite_templates")
        numbers = count(1)

        def copy_file(name: str, prepare: Prepare) -> str:
            template = templates / f"{name}.db"
            if not template.exists():
                draft = templates / f"{name}.draft"
                draft.unlink(missing_ok=True)
                prepare(f"sqlite:///{draft}")
                assert not Path(f"{draft}-wal").exists(), f"the preparation of {name} left its database open"
                draft.rename(template)
            copy = tmp_path / f"{name}-{next(numbers)}.db"
            shutil.copyfile(template, copy)
            return f"sqlite:///{copy}"

        yield copy_file
        return

    server: PostgresServer = request.getfixturevalue("postgres_server")
    copies: list[str] = []

    def copy_database(name: str, prepare: Prepare) -> str:
        copies.append(server.create(server.template(name, prepare)))
        return server.url(copies[-1])

    yield copy_database
    for copy in copies:
        server.drop(copy)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = [str(report.longrepr[2]) for report in skipped if isinstance(report.longrepr, tuple)]
    missed = [reason.removeprefix("Skipped: ") for reason in reasons if NO_SERVER in reason]
    if missed:
        terminalreporter.write_line(
            f"{len(missed)} tests did NOT run on PostgreSQL. {missed[0]}", yellow=True, bold=True
        )
