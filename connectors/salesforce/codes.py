"""Every code in which Salesforce refuses, and its place: repeat it, wait, or give up with advice.

The codes are those of the REST and Bulk APIs' references and of the OAuth flows; one that is not here is told to the
operator as it came, and the record is given up.
"""

from dataclasses import dataclass

from connectors.salesforce.errors import Broken, Busy, Denied, Locked, Refused, SalesforceError, Unclear


@dataclass(frozen=True, slots=True)
class Place:
    """What a code means to us: the kind of error, and the text that says what to do.

    `again`: nothing was done, and the same may be sent again soon.
    """

    kind: type[SalesforceError]
    text: str
    again: bool = False


_PERMISSION = "the integration user may not do this; give it the permission set of the package, or access to the record"
_PACKAGE = "a field or object is missing or hidden from the integration user; `nolapse setup salesforce` tells which"
_VALUE = "the org does not take a value; correct it at its source"
_RULE = "a rule of the org refuses the record; correct the record, or exempt the integration user from the rule"
_CODE = "a flow or trigger of the org failed on the record; the org's administrator finds it in the debug log"
_LOGIN = "the login is not accepted; check salesforce.domain, salesforce.consumer_key and the policies of the app"
_LIMIT = "a daily limit of the org is used up; it comes back within 24 hours"

CODES: dict[str, Place] = {
    # Repeat.
    "UNABLE_TO_LOCK_ROW": Place(Locked, "the record or its parent is being changed by somebody else", again=True),
    "SERVER_UNAVAILABLE": Place(Busy, "cannot answer now", again=True),
    "QUERY_TIMEOUT": Place(Busy, "the query took too long", again=True),
    "QUERY_TOO_COMPLICATED": Place(Denied, "the query meets too many formula fields; tell us which object it was"),
    "OPERATION_TOO_LARGE": Place(Denied, "the query meets too many records that are not the user's own; give it View All"),
    "REQUEST_RUNNING_TOO_LONG": Place(Unclear, "the call took too long and was stopped"),
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": Place(Busy, "another record of the call failed", again=True),
    "PROCESSING_HALTED": Place(Busy, "other records of the call failed before", again=True),
    "API_CURRENTLY_DISABLED": Place(Busy, "the API is not available now", again=True),
    "UNKNOWN_EXCEPTION": Place(Unclear, "failed inside Salesforce"),
    "INVALID_QUERY_LOCATOR": Place(Busy, "a long query was left too long; it starts afresh in the next run"),
    "INVALID_REPLICATION_DATE": Place(Busy, "the time asked for lies outside what the org keeps"),
    # Wait: limits of the org.
    "REQUEST_LIMIT_EXCEEDED": Place(Busy, "the org's calls in 24 hours are used up"),
    "LIMIT_EXCEEDED": Place(Busy, _LIMIT),
    "SINGLE_EMAIL_LIMIT_EXCEEDED": Place(Busy, "the org's single e-mails of the day are used up"),
    "MASS_MAIL_LIMIT_EXCEEDED": Place(Busy, "the org's mass e-mails of the day are used up"),
    "EXCEEDED_QUOTA": Place(Denied, "the org's data storage is full; free some, or buy more"),
    "STORAGE_LIMIT_EXCEEDED": Place(Denied, "the org's data storage is full; free some, or buy more"),
    # Mend: login, permissions, package, edition.
    "INVALID_SESSION_ID": Place(Denied, "the session has ended and cannot be renewed"),
    "INVALID_AUTH_HEADER": Place(Denied, _LOGIN),
    "INVALID_LOGIN": Place(Denied, "user name, password or security token is wrong, or the user is locked"),
    "INVALID_OPERATION": Place(Denied, "this is not offered any more in this version of the API"),
    "INVALID_OPERATION_WITH_EXPIRED_PASSWORD": Place(Denied, "the password has expired; set a new one, or use jwt"),
    "LOGIN_MUST_USE_SECURITY_TOKEN": Place(Denied, "the login needs salesforce.security_token, or a trusted address"),
    "LOGIN_DURING_RESTRICTED_DOMAIN": Place(Denied, "the user may not log in from this network; extend its IP ranges"),
    "LOGIN_DURING_RESTRICTED_TIME": Place(Denied, "the user may not log in at this hour; extend its login hours"),
    "LOGIN_RATE_EXCEEDED": Place(Busy, "too many logins in an hour"),
    "PASSWORD_LOCKOUT": Place(Denied, "the user is locked out; unlock it in Setup"),
    "ORG_LOCKED": Place(Denied, "the org is locked; ask Salesforce"),
    "API_DISABLED_FOR_ORG": Place(Denied, "the org's edition has no API, or the user lacks the permission API Enabled"),
    "CLIENT_NOT_ACCESSIBLE_FOR_USER": Place(Denied, "the app is not approved for the user; add it by a permission set"),
    "FUNCTIONALITY_NOT_ENABLED": Place(Denied, "this is not switched on in the org, or not part of its edition"),
    "UNSUPPORTED_API_VERSION": Place(Denied, "the org does not know this version; set salesforce.api_version"),
    "UNSUPPORTED_CLIENT": Place(Denied, "Salesforce no longer takes calls of this client"),
    "INSUFFICIENT_ACCESS": Place(Denied, _PERMISSION),
    "INSUFFICIENT_ACCESS_OR_READONLY": Place(Refused, _PERMISSION),
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": Place(
        Refused, "the integration user, or the new owner, may not see a record it refers to; share that record"
    ),
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": Place(Refused, _CODE),
    "CANNOT_EXECUTE_FLOW_TRIGGER": Place(Refused, _CODE),
    "APEX_ERROR": Place(Refused, _CODE),
    "TRANSFER_REQUIRES_READ": Place(Refused, "the new owner may not read such records; give it access"),
    "INVALID_TYPE": Place(Denied, _PACKAGE),
    "INVALID_FIELD": Place(Denied, _PACKAGE),
    "INVALID_FIELD_FOR_INSERT_UPDATE": Place(
        Denied, "the integration user may not write a field; give it the permission set of the package"
    ),
    "INVALID_TYPE_FOR_OPERATION": Place(Denied, _PERMISSION),
    "INVALID_ACTION_TYPE": Place(Denied, "the org has no such action"),
    "UNVERIFIED_SENDER_ADDRESS": Place(
        Denied, "the sender's domain is not verified in Salesforce, which would drop the mail in silence"
    ),
    # Give up: one record.
    "REQUIRED_FIELD_MISSING": Place(Refused, "the org wants a field that we do not fill; give it a default"),
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": Place(Refused, _RULE),
    "FIELD_FILTER_VALIDATION_EXCEPTION": Place(Refused, "the filter of a lookup refuses the record it points to"),
    "FIELD_INTEGRITY_EXCEPTION": Place(Refused, _VALUE),
    "STRING_TOO_LONG": Place(Refused, _VALUE),
    "NUMBER_OUTSIDE_VALID_RANGE": Place(Refused, _VALUE),
    "INVALID_EMAIL_ADDRESS": Place(Refused, _VALUE),
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": Place(Refused, "a picklist lacks a value; add it, or map it otherwise"),
    "JSON_PARSER_ERROR": Place(Refused, _VALUE),
    "INVALIDBATCH": Place(Refused, _VALUE),
    "INVALID_ID_FIELD": Place(Refused, "an id is none"),
    "MALFORMED_ID": Place(Refused, "an id is none"),
    "INVALID_CROSS_REFERENCE_KEY": Place(Refused, "a record it refers to does not exist, or is hidden from the user"),
    "INVALID_RECORD_TYPE": Place(Refused, "the record type is not available to the integration user"),
    "ENTITY_IS_DELETED": Place(Refused, "the record has been deleted"),
    "ENTITY_IS_LOCKED": Place(Refused, "the record is locked by an approval"),
    "DELETE_FAILED": Place(Refused, "the record is in use"),
    "NOT_FOUND": Place(Refused, "there is no such record or path, or it is hidden from the user"),
    "DUPLICATE_VALUE": Place(Refused, "another record has this unique value"),
    "DUPLICATE_EXTERNAL_ID": Place(Refused, "several records have this external id; make the field unique"),
    "DUPLICATES_DETECTED": Place(
        Refused, "a duplicate rule of the org found records like it; link one of them, or merge them"
    ),
    "DUPLICATE_COMM_NICKNAME": Place(Refused, _VALUE),
    "INACTIVE_OWNER_OR_USER": Place(Refused, "the owner is no longer active"),
    "INVALID_OWNER": Place(Refused, "the owner cannot own such a record"),
    "OP_WITH_INVALID_USER_TYPE_EXCEPTION": Place(Refused, "a user of this kind cannot own such a record"),
    "EXCEEDED_ID_LIMIT": Place(Broken, "a call held too many records"),
    "EMAIL_OPTED_OUT": Place(Refused, "the person has opted out of e-mail"),
    "OPTED_OUT_OF_MASS_MAIL": Place(Refused, "the person has opted out of e-mail"),
    "INVALID_INPUT": Place(Refused, _VALUE),
    "INVALID_API_INPUT": Place(Refused, _VALUE),
    # Never ours to get: the call itself is wrong.
    "MALFORMED_QUERY": Place(Broken, "a query is not understood"),
    "INVALID_QUERY_FILTER_OPERATOR": Place(Broken, "a query is not understood"),
    "INVALID_QUERY_SCOPE": Place(Broken, "a query is not understood"),
    "METHOD_NOT_ALLOWED": Place(Broken, "a call is not understood; check salesforce.base_url"),
    "MISSING_ARGUMENT": Place(Broken, "a call is not understood"),
    "INVALID_ARGUMENT_TYPE": Place(Broken, "a call is not understood"),
    "UNSUPPORTED_MEDIA_TYPE": Place(Broken, "a call is not understood"),
    "INVALIDJOBSTATE": Place(Broken, "a bulk job is in another state than expected"),
    "INVALIDJOB": Place(Broken, "a bulk job is not understood"),
    # OAuth.
    "invalid_grant": Place(Denied, _LOGIN),
    "invalid_client": Place(Denied, "the consumer secret is wrong; copy it anew from the app's settings"),
    "invalid_client_id": Place(Denied, "the consumer key is wrong, or the app is of another org"),
    "invalid_app_access": Place(Denied, "the user is not pre-authorised; give it a permission set of the app's policy"),
    "invalid_request": Place(Denied, _LOGIN),
    "unsupported_grant_type": Place(Denied, "this way to log in is not switched on in the app"),
    "unauthorized_client": Place(Denied, "this way to log in is not switched on in the app"),
    "inactive_user": Place(Denied, "the user is not active; activate it in Setup"),
    "inactive_org": Place(Denied, "the org is locked, closed or suspended"),
    "OAUTH_APP_BLOCKED": Place(Denied, "the app is blocked in the org; an administrator unblocks or installs it"),
    "OAUTH_APPROVAL_ERROR_GENERIC": Place(Denied, "the app is not approved in the org; an administrator installs it"),
    "rate_limit_exceeded": Place(Busy, "too many logins in an hour"),
    "server_error": Place(Busy, "the login service cannot answer now", again=True),
    "temporarily_unavailable": Place(Busy, "the login service cannot answer now", again=True),
    "unknown_error": Place(Denied, _LOGIN),
}  # fmt: skip

UNKNOWN = Place(Refused, "refused for a reason that Nolapse does not know")
