"""Metadata in source format, as far as the stand-in needs it: objects, fields, record types."""

from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from tests.fakes.salesforce.fields import FieldDef
from tests.fakes.salesforce.objects import ObjectDef

_NAMESPACE = "{http://soap.sforce.com/2006/04/metadata}"
_TYPES = {
    "Text": "string", "TextArea": "textarea", "LongTextArea": "textarea", "Html": "textarea", "Url": "url",
    "Email": "email", "Phone": "phone", "Date": "date", "DateTime": "datetime", "Number": "double",
    "Currency": "currency", "Percent": "percent", "Checkbox": "boolean", "Picklist": "picklist",
    "MultiselectPicklist": "multipicklist", "Lookup": "reference", "MasterDetail": "reference",
}  # fmt: skip


@dataclass
class Package:
    """What was found."""

    objects: list[ObjectDef] = field(default_factory=list)
    fields: list[tuple[str, FieldDef]] = field(default_factory=list)
    record_types: list[tuple[str, str, str]] = field(default_factory=list)


def read_package(folder: Path) -> Package:
    """The metadata below a folder. Raises `ValueError` for a field of a type that is not known here."""
    package = Package()
    for file in sorted(folder.rglob("*.object-meta.xml")):
        name = file.name.removesuffix(".object-meta.xml")
        root = ElementTree.parse(file).getroot()
        if name.endswith("__c"):
            prefix = f"a{len(package.objects):02}"
            label, activities = _text(root, "label"), _text(root, "enableActivities") == "true"
            package.objects.append(ObjectDef(name, prefix, label=label, activities=activities))
    for file in sorted(folder.rglob("*.field-meta.xml")):
        package.fields.append((file.parent.parent.name, _field(ElementTree.parse(file).getroot())))
    for file in sorted(folder.rglob("*.recordType-meta.xml")):
        root = ElementTree.parse(file).getroot()
        package.record_types.append((file.parent.parent.name, _text(root, "fullName"), _text(root, "label")))
    return package


def _field(root: ElementTree.Element) -> FieldDef:
    name, kind = _text(root, "fullName"), _text(root, "type")
    if kind not in _TYPES:
        raise ValueError(f"the stand-in does not know the type {kind} of the field {name}")
    type = _TYPES[kind]
    target = _text(root, "referenceTo")
    return FieldDef(
        name,
        type,
        length=int(_text(root, "length") or 255),
        label=_text(root, "label"),
        nillable=_text(root, "required") != "true" and kind != "MasterDetail",
        default=_text(root, "defaultValue") == "true" if type == "boolean" else None,
        external_id=_text(root, "externalId") == "true",
        unique=_text(root, "unique") == "true",
        case_sensitive=_text(root, "caseSensitive") == "true",
        id_lookup=_text(root, "externalId") == "true",
        values=tuple(_values(root)),
        restricted=any(each.text == "true" for each in root.iter(f"{_NAMESPACE}restricted")),
        refers_to=(target,) if target else (),
        relationship=name.removesuffix("__c") + "__r" if target else "",
        scale=int(_text(root, "scale") or 0),
        formula=(lambda _: None) if _text(root, "formula") else None,
    )


def _values(root: ElementTree.Element) -> list[str]:
    return [_text(value, "fullName") for value in root.iter(f"{_NAMESPACE}value") if _text(value, "fullName")]


def _text(root: ElementTree.Element, name: str) -> str:
    return (root.findtext(f"{_NAMESPACE}{name}") or "").strip()
