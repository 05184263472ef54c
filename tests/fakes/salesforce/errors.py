"""The org's refusals: of a whole call, and of one record of it."""

from typing import Any

_STATUS = {"NOT_FOUND": 404, "ENTITY_IS_DELETED": 404, "INSUFFICIENT_ACCESS_OR_READONLY": 403}
GATEWAY_PAGE = "<html><head><title>Error</title></head><body>We are down for maintenance.</body></html>"


class ApiError(Exception):
    """The whole call is refused."""

    def __init__(self, status: int, code: str, message: str, *fields: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields

    def body(self) -> Any:
        """As the REST API says it: a list of one."""
        said: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        return [{**said, "fields": list(self.fields)}] if self.fields else [said]


class LoginError(ApiError):
    """A login is refused."""

    def body(self) -> Any:
        """As the OAuth endpoints say it: an object."""
        return {"error": self.code, "error_description": self.message}


class RecordError(Exception):
    """One record is refused. `more` are further parts of the error, as the result of a duplicate rule."""

    def __init__(self, code: str, message: str, *fields: str, **more: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.fields = fields
        self.more = more

    def among_others(self) -> dict[str, Any]:
        """As the result of one record of a collection."""
        error = {"statusCode": self.code, "message": self.message, "fields": list(self.fields), **self.more}
        return {"success": False, "errors": [error]}

    def alone(self) -> ApiError:
        """As the answer to a call about one record."""
        return Alone(self)

    def of_row(self) -> str:
        """As the cell `sf__Error` of a row."""
        return f"{self.code}:{self.message}:{','.join(self.fields)} --"


class Alone(ApiError):
    """A call about one record is refused because of it."""

    def __init__(self, error: RecordError) -> None:
        super().__init__(_STATUS.get(error.code, 400), error.code, error.message, *error.fields)
        self.more = error.more

    def body(self) -> Any:
        """With the parts that only errors of records have."""
        said = {"message": self.message, "errorCode": self.code, "fields": list(self.fields)}
        return [{**said, **self.more}]


def no_column(name: str, entity: str) -> ApiError:
    """A field that does not exist, or that the user may not see, in a body."""
    return ApiError(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {entity}")


def not_found(what: str = "The requested resource does not exist") -> ApiError:
    """A path that leads nowhere."""
    return ApiError(404, "NOT_FOUND", what)
