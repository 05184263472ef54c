"""SOQL, as far as the stand-in speaks it: everything else is refused as malformed."""

import re
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.salesforce.errors import ApiError

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>'(?:[^'\\\n\r]|\\["'\\/bBfFnNrRtT_%]|\\u[0-9A-Fa-f]{4})*')
      | (?P<moment>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
      | (?P<day>\d{4}-\d\d-\d\d)
      | (?P<number>[+-]?\d+(?:\.\d+)?)
      | (?P<name>[A-Za-z]\w*(?:\.[A-Za-z]\w*)*(?::\d+)?)
      | (?P<sign><=|>=|!=|<>|[=<>(),])
    )""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_RESERVED = frozenset(
    {"select", "from", "where", "and", "or", "not", "like", "in", "includes", "excludes", "order", "by", "limit",
     "offset", "group", "having", "asc", "desc", "nulls", "null", "true", "false", "using", "for", "with"}
)  # fmt: skip


@dataclass(frozen=True)
class Value:
    """A literal: its kind (string, moment, day, number, boolean, null, relative) and value."""

    kind: str
    value: Any = None


@dataclass(frozen=True)
class Condition:
    """A comparison of a field: `values` has one value, or those of a list."""

    path: str
    operator: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Logic:
    """`and`, `or`, `not` over conditions."""

    word: str
    parts: tuple["Condition | Logic", ...]


@dataclass(frozen=True)
class Order:
    """One column of the order."""

    path: str
    descending: bool = False
    nulls_last: bool = False


@dataclass
class Query:
    """A statement. `counts`: it asks only how many there are."""

    entity: str = ""
    paths: list[str] = field(default_factory=list)
    subqueries: list["Query"] = field(default_factory=list)
    counts: bool = False
    where: Condition | Logic | None = None
    order: list[Order] = field(default_factory=list)
    limit: int | None = None
    offset: int = 0


def malformed(message: str) -> ApiError:
    """The statement is not understood."""
    return ApiError(400, "MALFORMED_QUERY", message)


def parse(text: str) -> Query:
    """The statement. Raises `ApiError` for what is not SOQL, or more of it than is spoken here."""
    if len(text) > 100_000:
        raise ApiError(414, "URI_TOO_LONG", "SOQL statements cannot be longer than 100000 characters.")
    parser = _Parser(_tokens(text))
    query = parser.query()
    parser.end()
    return query


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            raise malformed(f"unexpected token: '{text[at:].strip()[:1]}'")
        kind = str(found.lastgroup)
        tokens.append((kind, found[kind]))
        at = found.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0

    def query(self) -> Query:
        query = Query()
        self._need("select")
        self._columns(query)
        self._need("from")
        query.entity = self._name()
        if self._next_is("name") and not self._word_is(*_RESERVED):
            raise malformed("aliases are not spoken here")
        if self._take("where"):
            query.where = self._logic()
        if self._take("order"):
            self._need("by")
            query.order = self._listed(self._order)
        if self._take("limit"):
            query.limit = self._whole()
        if self._take("offset"):
            query.offset = self._whole()
        return query

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise malformed(f"unexpected token: {self._tokens[self._at][1]}")

    def _columns(self, query: Query) -> None:
        if self._peek_word() == "count" and self._peek_sign(1) == "(" and self._peek_sign(2) == ")":
            self._at += 3
            query.counts = True
            return
        while True:
            if self._sign("("):
                query.subqueries.append(self.query())
                self._need_sign(")")
            else:
                query.paths.append(self._name())
                if self._peek_sign() == "(":
                    raise malformed("functions are not spoken here")
            if not self._sign(","):
                return

    def _order(self) -> Order:
        path = self._name()
        descending = bool(self._take("desc")) or (bool(self._take("asc")) and False)
        last = False
        if self._take("nulls"):
            last = bool(self._take("last"))
            if not last:
                self._need("first")
        return Order(path, descending, last)

    def _logic(self) -> Condition | Logic:
        parts = [self._factor()]
        word = ""
        while self._word_is("and", "or"):
            following = self._name()
            if word and following.lower() != word:
                raise malformed("unexpected token: AND and OR must not be mixed without parentheses")
            word = following.lower()
            parts.append(self._factor())
        return Logic(word, tuple(parts)) if word else parts[0]

    def _factor(self) -> Condition | Logic:
        if self._take("not"):
            return Logic("not", (self._factor(),))
        if self._sign("("):
            inner = self._logic()
            self._need_sign(")")
            return inner
        path = self._name()
        if self._take("not"):
            self._need("in")
            return Condition(path, "not in", self._list())
        if self._take("in"):
            return Condition(path, "in", self._list())
        if self._take("includes"):
            return Condition(path, "includes", self._list())
        if self._take("like"):
            return Condition(path, "like", (self._value(),))
        kind, sign = self._pop()
        if kind != "sign" or sign not in ("=", "!=", "<>", "<", "<=", ">", ">="):
            raise malformed(f"unexpected token: {sign}")
        return Condition(path, "!=" if sign == "<>" else sign, (self._value(),))

    def _list(self) -> tuple[Value, ...]:
        self._need_sign("(")
        if self._word_is("select"):
            raise malformed("semi-joins are not spoken here")
        values = self._listed(self._value)
        self._need_sign(")")
        return tuple(values)

    def _value(self) -> Value:
        kind, text = self._pop()
        if kind == "string":
            return Value("string", _unquoted(text))
        if kind == "number":
            return Value("number", float(text))
        if kind in ("moment", "day"):
            return Value(kind, text)
        word = text.lower()
        if kind == "name" and word in ("true", "false"):
            return Value("boolean", word == "true")
        if kind == "name" and word == "null":
            return Value("null")
        if kind == "name" and word not in _RESERVED and "." not in word:
            return Value("relative", text.upper())
        raise malformed(f"unexpected token: {text}")

    def _listed(self, one: Any) -> list[Any]:
        found = [one()]
        while self._sign(","):
            found.append(one())
        return found

    def _pop(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise malformed("unexpected token: '<EOF>'")
        self._at += 1
        return self._tokens[self._at - 1]

    def _name(self) -> str:
        kind, text = self._pop()
        if kind != "name":
            raise malformed(f"unexpected token: {text}")
        return text

    def _whole(self) -> int:
        kind, text = self._pop()
        if kind != "number" or not text.isdigit():
            raise malformed(f"unexpected token: {text}")
        return int(text)

    def _next_is(self, kind: str) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at][0] == kind

    def _peek_word(self) -> str:
        return self._tokens[self._at][1].lower() if self._next_is("name") else ""

    def _peek_sign(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._tokens[at][1] if at < len(self._tokens) and self._tokens[at][0] == "sign" else ""

    def _word_is(self, *words: str) -> bool:
        return self._peek_word() in words

    def _take(self, word: str) -> bool:
        taken = self._word_is(word)
        self._at += taken
        return taken

    def _need(self, word: str) -> None:
        if not self._take(word):
            raise malformed(f"expecting {word}, found {self._pop()[1]}")

    def _sign(self, sign: str) -> bool:
        taken = self._peek_sign() == sign
        self._at += taken
        return taken

    def _need_sign(self, sign: str) -> None:
        if not self._sign(sign):
            raise malformed(f"expecting '{sign}', found {self._pop()[1]}")


def _unquoted(text: str) -> str:
    inner = text[1:-1]
    inner = re.sub(r"\\u([0-9A-Fa-f]{4})", lambda found: chr(int(found[1], 16)), inner)
    return re.sub(
        r"\\(.)", lambda found: _ESCAPES.get(found[1].lower(), found[1]) if found[1] not in "_%" else found[0], inner
    )
