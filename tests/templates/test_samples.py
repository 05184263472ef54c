"""The samples cover all that there is, and their facts agree with each other."""

from pathlib import Path

import pytest

from core.messages import Letter, Script
from core.words import Block, Clock, LetterKind, Nature, TaskKind, Urgency
from templates.samples import letters, main, of_kind, scripts


def test_the_letters_cover_every_kind_clock_urgency_nature_and_number() -> None:
    found: list[Letter] = list(letters("fr"))
    kinds = {(one.clock, one.urgency, len(one.lines) > 1, one.nature) for one in found}
    assert len(kinds) >= len(Clock) * len(Urgency) * 2 * len(Nature)
    assert {one.kind for one in found} == set(LetterKind)
    assert {one.language for one in found} == {"fr"}
    assert {bool(one.unsubscribe_url) for one in found} == {True, False}
    assert any(one.blocks == frozenset(Block) for one in found)


@pytest.mark.parametrize("kind", LetterKind)
def test_a_letter_of_a_kind_is_of_that_kind(kind: LetterKind) -> None:
    for urgency in list(Urgency)[:4]:
        for count in (1, 3):
            assert of_kind(kind, "en", urgency, count=count).kind is kind


def test_the_scripts_cover_every_kind_clock_urgency_and_number() -> None:
    found: list[Script] = list(scripts("fr"))
    kinds = {(one.kind, one.clock, one.urgency, len(one.lines) > 1) for one in found}
    assert len(kinds) == len(TaskKind) * len(Clock) * len(Urgency) * 2
    assert any(len(one.lines) == 300 for one in found)


def test_the_facts_of_the_samples_agree_with_each_other() -> None:
    messages: list[Letter | Script] = [*letters("en"), *scripts("en")]
    for message in messages:
        for one in message.lines:
            assert one.ended == (one.days_left < 0)
            assert (one.ends_on - message.written_at.date()).days == one.days_left
            assert one.ends_at.date() == one.ends_on
        kept = message.no_days_lost
        if kept and isinstance(message, Letter):
            assert (kept.order_ends_on - kept.renew_on).days == kept.rest_days
            assert (kept.new_order_ends_on - kept.renew_on).days == kept.total_days


def test_samples_are_written_down_as_files(tmp_path: Path) -> None:
    main("it", tmp_path / "it")
    names = {path.name for path in (tmp_path / "it").iterdir()}
    assert {"single-notice.html", "digest-many.html", "thank_you-warning.txt"} <= names
    assert any(name.startswith("task-call") for name in names)
