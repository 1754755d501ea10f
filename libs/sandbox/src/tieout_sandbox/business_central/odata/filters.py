"""``$filter``: parsed to a predicate over rows, with the restrictions of Business Central.

``or`` works on one field only, lambdas are ignored in silence, ``in`` and nested functions need ``$schemaversion=2.1``.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tieout_sandbox.business_central.odata import values
from tieout_sandbox.business_central.odata.schema import EntityType, Field
from tieout_sandbox.business_central.refusals import Refusal

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<time>\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:\d\d)?)"
    r"|(?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})|(?P<date>\d{4}-\d\d-\d\d)"
    r"|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_./]*)|(?P<mark>[(),:]))"
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: bool(a == b),
    "ne": lambda a, b: bool(a != b),
    "gt": lambda a, b: a is not None and b is not None and a > b,
    "ge": lambda a, b: a is not None and b is not None and a >= b,
    "lt": lambda a, b: a is not None and b is not None and a < b,
    "le": lambda a, b: a is not None and b is not None and a <= b,
}
_TESTS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startswith": lambda text, part: text.startswith(part),
    "endswith": lambda text, part: text.endswith(part),
}
_CHANGES = {"tolower": str.lower, "toupper": str.upper}
_LITERALS = {
    "text": ("string",),
    "code": ("string",),
    "enum": ("string",),
    "guid": ("guid",),
    "date": ("date",),
    "time": ("time", "date"),
    "decimal": ("number",),
    "int": ("number",),
    "bool": ("bool",),
}
Predicate = Callable[[Any, Any], bool]


@dataclass(frozen=True)
class Bound:
    """A comparison that every matching row fulfils: what an index can use."""

    field: str
    operator: str
    value: Any


@dataclass(frozen=True)
class Filter:
    """``matches(row, books)``, and the bounds of its top-level conjunction."""

    matches: Predicate
    bounds: tuple[Bound, ...] = ()

    def equal(self, name: str) -> Any:
        """The value a field must equal, or None."""
        return next((b.value for b in self.bounds if b.field == name and b.operator == "eq"), None)


@dataclass(frozen=True)
class _Part:
    """A parsed piece: its predicate, the fields it names, its bounds."""

    matches: Predicate
    fields: frozenset[str]
    bounds: tuple[Bound, ...] = ()


@dataclass(frozen=True)
class _Operand:
    """A side of a comparison: a field with a change of its text, or a literal."""

    field: Field | None = None
    change: Callable[[Any], Any] | None = None
    kind: str = ""
    text: str = ""


@dataclass
class _Tokens:
    """What is left to read."""

    items: list[tuple[str, str]] = field(default_factory=list)
    at: int = 0

    def peek(self) -> tuple[str, str]:
        return self.items[self.at] if self.at < len(self.items) else ("end", "")

    def next(self) -> tuple[str, str]:
        token = self.peek()
        self.at += 1
        return token

    def accept(self, text: str) -> bool:
        if self.peek()[1].lower() == text and self.peek()[0] != "string":
            self.at += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.accept(text):
            raise Refusal("bad_filter", reason=f"'{text}' expected near '{self.peek()[1]}'")


def compile_filter(text: str, entity: EntityType, schema: str = "2.0") -> Filter:
    """The filter of a request; a Refusal is the 400 the server would answer."""
    parser = _Parser(_tokenize(text), entity, nested=schema == "2.1")
    part = parser.disjunction()
    if parser.tokens.peek()[0] != "end":
        raise Refusal("bad_filter", reason=f"unexpected '{parser.tokens.peek()[1]}'")
    return Filter(part.matches, part.bounds)


def _tokenize(text: str) -> _Tokens:
    items: list[tuple[str, str]] = []
    at = 0
    while at < len(text) and text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            raise Refusal("bad_filter", reason=f"unexpected character at position {at}")
        items.append((found.lastgroup or "", found.group(found.lastgroup or 0)))
        at = found.end()
    return _Tokens(items)


class _Parser:
    """Recursive descent: or, and, not, one comparison or test."""

    def __init__(self, tokens: _Tokens, entity: EntityType, *, nested: bool) -> None:
        self.tokens = tokens
        self._entity = entity
        self._nested = nested

    def disjunction(self) -> _Part:
        left = self._conjunction()
        while self.tokens.accept("or"):
            left = self._either(left, self._conjunction())
        return left

    def _either(self, left: _Part, right: _Part) -> _Part:
        fields = left.fields | right.fields
        if len(fields) > 1:
            raise Refusal("or_fields")
        return _Part(lambda row, books: left.matches(row, books) or right.matches(row, books), fields)

    def _conjunction(self) -> _Part:
        left = self._single()
        while self.tokens.accept("and"):
            left = self._both(left, self._single())
        return left

    def _both(self, left: _Part, right: _Part) -> _Part:
        return _Part(
            lambda row, books: left.matches(row, books) and right.matches(row, books),
            left.fields | right.fields,
            left.bounds + right.bounds,
        )

    def _single(self) -> _Part:
        if self.tokens.accept("not"):
            part = self._single()
            return _Part(lambda row, books: not part.matches(row, books), part.fields)
        if self.tokens.accept("("):
            part = self.disjunction()
            self.tokens.expect(")")
            return part
        kind, text = self.tokens.peek()
        if kind == "name" and text.lower() in _TESTS:
            return self._test(text.lower())
        if kind == "name" and text.rsplit("/", 1)[-1] in ("any", "all"):
            return self._lambda()
        return self._comparison()

    def _lambda(self) -> _Part:
        """Ignored in silence: every row matches."""
        self.tokens.next()
        self.tokens.expect("(")
        depth = 1
        while depth:
            kind, text = self.tokens.next()
            if kind == "end":
                raise Refusal("bad_filter", reason="')' expected")
            depth += {"(": 1, ")": -1}.get(text, 0) if kind == "mark" else 0
        return _Part(lambda _row, _books: True, frozenset())

    def _test(self, name: str) -> _Part:
        self.tokens.next()
        self.tokens.expect("(")
        subject = self._operand()
        self.tokens.expect(",")
        part = self._operand()
        self.tokens.expect(")")
        if subject.change and not self._nested:
            raise Refusal("bad_filter", reason="nested functions need $schemaversion=2.1")
        if subject.field is None or part.kind != "string":
            raise Refusal("bad_filter", reason=f"{name} takes a property and a text")
        get, test, wanted = self._getter(subject), _TESTS[name], part.text
        if subject.field.kind == "code":
            wanted = wanted.upper()
        if self.tokens.accept("eq"):
            expected = self.tokens.next()[1].lower() == "true"
            return _Part(lambda row, books: test(get(row, books), wanted) is expected, frozenset({subject.field.name}))
        return _Part(lambda row, books: test(get(row, books), wanted), frozenset({subject.field.name}))

    def _comparison(self) -> _Part:
        left = self._operand()
        kind, text = self.tokens.next()
        operator = text.lower()
        if kind == "name" and operator == "in":
            return self._membership(left)
        if kind != "name" or operator not in _COMPARE:
            raise Refusal("bad_filter", reason=f"operator expected near '{text}'")
        right = self._operand()
        if left.field is None:
            left, right = right, left
            operator = {"gt": "lt", "lt": "gt", "ge": "le", "le": "ge"}.get(operator, operator)
        if left.field is None or right.field is not None:
            raise Refusal("bad_filter", reason="a property is compared with a literal")
        wanted = self._literal(left.field, right)
        get, compare = self._getter(left), _COMPARE[operator]
        bounds = () if left.change else (Bound(left.field.name, operator, wanted),)
        return _Part(
            lambda row, books: compare(get(row, books), wanted),
            frozenset({left.field.name}),
            bounds,
        )

    def _membership(self, left: _Operand) -> _Part:
        if not self._nested or left.field is None:
            raise Refusal("bad_filter", reason="'in' needs $schemaversion=2.1")
        self.tokens.expect("(")
        wanted = [self._literal(left.field, self._operand())]
        while self.tokens.accept(","):
            wanted.append(self._literal(left.field, self._operand()))
        self.tokens.expect(")")
        get = self._getter(left)
        return _Part(lambda row, books: get(row, books) in wanted, frozenset({left.field.name}))

    def _operand(self) -> _Operand:
        kind, text = self.tokens.next()
        if kind == "name" and text.lower() in ("true", "false"):
            return _Operand(kind="bool", text=text.lower())
        if kind == "name" and text.lower() == "null":
            return _Operand(kind="null")
        if kind == "name" and text.lower() in (*_CHANGES, "substring"):
            return self._changed(text.lower())
        if kind == "name":
            return _Operand(field=self._entity.field(text))
        if kind == "string":
            return _Operand(kind="string", text=text[1:-1].replace("''", "'"))
        if kind in ("time", "guid", "date", "number"):
            return _Operand(kind=kind, text=text)
        raise Refusal("bad_filter", reason=f"unexpected '{text}'")

    def _changed(self, name: str) -> _Operand:
        self.tokens.expect("(")
        inner = self._operand()
        cuts: list[int] = []
        while self.tokens.accept(","):
            cuts.append(int(self.tokens.next()[1]))
        self.tokens.expect(")")
        if inner.change and not self._nested:
            raise Refusal("bad_filter", reason="nested functions need $schemaversion=2.1")
        start, length = cuts[0] if cuts else 0, cuts[1] if len(cuts) > 1 else None
        change = _CHANGES.get(name) or (lambda text: text[start : start + length if length is not None else None])
        earlier = inner.change
        whole = (lambda text: change(earlier(text))) if earlier else change
        return _Operand(field=inner.field, change=whole, kind=inner.kind, text=inner.text)

    @staticmethod
    def _getter(operand: _Operand) -> Callable[[Any, Any], Any]:
        if operand.field is None:
            raise Refusal("bad_filter", reason="a property was expected")
        get, change = operand.field.get, operand.change
        return (lambda row, books: change(get(row, books))) if change else get

    @staticmethod
    def _literal(known: Field, operand: _Operand) -> Any:
        if operand.kind == "null":
            return None
        if not known.filterable or operand.kind not in _LITERALS.get(known.kind, ()):
            raise Refusal("enum_filter", field=known.name)
        return _read_literal(known, operand)


def _read_literal(known: Field, operand: _Operand) -> Any:
    text = operand.text
    if known.kind == "guid" and text == values.ZERO_GUID:
        return ""
    own: dict[str, Callable[[str], Any]] = {
        "bool": lambda literal: literal == "true",
        "code": lambda literal: literal.strip().upper(),
        "text": str,
        "int": int,
    }
    reader = own.get(known.kind)
    return reader(text) if reader else known.read(text)
