import json
import re
from datetime import date
from typing import Any

import pytest

from cli.gallery import Shown, gallery
from cli.preview_samples import URGENCIES, sample_letter, sample_script
from core.languages import LANGUAGES
from core.words import Block, Clock, LetterKind, TaskKind, Urgency
from tests.builders import policy
from tests.cli.conftest import Desk

TODAY = "2026-11-21"


def shown(page: str) -> list[dict[str, Any]]:
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert data is not None
    found: list[dict[str, Any]] = json.loads(data[1])
    return found


def test_the_gallery_has_every_message_in_every_language_on_one_page(nolapse: Desk) -> None:
    said = nolapse("preview", "--output", "all.html", "--today", TODAY, "--json").json
    found = shown((nolapse.folder / "all.html").read_text(encoding="utf-8"))
    kinds = [kind for kind, steps in URGENCIES.items() for _ in steps]
    assert said["messages"] == len(found) == (len(kinds) + len(TaskKind)) * len(LANGUAGES)
    assert {one["template"] for one in found} == {*LetterKind, *(f"task_{kind}" for kind in TaskKind)}
    assert {one["language"] for one in found} == set(LANGUAGES)
    assert {one["urgency"] for one in found} == set(Urgency)
    assert all(one["subject"] and one["text"] for one in found)
    assert all(one["html"] for one in found if not one["template"].startswith("task_"))


def test_it_can_be_narrowed(nolapse: Desk) -> None:
    nolapse("preview", "--template", "reissue", "--urgency", "critical", "--language", "ko", "--width", "375")
    page = (nolapse.folder / "nolapse-preview.html").read_text(encoding="utf-8")
    (one,) = shown(page)
    assert (one["template"], one["urgency"], one["language"]) == ("reissue", "critical", "ko")
    assert re.findall(r'type="checkbox" checked value="(\d+)"', page) == ["375"]


def test_the_page_needs_nothing_else(nolapse: Desk) -> None:
    nolapse("preview", "--template", "single", "--language", "en")
    page = (nolapse.folder / "nolapse-preview.html").read_text(encoding="utf-8")
    frame = re.sub(r'<script type="application/json".*?</script>', "", page, flags=re.S)
    assert not re.findall(r'(?:src|href)="', frame)


def test_it_is_in_the_brand_of_the_settings(nolapse: Desk) -> None:
    nolapse.settings('[brand]\ncompany = "Nordlicht & Co"\naccent = "#123456"\nlegal_footer = "HRB 4711"\n')
    nolapse("preview", "--template", "single", "--urgency", "reminder", "--language", "en")
    (one,) = shown((nolapse.folder / "nolapse-preview.html").read_text(encoding="utf-8"))
    assert all(said in one["html"] for said in ("Nordlicht &amp; Co", "HRB 4711"))
    assert "HRB 4711" in one["text"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--template", "expired", "--urgency", "notice"),
        ("--to", "me@certs.example", "--template", "expired", "--urgency", "notice"),
        ("--to", "me@certs.example", "--template", "task_call"),
        ("--to", "nobody"),
        ("--output", "no/such/folder.html", "--template", "expired", "--language", "en"),
    ],
)
def test_what_cannot_be_shown_is_told(nolapse: Desk, arguments: tuple[str, ...]) -> None:
    assert nolapse("preview", *arguments, code=2).err.startswith("nolapse: ")


def test_a_test_mail_goes_through_the_mailer_to_the_address_alone(nolapse: Desk) -> None:
    said = nolapse("preview", "--to", "me@certs.example", "--today", TODAY)
    assert said.out == "1 of 1 mails handed to embedded\n"
    (mail,) = nolapse.mails()
    assert "To: me@certs.example" in mail
    assert "text/calendar" in mail
    assert nolapse.tables()["deliveries"] == []


def test_several_are_sent_where_they_are_asked_for(nolapse: Desk) -> None:
    arguments = ("--to", "me@certs.example", "--template", "reissue", "--language", "it", "--language", "fr", "--json")
    assert nolapse("preview", *arguments).json == {"sent": 10, "failed": 0}
    assert len(nolapse.mails()) == 10


@pytest.mark.parametrize("kind", list(LetterKind))
def test_the_samples_are_what_they_are_called(kind: LetterKind) -> None:
    for urgency in URGENCIES[kind]:
        letter = sample_letter(policy(), kind, urgency, "en", date(2026, 11, 21))
        assert (letter.kind, letter.urgency) == (kind, urgency)
        if letter.clock is not Clock.RENEWAL or letter.occasion == "thank_you":
            assert (letter.offer, letter.advice, letter.benefits) == (None, (), ())
        assert (Block.BROWSER_WARNING in letter.blocks) <= (letter.lines[0].days_left <= 14)


def test_a_rep_sees_every_part_of_a_script() -> None:
    script = sample_script(policy(), TaskKind.CALL, "it", date(2026, 11, 21))
    assert (script.language, len(script.lines)) == ("it", 5)
    assert all((script.offer, script.advice, script.questions, script.value, script.last_contact, script.contact_time))
    assert sample_script(policy(), TaskKind.SUPPORT, "it", date(2026, 11, 21)).clock is Clock.REISSUE


def test_nothing_in_a_message_ends_the_pages_script() -> None:
    hostile = "</script><script>alert(1)</script>\u2028<!--"
    page = gallery([Shown("single", "notice", "en", hostile, hostile, hostile, hostile)], [320], "<b>")
    assert page.count("</script>") == 2
    assert shown(page)[0]["html"] == hostile
    assert "<title>&lt;b&gt;</title>" in page
