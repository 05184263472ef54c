import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.smtp_server import SmtpServer, running_smtp_server
from tests.fire.forks import Forks, Place, forking
from tests.fire.grounds import Ground, PostgresGround, SqliteGround
from tests.fire.snapshots import Snapshot, files_in
from tests.postgres import PostgresServer


@dataclass(frozen=True)
class Scene:
    """A scene of the day on a database: its points, and how it ends when nobody dies."""

    name: str
    points: list[str]
    ending: Snapshot
    ground: Ground


@dataclass
class Arena:
    """Where processes are killed: the process that forks them, and prepared databases for them."""

    forks: Forks
    folder: Path
    server: SmtpServer
    postgres: Callable[[], PostgresServer]
    scenes: dict[tuple[str, str], Scene] = field(default_factory=dict)

    def scene(self, backend: str, name: str) -> Scene:
        """The scene on this database, prepared once."""
        if (backend, name) not in self.scenes:
            ground = self._ground(backend, name)
            with self.fresh(ground, name) as place:
                self.forks.undisturbed(name, place)
                ending = self.look(ground, place)
            with self.fresh(ground, name) as place:
                points = self.forks.count(name, place)
            self.scenes[backend, name] = Scene(name, points, ending, ground)
        return self.scenes[backend, name]

    def _ground(self, backend: str, name: str) -> Ground:
        def prepare(url: str) -> None:
            self.forks.prepare(name, Place(url, str(self.folder / f"mails-before-{backend}-{name}")))

        if backend == "sqlite":
            return SqliteGround(self.folder, name, prepare)
        return PostgresGround(self.postgres(), prepare)

    @contextmanager
    def fresh(self, ground: Ground, name: str) -> Iterator[Place]:
        """The place of a scene as it was prepared, with no mail of its day."""
        ground.restore()
        self.server.forget()
        with tempfile.TemporaryDirectory(dir=self.folder) as mailbox:
            yield Place(ground.url, mailbox, self.server.port if name == "post" else 0)

    def look(self, ground: Ground, place: Place) -> Snapshot:
        """What is in a place now."""
        mails = files_in(Path(place.folder))
        if place.smtp_port:
            mails.update(str(one.message["Message-ID"]) for one in self.server.received())
        return Snapshot(ground.tables(), mails)

    def close(self) -> None:
        for scene in self.scenes.values():
            scene.ground.close()


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
        arena = Arena(forks, Path(folder), server, postgres)
        try:
            yield arena
        finally:
            arena.close()
