"""What is bought: the catalogue of products, and what to make of a product that is not in it.

The entries come from products.toml; an unknown product is classed by the words of its id, type and name.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Self, TypeVar

from core.errors import ConfigurationError
from core.words import Level, ProductKind

_W = TypeVar("_W", ProductKind, Level)


@dataclass(frozen=True, slots=True)
class Product:
    """One product. `level` is None where it is not TLS; `features` are words such as seal or malware_scan."""

    id: str
    name: str
    kind: ProductKind
    level: Level | None = None
    brand: str = ""
    features: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The products that are known, by the id that orders carry (CertCentral: `product_name_id`)."""

    products: Mapping[str, Product] = field(default_factory=dict)

    @classmethod
    def from_toml(cls, table: Mapping[str, Any]) -> Self:
        """Reads the products of products.toml; what may be advised is read elsewhere.

        Raises `ConfigurationError`, one line that names the key, for what is unknown, missing or of a wrong type.
        """
        _refuse_unknown("", table, ("products", "advice", "competitors"))
        entries = _table("products", table.get("products", {}))
        return cls({product_id.lower(): _product(product_id, entry) for product_id, entry in entries.items()})

    def find(self, product_id: str) -> Product | None:
        """The product of this id, or None where the catalogue does not hold it."""
        return self.products.get(product_id.strip().lower())

    def classify(self, product_id: str, product_type: str = "", name: str = "") -> Product:
        """The product of this id as the catalogue holds it; else what the words of id, type and name tell.

        What sounds like nothing in particular is of kind `other`; TLS is taken for OV unless it says DV or EV.
        """
        if (known := self.find(product_id)) is not None:
            return known
        kind, level = _by_words(product_id, product_type, name)
        return Product(product_id, name or product_id, kind, level)


_PRIVATE = {"private"}
_CODE_SIGNING = ({"code", "signing"}, {"codesigning"}, {"kernel", "signing"})
_NOT_TLS = (
    {"document", "signing"},
    {"document"},
    {"timestamp"},
    {"timestamping"},
    {"mark"},
    {"vmc"},
    {"cmc"},
)
_SMIME = {"client", "smime", "email", "mailbox"}
_TLS = {
    "ssl", "tls", "wildcard", "securesite", "server", "cloud", "dv", "ov", "ev", "domain", "san", "ucc",
    "rapidssl", "geotrust", "thawte", "encryption", "webserver",
}  # fmt: skip
_DV = {"dv", "rapidssl", "quickssl", "ssl123", "encryption"}


@lru_cache(maxsize=1024)
def _by_words(*texts: str) -> tuple[ProductKind, Level | None]:
    sources = [_words(text) for text in texts]
    kind = _kind(*sources)
    return kind, _level(*sources) if kind is ProductKind.TLS else None


def _words(text: str) -> frozenset[str]:
    spaced = text.lower().replace("s/mime", "smime").replace("e-mail", "email")
    return frozenset(re.findall(r"[a-z0-9]+", spaced))


def _kind(*sources: frozenset[str]) -> ProductKind:
    """The kind by the first of the sources that tells one; being private outweighs everything."""
    if any(words & _PRIVATE for words in sources):
        return ProductKind.PRIVATE
    for words in sources:
        if any(all_of <= words for all_of in _CODE_SIGNING):
            return ProductKind.CODE_SIGNING
        if any(all_of <= words for all_of in _NOT_TLS):
            return ProductKind.OTHER
        if words & _SMIME:
            return ProductKind.SMIME
        if words & _TLS:
            return ProductKind.TLS
    return ProductKind.OTHER


def _level(*sources: frozenset[str]) -> Level:
    for words in sources:
        if "ev" in words or {"extended", "validation"} <= words:
            return Level.EV
        if words & _DV or {"domain", "validation"} <= words or {"domain", "validated"} <= words:
            return Level.DV
    return Level.OV


def _product(product_id: str, value: object) -> Product:
    where = f"products.{product_id}"
    entry = _table(where, value)
    _refuse_unknown(where, entry, ("name", "brand", "kind", "level", "features"))
    kind = _word(f"{where}.kind", entry.get("kind"), ProductKind)
    level = None if "level" not in entry else _word(f"{where}.level", entry["level"], Level)
    if (level is None) is (kind is ProductKind.TLS):
        raise _wrong(where, "must have a level if its kind is tls, and none otherwise")
    features = entry.get("features", [])
    if not isinstance(features, list) or not all(isinstance(word, str) and word for word in features):
        raise _wrong(f"{where}.features", "must be a list of words")
    name = _text(f"{where}.name", entry.get("name"))
    brand = _text(f"{where}.brand", entry.get("brand", "")) if entry.get("brand") else ""
    return Product(product_id.lower(), name, kind, level, brand, frozenset(features))


def lower_words(words: Iterable[str]) -> frozenset[str]:
    """Ids and words as orders, accounts and the catalogue carry them."""
    return frozenset(word.strip().lower() for word in words)


def _wrong(where: str, problem: str) -> ConfigurationError:
    return ConfigurationError(" ".join(f"products.toml: {where} {problem}".split()))


def _refuse_unknown(where: str, table: Mapping[str, Any], known: Collection[str]) -> None:
    for key in table:
        if key not in known:
            raise _wrong(f"{where}.{key}".strip("."), f"is not a setting; known are {', '.join(known)}")


def _table(where: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(where, "must be a table")
    return value


def _text(where: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _wrong(where, "must be a text that is not empty")
    return value.strip()


def _word(where: str, value: object, words: type[_W]) -> _W:
    if not isinstance(value, str) or value not in tuple(words):
        raise _wrong(where, f"must be one of {', '.join(words)}")
    return words(value)
