from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.reasons import Reason
from core.recipients import Candidate, choose, is_own
from core.words import Role

ROLES = (Role.ORGANISATION, Role.BILLING)
WhyNot = Callable[[Candidate], Reason | None]


def one(number: int, *roles: Role, own: bool = True) -> Candidate:
    return Candidate(number, f"p{number}@acme.example", frozenset(roles), own)


def nobody_refused(candidate: Candidate) -> Reason | None:
    return None


def refusing(reasons: dict[int, Reason]) -> WhyNot:
    return lambda candidate: reasons.get(candidate.contact_id)


candidates = st.lists(
    st.builds(
        Candidate,
        contact_id=st.integers(1, 30),
        email=st.just("p@acme.example"),
        roles=st.frozensets(st.sampled_from(Role)),
        own=st.booleans(),
    ),
    max_size=6,
    unique_by=lambda candidate: candidate.contact_id,
)
orders = st.permutations(list(Role)).map(tuple)
refusals = st.dictionaries(st.integers(1, 30), st.sampled_from([Reason.UNSUBSCRIBED, Reason.OWN_DOMAIN]))


def test_the_first_role_counts_before_the_first_person() -> None:
    chosen = choose([one(1, Role.BILLING), one(2, Role.ORGANISATION)], ROLES, nobody_refused)
    assert (chosen.candidate, chosen.role) == (one(2, Role.ORGANISATION), Role.ORGANISATION)


def test_the_orders_own_people_come_before_the_accounts() -> None:
    general = one(1, Role.ORGANISATION, own=False)
    chosen = choose([general, one(2, Role.ORGANISATION)], ROLES, nobody_refused)
    assert chosen.candidate == one(2, Role.ORGANISATION)


def test_the_next_is_taken_where_the_first_is_unusable() -> None:
    people = [one(1, Role.ORGANISATION), one(2, Role.BILLING)]
    chosen = choose(people, ROLES, refusing({1: Reason.UNSUBSCRIBED}))
    assert (chosen.candidate, chosen.role) == (people[1], Role.BILLING)


def test_the_reason_is_that_of_the_first_person_refused() -> None:
    people = [one(1, Role.ORGANISATION), one(2, Role.BILLING)]
    refused = refusing({1: Reason.SUPPRESSED, 2: Reason.OWN_DOMAIN})
    assert choose(people, ROLES, refused).reason is Reason.SUPPRESSED


def test_without_anybody_there_is_no_contact() -> None:
    assert choose([], ROLES, nobody_refused).reason is Reason.NO_CONTACT
    assert choose([one(1)], ROLES, nobody_refused, widen=True).reason is Reason.NO_CONTACT


def test_other_roles_are_tried_only_when_it_is_urgent() -> None:
    people = [one(1, Role.TECHNICAL)]
    assert choose(people, ROLES, nobody_refused).reason is Reason.NO_CONTACT
    wide = choose(people, ROLES, nobody_refused, widen=True)
    assert (wide.candidate, wide.role) == (people[0], Role.TECHNICAL)


@given(candidates, orders, refusals, st.booleans())
def test_somebody_usable_in_a_role_is_always_found(
    people: list[Candidate], roles: tuple[Role, ...], reasons: dict[int, Reason], widen: bool
) -> None:
    wanted = roles[:2]
    chosen = choose(people, wanted, refusing(reasons), widen=widen)
    usable = [
        person
        for person in people
        if person.contact_id not in reasons and (person.roles if widen else person.roles & set(wanted))
    ]
    assert (chosen.candidate is not None) == bool(usable)
    if chosen.candidate is not None:
        assert chosen.candidate in usable
        assert chosen.role in chosen.candidate.roles
        assert chosen.reason is None
    else:
        assert chosen.reason is not None


@given(candidates, orders, refusals)
def test_nobody_of_an_earlier_role_was_usable(
    people: list[Candidate], roles: tuple[Role, ...], reasons: dict[int, Reason]
) -> None:
    chosen = choose(people, roles, refusing(reasons))
    if chosen.role is not None:
        earlier = set(roles[: roles.index(chosen.role)])
        assert all(person.contact_id in reasons for person in people if person.roles & earlier)


@given(candidates, orders, refusals)
def test_the_order_in_which_people_are_named_does_not_matter(
    people: list[Candidate], roles: tuple[Role, ...], reasons: dict[int, Reason]
) -> None:
    shuffled = sorted(people, key=lambda person: -person.contact_id)
    assert choose(people, roles, refusing(reasons)) == choose(shuffled, roles, refusing(reasons))


@given(candidates, orders, refusals)
def test_widening_never_changes_a_choice_within_the_roles(
    people: list[Candidate], roles: tuple[Role, ...], reasons: dict[int, Reason]
) -> None:
    narrow = choose(people, roles[:2], refusing(reasons))
    if narrow.candidate is not None:
        assert choose(people, roles[:2], refusing(reasons), widen=True) == narrow


@pytest.mark.parametrize(
    ("email", "own"),
    [
        ("ann@ours.example", True),
        ("ann@MAIL.Ours.example", True),
        ("ann@notours.example", False),
        ("ann@ours.example.org", False),
        ("", False),
    ],
)
def test_our_own_domains(email: str, own: bool) -> None:
    assert is_own(email, ("ours.example",)) is own
