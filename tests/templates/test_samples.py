from core.messages import Letter, Script
from core.words import Clock, Nature, TaskKind, Urgency
from templates.samples import letters, scripts


def test_the_letters_cover_every_clock_urgency_nature_and_number() -> None:
    found: list[Letter] = list(letters("fr"))
    kinds = {(one.clock, one.urgency, len(one.lines) > 1, one.nature) for one in found}
    assert len(kinds) == len(Clock) * len(Urgency) * 2 * len(Nature)
    assert {one.language for one in found} == {"fr"}
    assert {one.auto_renew_notice for one in found} == {True, False}
    assert {bool(one.unsubscribe_url) for one in found} == {True, False}


def test_the_scripts_cover_every_kind_clock_urgency_and_number() -> None:
    found: list[Script] = list(scripts("fr"))
    kinds = {(one.kind, one.clock, one.urgency, len(one.lines) > 1) for one in found}
    assert len(kinds) == len(TaskKind) * len(Clock) * len(Urgency) * 2


def test_the_facts_of_the_samples_agree_with_each_other() -> None:
    messages: list[Letter | Script] = [*letters("en"), *scripts("en")]
    for message in messages:
        for one in message.lines:
            assert one.ended == (one.days_left < 0)
            assert (one.ends_on - message.written_at.date()).days == one.days_left
            assert one.ends_at.date() == one.ends_on
