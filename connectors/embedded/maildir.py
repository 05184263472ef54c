"""A Maildir: one file for each mail, written in `tmp`, moved to `new`, from where any mail program takes it to `cur`.

The name of a file follows from the mail's key, so that a mail that is put in twice is there once.
"""

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import blake2b
from io import FileIO
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from core.batches import batched
from core.errors import ConfigurationError, NolapseError, RetriableError

FOLDERS = ("tmp", "new", "cur")

_WRITERS = 8  # a disk asked to keep several files at once keeps them with fewer writes
_OPEN = 125  # files that are open at once

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_WRONG_PLACE = {errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP}


def file_name(key: str) -> str:
    """The name of the file of a mail, before the flags that a mail program adds."""
    return f"{blake2b(key.encode('utf-8', 'replace'), digest_size=16).hexdigest()}.nolapse"


class Maildir:
    """The mailbox in a folder, which is made when it is first used. It is readable by its owner only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pool: ThreadPoolExecutor | None = None
        self._mark = uuid4().hex
        self._numbers = count()

    def close(self) -> None:
        """Ends the threads that write; a later `deliver` starts new ones."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def deliver(self, mails: Mapping[str, Any], make: Callable[[Any], bytes] = bytes) -> dict[str, NolapseError]:
        """Puts mails, by key, in, each durably when this returns; gives the errors of those that are not in.

        `make` gives the message of a mail, or raises its error. The unread file of the same mail is replaced; ask `find`
        first for those that were read. `NotDurable` is the error of a mail that is in, but perhaps not to stay.
        """
        failed: dict[str, NolapseError] = {}
        moved: list[str] = []
        try:
            self._make()
        except OSError as error:
            return dict.fromkeys(mails, self._in_words(error))
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_WRITERS)
        for some in batched(mails.items(), _OPEN):
            drafts: list[tuple[str, _Draft]] = []
            for key, mail in some:
                try:
                    drafts.append((key, self._write(file_name(key), make(mail))))
                except OSError as error:
                    failed[key] = self._in_words(error)
                except NolapseError as error:
                    failed[key] = error
            shares = [drafts[number::_WRITERS] for number in range(min(_WRITERS, len(drafts)))]
            for there, not_there in self._pool.map(self._move_share, shares):
                moved += there
                failed |= not_there
        try:
            self._sync("new")
        except OSError as error:
            told = NotDurable(f"{self._in_words(error)}; mails may or may not be in it")
            failed |= dict.fromkeys(moved, told)
        return failed

    def find(self, keys: Sequence[str]) -> set[str]:
        """Which of these mails are there, read or unread. A mail that its reader has deleted is not."""
        names = {file_name(key): key for key in keys}
        found: set[str] = set()
        for folder in ("new", "cur"):
            try:
                there = os.listdir(self.folder / folder)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise self._in_words(error) from error
            found |= names.keys() & {name.partition(":")[0] for name in there}
        return {names[name] for name in found}

    def probe(self) -> None:
        """Raises the error that would keep a mail out. Leaves nothing behind but the folders."""
        try:
            self._make()
            draft = self._write("probe", b"probe\r\n")
            draft.file.close()
            os.unlink(draft.path)
        except OSError as error:
            raise self._in_words(error) from error

    def _make(self) -> None:
        if all((self.folder / name).is_dir() for name in FOLDERS):
            return
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in FOLDERS:
            (self.folder / name).mkdir(mode=0o700, exist_ok=True)
        self._sync("")

    def _write(self, name: str, message: bytes) -> "_Draft":
        """Writes a message into `tmp`, where it need not be kept yet: the file stays open."""
        path = os.path.join(self.folder, "tmp", f"{name}.{os.getpid()}.{self._mark}.{next(self._numbers)}")
        file = open(path, "xb", buffering=0, opener=_for_the_owner)  # noqa: SIM115, it stays open
        try:
            rest = memoryview(message)
            while rest:
                rest = rest[file.write(rest) :]
        except OSError:
            file.close()
            os.unlink(path)
            raise
        return _Draft(path, name, file)

    def _move_share(self, drafts: Sequence[tuple[str, "_Draft"]]) -> tuple[list[str], dict[str, NolapseError]]:
        """Keeps and moves a share of the drafts, by key; gives which are in, and the errors of those that are not."""
        moved: list[str] = []
        failed: dict[str, NolapseError] = {}
        for key, draft in drafts:
            try:
                self._move(draft)
            except OSError as error:
                failed[key] = self._in_words(error)
            else:
                moved.append(key)
        return moved, failed

    def _move(self, draft: "_Draft") -> None:
        try:
            try:
                os.fsync(draft.file.fileno())
            finally:
                draft.file.close()
            os.rename(draft.path, os.path.join(self.folder, "new", draft.name))
        except OSError:
            with suppress(FileNotFoundError):
                os.unlink(draft.path)
            raise

    def _sync(self, name: str) -> None:
        descriptor = os.open(self.folder / name, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _in_words(self, error: OSError) -> NolapseError:
        where = f"embedded.mailbox: the folder {self.folder}"
        if error.errno in _FULL:
            return RetriableError(f"{where} is on a full disk; free some room, the mails go with the next run")
        if error.errno in _FORBIDDEN:
            return ConfigurationError(f"{where} cannot be written; give the account of nolapse the right to write")
        if error.errno in _WRONG_PLACE:
            return ConfigurationError(f"{where} cannot be made, a file is in its place; name another folder")
        return RetriableError(f"{where} cannot be used: {error.strerror or type(error).__name__}")


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class _Draft(NamedTuple):
    """A message in `tmp`, still open, and the name that it will have."""

    path: str
    name: str
    file: FileIO


class NotDurable(RetriableError):
    """The mails are in the mailbox, but disk or database did not confirm that this stays so; looking finds out."""
