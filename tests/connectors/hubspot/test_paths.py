import pytest

from connectors.hubspot.paths import ApiVersion, in_version


@pytest.mark.parametrize(
    ("numbered", "dated"),
    [
        ("/crm/v3/objects/tickets/batch/upsert", "/crm/objects/2026-03/tickets/batch/upsert"),
        ("/crm/v4/objects/tasks/1/associations/contacts", "/crm/objects/2026-03/tasks/1/associations/contacts"),
        ("/crm/v4/associations/a/b/batch/create", "/crm/associations/2026-03/a/b/batch/create"),
        ("/crm/v4/associations/a/b/labels", "/crm/associations/2026-03/a/b/labels"),
        ("/crm/v3/properties/tickets/groups", "/crm/properties/2026-03/tickets/groups"),
        ("/crm/v3/owners/", "/crm/owners/2026-03"),
        ("/crm/v3/lists/", "/crm/lists/2026-03"),
        ("/crm/v3/pipelines/deals", "/crm/pipelines/2026-03/deals"),
        ("/crm-object-schemas/v3/schemas", "/crm-object-schemas/2026-03/schemas"),
        ("/automation/v4/sequences/enrollments", "/automation/sequences/2026-03/enrollments"),
        ("/communication-preferences/v4/statuses/x", "/communication-preferences/2026-03/statuses/x"),
        ("/marketing/v3/transactional/single-email/send", "/marketing/transactional/2026-03/single-email/send"),
        ("/account-info/v3/details", "/account-info/2026-03/details"),
    ],
)
def test_a_numbered_path_becomes_a_dated_one(numbered: str, dated: str) -> None:
    assert in_version(numbered, "2026-03") == dated
    assert in_version(numbered, "2026-09") == dated.replace("2026-03", "2026-09")
    assert in_version(numbered, "numbered") == numbered


@pytest.mark.parametrize("version", ["2026-03", "2026-09"])
@pytest.mark.parametrize("path", ["/oauth/v1/token", "/crm/v3/objectsque/x", "/other/crm/v3/objects/x"])
def test_a_path_without_a_dated_form_keeps_its_number(path: str, version: ApiVersion) -> None:
    assert in_version(path, version) == path
