"""The documented fields of HubSpot's answers, to hold the stand-in's against."""

from typing import Any

from tests.fakes.hubspot.shapes import ANYTHING, FLAG, STRINGS, TEXT, WHOLE, Fields, ListOf, MapOf, OneOf, check

STATE = OneOf(("PENDING", "PROCESSING", "CANCELED", "COMPLETE"))
CONTEXT = MapOf(STRINGS)
LINKS = MapOf(TEXT)
DETAIL = Fields({"message": TEXT}, {"code": TEXT, "context": CONTEXT, "in": TEXT, "subCategory": TEXT})
ERROR = Fields(
    {"category": TEXT, "correlationId": TEXT, "message": TEXT},
    {"context": CONTEXT, "errors": ListOf(DETAIL), "links": LINKS, "subCategory": TEXT},
)
STANDARD_ERROR = Fields(
    {"category": TEXT, "context": CONTEXT, "errors": ListOf(DETAIL), "links": LINKS, "message": TEXT, "status": TEXT},
    {"id": TEXT},
)
RATE_LIMIT = Fields(
    {
        "status": TEXT,
        "message": TEXT,
        "errorType": TEXT,
        "correlationId": TEXT,
        "policyName": TEXT,
        "groupName": TEXT,
    }
)
VERSION = Fields(
    {"value": TEXT, "timestamp": TEXT, "sourceType": TEXT},
    {"sourceId": TEXT, "sourceLabel": TEXT, "updatedByUserId": WHOLE},
)
_RECORD = {"id": TEXT, "archived": FLAG, "createdAt": TEXT, "updatedAt": TEXT, "properties": MapOf(ANYTHING)}
_RECORD_TOO = {
    "archivedAt": TEXT,
    "objectWriteTraceId": TEXT,
    "propertiesWithHistory": MapOf(ListOf(VERSION)),
    "url": TEXT,
}
RECORD = Fields(_RECORD, _RECORD_TOO)
UPSERTED = Fields({**_RECORD, "new": FLAG}, _RECORD_TOO)
NEXT = Fields({"after": TEXT}, {"link": TEXT})
PAGING = Fields({}, {"next": NEXT})
LINKED = Fields({"results": ListOf(Fields({"id": TEXT, "type": TEXT}))}, {"paging": PAGING})
RECORD_WITH_LINKS = Fields(_RECORD, {**_RECORD_TOO, "associations": MapOf(LINKED)})


def batch(of: Any) -> Fields:
    """A batch's answer."""
    return Fields(
        {"completedAt": TEXT, "results": ListOf(of), "startedAt": TEXT, "status": STATE},
        {"errors": ListOf(STANDARD_ERROR), "links": LINKS, "numErrors": WHOLE, "requestedAt": TEXT},
    )


def listing(of: Any, **more: Any) -> Fields:
    """A page of results."""
    return Fields({"results": ListOf(of)}, {"paging": PAGING, **more})


CATEGORY = OneOf(("HUBSPOT_DEFINED", "INTEGRATOR_DEFINED", "USER_DEFINED", "WORK"))
LABELLED = Fields({"category": CATEGORY, "typeId": WHOLE}, {"label": TEXT})
PAIR = Fields(
    {"fromObjectId": TEXT, "fromObjectTypeId": TEXT, "labels": STRINGS, "toObjectId": TEXT, "toObjectTypeId": TEXT}
)
LINKED_TO = Fields({"toObjectId": TEXT, "associationTypes": ListOf(LABELLED)})
OBJECT_ID = Fields({"id": TEXT})
PLAIN_PAIR = Fields(
    {
        "from": OBJECT_ID,
        "to": OBJECT_ID,
        "associationSpec": Fields({"associationCategory": CATEGORY, "associationTypeId": WHOLE}),
    }
)
OPTION = Fields({"hidden": FLAG, "label": TEXT, "value": TEXT}, {"description": TEXT, "displayOrder": WHOLE})
PROPERTY = Fields(
    {
        "description": TEXT,
        "fieldType": TEXT,
        "groupName": TEXT,
        "label": TEXT,
        "name": TEXT,
        "options": ListOf(OPTION),
        "type": TEXT,
    },
    {
        "archived": FLAG,
        "archivedAt": TEXT,
        "calculated": FLAG,
        "calculationFormula": TEXT,
        "createdAt": TEXT,
        "dataSensitivity": TEXT,
        "displayOrder": WHOLE,
        "externalOptions": FLAG,
        "formField": FLAG,
        "hasUniqueValue": FLAG,
        "hidden": FLAG,
        "hubspotDefined": FLAG,
        "modificationMetadata": Fields(
            {"archivable": FLAG, "readOnlyDefinition": FLAG, "readOnlyValue": FLAG}, {"readOnlyOptions": FLAG}
        ),
        "numberDisplayHint": TEXT,
        "referencedObjectType": TEXT,
        "showCurrencySymbol": FLAG,
        "updatedAt": TEXT,
    },
)
GROUP = Fields({"archived": FLAG, "label": TEXT, "name": TEXT}, {"displayOrder": WHOLE})
STAGE = Fields(
    {
        "archived": FLAG,
        "createdAt": TEXT,
        "displayOrder": WHOLE,
        "id": TEXT,
        "label": TEXT,
        "metadata": MapOf(TEXT),
        "updatedAt": TEXT,
        "writePermissions": OneOf(("CRM_PERMISSIONS_ENFORCEMENT", "INTERNAL_ONLY", "READ_ONLY")),
    },
    {"archivedAt": TEXT},
)
PIPELINE = Fields(
    {
        "archived": FLAG,
        "createdAt": TEXT,
        "displayOrder": WHOLE,
        "id": TEXT,
        "label": TEXT,
        "stages": ListOf(STAGE),
        "updatedAt": TEXT,
    },
    {"archivedAt": TEXT},
)
ASSOCIATION = Fields(
    {"fromObjectTypeId": TEXT, "id": TEXT, "toObjectTypeId": TEXT}, {"createdAt": TEXT, "name": TEXT, "updatedAt": TEXT}
)
_OBJECT = {
    "allowsSensitiveProperties": FLAG,
    "archived": FLAG,
    "fullyQualifiedName": TEXT,
    "id": TEXT,
    "labels": Fields({}, {"singular": TEXT, "plural": TEXT}),
    "name": TEXT,
    "objectTypeId": TEXT,
    "requiredProperties": STRINGS,
    "searchableProperties": STRINGS,
    "secondaryDisplayProperties": STRINGS,
}
_OBJECT_TOO = {"createdAt": TEXT, "updatedAt": TEXT, "description": TEXT, "primaryDisplayProperty": TEXT}
SCHEMA = Fields({**_OBJECT, "associations": ListOf(ASSOCIATION), "properties": ListOf(PROPERTY)}, _OBJECT_TOO)
OWNER = Fields(
    {"archived": FLAG, "createdAt": TEXT, "id": TEXT, "type": OneOf(("PERSON", "QUEUE")), "updatedAt": TEXT},
    {
        "email": TEXT,
        "firstName": TEXT,
        "lastName": TEXT,
        "teams": ListOf(Fields({"id": TEXT, "name": TEXT, "primary": FLAG})),
        "userId": WHOLE,
        "userIdIncludingInactive": WHOLE,
    },
)
_LIST = {
    "listId": TEXT,
    "listVersion": WHOLE,
    "name": TEXT,
    "objectTypeId": TEXT,
    "processingStatus": TEXT,
    "processingType": TEXT,
}
_LIST_TOO = {"createdAt": TEXT, "deletedAt": TEXT, "updatedAt": TEXT}
LIST = Fields(_LIST, {**_LIST_TOO, "filterBranch": ANYTHING, "size": WHOLE})
FOUND_LIST = Fields({**_LIST, "additionalProperties": MapOf(TEXT)}, _LIST_TOO)
WISH = Fields(
    {
        "channel": OneOf(("EMAIL",)),
        "source": TEXT,
        "status": OneOf(("NOT_SPECIFIED", "SUBSCRIBED", "UNSUBSCRIBED")),
        "subscriberIdString": TEXT,
        "subscriptionId": WHOLE,
        "timestamp": TEXT,
    },
    {"setStatusSuccessReason": TEXT, "subscriptionName": TEXT},
)
WIDE = Fields(
    {
        "channel": OneOf(("EMAIL",)),
        "status": TEXT,
        "subscriberIdString": TEXT,
        "timestamp": TEXT,
        "wideStatusType": OneOf(("PORTAL_WIDE", "BUSINESS_UNIT_WIDE")),
    }
)
SUBSCRIPTION = Fields(
    {
        "createdAt": TEXT,
        "description": TEXT,
        "id": TEXT,
        "isActive": FLAG,
        "isDefault": FLAG,
        "isInternal": FLAG,
        "name": TEXT,
        "updatedAt": TEXT,
    },
    {"communicationMethod": TEXT, "purpose": TEXT},
)
SEND = Fields(
    {"status": STATE, "statusId": TEXT},
    {"completedAt": TEXT, "message": TEXT, "requestedAt": TEXT, "sendResult": TEXT, "startedAt": TEXT},
)
SEQUENCE = Fields({"createdAt": TEXT, "id": TEXT, "name": TEXT, "updatedAt": TEXT, "userId": TEXT})
ENROLLED = {"enrolledAt": TEXT, "id": TEXT, "toEmail": TEXT, "updatedAt": TEXT}
SEQUENCE_WHOLE = Fields({**SEQUENCE.required, "steps": ListOf(ANYTHING), "dependencies": ListOf(ANYTHING)})

ANSWERS: dict[str, Any] = {
    "account.details": Fields(
        {
            "accountType": OneOf(("APP_DEVELOPER", "DEVELOPER_TEST", "SANDBOX", "STANDARD")),
            "additionalCurrencies": STRINGS,
            "companyCurrency": TEXT,
            "dataHostingLocation": TEXT,
            "portalId": WHOLE,
            "timeZone": TEXT,
            "uiDomain": TEXT,
            "utcOffset": TEXT,
            "utcOffsetMilliseconds": WHOLE,
        }
    ),
    "account.usage": listing(
        Fields(
            {
                "collectedAt": TEXT,
                "currentUsage": WHOLE,
                "fetchStatus": OneOf(("CACHED", "FAILURE", "NOTFOUND", "SUCCESS", "TIMEOUT")),
                "name": TEXT,
                "usageLimit": WHOLE,
            },
            {"resetsAt": TEXT},
        )
    ),
    "associations.batch.archive": batch(ANYTHING),
    "associations.batch.create": batch(PAIR),
    "associations.batch.default": batch(PLAIN_PAIR),
    "associations.batch.labels.archive": batch(ANYTHING),
    "associations.batch.read": batch(Fields({"from": OBJECT_ID, "to": ListOf(LINKED_TO)}, {"paging": PAGING})),
    "associations.create": PAIR,
    "associations.default": batch(PLAIN_PAIR),
    "associations.labels.create": listing(LABELLED),
    "associations.labels.list": listing(LABELLED),
    "associations.list": listing(LINKED_TO),
    "lists.by_name.read": Fields({"list": LIST}),
    "lists.create": Fields({"list": LIST}),
    "lists.filters.update": Fields({"updatedList": LIST}),
    "lists.list": Fields({"lists": ListOf(LIST)}),
    "lists.members.list": listing(Fields({"recordId": TEXT, "membershipTimestamp": TEXT}), total=WHOLE),
    "lists.name.update": Fields({"updatedList": LIST}),
    "lists.read": Fields({"list": LIST}),
    "lists.search": Fields({"hasMore": FLAG, "lists": ListOf(FOUND_LIST), "offset": WHOLE, "total": WHOLE}),
    "objects.batch.create": batch(RECORD),
    "objects.batch.read": batch(RECORD),
    "objects.batch.update": batch(RECORD),
    "objects.batch.upsert": batch(UPSERTED),
    "objects.create": RECORD,
    "objects.list": listing(RECORD_WITH_LINKS),
    "objects.merge": RECORD,
    "objects.read": RECORD_WITH_LINKS,
    "objects.search": Fields({"results": ListOf(RECORD), "total": WHOLE}, {"paging": PAGING}),
    "objects.update": RECORD,
    "owners.list": listing(OWNER),
    "owners.read": OWNER,
    "pipelines.create": PIPELINE,
    "pipelines.list": listing(PIPELINE),
    "pipelines.read": PIPELINE,
    "pipelines.replace": PIPELINE,
    "pipelines.stages.create": STAGE,
    "pipelines.stages.list": listing(STAGE),
    "pipelines.stages.read": STAGE,
    "pipelines.stages.replace": STAGE,
    "pipelines.stages.update": STAGE,
    "pipelines.update": PIPELINE,
    "preferences.batch.read": batch(Fields({"subscriberIdString": TEXT, "statuses": ListOf(WISH)})),
    "preferences.batch.unsubscribe_all": batch(Fields({"subscriberIdString": TEXT}, {"statuses": ListOf(WISH)})),
    "preferences.batch.unsubscribed.read": batch(Fields({"subscriberIdString": TEXT, "wideStatuses": ListOf(WIDE)})),
    "preferences.batch.write": batch(WISH),
    "preferences.definitions": batch(SUBSCRIPTION),
    "preferences.statuses": batch(WISH),
    "preferences.unsubscribe_all": batch(WISH),
    "preferences.unsubscribed.read": batch(WIDE),
    "preferences.write": batch(WISH),
    "properties.batch.create": batch(PROPERTY),
    "properties.batch.read": batch(PROPERTY),
    "properties.create": PROPERTY,
    "properties.groups.create": GROUP,
    "properties.groups.list": listing(GROUP),
    "properties.groups.read": GROUP,
    "properties.groups.update": GROUP,
    "properties.list": listing(PROPERTY),
    "properties.read": PROPERTY,
    "properties.update": PROPERTY,
    "schemas.associations.create": ASSOCIATION,
    "schemas.create": SCHEMA,
    "schemas.list": listing(SCHEMA),
    "schemas.read": SCHEMA,
    "schemas.update": Fields(_OBJECT, {**_OBJECT_TOO, "portalId": WHOLE}),
    "sequences.enrol": Fields(ENROLLED),
    "sequences.enrolment": Fields(
        {**ENROLLED, "enrolledBy": TEXT, "enrolledByEmail": TEXT, "sequenceId": TEXT, "sequenceName": TEXT}
    ),
    "sequences.list": listing(SEQUENCE, total=WHOLE),
    "sequences.read": SEQUENCE_WHOLE,
    "single_send.send": SEND,
    "transactional.send": SEND,
    "transactional.tokens": listing(ANYTHING),
}


def check_answer(operation: str, status: int, body: Any) -> None:
    """Raises `ApiError` if an answer has anything that is not documented, or lacks what is."""
    if status == 429:
        check(body, RATE_LIMIT, "answer")
    elif status >= 400:
        check(body, ERROR, "answer")
    elif status != 204:
        check(body, ANSWERS[operation], "answer")
