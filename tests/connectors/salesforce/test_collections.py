"""Writes of up to 200 records a call, and the fate of each."""

import zlib
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.collections import parted
from connectors.salesforce.errors import Busy, Denied, Locked, Refused, SalesforceError, Unclear
from connectors.salesforce.records import Outcome, Write, long_id
from tests.connectors.salesforce.clients import KEY, quick_client
from tests.fakes.salesforce import SalesforceServer

NOBODY = long_id("001Wz0000000zzz")


def account(number: int, **fields: Any) -> Write:
    return Write(f"w{number}", {KEY: f"k{number}", "Name": f"Account {number}", **fields})


def accounts(many: int) -> list[Write]:
    return [account(number) for number in range(many)]


def errors(outcomes: list[Outcome]) -> dict[str, SalesforceError]:
    return {one.key: one.error for one in outcomes if isinstance(one.error, SalesforceError)}


def all_done(outcomes: list[Outcome]) -> bool:
    return all(one.error is None and one.id for one in outcomes)


class TestUpsert:
    def test_what_is_new_is_made_and_what_is_there_is_changed(
        self, server: SalesforceServer, client: SalesforceClient
    ) -> None:
        there = server.org.put("Account", Name="Before", Key__c="k1")
        made, changed = client.upsert("Account", KEY, [account(0), account(1)])
        assert (made.new, changed.new, changed.id) == (True, False, there)
        assert server.org.row(there)["Name"] == "Account 1"

    @pytest.mark.parametrize(("many", "calls"), [(0, 0), (1, 1), (200, 1), (201, 2), (1000, 5)])
    def test_in_calls_of_200(self, server: SalesforceServer, client: SalesforceClient, many: int, calls: int) -> None:
        outcomes = client.upsert("Account", KEY, accounts(many))
        assert all_done(outcomes)
        assert [one.key for one in outcomes] == [f"w{number}" for number in range(many)]
        assert server.count("collections.upsert") == calls

    def test_several_calls_at_once_give_the_outcomes_in_order(self, server: SalesforceServer) -> None:
        client = quick_client(server, parallel=4)
        outcomes = client.upsert("Account", KEY, accounts(900))
        assert all_done(outcomes)
        for number in (0, 450, 899):
            assert server.org.row(outcomes[number].id)["Name"] == f"Account {number}"

    def test_each_record_has_its_own_fate(self, server: SalesforceServer, client: SalesforceClient) -> None:
        outcomes = client.upsert("Account", KEY, [account(0), account(1, Name=None), account(2, Phone="1" * 41)])
        assert outcomes[0].error is None
        missing, long = outcomes[1].error, outcomes[2].error
        assert isinstance(missing, Refused)
        assert isinstance(long, Refused)
        assert "field Name, record w1, code REQUIRED_FIELD_MISSING" in str(missing)
        assert "field Phone, record w2, code STRING_TOO_LONG" in str(long)

    def test_a_silence_is_answered_by_sending_it_again(
        self, server: SalesforceServer, client: SalesforceClient
    ) -> None:
        server.cut("collections.upsert", done=True)
        assert all_done(client.upsert("Account", KEY, accounts(3)))
        assert len(server.org.rows("Account")) == 3

    def test_a_lookup_by_external_id_saves_a_query(self, server: SalesforceServer, client: SalesforceClient) -> None:
        parent = server.org.put("Account", Name="Parent", Key__c="p")
        (done,) = client.upsert("Account", KEY, [account(0, Parent={KEY: "p"})])
        assert server.org.row(done.id)["ParentId"] == parent


class TestCreate:
    def test_a_silence_leaves_open_what_was_done(self, server: SalesforceServer, client: SalesforceClient) -> None:
        server.cut("collections.create", done=True)
        (outcome,) = client.create("Account", [account(0)])
        assert isinstance(outcome.error, Unclear)
        assert server.count("collections.create") == 1

    def test_with_a_key_it_is_sent_again_and_what_was_made_is_found(
        self, server: SalesforceServer, client: SalesforceClient
    ) -> None:
        server.cut("collections.create", done=True)
        outcomes = client.create("Account", accounts(3), KEY)
        assert all_done(outcomes)
        assert [one.new for one in outcomes] == [False] * 3
        assert {one.id for one in outcomes} == {row["Id"] for row in server.org.rows("Account")}

    def test_a_double_of_another_field_is_an_error(self, server: SalesforceServer, client: SalesforceClient) -> None:
        server.org.put("Task", Key__c="k0")
        (outcome,) = client.create("Task", [Write("w", {KEY: "k0", "Subject": "x"})], "Other__c")
        assert errors([outcome])["w"].details.code == "DUPLICATE_VALUE"

    def test_when_nothing_was_done_it_is_sent_again(self, server: SalesforceServer, client: SalesforceClient) -> None:
        server.fail("SERVER_UNAVAILABLE", "collections.create", times=2)
        assert all_done(client.create("Account", accounts(2)))


class TestUpdate:
    def test_by_id(self, server: SalesforceServer, client: SalesforceClient) -> None:
        id = server.org.put("Account", Name="Before", Phone="1")
        (done,) = client.update("Account", [Write("w", {"Name": "After", "Phone": None}, id=id[:15])])
        assert (done.id, done.new, done.error) == (id, False, None)
        assert (server.org.row(id)["Name"], server.org.row(id)["Phone"]) == ("After", None)

    def test_what_is_gone(self, server: SalesforceServer, client: SalesforceClient) -> None:
        id = server.org.put("Account", Name="Before")
        server.org.remove(id)
        outcomes = client.update("Account", [Write("gone", {}, id=id), Write("never", {}, id=NOBODY)])
        assert [error.details.code for error in errors(outcomes).values()] == [
            "ENTITY_IS_DELETED",
            "INVALID_CROSS_REFERENCE_KEY",
        ]


class TestWholeCalls:
    """What refuses all records of a call."""

    def test_the_record_at_fault_is_found_and_the_others_go(
        self, server: SalesforceServer, client: SalesforceClient
    ) -> None:
        writes = accounts(100)
        writes[37] = account(37, NumberOfEmployees="many")
        outcomes = client.upsert("Account", KEY, writes)
        assert list(errors(outcomes)) == ["w37"]
        assert "code JSON_PARSER_ERROR" in str(outcomes[37].error)
        assert len(server.org.rows("Account")) == 99
        assert server.count("collections.upsert") <= 16

    def test_a_fault_in_every_record_does_not_cost_a_call_each(
        self, server: SalesforceServer, client: SalesforceClient
    ) -> None:
        outcomes = client.upsert("Account", KEY, [account(number, NumberOfEmployees="many") for number in range(150)])
        assert len(errors(outcomes)) == 150
        assert "one and the same reason" in str(outcomes[149].error)
        assert server.count("collections.upsert") < 60

    def test_a_missing_field_ends_it_at_once(self, server: SalesforceServer, client: SalesforceClient) -> None:
        outcomes = client.upsert("Account", KEY, [account(number, Nope__c="x") for number in range(500)])
        assert server.count("collections.upsert") == 1
        assert isinstance(outcomes[0].error, Denied)
        assert "nolapse setup salesforce" in str(outcomes[0].error)
        assert isinstance(outcomes[499].error, Busy)

    def test_calls_that_are_used_up_keep_the_rest_back(
        self, server: SalesforceServer, client: SalesforceClient
    ) -> None:
        server.org.calls_used = server.org.api_calls - 1
        outcomes = client.upsert("Account", KEY, accounts(600))
        assert sum(one.error is None for one in outcomes) == 200
        assert {type(error) for error in errors(outcomes).values()} == {Busy}
        assert server.count("collections.upsert") == 1

    def test_results_that_are_not_one_for_each_record_say_nothing(
        self, server: SalesforceServer, client: SalesforceClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(client.caller, "ask", lambda *_, **__: [{"success": True}])
        outcomes = client.upsert("Account", KEY, accounts(2))
        assert {type(one.error) for one in outcomes} == {Unclear}


def fraction(record: dict[str, Any]) -> bool:
    """About one record of twenty, always the same ones."""
    return zlib.crc32(str(record.get(KEY)).encode()) % 20 == 0


class TestLocks:
    def test_locked_records_go_again_together(self, server: SalesforceServer, client: SalesforceClient) -> None:
        server.org.lock_rows(fraction)
        outcomes = client.upsert("Account", KEY, accounts(1800))
        assert all_done(outcomes)
        assert server.count("collections.upsert") == 9 + 1

    def test_a_lock_that_stays_is_put_off(self, server: SalesforceServer, client: SalesforceClient) -> None:
        server.org.lock_rows(lambda record: record.get(KEY) == "k1", times=99)
        outcomes = client.upsert("Account", KEY, accounts(3))
        assert list(errors(outcomes)) == ["w1"]
        assert isinstance(outcomes[1].error, Locked)
        assert server.count("collections.upsert") == client.patience.attempts

    def test_one_that_meets_the_whole_call_is_waited_for_once(
        self, server: SalesforceServer, client: SalesforceClient
    ) -> None:
        server.fail("UNABLE_TO_LOCK_ROW", "collections.upsert", times=99)
        outcomes = client.upsert("Account", KEY, accounts(2))
        assert {type(error) for error in errors(outcomes).values()} == {Busy}
        assert server.count("collections.upsert") == client.patience.attempts

    def test_the_pauses_grow(self, server: SalesforceServer, client: SalesforceClient) -> None:
        pauses: list[float] = []
        client.caller.sleep = pauses.append
        server.org.lock_rows(lambda _: True, times=3)
        assert all_done(client.upsert("Account", KEY, accounts(1)))
        assert len(pauses) == 3
        assert pauses == sorted(pauses)

    def test_a_parent_that_somebody_changes(self, server: SalesforceServer, client: SalesforceClient) -> None:
        parent = server.org.put("Account", Name="Parent")
        server.org.lock(parent)
        writes = [Write(f"w{n}", {KEY: f"k{n}", "Subject": "Call", "WhatId": parent}, parent=parent) for n in range(3)]
        assert all_done(client.create("Task", writes, KEY))


def family(sizes: list[int]) -> list[Write]:
    """Writes of parents with so many children each, dealt out like cards."""
    dealt = [(child, parent) for parent, size in enumerate(sizes) for child in range(size)]
    return [Write(f"{parent}-{child}", {}, parent=f"p{parent:03}") for child, parent in sorted(dealt)]


class TestFamilies:
    def parents(self, part: list[Write]) -> set[str]:
        return {write.parent for write in part}

    def test_writes_of_one_parent_go_in_one_call(self) -> None:
        parts = list(parted(family([7] * 100), 200))
        assert sum(len(part) for part in parts) == 700
        assert all(not self.parents(one) & self.parents(other) for one, other in pairwise(parts))

    def test_that_costs_at_most_a_ninth_more_calls(self) -> None:
        for size in (1, 3, 7, 19, 20, 150, 199, 450):
            writes = family([size] * 12)
            parts = list(parted(writes, 200))
            assert len(parts) <= -(-len(writes) // 180)
            assert max(len(part) for part in parts) <= 200
            assert {write.key for part in parts for write in part} == {write.key for write in writes}

    def test_without_parents_the_order_stays(self) -> None:
        writes = [Write(str(number), {}) for number in range(450)]
        parts = list(parted(writes, 200))
        assert [len(part) for part in parts] == [200, 200, 50]
        assert [write for part in parts for write in part] == writes


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (
            lambda org: org.validate("Account", lambda row: True, "No accounts today"),
            "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        ),
        (lambda org: org.require("Account", "Industry"), "REQUIRED_FIELD_MISSING"),
        (lambda org: org.protect("Account", "Name"), "INVALID_FIELD_FOR_INSERT_UPDATE"),
        (lambda org: org.deny("Account", "create"), "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"),
    ],
)
def test_rules_of_the_org_are_told_of_the_record(
    server: SalesforceServer, client: SalesforceClient, spoil: Callable[[Any], None], code: str
) -> None:
    spoil(server.org)
    outcomes = client.upsert("Account", KEY, [account(0)])
    assert errors(outcomes)["w0"].details.code == code


def test_a_duplicate_rule_stays_on_and_tells_whom_it_found(server: SalesforceServer, client: SalesforceClient) -> None:
    there = server.org.put("Account", Name="Acme")
    server.org.forbid_duplicates("Account", "Name")
    outcomes = client.create("Account", [Write("w", {"Name": "ACME"})])
    assert errors(outcomes)["w"].details.matches == (there,)


def test_an_inactive_owner(server: SalesforceServer, client: SalesforceClient) -> None:
    user = server.org.add_user("gone@acme.example", active=False)
    outcomes = client.create("Account", [Write("w", {"Name": "A", "OwnerId": user})])
    assert errors(outcomes)["w"].details.code == "INACTIVE_OWNER_OR_USER"
