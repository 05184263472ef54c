"""A PostgreSQL server of the tests' own: on a free loopback port, in its own folder, gone at the end.

A server refuses to run as root; under root it runs as the user `postgres`.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

USER = "nolapse"
NO_SERVER = "No PostgreSQL:"
"""How every reason to skip for want of a server begins."""

INSTALLED = Path("/usr/lib/postgresql")
"""Where Debian and its kin put each version, outside PATH."""

_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_ATTEMPTS = 5

# When its standard input closes the server ends and its folder goes: also when the tests were killed.
_KEEPER = """
folder=$1; shift
exec 3<&0
"$@" >"$folder/log" 2>&1 3<&- &
server=$!
{ read -r _ <&3; kill -INT "$server"; } &
reader=$!
wait "$server" && rm -rf "$folder"
kill "$reader"
"""

# Nothing here outlives the tests, so nothing needs to be safe on disk.
_OPTIONS = {
    "autovacuum": "off",
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "127.0.0.1",
    "max_connections": "60",
    "max_wal_senders": "0",
    "shared_buffers": "32MB",
    "synchronous_commit": "off",
    "timezone": "UTC",
    "unix_socket_directories": "",
    "wal_level": "minimal",
}


IN_MEMORY = Path("/dev/shm")
"""Where files are kept in memory, on Linux."""

_ENOUGH_BYTES = 4_000_000_000


def has_room() -> bool:
    """Whether there is room for the files of the tests in memory."""
    return IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free > _ENOUGH_BYTES


class NoServer(Exception):
    """There is no PostgreSQL server to be had here; the text says why."""


def find_binaries() -> Path:
    """The folder that holds `initdb` and `postgres`: of pg_config, of PATH, or the newest of the system's."""
    folders: list[Path] = []
    if pg_config := shutil.which("pg_config"):
        told = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        folders.append(Path(told.stdout.strip()))
    if initdb := shutil.which("initdb"):
        folders.append(Path(initdb).resolve().parent)
    installed = [path for path in INSTALLED.glob("*/bin") if path.parent.name.isdigit()]
    folders += sorted(installed, key=lambda path: int(path.parent.name), reverse=True)
    for folder in folders:
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder
    raise NoServer(f"{NO_SERVER} neither pg_config nor PATH nor {INSTALLED} leads to initdb and postgres")


class PostgresServer:
    """A running server. Databases are made from a template, in some ten milliseconds each."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self.folder = folder
        self._numbers = count(1)
        self._templates: set[str] = set()
        self._admin = psycopg.connect(
            host="127.0.0.1", port=port, user=USER, dbname="postgres", autocommit=True, connect_timeout=5
        )
        # Three times as fast as by the log, the way of newer servers.
        self._copied = " STRATEGY FILE_COPY" if self._admin.info.server_version >= 150_000 else ""

    def url(self, name: str) -> str:
        """SQLAlchemy's URL of the database of this name."""
        return f"postgresql+psycopg://{USER}@127.0.0.1:{self.port}/{name}"

    def create(self, template: str = "template1") -> str:
        """A new database, a copy of the template: its name."""
        name = f"test_{next(self._numbers)}"
        self._run(f"CREATE DATABASE {{}} TEMPLATE {{}}{self._copied}", name, template)
        return name

    def drop(self, name: str) -> None:
        """Remove the database, also under open connections."""
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def template(self, name: str, prepare: Callable[[str], Any]) -> str:
        """The database `prepare` filled, given its URL: done once per name, from then on only copied."""
        database = f"template_{name}"
        if database not in self._templates:
            self._run("CREATE DATABASE {}", database)
            try:
                prepare(self.url(database))
            except BaseException:
                self.drop(database)
                raise
            # A database with connections cannot be copied, and pools keep theirs.
            self._run("ALTER DATABASE {} WITH ALLOW_CONNECTIONS false", database)
            self._admin.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", (database,)
            )
            self._templates.add(database)
        return database

    def close(self) -> None:
        self._admin.close()

    def _run(self, statement: str, *names: str) -> None:
        self._admin.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """A fresh server for the length of the block. Raises `NoServer` where there is none to start."""
    binaries = find_binaries()
    owner = _owner()
    # Under root the folder must lie where the user `postgres` can reach it. Each database is some hundred files: in memory
    # they are made and removed in half the time.
    place = IN_MEMORY if has_room() else "/tmp" if owner else None
    folder = Path(tempfile.mkdtemp(prefix="nolapse-postgres-", dir=place))
    try:
        if owner:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        _initialise(binaries, folder, owner)
        with _started(binaries, folder, owner) as port:
            server = PostgresServer(port, folder)
            try:
                yield server
            finally:
                server.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _owner() -> pwd.struct_passwd | None:
    """Whom to run the server as; None is oneself."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        raise NoServer(f"{NO_SERVER} it refuses to run as root, and there is no user postgres") from None


def _as(owner: pwd.struct_passwd | None) -> dict[str, Any]:
    if owner is None:
        return {}
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def _initialise(binaries: Path, folder: Path, owner: pwd.struct_passwd | None) -> None:
    done = subprocess.run(
        [
            binaries / "initdb",
            *("--pgdata", folder / "data", "--username", USER, "--auth", "trust"),
            *("--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        **_as(owner),
    )
    if done.returncode:
        raise RuntimeError(f"initdb failed: {done.stderr.strip()}")


@contextmanager
def _started(binaries: Path, folder: Path, owner: pwd.struct_passwd | None) -> Iterator[int]:
    """The port of a started server. Where another process took the port meanwhile, the next is tried."""
    for attempt in range(_ATTEMPTS):
        port = _free_port()
        options = [f"-c{name}={value}" for name, value in {**_OPTIONS, "port": port}.items()]
        keeper = subprocess.Popen(
            [
                "/bin/sh",
                "-c",
                _KEEPER,
                "keeper",
                folder,
                binaries / "postgres",
                "-D",
                folder / "data",
                *options,
            ],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **_as(owner),
        )
        try:
            if _answers(port, keeper):
                yield port
                return
            log = (folder / "log").read_text(errors="replace").strip()
        finally:
            _stop(keeper)
        if "Address already in use" not in log or attempt == _ATTEMPTS - 1:
            raise RuntimeError(f"PostgreSQL did not start: {log}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int, keeper: subprocess.Popen[bytes]) -> bool:
    """Whether our own server came up, and not another that holds the port."""
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        if keeper.poll() is not None:
            return False
        try:
            psycopg.connect(host="127.0.0.1", port=port, user=USER, dbname="postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.02)
        else:
            return True
    return False


def _stop(keeper: subprocess.Popen[bytes]) -> None:
    """End the server by the keeper's pipe; one that does not listen is killed with its session."""
    assert keeper.stdin is not None
    keeper.stdin.close()
    try:
        keeper.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(keeper.pid, signal.SIGKILL)
        keeper.wait()
