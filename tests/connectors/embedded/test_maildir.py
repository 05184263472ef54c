import errno
import mailbox
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.embedded.maildir import Maildir, NotDurable, file_name
from core.errors import ConfigurationError, RetriableError, SkippableError

KEY = "mail:contact-1:renewal:2026-09-01:1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mail" / "box"


@pytest.fixture
def maildir(folder: Path) -> Maildir:
    return Maildir(folder)


def names(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def failing(number: int, name: str = "", *, after: int = 0) -> Callable[..., Any]:
    """`os.<name>` that fails with this number from some call on."""
    real, calls = getattr(os, name), [0]

    def call(*args: Any, **options: Any) -> Any:
        calls[0] += 1
        if calls[0] > after:
            raise OSError(number, os.strerror(number))
        return real(*args, **options)

    return call


@given(first=st.text(), second=st.text())
def test_a_file_name_follows_from_the_key(first: str, second: str) -> None:
    name = file_name(first)
    assert name == file_name(first)
    assert (name == file_name(second)) is (first == second)
    assert name.endswith(".nolapse")
    assert not set(":/,") & set(name)


def test_any_mail_program_reads_it(maildir: Maildir, folder: Path) -> None:
    assert maildir.deliver({KEY: b"Subject: one\r\n\r\nbody\r\n", "other": b"Subject: two\r\n\r\nbody\r\n"}) == {}
    box = mailbox.Maildir(str(folder), create=False)
    assert sorted(str(message["Subject"]) for message in box) == ["one", "two"]
    box.close()


def test_a_mail_is_in_new_and_nothing_else_is_left(maildir: Maildir, folder: Path) -> None:
    assert maildir.deliver({KEY: b"x"}) == {}
    assert names(folder) == [f"new/{file_name(KEY)}"]
    assert maildir.find([KEY, "other"]) == {KEY}


def test_the_same_mail_again_is_one_file(maildir: Maildir, folder: Path) -> None:
    for octets in (b"first", b"second"):
        assert maildir.deliver({KEY: octets}) == {}
    assert names(folder) == [f"new/{file_name(KEY)}"]
    assert (folder / "new" / file_name(KEY)).read_bytes() == b"second"


@pytest.mark.parametrize("flags", ["", ":2,", ":2,S", ":2,FRS"])
def test_a_mail_that_was_read_is_found(maildir: Maildir, folder: Path, flags: str) -> None:
    maildir.deliver({KEY: b"x"})
    (folder / "new" / file_name(KEY)).rename(folder / "cur" / f"{file_name(KEY)}{flags}")
    assert maildir.find([KEY]) == {KEY}


def test_a_mail_that_was_deleted_or_only_begun_is_not_found(maildir: Maildir, folder: Path) -> None:
    assert maildir.find([KEY]) == set()
    maildir.deliver({KEY: b"x"})
    (folder / "new" / file_name(KEY)).rename(folder / "tmp" / f"{file_name(KEY)}.1.abc")
    assert maildir.find([KEY]) == set()


def test_only_its_owner_reads_it(maildir: Maildir, folder: Path) -> None:
    maildir.deliver({KEY: b"x"})
    places = [folder, folder / "tmp", folder / "new", folder / "cur", folder / "new" / file_name(KEY)]
    modes = [stat.S_IMODE(place.stat().st_mode) for place in places]
    assert modes == [0o700, 0o700, 0o700, 0o700, 0o600]


def test_rights_that_somebody_has_given_stay(maildir: Maildir, folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o750)
    maildir.deliver({KEY: b"x"})
    assert stat.S_IMODE(folder.stat().st_mode) == 0o750


def test_each_file_and_once_the_folder_is_made_durable(
    maildir: Maildir, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maildir.deliver({KEY: b"x"})
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).parent.name)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    maildir.deliver({f"key {number}": b"x" for number in range(5)})
    assert synced == ["tmp"] * 5 + ["box"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("call", ["fsync", "open", "rename"])
def test_a_full_disk_is_tried_again(
    maildir: Maildir, folder: Path, monkeypatch: pytest.MonkeyPatch, number: int, call: str
) -> None:
    maildir.deliver({"before": b"x"})
    with monkeypatch.context() as patch:
        patch.setattr(os, call, failing(number, call))
        failed = maildir.deliver({KEY: b"x"})
    assert isinstance(failed[KEY], RetriableError)
    assert "full" in str(failed[KEY])
    assert str(folder) in str(failed[KEY])
    assert names(folder) == [f"new/{file_name('before')}"]
    assert maildir.deliver({KEY: b"x"}) == {}


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_folder_that_may_not_be_written_is_a_matter_for_the_operator(
    maildir: Maildir, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    maildir.deliver({"before": b"x"})
    monkeypatch.setattr(os, "open", failing(number, "open"))
    failed = maildir.deliver({KEY: b"x", "other": b"y"})
    assert set(failed) == {KEY, "other"}
    for error in failed.values():
        assert isinstance(error, ConfigurationError)
        assert "right to write" in str(error)
    with pytest.raises(ConfigurationError, match="right to write"):
        maildir.probe()


def test_one_mail_that_fails_stops_no_other(maildir: Maildir, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maildir.deliver({"before": b"x"})
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if Path(os.readlink(f"/proc/self/fd/{descriptor}")).name.startswith(file_name("b")):
            raise OSError(errno.EIO, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    failed = maildir.deliver({"a": b"a", "b": b"b", "c": b"c"})
    assert set(failed) == {"b"}
    assert isinstance(failed["b"], RetriableError)
    assert maildir.find(["a", "b", "c"]) == {"a", "c"}


def test_one_mail_that_cannot_be_made_stops_no_other(maildir: Maildir) -> None:
    def make(text: str) -> bytes:
        if text == "b":
            raise SkippableError("not b")
        return text.encode()

    failed = maildir.deliver({"a": "a", "b": "b", "c": "c"}, make)
    assert {key: str(error) for key, error in failed.items()} == {"b": "not b"}
    assert maildir.find(["a", "b", "c"]) == {"a", "c"}


def test_what_is_in_but_not_surely_to_stay_is_told_apart(maildir: Maildir, monkeypatch: pytest.MonkeyPatch) -> None:
    maildir.deliver({"before": b"x"})
    monkeypatch.setattr(os, "fsync", failing(errno.EIO, "fsync", after=1))
    failed = maildir.deliver({KEY: b"x"})
    assert isinstance(failed[KEY], NotDurable)
    assert maildir.find([KEY]) == {KEY}


@pytest.mark.parametrize("place", ["mail", "mail/box", "mail/box/new"])
def test_a_file_in_its_place_is_told(tmp_path: Path, place: str) -> None:
    file = tmp_path / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("in the way")
    maildir = Maildir(tmp_path / "mail" / "box")
    failed = maildir.deliver({KEY: b"x"})
    assert isinstance(failed[KEY], ConfigurationError)
    assert "name another folder" in str(failed[KEY])
    with pytest.raises(ConfigurationError):
        maildir.probe()
    assert file.read_text() == "in the way"


def test_looking_into_what_cannot_be_read_is_an_error(maildir: Maildir, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "new").write_text("in the way")
    with pytest.raises(ConfigurationError):
        maildir.find([KEY])


def test_the_probe_leaves_only_folders(maildir: Maildir, folder: Path) -> None:
    maildir.probe()
    assert names(folder) == []
    assert {entry.name for entry in folder.iterdir()} == {"tmp", "new", "cur"}
