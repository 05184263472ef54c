"""The package as its files say it, and the schema of Salesforce's Metadata API, which ships inside simple-salesforce."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from lxml import etree

PACKAGE = Path(str(resources.files("connectors.salesforce") / "package"))
NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
TYPES = {
    "compactLayout": "CompactLayout",
    "field": "CustomField",
    "layout": "Layout",
    "listView": "ListView",
    "object": "CustomObject",
    "permissionset": "PermissionSet",
    "report": "Report",
    "reportFolder": "ReportFolder",
    "reportType": "ReportType",
    "tab": "CustomTab",
}
"""The kinds of files, by what stands before -meta.xml, and the type of metadata that each holds."""

_XSD = "http://www.w3.org/2001/XMLSchema"


@dataclass(frozen=True, slots=True)
class Item:
    """One file of the package. `name` is that of its component, `of` the object it belongs to."""

    path: Path
    kind: str
    name: str
    of: str
    root: etree._Element

    def text(self, path: str) -> str:
        """The text at a path of element names; empty where there is none."""
        return self.root.findtext(_qualified(path), "") or ""

    def texts(self, path: str) -> list[str]:
        """All texts at that path."""
        return [found.text or "" for found in self.root.iterfind(_qualified(path))]

    def rows(self, path: str, *names: str) -> list[tuple[str, ...]]:
        """For each element at that path the texts of some of its children."""
        found = self.root.iterfind(_qualified(path))
        return [tuple(one.findtext(f"{{{NAMESPACE}}}{name}", "") or "" for name in names) for one in found]


@cache
def items() -> Sequence[Item]:
    """Every file of the package but sfdx-project.json."""
    return tuple(_items())


def _items() -> Iterator[Item]:
    for path in sorted(PACKAGE.rglob("*.xml")):
        name, _, kind = path.name.removesuffix("-meta.xml").rpartition(".")
        folders = path.relative_to(PACKAGE).parts
        of = folders[folders.index("objects") + 1] if "objects" in folders else ""
        yield Item(path, kind, name, of, etree.parse(path).getroot())


def of_kind(kind: str) -> list[Item]:
    """The files of one kind."""
    return [one for one in items() if one.kind == kind]


@cache
def schema() -> etree.XMLSchema:
    """The schema in which each type of `TYPES` may be the root of a document."""
    wsdl = etree.parse(str(resources.files("simple_salesforce") / "metadata.wsdl"))
    found = wsdl.find(f".//{{{_XSD}}}schema")
    assert found is not None
    types = etree.fromstring(etree.tostring(found))  # with the namespaces of the document around it
    needed = _reachable({one.get("name", ""): one for one in types}, TYPES.values())
    for one in list(types):
        if one.get("name") not in needed:  # two thousand others, which take seconds
            types.remove(one)
    for name in sorted(set(TYPES.values())):
        etree.SubElement(types, f"{{{_XSD}}}element", name=name, type=f"tns:{name}")
    return etree.XMLSchema(types)


def _reachable(types: Mapping[str, etree._Element], names: Iterable[str]) -> set[str]:
    """These types and all that they are made of."""
    found: set[str] = set()
    ahead = list(names)
    while ahead:
        name = ahead.pop()
        if name in found or name not in types:
            continue
        found.add(name)
        for part in types[name].iter():
            ahead += [part.get(word, "").removeprefix("tns:") for word in ("type", "base")]
    return found


def _qualified(path: str) -> str:
    return "/".join(f"{{{NAMESPACE}}}{part}" for part in path.split("/"))
