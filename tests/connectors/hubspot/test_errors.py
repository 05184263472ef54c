import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.crm.wording import plain
from connectors.hubspot.errors import Refused, details_of

CONFLICT = {
    "status": "error",
    "message": "Contact already exists. Existing ID: 6001",
    "correlationId": "86f45ce9-3d1c-4c15-8d4a-5b0ce6f2c0a6",
    "category": "CONFLICT",
}
INVALID = {
    "status": "error",
    "category": "VALIDATION_ERROR",
    "correlationId": "c-2",
    "message": 'Property values were not valid: [{"isValid":false,"message":"abc was not a valid number.",'
    '"error":"INVALID_INTEGER","name":"nolapse_value","propertyValue":"abc"}]',
}


def test_an_error_tells_what_hubspot_said() -> None:
    details = details_of(409, CONFLICT)
    assert (details.status, details.category, details.message) == (409, "CONFLICT", CONFLICT["message"])
    words = str(Refused("it conflicts with what is there", details).about("digicert:1"))
    assert words == (
        "HubSpot: it conflicts with what is there (Contact already exists. Existing ID: 6001, record digicert:1, "
        "category CONFLICT, correlation id 86f45ce9-3d1c-4c15-8d4a-5b0ce6f2c0a6)"
    )


def test_a_refused_value_is_told_with_its_property() -> None:
    details = details_of(400, INVALID)
    assert (details.property, details.value, details.sub_category) == ("nolapse_value", "abc", "INVALID_INTEGER")
    assert "abc was not a valid number., property nolapse_value = 'abc'" in details.words()


def test_the_property_may_stand_in_several_places() -> None:
    assert details_of(400, {"context": {"propertyName": ["amount"]}}).property == "amount"
    assert details_of(400, {"errors": [{"message": "no", "in": "dealname"}]}).property == "dealname"
    assert details_of(400, {"message": "Property 'hs_x' is read-only"}).property == "hs_x"
    assert details_of(400, {"message": "Property values were not valid: [{broken"}).property == ""


@pytest.mark.parametrize("body", [None, [], "text", 7, {"errors": "no list"}, {"errors": [None]}, {"context": []}])
def test_any_body_is_taken(body: object) -> None:
    assert details_of(500, body, {"x-hubspot-correlation-id": "c-9"}).correlation_id == "c-9"


def test_no_person_is_in_an_error() -> None:
    said = {
        "message": "Contact maria.meyer+x@kunde.example with phone +49 (171) 234-5678 already exists",
        "context": {"propertyName": ["phone"], "propertyValue": ["+491712345678"]},
    }
    words = str(Refused("refused", details_of(409, said)).about("maria@kunde.example"))
    assert "maria" not in words
    assert "171" not in words
    assert "property phone = (not shown)" in words
    assert "(address)" in words


@pytest.mark.parametrize("kept", ["Existing ID: 30000000001", "order 15678931", "2026-11-21T09:00:00.000Z"])
def test_ids_and_times_stay_readable(kept: str) -> None:
    assert kept in plain(f"said: {kept}")


@given(st.text())
def test_an_error_is_one_short_line(text: str) -> None:
    line = plain(text)
    assert len(line) <= 210
    assert "\n" not in line
    assert "\r" not in line


def test_a_personal_value_is_not_told_in_the_message_either() -> None:
    said = {"message": "Maria is no good name", "context": {"propertyName": ["firstname"]}}
    words = str(Refused("refused", details_of(400, said)).about("c", value="Maria"))
    assert "Maria" not in words
    assert "(not shown) is no good name, property firstname = (not shown)" in words


def test_no_part_of_an_error_breaks_the_line() -> None:
    said = {"message": "a\nb", "category": "C\nD", "correlationId": "e\rf", "context": {"propertyName": ["g\nh"]}}
    assert "\n" not in str(Refused("refused", details_of(400, said)).about("i\nj"))
