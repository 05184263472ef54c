"""Which of their companies is which of our accounts: the rules."""

import pytest

from connectors.crm.matching import (
    Clues,
    Match,
    Verdict,
    company_domains,
    decide,
    free_mail,
    ids_by_domain,
    settle_shared,
)


@pytest.mark.parametrize(
    ("clues", "match"),
    [
        (Clues(("1",), ("2",), ("3",)), Match(Verdict.MATCHED, "1", by="key")),
        (Clues((), ("2", "2"), ("3",)), Match(Verdict.MATCHED, "2", by="people")),
        (Clues((), ("2", "4"), ("3",)), Match(Verdict.AMBIGUOUS, candidates=("2", "4"), by="people")),
        (Clues((), (), ("3",)), Match(Verdict.MATCHED, "3", by="domain")),
        (Clues((), (), ("3", "4")), Match(Verdict.AMBIGUOUS, candidates=("3", "4"), by="domain")),
        (Clues(), Match(Verdict.ABSENT)),
    ],
)
def test_the_surest_clue_that_says_anything_decides(clues: Clues, match: Match) -> None:
    assert decide(clues) == match


def test_one_company_for_two_accounts_is_nobodys() -> None:
    by_domain, by_key = Match(Verdict.MATCHED, "1", by="domain"), Match(Verdict.MATCHED, "2", by="key")
    settled = settle_shared({"a": by_domain, "b": by_domain, "c": by_key})
    assert settled == {
        "a": Match(Verdict.AMBIGUOUS, candidates=("1",), by="domain"),
        "b": Match(Verdict.AMBIGUOUS, candidates=("1",), by="domain"),
        "c": by_key,
    }


def test_a_company_of_another_account_is_not_taken_over() -> None:
    matches = {"a": Match(Verdict.MATCHED, "1", by="people"), "b": Match(Verdict.ABSENT)}
    assert settle_shared(matches, {"1": "z"})["a"].verdict is Verdict.AMBIGUOUS
    assert settle_shared(matches, {"1": "a", "2": "", "3": "z"}) == matches


@pytest.mark.parametrize("address", ["a@gmail.com", "a@mail.gmx.de", "a@163.com", "a@hoster.example", "a"])
def test_what_many_share_says_nothing(address: str) -> None:
    assert company_domains({"acme": [address]}, ["Hoster.example"]) == {"acme": ()}


def test_a_domain_of_two_accounts_says_nothing_of_either() -> None:
    addresses = {"a": ["x@a.example", "x@both.example"], "b": ["y@both.example"]}
    assert company_domains(addresses, ()) == {"a": ("a.example",), "b": ()}
    assert company_domains({"a": ["x@a.example"]}, (), {"a.example": {"a", "z"}}) == {"a": ()}


def test_domains_are_compared_as_companies_write_them() -> None:
    assert ids_by_domain({"a": ["a.example"], "b": ["b.example"]}, [("1", "WWW.A.example"), ("2", "")]) == {
        "a": ["1"],
        "b": [],
    }


def test_the_list_of_free_mail_is_clean() -> None:
    assert len(free_mail()) > 200
    assert all(domain == domain.strip().lower() and "." in domain for domain in free_mail())
