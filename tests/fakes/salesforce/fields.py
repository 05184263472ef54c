"""Fields of objects: what the describe says of them, and which values they take."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from tests.fakes.salesforce.errors import ApiError, RecordError
from tests.fakes.salesforce.ids import checked, is_id

TEXTS = frozenset({"string", "textarea", "email", "phone", "url", "picklist", "multipicklist", "combobox"})
NUMBERS = frozenset({"double", "currency", "percent"})
LONG = 255
"""Texts that may be longer cannot be filtered by."""

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_LABEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
Record = dict[str, Any]


@dataclass
class FieldDef:
    """A field. `formula` works its value out of the record; `default` is what a new record gets."""

    name: str
    type: str = "string"
    length: int = 255
    label: str = ""
    nillable: bool = True
    default: Any = None
    createable: bool = True
    updateable: bool = True
    filterable: bool = True
    external_id: bool = False
    unique: bool = False
    case_sensitive: bool = False
    id_lookup: bool = False
    values: tuple[str, ...] = ()
    restricted: bool = False
    refers_to: tuple[str, ...] = ()
    relationship: str = ""
    formula: Callable[[Record], Any] | None = None
    scale: int = 0
    deleted_values: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        if self.formula is not None:
            self.createable = self.updateable = False
        if self.type == "textarea" and self.length > LONG:
            self.filterable = False
        if not self.label:
            self.label = _LABEL.sub(" ", self.name.removesuffix("__c").replace("_", " "))

    @property
    def custom(self) -> bool:
        """Whether somebody added it to the org."""
        return self.name.endswith("__c")

    @property
    def required(self) -> bool:
        """Whether a new record must have it."""
        return self.createable and not self.nillable and self.default is None and self.type != "boolean"

    def describe(self, *, createable: bool, updateable: bool) -> dict[str, Any]:
        """The field as the describe tells it to a user."""
        number = self.type in NUMBERS
        return {
            "aggregatable": self.type not in ("boolean", "textarea"),
            "autoNumber": False,
            "byteLength": self.length * 3 if self.type in TEXTS else 0,
            "calculated": self.formula is not None,
            "calculatedFormula": None,
            "caseSensitive": self.case_sensitive,
            "compoundFieldName": None,
            "createable": createable and self.createable,
            "custom": self.custom,
            "defaultValue": self.default,
            "defaultedOnCreate": self.default is not None or self.type == "boolean" or self.name == "OwnerId",
            "deprecatedAndHidden": False,
            "digits": 0,
            "externalId": self.external_id,
            "filterable": self.filterable,
            "groupable": self.type not in ("datetime", "textarea"),
            "idLookup": self.id_lookup or self.external_id,
            "inlineHelpText": None,
            "label": self.label,
            "length": self.length if self.type in TEXTS else 18 if self.type in ("reference", "id") else 0,
            "name": self.name,
            "nameField": self.name == "Name",
            "nillable": self.nillable and self.type != "boolean",
            "permissionable": self.custom,
            "picklistValues": [
                {"active": value not in self.deleted_values, "defaultValue": value == self.default,
                 "label": value, "validFor": None, "value": value}
                for value in self.values
            ],
            "precision": 18 if number else 0,
            "referenceTo": list(self.refers_to),
            "relationshipName": self.relationship or None,
            "restrictedPicklist": self.restricted,
            "scale": self.scale if number else 0,
            "soapType": _SOAP.get(self.type, "xsd:string"),
            "sortable": self.filterable,
            "type": self.type,
            "unique": self.unique,
            "updateable": updateable and self.updateable,
        }  # fmt: skip

    def read_json(self, value: Any) -> Any:
        """A value out of JSON. Raises `ApiError` for one of the wrong type, with which the whole call is refused."""
        if value is None:
            return None
        if self.type == "boolean":
            good = isinstance(value, bool)
        elif self.type == "int":
            good = isinstance(value, int) and not isinstance(value, bool)
        elif self.type in NUMBERS:
            good = isinstance(value, int | float) and not isinstance(value, bool)
        elif self.type == "JunctionIdList":
            good = isinstance(value, list) and all(isinstance(one, str) for one in value)
        else:
            good = isinstance(value, str)
        if not good:
            raise self._unreadable(value)
        return self._of_text(value) if isinstance(value, str) else value

    def read_cell(self, cell: str) -> Any:
        """A value out of a cell of CSV, which is not empty. Raises `RecordError`."""
        if cell == "#N/A":
            return None
        try:
            if self.type == "boolean":
                if cell.lower() not in ("true", "false", "1", "0"):
                    raise ValueError
                return cell.lower() in ("true", "1")
            if self.type == "int":
                return int(cell)
            if self.type in NUMBERS:
                return float(cell)
            return self._of_text(cell)
        except (ValueError, ApiError):
            raise RecordError(
                "INVALID_TYPE_ON_FIELD_IN_RECORD", f"{self.label}: value not of required type: {cell}", self.name
            ) from None

    def check(self, value: Any) -> Any:
        """The value as it is kept. Raises `RecordError` for one that the field does not take."""
        if value is None or value == "":
            if self.type == "boolean":
                return False
            return None
        if self.type in TEXTS and len(value.encode("utf-16-le", "surrogatepass")) > 2 * self.length:
            raise RecordError(
                "STRING_TOO_LONG", f"{self.label}: data value too large: {value} (max length={self.length})", self.name
            )
        if self.type == "email" and not _EMAIL.fullmatch(value):
            raise RecordError("INVALID_EMAIL_ADDRESS", f"{self.label}: invalid email address: {value}", self.name)
        if self.restricted and value not in self.values:
            raise RecordError(
                "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                f"{self.label}: bad value for restricted picklist field: {value}",
                self.name,
            )
        if self.type == "reference":
            if not is_id(value):
                raise RecordError("MALFORMED_ID", f"{self.label}: id value of incorrect type: {value}", self.name)
            return checked(value)
        if self.type in NUMBERS and abs(value) >= 10**16:
            raise RecordError("NUMBER_OUTSIDE_VALID_RANGE", f"{self.label}: value outside of valid range", self.name)
        return float(value) if self.type in NUMBERS else value

    def _of_text(self, text: str) -> Any:
        try:
            if self.type == "date":
                return date.fromisoformat(text[:10]).isoformat() if len(text) in (10, 24, 28) else self._fails(text)
            if self.type == "datetime":
                return stamp(datetime.fromisoformat(text))
        except ValueError:
            raise self._unreadable(text) from None
        return text

    def _fails(self, text: str) -> Any:
        raise self._unreadable(text)

    def _unreadable(self, value: Any) -> ApiError:
        kind = {bool: "VALUE_TRUE", int: "VALUE_NUMBER_INT", float: "VALUE_NUMBER_FLOAT"}.get(
            type(value), "VALUE_STRING"
        )
        return ApiError(
            400,
            "JSON_PARSER_ERROR",
            f"Cannot deserialize instance of {self.type} from {kind} value {value} or request may be missing a required"
            " field at [line:1, column:1]",
        )


_SOAP: Mapping[str, str] = {
    "boolean": "xsd:boolean", "int": "xsd:int", "double": "xsd:double", "currency": "xsd:double",
    "percent": "xsd:double", "date": "xsd:date", "datetime": "xsd:dateTime", "id": "tns:ID", "reference": "tns:ID",
}  # fmt: skip


def stamp(moment: datetime) -> str:
    """A moment as the API writes it. Raises `ValueError` for one without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a date and time needs a zone")
    utc = moment.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03}+0000"
