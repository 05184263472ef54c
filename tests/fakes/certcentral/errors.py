"""How CertCentral says no."""

from dataclasses import dataclass, field


@dataclass
class ApiError(Exception):
    """An answer of status 400 or above. `code` is pipe-joined where the service's is."""

    status: int
    code: str
    message: str
    headers: dict[str, str] = field(default_factory=dict)


def invalid(name: str, message: str = "") -> ApiError:
    """A value that cannot be used."""
    return ApiError(400, f"invalid_value|{name}", message or f"The value of {name} cannot be used.")


def unknown(name: str) -> ApiError:
    """A parameter or field that the documentation does not name."""
    return ApiError(400, f"invalid_parameter|{name}", f"There is no {name} here.")


def missing(name: str) -> ApiError:
    """A parameter, field or header that has to be there."""
    return ApiError(400, f"missing_parameter|{name}", f"{name} is needed.")


def not_found(what: str) -> ApiError:
    """Something that the account does not hold."""
    return ApiError(404, f"not_found|{what}", f"The {what} was not found.")
