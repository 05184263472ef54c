import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
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
    """A scene of the day on a database: its points, where one may halt, and how it ends when nobody dies."""

    name: str
    points: list[str]
    halts: list[int]
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
                points, halts = self.forks.count(name, place)
            self.scenes[backend, name] = Scene(name, points, halts, ending, ground)
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

    def deaths(self, scene: Scene) -> Iterator[tuple[int, Place]]:
        """One process after the other dies in the scene, each at the next point; what it left is in the place."""
        with self.fresh(scene.ground, scene.name) as place:
            self.forks.walk(scene.name, place)
            for halt, following in pairwise([*scene.halts, len(scene.points)]):
                with self._marked(scene.ground, place) as go_back:
                    for at in range(halt + 1, following + 1):
                        self.forks.kill(at, place)
                        yield at, place
                        go_back()
                assert self.forks.go_on(place) == following

    @contextmanager
    def _marked(self, ground: Ground, place: Place) -> Iterator[Callable[[], None]]:
        """Gives what puts a place back to how it is now, when no mail server has a mail yet."""
        mailbox = Path(place.folder)
        with tempfile.TemporaryDirectory(dir=self.folder) as copy:
            shutil.copytree(mailbox, copy, dirs_exist_ok=True)
            ground.mark()

            def go_back() -> None:
                ground.go_back()
                self.server.forget()
                shutil.rmtree(mailbox)
                shutil.copytree(copy, mailbox)

            yield go_back

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
