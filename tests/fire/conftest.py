import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.smtp_server import SmtpServer, running_smtp_server
from tests.fire.forks import Forks, Place, forking
from tests.fire.snapshots import Snapshot, files_in, tables_at
from tests.postgres import PostgresServer


@dataclass(frozen=True)
class Scene:
    """A scene of the day on a database: its points, and how it ends when nobody dies."""

    name: str
    points: list[str]
    ending: Snapshot
    template: str


@dataclass
class Arena:
    """Where processes are killed: the process that forks them, and copies of prepared databases for them."""

    forks: Forks
    folder: Path
    server: SmtpServer
    postgres: Callable[[], PostgresServer]
    scenes: dict[tuple[str, str], Scene] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def scene(self, backend: str, name: str) -> Scene:
        """The scene on this database, prepared once."""
        if (backend, name) not in self.scenes:
            template = self._template(backend, name)
            with self.copy(backend, template, name) as place:
                self.forks.undisturbed(name, place)
                ending = self.look(place)
            with self.copy(backend, template, name) as place:
                points = self.forks.count(name, place)
            self.scenes[backend, name] = Scene(name, points, ending, template)
        return self.scenes[backend, name]

    def _template(self, backend: str, name: str) -> str:
        def prepare(url: str) -> None:
            self.forks.prepare(name, Place(url, str(self.folder / f"mails-before-{name}")))

        if backend == "postgresql":
            return self.postgres().template(f"fire_{name}", prepare)
        template = self.folder / f"{name}.db"
        prepare(f"sqlite:///{template}")
        assert not Path(f"{template}-wal").exists()
        return str(template)

    @contextmanager
    def copy(self, backend: str, template: str, scene: str) -> Iterator[Place]:
        """A copy of a template, gone at the end of the block."""
        folder = self.folder / f"copy-{next(self.numbers)}"
        folder.mkdir()
        self.server.forget()
        port = self.server.port if scene == "post" else 0
        try:
            if backend == "sqlite":
                shutil.copyfile(template, folder / "nolapse.db")
                yield Place(f"sqlite:///{folder / 'nolapse.db'}", str(folder / "mailbox"), port)
                return
            postgres = self.postgres()
            copy = postgres.create(template)
            try:
                yield Place(postgres.url(copy), str(folder / "mailbox"), port)
            finally:
                postgres.drop(copy)
        finally:
            shutil.rmtree(folder)

    def look(self, place: Place) -> Snapshot:
        """What is in a place now."""
        mails = files_in(Path(place.folder))
        if place.smtp_port:
            mails.update(str(one.message["Message-ID"]) for one in self.server.received())
        return Snapshot(tables_at(place.url), mails)


@pytest.fixture(scope="session")
def arena(request: pytest.FixtureRequest) -> Iterator[Arena]:
    """The arena of this worker. In memory where the system has room there: nothing in it is to last."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None

    def postgres() -> Any:
        return request.getfixturevalue("postgres_server")

    with (
        tempfile.TemporaryDirectory(prefix="nolapse-fire-", dir=memory) as folder,
        running_smtp_server(Path(folder) / "smtp") as server,
        forking() as forks,
    ):
        yield Arena(forks, Path(folder), server, postgres)
