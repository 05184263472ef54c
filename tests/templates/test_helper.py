import logging
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from core.messages import Letter
from core.wording import WordedMail
from templates import helper
from templates.helper import WORTH, HelpedWriter
from templates.samples import letters
from templates.writer import JinjaWriter

_MANY = 4 * WORTH


@pytest.fixture(autouse=True)
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helper, "_processors", lambda: 2)


@pytest.fixture
def writer() -> Iterator[HelpedWriter]:
    made = HelpedWriter()
    yield made
    made.close()


def many(number: int = _MANY) -> list[Letter]:
    """Letters of every kind, each with a name of its own."""
    samples = [letter for language in ("en", "it") for letter in letters(language)]
    return [
        replace(letter, person_name=f"Alex Example {number}")
        for number, letter in enumerate(islice(cycle(samples), number))
    ]


def made_ready(writer: HelpedWriter) -> "subprocess.Popen[bytes]":
    """The helper's process, once it listens."""
    writer.expect(_MANY)
    assert writer._helper is not None, "it has a helper"
    until = time.monotonic() + 30
    while not writer._helper.ready and time.monotonic() < until:
        time.sleep(0.01)
    return writer._helper._process


def test_two_word_what_one_would(writer: HelpedWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    made_ready(writer)
    own: list[Letter] = []
    mail = JinjaWriter.mail

    def noting(self: JinjaWriter, letter: Letter) -> WordedMail:
        own.append(letter)
        return mail(self, letter)

    monkeypatch.setattr(JinjaWriter, "mail", noting)
    given = many()
    worded = writer.mails(given)
    assert 0 < len(own) < len(given), "both have worded some"
    assert worded == [mail(writer, letter) for letter in given]


def test_it_helps_with_one_batch_after_another(writer: HelpedWriter) -> None:
    process = made_ready(writer)
    alone = JinjaWriter().mails(many())
    assert [writer.mails(many()) == alone for _ in range(3)] == [True] * 3
    assert process.poll() is None


def test_a_few_letters_need_no_helper(writer: HelpedWriter) -> None:
    writer.expect(WORTH - 1)
    assert writer._helper is None
    assert writer.mails(many(3)) == JinjaWriter().mails(many(3))


def test_one_processor_has_no_room_for_a_helper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helper, "_processors", lambda: 1)
    writer = HelpedWriter()
    writer.expect(_MANY)
    assert writer._helper is None


def test_a_helper_that_dies_loses_no_mail(writer: HelpedWriter, caplog: pytest.LogCaptureFixture) -> None:
    process = made_ready(writer)
    mail = writer.mail
    worded = 0

    def kills(letter: Letter) -> object:
        nonlocal worded
        worded += 1
        if worded == 20:
            process.kill()
        return mail(letter)

    writer.mail = kills  # type: ignore[assignment, method-assign]
    with caplog.at_level(logging.WARNING):
        assert writer.mails(many()) == JinjaWriter().mails(many())
    assert caplog.text.count("no second process to help") == 1
    assert process.poll() is not None
    writer.expect(_MANY)
    assert writer._helper is None, "it is not tried again and again"


def test_where_no_process_can_be_started_one_words_all(
    writer: HelpedWriter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    writer.expect(_MANY)
    assert writer._helper is None
    assert "no second process to help" in caplog.text
    assert writer.mails(many()) == JinjaWriter().mails(many())


def test_a_broken_template_is_told_by_either(tmp_path: Path) -> None:
    text = "{% extends 'packaged/mail_single.j2' %}{% block action %}{{ letter.oops }}{% endblock %}"
    (tmp_path / "mail_single.j2").write_text(text)
    writer = HelpedWriter(tmp_path)
    process = made_ready(writer)
    fine = [letter for letter in many() if letter.kind != "single"]
    broken = next(letter for letter in many() if letter.kind == "single")
    for given in ([broken, *fine], [*fine, broken]):
        with pytest.raises(ConfigurationError, match=r"mail_single\.j2, line 1: .*oops"):
            writer.mails(given)
        assert process.poll() is not None, "what it still words is for nobody"
        process = made_ready(writer)
    writer.close()


def test_it_is_told_no_secrets(writer: HelpedWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOLAPSE_WEB__LINK_SECRET", "quite secret")
    process = made_ready(writer)
    assert b"quite secret" not in Path(f"/proc/{process.pid}/environ").read_bytes()


def test_signals_to_both_leave_the_helper_to_its_writer(writer: HelpedWriter) -> None:
    process = made_ready(writer)
    for number in (signal.SIGTERM, signal.SIGINT):
        process.send_signal(number)
    assert writer.mails(many()) == JinjaWriter().mails(many())
    assert process.poll() is None
    writer.close()
    assert process.returncode == 0


def test_a_helper_does_not_outlive_a_writer_that_is_killed() -> None:
    says = (
        "import time\n"
        "from templates import helper\n"
        "helper._processors = lambda: 2\n"
        "writer = helper.HelpedWriter(); writer.expect(1000)\n"
        "while not writer._helper.ready: time.sleep(0.01)\n"
        "print(writer._helper._process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", says], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert Path(f"/proc/{pid}").exists()
        parent.kill()
    until = time.monotonic() + 10
    while (lives := _lives(pid)) and time.monotonic() < until:
        time.sleep(0.02)
    assert not lives


def _lives(pid: int) -> bool:
    try:
        # Its parent gone, nobody need have asked for its end yet.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False
