from collections.abc import Iterator
from contextlib import closing

import pytest

from connectors.hubspot.batches import Link, Write
from connectors.hubspot.client import HubSpotClient
from connectors.hubspot.errors import Broken, Denied, Refused, Unclear
from connectors.hubspot.objects import Filter, Pair
from connectors.hubspot.paths import ApiVersion
from tests.connectors.hubspot.conftest import quick_client
from tests.connectors.hubspot.scripted import Scripted, running_script
from tests.fakes.hubspot import HubSpotServer

KEY = "nolapse_order_key"


@pytest.fixture(params=["2026-03", "2026-09", "numbered"])
def version(request: pytest.FixtureRequest) -> ApiVersion:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def each(server: HubSpotServer, version: ApiVersion) -> Iterator[HubSpotClient]:
    """A client of each version."""
    with closing(quick_client(server, version=version)) as opened:
        yield opened


@pytest.fixture
def key(client: HubSpotClient) -> str:
    """The unique property of tickets."""
    body = {"name": KEY, "label": "Key", "groupName": "ticketinformation", "type": "string", "fieldType": "text"}
    client.call("POST", "/crm/v3/properties/tickets", body={**body, "hasUniqueValue": True}, repeatable=False)
    return KEY


def ticket(number: int, **properties: str) -> Write:
    said = {"subject": f"Order {number}", "hs_pipeline": "0", "hs_pipeline_stage": "1", KEY: f"order-{number}"}
    return Write(f"digicert:{number}", said | properties, f"order-{number}")


def test_an_upsert_creates_and_changes(each: HubSpotClient, key: str, server: HubSpotServer) -> None:
    first = each.batch_upsert("tickets", [ticket(number) for number in range(120)], key)
    assert [result.key for result in first] == [f"digicert:{number}" for number in range(120)]
    assert {(result.error, result.new) for result in first} == {(None, True)}
    again = each.batch_upsert("tickets", [ticket(number, subject="Other") for number in range(120)], key)
    assert [(result.id, result.new) for result in again] == [(result.id, False) for result in first]
    assert server.count("objects.batch.upsert", "tickets") == 4
    assert server.world.record("tickets", first[7].id).values["subject"] == "Other"


def test_a_refused_record_is_told_and_the_rest_goes_through(
    each: HubSpotClient, key: str, server: HubSpotServer
) -> None:
    writes = [ticket(1), ticket(2, hs_ticket_priority="SOONISH"), ticket(3)]
    results = each.batch_upsert("tickets", writes, key)
    assert [bool(result.error) for result in results] == [False, True, False]
    refusal = str(results[1].error)
    assert "record digicert:2" in refusal
    assert "property hs_ticket_priority = 'SOONISH'" in refusal
    assert "correlation id" in refusal
    assert len(server.world.records("tickets")) == 2


def test_some_refused_in_a_success_are_told(each: HubSpotClient, key: str, server: HubSpotServer) -> None:
    server.refuse(lambda entry: entry["id"] == "order-2", message="Enter a number")
    results = each.batch_upsert("tickets", [ticket(number) for number in range(4)], key)
    assert [bool(result.error) for result in results] == [False, False, True, False]
    assert isinstance(results[2].error, Refused)
    assert "Enter a number" in str(results[2].error)


@pytest.mark.parametrize("status", [423, 429, 477])
def test_a_creation_that_was_put_off_is_made_once(client: HubSpotClient, server: HubSpotServer, status: int) -> None:
    server.fail(status, "objects.batch.create", retry_after=1)
    (result,) = client.batch_create("tickets", [_plain_ticket("t1")])
    assert result.error is None
    assert len(server.world.records("tickets")) == 1


def _plain_ticket(key: str) -> Write:
    return Write(key, {"subject": key, "hs_pipeline": "0", "hs_pipeline_stage": "1"})


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("status", [502, 503, 504, 524])
def test_a_creation_of_which_nobody_can_tell_is_not_repeated(
    client: HubSpotClient, server: HubSpotServer, status: int, done: bool
) -> None:
    server.fail(status, "objects.batch.create", done=done)
    (result,) = client.batch_create("tickets", [_plain_ticket("t1")])
    assert result.unclear
    assert len(server.world.records("tickets")) == int(done)
    assert server.count("objects.batch.create") == 1


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("half", [True, False])
def test_an_upsert_whose_connection_breaks_off_is_repeated(
    client: HubSpotClient, key: str, server: HubSpotServer, half: bool, done: bool
) -> None:
    server.cut("objects.batch.upsert", half=half, done=done)
    (result,) = client.batch_upsert("tickets", [ticket(1)], key)
    assert result.error is None
    assert len(server.world.records("tickets")) == 1
    assert server.count("objects.batch.upsert") == 2


def test_an_answer_that_is_no_json_leaves_a_creation_unclear(client: HubSpotClient, server: HubSpotServer) -> None:
    server.malform("objects.batch.create")
    (result,) = client.batch_create("tickets", [_plain_ticket("t1")])
    assert isinstance(result.error, Unclear)


def test_a_new_record_is_known_again_and_linked(each: HubSpotClient, server: HubSpotServer) -> None:
    contact = server.world.add("contacts", email="tina@kunde.example")
    tasks = [
        Write(f"call:{number}", {"hs_timestamp": "2026-12-01T09:00:00Z", "hs_task_subject": f"Call {number}"},
              f"Call {number}", (Link(contact, 204),))
        for number in range(3)
    ]  # fmt: skip
    results = each.batch_create("tasks", tasks, "hs_task_subject")
    assert [result.properties["hs_task_subject"] for result in results] == ["Call 0", "Call 1", "Call 2"]
    assert each.associated("contacts", "tasks", [contact]) == {contact: tuple(sorted(one.id for one in results))}


def test_records_are_changed_by_their_id(each: HubSpotClient, server: HubSpotServer) -> None:
    id = server.world.add("companies", name="Acme")
    (result,) = each.batch_update("companies", [Write("acme", {"name": "Acme Ltd"}, id)])
    assert (result.id, result.error) == (id, None)
    assert server.world.record("companies", id).values["name"] == "Acme Ltd"


def test_records_are_read_by_id_and_by_a_unique_property(each: HubSpotClient, key: str, server: HubSpotServer) -> None:
    done = each.batch_upsert("tickets", [ticket(number) for number in range(130)], key)
    found = each.batch_read("tickets", [*(f"order-{number}" for number in range(130)), "order-999"], ["subject"], key)
    assert {name: record.id for name, record in found.items()} == {
        f"order-{number}": result.id for number, result in enumerate(done)
    }
    assert found["order-5"].properties["subject"] == "Order 5"
    by_id = each.batch_read("tickets", [done[3].id, "12345"], ["subject"])
    assert list(by_id) == [done[3].id]
    assert each.batch_read("tickets", [], ["subject"]) == {}


def test_contacts_are_read_by_address_in_any_letters(client: HubSpotClient, server: HubSpotServer) -> None:
    id = server.world.add("contacts", email="tina@kunde.example")
    assert client.batch_read("contacts", ["Tina@Kunde.example"], [], "email")["Tina@Kunde.example"].id == id


def test_a_search_is_walked_by_id(each: HubSpotClient, server: HubSpotServer) -> None:
    ids = [server.world.add("companies", name=f"C{number}", domain="kunde.example") for number in range(450)]
    server.world.add("companies", name="other", domain="other.example")
    found = list(each.search("companies", [Filter("domain", "EQ", "kunde.example")], ["name"]))
    assert [record.id for record in found] == ids
    assert server.count("objects.search") == 3
    assert {call.body["after"] for call in server.came("objects.search")} == {"0"}


def test_a_search_may_have_several_groups(client: HubSpotClient, server: HubSpotServer) -> None:
    for name in ("a", "b", "c"):
        server.world.add("companies", name=name)
    groups = [[Filter("name", "EQ", "a")], [Filter("name", "IN", values=("b", "d"))]]
    assert [one.properties["name"] for one in client.search("companies", groups, ["name"])] == ["a", "b"]
    assert len(list(client.search("companies", [], ["name"]))) == 3
    between = Filter("hs_object_id", "BETWEEN", "0", high_value="1")
    assert list(client.search("companies", [between], [])) == []


def test_associations_are_made_and_read(each: HubSpotClient, server: HubSpotServer) -> None:
    companies = [server.world.add("companies", name=f"C{number}") for number in range(3)]
    contacts = [server.world.add("contacts", email=f"c{number}@kunde.example") for number in range(3)]
    pairs = [Pair(*ends) for ends in zip(contacts, companies, strict=True)]
    assert [(one.key, one.error) for one in each.associate("contacts", "companies", pairs)] == [
        (pair.key, None) for pair in pairs
    ]
    labelled = [Pair(contacts[0], companies[1], 279)]
    assert [one.error for one in each.associate("contacts", "companies", labelled)] == [None]
    found = each.associated("contacts", "companies", contacts)
    assert {id: set(others) for id, others in found.items()} == {
        contacts[0]: {companies[0], companies[1]},
        contacts[1]: {companies[1]},
        contacts[2]: {companies[2]},
    }
    assert each.associated("contacts", "companies", []) == {}


def test_an_association_with_nobody_is_its_own_refusal(each: HubSpotClient, server: HubSpotServer) -> None:
    company, contact = server.world.add("companies", name="C"), server.world.add("contacts", email="c@kunde.example")
    pairs = [Pair(contact, company), Pair(contact, "999999")]
    results = each.associate("contacts", "companies", pairs)
    assert [bool(result.error) for result in results] == [False, True]


def test_the_kinds_of_association_are_read(each: HubSpotClient) -> None:
    assert 204 in {kind.type_id for kind in each.association_types("tasks", "contacts")}


def test_owners_are_read_the_former_ones_too(each: HubSpotClient, server: HubSpotServer) -> None:
    maria = server.world.add_owner("maria@partner.example", "Maria", "Meyer")
    gone = server.world.add_owner("gone@partner.example")
    server.world.deactivate_owner(gone.id)
    (now,) = [owner for owner in each.owners() if owner.email == "maria@partner.example"]
    assert (now.id, now.name, now.active) == (maria.id, "Maria Meyer", True)
    assert now.user_id
    (before,) = each.owners(archived=True)
    assert (before.id, before.active) == (gone.id, False)


def test_a_wrong_token_is_told_once(server: HubSpotServer) -> None:
    with closing(quick_client(server, token="wrong")) as client:
        results = client.batch_upsert("tickets", [ticket(number) for number in range(1000)], KEY)
        assert {type(result.error) for result in results} >= {Denied}
        assert server.count() <= client.parallel
        with pytest.raises(Denied, match="NOLAPSE_HUBSPOT__TOKEN"):
            client.owners()
    assert "wrong" not in repr(client)


@pytest.fixture
def script() -> Iterator[Scripted]:
    with running_script() as running:
        yield running


def test_results_without_our_trace_are_known_by_the_property_or_the_id(script: Scripted) -> None:
    results = [{"id": "9", "properties": {KEY: "order-2"}}, {"id": "8", "properties": {KEY: "order-1"}}]
    script.say(200, {"status": "COMPLETE", "results": results})
    with closing(HubSpotClient("t", script.base_url)) as client:
        done = client.batch_upsert("tickets", [ticket(1), ticket(2)], KEY)
        assert [result.id for result in done] == ["8", "9"]
        made = client.batch_create("tickets", [ticket(1), ticket(2)], KEY)
        assert [result.id for result in made] == ["8", "9"]
        assert {result.unclear for result in client.batch_create("tickets", [_plain_ticket("x")])} == {True}


def test_pages_of_associations_are_read_to_the_end(script: Scripted) -> None:
    first = {"from": {"id": "1"}, "to": [{"toObjectId": 5}], "paging": {"next": {"after": "5"}}}
    script.say(200, {"results": [first, {"from": {"id": "2"}, "to": []}]})
    script.say(207, {"results": [{"from": {"id": "1"}, "to": [{"toObjectId": "6"}, {"toObjectId": 5}]}]})
    with closing(HubSpotClient("t", script.base_url)) as client:
        assert client.associated("contacts", "tickets", ["1", "2"]) == {"1": ("5", "6")}
    assert script.asked[1].body == {"inputs": [{"id": "1", "after": "5"}]}


def test_an_unreadable_part_of_a_read_is_an_error_and_a_missing_record_is_none(script: Scripted) -> None:
    missing = {"category": "OBJECT_NOT_FOUND", "message": "no", "context": {"ids": ["7"]}}
    broken = {"category": "VALIDATION_ERROR", "message": "no"}
    script.say(207, {"results": [], "errors": [missing]}).say(207, {"results": [], "errors": [missing, broken]})
    with closing(HubSpotClient("t", script.base_url)) as client:
        assert client.batch_read("tickets", ["7"], []) == {}
        with pytest.raises(Refused, match="could not be read"):
            client.batch_read("tickets", ["7"], [])


@pytest.mark.parametrize("body", [{"total": 0}, [], "text", None])
def test_an_answer_of_another_shape_is_no_empty_list(script: Scripted, body: object) -> None:
    script.say(200, body)
    with closing(HubSpotClient("t", script.base_url)) as client, pytest.raises(Broken, match=r"hubspot\.api_version"):
        client.owners()


def test_a_merged_record_is_found_by_either_id(client: HubSpotClient, server: HubSpotServer) -> None:
    kept, gone = (server.world.add("contacts", email=f"{name}@kunde.example") for name in ("a", "b"))
    id = server.world.merge("contacts", kept, gone)
    found = client.batch_read("contacts", [kept, gone], ["email"])
    assert {asked: record.id for asked, record in found.items()} == {kept: id, gone: id}


def test_a_contact_is_found_by_each_of_its_addresses(script: Scripted) -> None:
    properties = {"email": "tina@kunde.example", "hs_additional_emails": "t@kunde.example;Tina@other.example"}
    script.say(200, {"results": [{"id": "7", "properties": properties}]})
    with closing(HubSpotClient("t", script.base_url)) as client:
        found = client.batch_read("contacts", ["tina@other.example", "nobody@other.example"], [], "email")
    assert {address: record.id for address, record in found.items()} == {"tina@other.example": "7"}


@pytest.mark.parametrize("id", [None, "5"])
def test_a_search_that_does_not_move_on_ends(script: Scripted, id: str | None) -> None:
    script.say(200, {"results": [{"id": id or "", "properties": {}}] * 200})
    with closing(HubSpotClient("t", script.base_url)) as client, pytest.raises(Broken, match="no order"):
        list(client.search("tickets", [], []))


def test_new_records_without_the_key_are_not_taken_for_each_other(script: Scripted) -> None:
    script.say(201, {"results": [{"id": "9", "properties": {}}]})
    with closing(HubSpotClient("t", script.base_url)) as client:
        (result,) = client.batch_create("tickets", [_plain_ticket("x")], KEY)
    assert result.unclear
