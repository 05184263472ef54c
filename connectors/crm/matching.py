"""Which of their companies and contacts are ours. Pure: candidates in, verdicts out; nothing is ever guessed.

A company is known by our own key on it, then by the people we both know, then by its domain. A domain that many people
share says nothing of a company and never matches.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources


@cache
def free_mail() -> frozenset[str]:
    """The domains of mail providers that are open to everybody, as `free_mail.txt` lists them."""
    lines = (resources.files("connectors.crm") / "free_mail.txt").read_text(encoding="ascii").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


class Verdict(StrEnum):
    """What became of the search for one of ours."""

    MATCHED = "matched"
    ABSENT = "absent"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True)
class Match:
    """The verdict on one account: `their_id` where matched, the candidates where nobody can tell; `by` says how."""

    verdict: Verdict
    their_id: str = ""
    candidates: tuple[str, ...] = ()
    by: str = ""


@dataclass(frozen=True, slots=True)
class Clues:
    """What there is to go by for one account: candidate ids by our key, by people we both know, by domain."""

    by_key: Collection[str] = ()
    by_people: Collection[str] = ()
    by_domain: Collection[str] = ()


def decide(clues: Clues) -> Match:
    """The first clue that names anybody decides; one that names several leaves it to a person."""
    for by, named in (("key", clues.by_key), ("people", clues.by_people), ("domain", clues.by_domain)):
        candidates = tuple(dict.fromkeys(named))
        if len(candidates) == 1:
            return Match(Verdict.MATCHED, candidates[0], by=by)
        if candidates:
            return Match(Verdict.AMBIGUOUS, candidates=candidates, by=by)
    return Match(Verdict.ABSENT)


def settle_shared(matches: Mapping[str, Match], holders: Mapping[str, str] | None = None) -> dict[str, Match]:
    """The same, where one company of theirs answers to several accounts of ours by anything but its key: ambiguous.

    `holders`: the account of ours whose key a company carries already.
    """
    claimed: dict[str, set[str]] = {}
    for account_key, match in matches.items():
        if match.verdict is Verdict.MATCHED:
            claimed.setdefault(match.their_id, set()).add(account_key)
    for their_id, account_key in (holders or {}).items():
        if account_key:
            claimed.setdefault(their_id, set()).add(account_key)
    return {
        account_key: Match(Verdict.AMBIGUOUS, candidates=(match.their_id,), by=match.by)
        if match.by != "key" and len(claimed.get(match.their_id, ())) > 1
        else match
        for account_key, match in matches.items()
    }


def domain_of(address: str) -> str:
    """The domain of an e-mail address, in lower case; empty where it has none."""
    return address.rpartition("@")[2].strip().lower() if "@" in address else ""


def company_domains(
    addresses: Mapping[str, Iterable[str]], shared: Collection[str], known: Mapping[str, Collection[str]] | None = None
) -> dict[str, tuple[str, ...]]:
    """The domains by which each account may be known, from its people's addresses.

    Left out: free mail, what the settings call shared, and what several accounts use (`known`: who uses it elsewhere).
    """
    refused = free_mail() | {one.strip().lower() for one in shared}
    of_account = {
        key: tuple(
            dict.fromkeys(domain for domain in map(domain_of, people) if domain and not _within(domain, refused))
        )
        for key, people in addresses.items()
    }
    users: dict[str, set[str]] = {}
    for key, domains in of_account.items():
        for domain in domains:
            users.setdefault(domain, set()).add(key)
    for domain, others in (known or {}).items():
        users.setdefault(domain, set()).update(others)
    return {key: tuple(one for one in domains if len(users[one]) == 1) for key, domains in of_account.items()}


def _within(domain: str, refused: Collection[str]) -> bool:
    """Whether the domain, or one above it, is refused: mail.example.org under example.org."""
    parts = domain.split(".")
    return any(".".join(parts[number:]) in refused for number in range(len(parts) - 1))


def ids_by_domain(domains: Mapping[str, Sequence[str]], companies: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The ids of the companies (id, domain) that have one of the domains of each account."""
    by_domain: dict[str, list[str]] = {}
    for their_id, domain in companies:
        by_domain.setdefault(domain.strip().lower().removeprefix("www."), []).append(their_id)
    return {key: [one for domain in mine for one in by_domain.get(domain, ())] for key, mine in domains.items()}
