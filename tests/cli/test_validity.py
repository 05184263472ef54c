"""`nolapse validity` as a user types it."""

import json
from datetime import date
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

import cli.validity
from cli.validity import Question, answer, rules_for, today_for, validity
from core.errors import ConfigurationError, UsageError
from core.validity import ValidityRules

EXAMPLE = ("--order-expires", "2021-01-01", "--renew-on", "2020-12-01", "--term-days", "365")


def run(*words: str) -> Result:
    return CliRunner().invoke(validity, list(words))


def run_json(*words: str) -> dict[str, Any]:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.stderr
    reply = json.loads(result.stdout)
    assert isinstance(reply, dict)
    return reply


@pytest.fixture
def rules() -> ValidityRules:
    return rules_for(click.Context(validity))


@pytest.fixture
def a_day(monkeypatch: pytest.MonkeyPatch) -> date:
    day = date(2026, 8, 1)
    monkeypatch.setattr(cli.validity, "today_for", lambda ctx: day)
    return day


class TestJson:
    def test_the_guides_example(self) -> None:
        reply = run_json(*EXAMPLE, "--carry-over")
        expected = {
            "days_left": 31,
            "early_window_opens_on": "2020-10-03",
            "new_order_days": 396,
            "new_order_expires_on": "2022-01-01",
            "max_certificate_days": 397,
            "certificates": [{"issue_on": "2020-12-01", "expires_on": "2022-01-01", "days": 396}],
            "carried_over_days": 31,
            "carried_over_reason": "carried_over",
            "given_away_days": 0,
            "carry_over_policy": False,
        }
        assert {key: reply[key] for key in expected} == expected
        assert reply["without_carry_over"] == {
            "new_order_days": 365,
            "new_order_expires_on": "2021-12-01",
            "carried_over_days": 0,
            "carried_over_reason": "not_offered",
            "given_away_days": 31,
            "certificates": [{"issue_on": "2020-12-01", "expires_on": "2021-12-01", "days": 365}],
        }
        assert reply["with_carry_over"]["new_order_days"] == 396
        assert "reissue" not in reply

    def test_renewed_on_the_last_day(self) -> None:
        reply = run_json("--order-expires", "2021-01-01", "--renew-on", "2021-01-01", "--carry-over")
        assert (reply["new_order_days"], reply["days_left"]) == (365, 0)
        assert reply["carried_over_reason"] == "nothing_left"

    @pytest.mark.parametrize("switch", [(), ("--no-carry-over",)])
    def test_without_being_asked_the_policy_decides(self, switch: tuple[str, ...]) -> None:
        reply = run_json(*EXAMPLE, *switch)
        assert (reply["new_order_days"], reply["given_away_days"]) == (365, 31)
        assert reply["with_carry_over"]["new_order_days"] == 396

    def test_a_plan_of_today_takes_several_certificates(self) -> None:
        reply = run_json("--order-expires", "2026-12-01", "--renew-on", "2026-11-01", "--ca", "DigiCert")
        assert [one["days"] for one in reply["certificates"]] == [199, 100, 66]

    def test_reissue_advice(self) -> None:
        words = ("--order-expires", "2027-03-01", "--certificate-expires", "2026-09-16")
        reply = run_json(*words, "--today", "2026-06-18")
        assert reply["reissue"] == {
            "asked_on": "2026-06-18",
            "certificate_expires_on": "2026-09-16",
            "action": "later",
            "reissue_from": "2026-08-15",
            "reissue_by": "2026-09-15",
            "reissues": 1,
            "uncovered_days": 58,
            "extra_reissues": 1,
            "note": (
                "Reissue later, from 2026-08-15 to 2026-09-15. Now the order would need 2 reissues to its end, then 1."
            ),
        }
        assert run_json(*words, "--today", "2026-08-15")["reissue"]["action"] == "now"

    def test_nothing_to_reissue_has_no_days(self) -> None:
        reply = run_json(
            "--order-expires", "2027-03-01", "--certificate-expires", "2027-03-01", "--today", "2027-01-01"
        )
        assert reply["reissue"]["action"] == "not_needed"
        assert reply["reissue"]["reissue_from"] is None


class TestToday:
    def test_renewal_is_today_unless_said(self, a_day: date) -> None:
        assert run_json("--order-expires", "2026-09-01")["renew_on"] == a_day.isoformat()
        assert run_json("--order-expires", "2026-09-01", "--today", "2026-08-20")["renew_on"] == "2026-08-20"

    @pytest.mark.parametrize(
        ("words", "asked_on"),
        [
            ((), "2026-08-01"),
            (("--renew-on", "2027-02-01"), "2026-08-01"),
            (("--renew-on", "2026-07-01"), "2026-07-01"),
            (("--renew-on", "2027-02-01", "--today", "2026-08-20"), "2026-08-20"),
            (("--renew-on", "2026-07-01", "--today", "2026-08-20"), "2026-08-20"),
        ],
    )
    def test_advice_is_of_today_or_of_a_renewal_already_past(
        self, a_day: date, words: tuple[str, ...], asked_on: str
    ) -> None:
        reply = run_json("--order-expires", "2027-03-01", "--certificate-expires", "2026-09-16", *words)
        assert reply["reissue"]["asked_on"] == asked_on

    def test_today_is_a_day_in_utc(self) -> None:
        assert isinstance(today_for(click.Context(validity)), date)


class TestPlainWords:
    def test_carried_over_against_the_policy(self) -> None:
        assert run(*EXAMPLE, "--carry-over").stdout.splitlines() == [
            "The order ends on 2021-01-01; 2020-12-01 is 31 days before it. The early window opens on 2020-10-03.",
            "The new order runs 396 days, from 2020-12-01 to 2022-01-01.",
            "What is left (31 days) is added to the new order.",
            "Without carry-over it would run 365 days, to 2021-12-01.",
            "That is as asked for: by policy digicert does not carry the rest over.",
            "Certificates (397 days at most when issued on 2020-12-01; 1 needed):",
            "  2020-12-01 to 2022-01-01, 396 days",
        ]

    @pytest.mark.parametrize(
        ("renew_on", "sentence"),
        [
            ("2020-10-02", "What is left (91 days) is not added: the early window opens only on 2020-10-03."),
            ("2020-12-31", "What is left (1 day) is not added: there is no carry-over for this order."),
            ("2021-01-01", "Nothing is left to add: the order ends on that very day."),
            ("2021-01-02", "Nothing is left to add: the order ended on 2021-01-01."),
            ("2026-01-02", "Nothing is left to add: the order ended on 2021-01-01."),
        ],
    )
    def test_why_nothing_is_added(self, renew_on: str, sentence: str) -> None:
        result = run("--order-expires", "2021-01-01", "--renew-on", renew_on)
        assert result.exit_code == 0
        assert sentence in result.stdout.splitlines()

    @pytest.mark.parametrize(
        ("renew_on", "days"), [("2020-10-02", "91 days"), ("2020-12-01", "31 days"), ("2020-12-31", "1 day")]
    )
    def test_what_an_early_renewal_costs(self, renew_on: str, days: str) -> None:
        lines = run("--order-expires", "2021-01-01", "--renew-on", renew_on).stdout.splitlines()
        assert f"Renewing on that day gives {days} away that are paid for." in lines

    @pytest.mark.parametrize(
        ("today", "sentence"),
        [
            ("2026-06-18", "Reissue later, from 2026-08-15 to 2026-09-15."),
            (
                "2026-08-15",
                "Reissue now, at the latest on 2026-09-15. Reissues needed to the order's end: 1.",
            ),
            ("2026-09-20", "The certificate has ended: reissue it at once."),
            ("2027-03-01", "The order has ended: nothing can be reissued, only renewed."),
        ],
    )
    def test_when_to_reissue(self, today: str, sentence: str) -> None:
        result = run(*("--order-expires", "2027-03-01", "--certificate-expires", "2026-09-16", "--today", today))
        assert result.stdout.splitlines()[-1].startswith(sentence)

    def test_help_names_every_option(self) -> None:
        text = run("--help").stdout
        for option in (
            "--order-expires",
            "--renew-on",
            "--term-days",
            "--no-carry-over",
            "--product",
            "--json",
        ):
            assert option in text


class TestImpossibleInput:
    @pytest.mark.parametrize(
        ("words", "told"),
        [
            ((), "Missing option '--order-expires'"),
            (("--order-expires", "2021-02-29"), "'--order-expires': '2021-02-29' is not a date"),
            (("--order-expires", "01/02/2021"), "write it as YYYY-MM-DD"),
            (("--order-expires", "20210101"), "write it as YYYY-MM-DD"),
            (("--order-expires", "2021-W01-1"), "write it as YYYY-MM-DD"),
            (("--order-expires", ""), "write it as YYYY-MM-DD"),
            (("--order-expires", "2021\n01"), "write it as YYYY-MM-DD"),
            ((*EXAMPLE, "--renew-on", "soon"), "'--renew-on': 'soon' is not a date"),
            ((*EXAMPLE, "--certificate-expires", "0"), "'--certificate-expires': '0' is not a date"),
            ((*EXAMPLE, "--term-days", "0"), "A term must have from 1 to 3660 days"),
            ((*EXAMPLE, "--term-days", "-365"), "A term must have from 1 to 3660 days"),
            ((*EXAMPLE, "--term-days", "9" * 40), "A term must have from 1 to 3660 days"),
            ((*EXAMPLE, "--term-days", "a year"), "'a year' is not a valid integer"),
            ((*EXAMPLE, "--ca", "acme"), "'acme' has no rules in validity.toml; known: digicert"),
            ((*EXAMPLE, "--nope"), "No such option"),
            ((*EXAMPLE, "more"), "unexpected extra argument"),
            (("--order-expires", "2015-01-01", "--renew-on", "2014-12-01"), "issued on 2014-12-01"),
            (("--order-expires", "9999-12-31", "--renew-on", "9999-12-31"), "end of the calendar"),
            (("--order-expires", "0001-01-01", "--renew-on", "2026-01-01"), "end of the calendar"),
            (("--order-expires", "9999-12-31", "--renew-on", "2026-01-01"), "more than ten years away"),
        ],
    )
    def test_one_clear_line_and_exit_2(self, words: tuple[str, ...], told: str) -> None:
        for json_too in ((), ("--json",)):
            result = run(*words, *json_too)
            assert result.exit_code == 2
            assert result.stdout == ""
            assert result.stderr.startswith("Error: ")
            assert told in result.stderr
            assert result.stderr.count("\n") == 1

    def test_a_very_long_word_is_cut(self) -> None:
        result = run("--order-expires", "9" * 100_000)
        assert result.exit_code == 2
        assert len(result.stderr) < 400

    def test_wrong_rules_are_told_alike(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(ctx: click.Context) -> ValidityRules:
            raise ConfigurationError("validity.toml: baseline is missing; add it")

        monkeypatch.setattr(cli.validity, "rules_for", broken)
        result = run(*EXAMPLE)
        assert (result.exit_code, result.stderr) == (2, "Error: validity.toml: baseline is missing; add it\n")


class TestAnswer:
    def test_it_is_what_the_command_prints(self, rules: ValidityRules) -> None:
        question = Question(date(2021, 1, 1), date(2020, 12, 1), carry_over=True)
        assert answer(question, rules) == run_json(*EXAMPLE, "--carry-over")

    def test_advice_is_of_the_renewal_day_unless_another_is_named(self, rules: ValidityRules) -> None:
        question = Question(
            date(2027, 3, 1), date(2026, 8, 15), certificate_expires_on=date(2026, 9, 16), product="ssl_basic"
        )
        reply = answer(question, rules)
        assert reply["product"] == "ssl_basic"
        advice = reply["reissue"]
        assert isinstance(advice, dict)
        assert (advice["asked_on"], advice["action"]) == ("2026-08-15", "now")

    def test_it_refuses_what_cannot_be_meant(self, rules: ValidityRules) -> None:
        with pytest.raises(UsageError, match="term"):
            answer(Question(date(2021, 1, 1), date(2020, 12, 1), term_days=0), rules)
