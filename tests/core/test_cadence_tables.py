"""Reading cadence.toml and choosing a table."""

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cadence_tables import Cadence, CadenceRules, Cadences
from core.errors import ConfigurationError
from core.words import Channel, Clock, Level, Nature, Role, TaskKind, Urgency

PACKAGED = (Path(__file__).parents[2] / "config" / "cadence.toml").read_text(encoding="utf-8")
FALL_BACKS = """
[tables.renewal]
clock = "renewal"
mails = { 30 = "notice" }
[tables.reissue]
clock = "reissue"
mails = { 30 = "notice" }
[tables.install]
clock = "install"
mails = { 3 = "critical" }
"""


def read(text: str) -> Cadences:
    return Cadences.from_toml(tomllib.loads(text))


def with_table(text: str) -> Cadences:
    return read(FALL_BACKS + text)


def choose(cadences: Cadences, clock: Clock = Clock.RENEWAL, **facts: Any) -> str:
    known: dict[str, Any] = {"level": None, "segment": None, "country": None, "route": None}
    return cadences.choose(clock, **(known | facts)).name


def table_named(cadences: Cadences, name: str) -> Cadence:
    (found,) = [table for table in cadences.tables if table.name == name]
    return found


def steps_of(cadence: Cadence, channel: Channel) -> list[tuple[int, str]]:
    return [(step.days_before, step.urgency.value) for step in cadence.steps if step.channel is channel]


LATE = [(14, "warning"), (7, "warning"), (3, "critical"), (0, "critical"), (-1, "expired"), (-7, "expired")]


@pytest.mark.parametrize(
    ("name", "clock", "mails", "calls"),
    [
        (
            "renewal_ov_ev",
            Clock.RENEWAL,
            [(90, "notice"), (60, "notice"), (30, "reminder"), *LATE],
            [(45, "notice"), (21, "reminder"), (7, "warning"), (-1, "expired")],
        ),
        (
            "renewal",
            Clock.RENEWAL,
            [(60, "notice"), (30, "reminder"), *LATE],
            [(14, "warning"), (-1, "expired")],
        ),
        (
            "reissue",
            Clock.REISSUE,
            [
                (30, "notice"),
                (14, "reminder"),
                (7, "warning"),
                (3, "critical"),
                (0, "critical"),
                (-1, "expired"),
            ],
            [(7, "warning")],
        ),
        (
            "install",
            Clock.INSTALL,
            [(14, "reminder"), (3, "critical"), (0, "critical")],
            [(3, "critical")],
        ),
        ("auto_renewal", Clock.RENEWAL, [(45, "notice")], [(25, "reminder")]),
    ],
)
def test_the_packaged_tables(
    name: str, clock: Clock, mails: list[tuple[int, str]], calls: list[tuple[int, str]]
) -> None:
    table = table_named(read(PACKAGED), name)
    assert table.clock is clock
    assert steps_of(table, Channel.MAIL) == mails
    assert steps_of(table, Channel.CALL) == calls


def test_the_packaged_figures_are_the_defaults_and_all_of_them_are_shown() -> None:
    rules = read(PACKAGED).rules
    shown = tomllib.loads(PACKAGED)["rules"]
    for entry in fields(CadenceRules):
        assert getattr(rules, entry.name) == getattr(CadenceRules(), entry.name), entry.name
        assert (entry.name in shown) is (entry.type is int), entry.name


def test_the_packaged_natures_and_tasks() -> None:
    cadences = read(PACKAGED)
    for table in cadences.tables:
        commercial = table.clock is Clock.RENEWAL and not table.auto_renew
        assert {step.nature for step in table.steps} == {Nature.COMMERCIAL if commercial else Nature.SERVICE}
        usual = TaskKind.CHECK if table.auto_renew else TaskKind.CALL
        task = usual if table.clock is Clock.RENEWAL else TaskKind.SUPPORT
        assert {step.task for step in table.steps if step.channel is Channel.CALL} == {task}
        assert {step.task for step in table.steps if step.channel is Channel.MAIL} == {None}


@pytest.mark.parametrize(
    ("level", "name"),
    [(Level.OV, "renewal_ov_ev"), (Level.EV, "renewal_ov_ev"), (Level.DV, "renewal"), (None, "renewal")],
)
def test_the_packaged_tables_are_chosen_by_level(level: Level | None, name: str) -> None:
    assert choose(read(PACKAGED), level=level) == name
    assert choose(read(PACKAGED), Clock.REISSUE, level=level) == "reissue"
    assert choose(read(PACKAGED), Clock.INSTALL, level=level) == "install"


def test_the_packaged_table_for_automatic_renewals_is_never_chosen_otherwise() -> None:
    cadences = read(PACKAGED)
    extra = cadences.auto_renew(Clock.RENEWAL)
    assert extra is table_named(cadences, "auto_renewal")
    assert cadences.auto_renew(Clock.REISSUE) is None
    assert choose(cadences) != "auto_renewal"


CRITERIA = """
[tables.german]
clock = "renewal"
countries = ["de", "AT"]
mails = { 40 = "notice" }
[tables.key_accounts]
clock = "renewal"
segments = ["Key"]
mails = { 50 = "notice" }
[tables.german_key_accounts]
clock = "renewal"
segments = ["key"]
countries = ["DE"]
mails = { 60 = "notice" }
[tables.reseller]
clock = "renewal"
routes = ["reseller"]
mails = { 20 = "notice" }
[tables.large]
clock = "renewal"
min_value_minor = 100000
mails = { 70 = "notice" }
"""
WITH_CRITERIA = with_table(CRITERIA)


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({}, "renewal"),
        ({"country": "", "segment": "", "route": ""}, "renewal"),
        ({"country": "FR"}, "renewal"),
        ({"country": "AT"}, "german"),
        ({"country": "de"}, "german"),
        ({"segment": "KEY"}, "key_accounts"),
        ({"segment": "key", "country": "DE"}, "german_key_accounts"),
        ({"segment": "key", "country": "AT"}, "german"),  # equally specific: the first in the file
        ({"route": "reseller", "country": "FR"}, "reseller"),
        ({"value_minor": 99999}, "renewal"),
        ({"value_minor": 100000}, "large"),
        ({"value_minor": 100000, "country": "DE"}, "german"),
        ({"value_minor": -5}, "renewal"),
    ],
)
def test_the_table_with_most_criteria_that_hold_is_chosen(facts: dict[str, Any], name: str) -> None:
    cadences = with_table(CRITERIA)
    assert choose(cadences, **facts) == name
    assert choose(cadences, **facts) == name  # remembered
    assert choose(cadences, Clock.REISSUE, **facts) == "reissue"


@given(
    level=st.none() | st.sampled_from(Level),
    segment=st.none() | st.sampled_from(["", "key", "Key", "other"]),
    country=st.none() | st.sampled_from(["DE", "AT", "FR", ""]),
    route=st.none() | st.sampled_from(["direct", "reseller", ""]),
    value_minor=st.none() | st.integers(0, 200_000),
)
def test_no_fitting_table_is_more_specific_than_the_chosen(
    level: Level | None, segment: str | None, country: str | None, route: str | None, value_minor: int | None
) -> None:
    cadences = WITH_CRITERIA
    chosen = cadences.choose(
        Clock.RENEWAL,
        level=level,
        segment=segment,
        country=country,
        route=route,
        value_minor=value_minor,
    )
    facts: dict[str, Any] = {
        "level": level,
        "segment": (segment or "").lower(),
        "country": country or "",
        "route": route or "",
        "value_minor": value_minor or 0,
    }
    assert chosen.matches(**facts)
    fitting = [table for table in cadences.tables if table.clock is Clock.RENEWAL and table.matches(**facts)]
    assert chosen.criteria == max(table.criteria for table in fitting)
    assert next(table for table in fitting if table.criteria == chosen.criteria) is chosen


def test_a_clock_without_tables_is_a_matter_of_configuration() -> None:
    with pytest.raises(ConfigurationError, match="install"):
        Cadences(CadenceRules(), ()).choose(Clock.INSTALL, level=None, segment=None, country=None, route=None)


@pytest.mark.parametrize(
    ("value", "allowed"), [(None, False), (0, False), (19999, False), (20000, True), (10**9, True)]
)
def test_below_the_floor_no_calls(value: int | None, allowed: bool) -> None:
    cadences = read(PACKAGED)
    assert table_named(cadences, "renewal").allows_calls(value) is allowed
    assert table_named(cadences, "renewal_ov_ev").allows_calls(value)


def test_a_step_may_say_more_than_its_urgency() -> None:
    cadences = with_table(
        """
        [tables.mixed]
        clock = "renewal"
        nature = "commercial"
        levels = ["dv"]
        [tables.mixed.mails]
        0 = { urgency = "critical", nature = "service" }
        100 = "notice"
        [tables.mixed.calls]
        45 = { urgency = "notice", task = "contact" }
        """
    )
    first, second, third = table_named(cadences, "mixed").steps
    assert (first.touchpoint, first.nature, first.task) == ("before-100", Nature.COMMERCIAL, None)
    assert (second.key, second.task) == (("before-45", Channel.CALL), TaskKind.CONTACT)
    assert (third.touchpoint, third.nature) == ("on-0", Nature.SERVICE)


def test_a_table_is_service_unless_it_says_otherwise() -> None:
    assert {step.nature for table in with_table("").tables for step in table.steps} == {Nature.SERVICE}


def test_a_step_may_name_who_is_written_to_first() -> None:
    cadences = with_table(
        """
        [tables.mine]
        clock = "renewal"
        levels = ["ev"]
        mails = { 30 = { urgency = "notice", roles = ["technical", "billing"] }, 7 = "warning" }
        """
    )
    steps = table_named(cadences, "mine").steps
    assert [step.roles for step in steps] == [(Role.TECHNICAL, Role.BILLING), ()]


def test_figures_and_recipients_are_settings() -> None:
    rules = with_table(
        """
        [rules]
        early_window_days = 60
        [recipients]
        install = ["requester"]
        widen_from = "expired"
        """
    ).rules
    assert rules.early_window_days == 60
    assert rules.lapse_after_days == CadenceRules().lapse_after_days
    assert rules.recipients(Clock.INSTALL) == (Role.REQUESTER,)
    assert rules.recipients(Clock.REISSUE) == (Role.TECHNICAL, Role.REQUESTER, Role.ORGANISATION)
    assert rules.recipients(Clock.RENEWAL)[0] is Role.ORGANISATION
    assert rules.widen_from is Urgency.EXPIRED


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[rule]\n", "rule is not a setting"),
        ("[rules]\nearly_window = 90", "[rules] early_window is not a setting"),
        ("[rules]\nwiden_from = 3", "[rules] widen_from is not a setting"),
        ('[rules]\nlapse_after_days = "8"', "[rules] lapse_after_days"),
        ("[rules]\nlapse_after_days = true", "[rules] lapse_after_days"),
        ("[rules]\nlapse_after_days = -1", "[rules] lapse_after_days"),
        ("[rules]\nlapse_after_days = 8.0", "[rules] lapse_after_days"),
        ("[rules]\nshort_life_divisor = 0", "[rules] short_life_divisor"),
        ("[rules]\nshort_life_mails = 0", "[rules] short_life_mails"),
        ('[recipients]\nrenewals = ["billing"]', "[recipients] renewals is not a setting"),
        ('[recipients]\nrenewal = "billing"', "[recipients] renewal"),
        ("[recipients]\nrenewal = []", "[recipients] renewal"),
        ('[recipients]\nrenewal = ["billing", "billing"]', "[recipients] renewal"),
        ('[recipients]\nrenewal = ["boss"]', "'boss'; write one of organisation"),
        ('[recipients]\nwiden_from = "late"', "[recipients] widen_from"),
        ('[tables.x]\nmails = { 3 = "critical" }', "[tables.x] names no clock"),
        ('[tables.x]\nclock = "order"\nmails = { 3 = "critical" }', "[tables.x] clock"),
        ('[tables.x]\nclock = ["renewal"]\nmails = { 3 = "critical" }', "[tables.x] clock"),
        ('[tables.x]\nclock = "renewal"', "[tables.x] has no steps"),
        ('[tables.x]\nclock = "renewal"\nmail = { 3 = "critical" }', "[tables.x] mail is not a setting"),
        ('[tables.x]\nclock = "renewal"\nmails = [3]', "[tables.x.mails]"),
        ('[tables.x]\nclock = "renewal"\nmails = { 3 = "urgent" }', "[tables.x.mails] 3 urgency"),
        ('[tables.x]\nclock = "renewal"\nmails = { 3 = 7 }', "[tables.x.mails] 3"),
        ('[tables.x]\nclock = "renewal"\nmails = { 3 = {} }', "[tables.x.mails] 3 urgency"),
        ('[tables.x]\nclock = "renewal"\nmails = { three = "critical" }', "[tables.x.mails] three"),
        ('[tables.x]\nclock = "renewal"\nmails = { 07 = "critical" }', "[tables.x.mails] 07"),
        ('[tables.x]\nclock = "renewal"\nmails = { -0 = "critical" }', "[tables.x.mails] -0"),
        ('[tables.x]\nclock = "renewal"\nmails = { -15 = "expired" }', "[tables.x.mails] -15"),
        ('[tables.x]\nclock = "renewal"\nmails = { 1001 = "notice" }', "[tables.x.mails] 1001"),
        ('[tables.x]\nclock = "renewal"\nmails = { 0 = "expired" }', 'must be "expired" after the end'),
        ('[tables.x]\nclock = "renewal"\nmails = { -1 = "critical" }', 'must be "expired" after the end'),
        (
            '[tables.x]\nclock = "renewal"\nmails = { 3 = { urgency = "critical", task = "call" } }',
            "[tables.x.mails] 3 task is not a setting",
        ),
        (
            '[tables.x]\nclock = "renewal"\nmails = { 3 = { urgency = "critical", roles = ["boss"] } }',
            "[tables.x.mails] 3 roles is 'boss'",
        ),
        (
            '[tables.x]\nclock = "renewal"\nmails = { 3 = { urgency = "critical", roles = ["billing", "billing"] } }',
            "[tables.x.mails] 3 roles must name",
        ),
        (
            '[tables.x]\nclock = "renewal"\ncalls = { 3 = { urgency = "critical", roles = ["billing"] } }',
            "[tables.x.calls] 3 roles is not a setting",
        ),
        (
            '[tables.x]\nclock = "renewal"\ncalls = { 3 = { urgency = "critical", task = "mail" } }',
            "[tables.x.calls] 3 task",
        ),
        ('[tables.x]\nclock = "reissue"\nnature = "commercial"\nmails = { 3 = "critical" }', "service only"),
        ('[tables.x]\nclock = "renewal"\nlevels = ["XV"]\nmails = { 3 = "critical" }', "[tables.x] levels"),
        ('[tables.x]\nclock = "renewal"\nlevels = "dv"\nmails = { 3 = "critical" }', "[tables.x] levels"),
        ('[tables.x]\nclock = "renewal"\ncountries = ["Germany"]\nmails = { 3 = "critical" }', "countries"),
        ('[tables.x]\nclock = "renewal"\nsegments = [1]\nmails = { 3 = "critical" }', "segments"),
        (
            '[tables.x]\nclock = "renewal"\nmin_value_minor = -1\nmails = { 3 = "critical" }',
            "min_value_minor",
        ),
        ('[tables.x]\nclock = "renewal"\nauto_renew = 1\nmails = { 3 = "critical" }', "auto_renew"),
        (
            '[tables.x]\nclock = "renewal"\nauto_renew = true\nlevels = ["dv"]\nmails = { 3 = "critical" }',
            "[tables.x] has auto_renew and criteria",
        ),
        (
            '[tables.x]\nclock = "renewal"\nauto_renew = true\nmails = { 3 = "critical" }\n'
            '[tables.y]\nclock = "renewal"\nauto_renew = true\nmails = { 3 = "critical" }',
            "several with auto_renew",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        with_table(text)
    assert said in str(caught.value)
    assert str(caught.value).startswith("cadence.toml: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("clock", Clock)
def test_every_clock_needs_a_table_for_every_order(clock: Clock) -> None:
    tables = tomllib.loads(FALL_BACKS)["tables"]
    tables[clock.value]["levels"] = ["dv"]
    with pytest.raises(ConfigurationError, match=f'"{clock.value}"; add one without criteria'):
        Cadences.from_toml({"tables": tables})
    del tables[clock.value]
    with pytest.raises(ConfigurationError, match=f'"{clock.value}"; add one without criteria'):
        Cadences.from_toml({"tables": tables})


def test_the_limit_after_the_end_follows_its_setting() -> None:
    later = '[tables.x]\nclock = "renewal"\nlevels = ["dv"]\nmails = { -20 = "expired" }\n'
    rules = with_table(later + "[rules]\nafter_end_limit_days = 20").rules
    assert rules.after_end_limit_days == 20
    with pytest.raises(ConfigurationError, match="from -14 to"):
        with_table(later)


@pytest.mark.parametrize("value", [[], "rules", 3])
@pytest.mark.parametrize("section", ["rules", "recipients", "tables"])
def test_sections_are_tables(section: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=section):
        Cadences.from_toml(tomllib.loads(FALL_BACKS) | {section: value})


def test_the_digest_follows_the_meaning_not_the_wording() -> None:
    digest = read(PACKAGED).digest
    reworded = "\n".join(line.split("#")[0] for line in PACKAGED.splitlines())
    assert read(reworded).digest == digest
    assert len(digest) == 64


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("lapse_after_days = 8", "lapse_after_days = 9"),
        ('widen_from = "critical"', 'widen_from = "warning"'),
        ('renewal = ["organisation", "billing",', 'renewal = ["billing", "organisation",'),
        ('21 = "reminder"', '22 = "reminder"'),
        ('21 = "reminder"', '21 = "warning"'),
        ('levels = ["ov", "ev"]', 'levels = ["ov"]'),
        ('nature = "commercial"', 'nature = "service"'),
        ("call_value_floor_minor = 20000", "call_value_floor_minor = 0"),
        ('task = "check"', 'task = "call"'),
    ],
)
def test_the_digest_changes_with_every_setting(before: str, after: str) -> None:
    assert before in PACKAGED
    assert read(PACKAGED.replace(before, after)).digest != read(PACKAGED).digest
