"""A Maildir: one file for each mail, written in `tmp`, moved to `new`, from where any mail program takes it to `cur`.

The name of a file follows from the mail's key, so that a mail that is put in twice is there once.
"""

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any
from uuid import uuid4

from core.errors import ConfigurationError, NolapseError, RetriableError

FOLDERS = ("tmp", "new", "cur")

_WRITERS = 8  # a disk asked to keep several files at once keeps them with fewer writes

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

    def close(self) -> None:
        """Ends the threads that write; a later `deliver` starts new ones."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def deliver(self, mails: Mapping[str, Any], make: Callable[[Any], bytes] = bytes) -> dict[str, NolapseError]:
        """Puts mails, by key, in, each durably when this returns; gives the errors of those that are not in.

        `make` gives the message of a mail, or raises its error; some are made while others are being written. The unread
        file of the same mail is replaced; ask `find` first for those that were read. `NotDurable` is the error of a mail
        that is in, but perhaps not to stay.
        """
        failed: dict[str, NolapseError] = {}
        drafts: dict[str, str] = {}
        try:
            self._make()
        except OSError as error:
            return dict.fromkeys(mails, self._in_words(error))
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_WRITERS)
        every = list(mails.items())
        shares = [every[number::_WRITERS] for number in range(min(_WRITERS, len(every)))]
        for written, unwritten in self._pool.map(partial(self._write_share, make), shares):
            drafts |= written
            failed |= unwritten
        for key, draft in drafts.items():
            try:
                self._move(draft, file_name(key))
            except OSError as error:
                failed[key] = self._in_words(error)
        try:
            self._sync("new")
        except OSError as error:
            told = NotDurable(f"{self._in_words(error)}; mails may or may not be in it")
            failed |= dict.fromkeys(drafts.keys() - failed.keys(), told)
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
            Path(self._write("probe", b"probe\r\n")).unlink()
        except OSError as error:
            raise self._in_words(error) from error

    def _make(self) -> None:
        if all((self.folder / name).is_dir() for name in FOLDERS):
            return
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in FOLDERS:
            (self.folder / name).mkdir(mode=0o700, exist_ok=True)
        self._sync("")

    def _write_share(
        self, make: Callable[[Any], bytes], mails: Sequence[tuple[str, Any]]
    ) -> tuple[dict[str, str], dict[str, NolapseError]]:
        """Makes and writes a share of the mails; gives the drafts, and the errors of those that could not be written."""
        drafts: dict[str, str] = {}
        failed: dict[str, NolapseError] = {}
        for key, mail in mails:
            try:
                drafts[key] = self._write(file_name(key), make(mail))
            except OSError as error:
                failed[key] = self._in_words(error)
            except NolapseError as error:
                failed[key] = error
        return drafts, failed

    def _write(self, name: str, message: bytes) -> str:
        draft = str(self.folder / "tmp" / f"{name}.{os.getpid()}.{uuid4().hex}")
        try:
            descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with open(descriptor, "wb", buffering=0) as file:
                rest = memoryview(message)
                while rest:
                    rest = rest[file.write(rest) :]
                os.fsync(descriptor)
        except OSError:
            Path(draft).unlink(missing_ok=True)
            raise
        return draft

    def _move(self, draft: str, name: str) -> None:
        try:
            os.rename(draft, self.folder / "new" / name)
        except OSError:
            Path(draft).unlink(missing_ok=True)
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


class NotDurable(RetriableError):
    """The mails are in the mailbox, but disk or database did not confirm that this stays so; looking finds out."""
