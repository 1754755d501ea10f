"""A contract of an outside system's answers: JSON Schemas and the calls they belong to, under ``contract/schemas``.

``calls.json`` names every call with its answers by status; whatever is not named there breaks the contract. In it a
reference is a file with an optional pointer; ``list.json of vendor.json`` is a list whose rows are vendors each,
``single of vendor.json`` one vendor with its OData context; ``empty``, ``bytes`` and ``html`` are bodies without JSON.
"""

import json
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

FOLDER: Final = Path(__file__).parent.parent / "contract" / "schemas"
ROWS: Final = ("results", "value")
FORMATS: Final = FormatChecker(formats=())


@FORMATS.checks("date", raises=ValueError)
def _is_date(value: object) -> bool:
    return not isinstance(value, str) or bool(date.fromisoformat(value))


@FORMATS.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).utcoffset() is not None


@FORMATS.checks("json", raises=ValueError)
def _is_json(value: object) -> bool:
    return not isinstance(value, str) or isinstance(json.loads(value), dict)


@FORMATS.checks("trimmed-decimal")
def _is_trimmed(value: object) -> bool:
    """No trailing zero behind the point; ``parse_float=Decimal`` has kept the digits as they were sent."""
    return not isinstance(value, Decimal) or not re.search(r"\.\d*0$|[eE]", str(value))


@FORMATS.checks("business-central-etag", raises=(ValueError, Base64Error))
def _is_etag(value: object) -> bool:
    """As recorded from running servers: the quoted length counts the text without the 1 behind it."""
    if not isinstance(value, str):
        return True
    inside = re.fullmatch(r"'(\d+);(.+)1;00;'", b64decode(value[3:-1], validate=True).decode("ascii"))
    return inside is not None and len(inside[2]) == int(inside[1])


@dataclass(frozen=True)
class Exchange:
    """One call and its answer as bytes.

    ``sent`` and ``headers`` are those of the call and of the answer, by names in lower case; ``expect`` replaces what
    the table says where a switch was turned.
    """

    method: str
    url: str
    sent: Mapping[str, str]
    status: int
    headers: Mapping[str, str]
    body: bytes
    expect: str = ""

    @property
    def path(self) -> str:
        """The path as it was sent."""
        return urlsplit(self.url).path

    @property
    def document(self) -> Any:
        """The body's JSON, None if it has none."""
        return json.loads(self.body, parse_float=Decimal) if "json" in self.headers.get("content-type", "") else None

    @property
    def query(self) -> dict[str, str]:
        """The options of the call."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.url).query).items()}

    def __str__(self) -> str:
        return f"{self.method} {urlsplit(self.url)._replace(scheme='', netloc='').geturl()} -> {self.status}"


@dataclass
class Contract:
    """The contract of one system; ``problems`` of an answer, and afterwards what no answer has met yet."""

    system: str
    met: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        files = sorted((FOLDER / self.system).glob("*.json"))
        read = {one.name: json.loads(one.read_text(), parse_float=Decimal) for one in files}
        self.table: dict[str, Any] = read.pop("calls.json")
        self.schemas: dict[str, Any] = read
        self._registry: Registry[Any] = (
            Registry()
            .with_resources([(schema["$id"], Resource.from_contents(schema)) for schema in read.values()])
            .crawl()
        )
        self._base = f"https://contract.tieout.test/{self.system}/"
        self._calls = [(row, _pattern(row["call"])) for row in self.table["calls"]]

    def problems(self, seen: Exchange) -> Iterator[str]:
        """What is wrong with an answer, each with the place in the document and the schema."""
        row = next((row for row, pattern in self._calls if pattern.fullmatch(f"{seen.method} {seen.path}")), None)
        if row is None:
            yield f"{seen}: no such call in the table"
            return
        good = row["answers"]
        wanted = good.get(str(seen.status)) or self.table["refusals"][row["refusals"]].get(str(seen.status))
        if wanted is None:
            yield f"{seen}: the sheet (section {row['section']}) does not name this status: {seen.body[:300]!r}"
            return
        if str(seen.status) in good:
            self.met.add(row["call"])
        for problem in [*self._headers(row, seen), *self._body(seen.expect or wanted, seen)]:
            yield f"{seen}: {problem} (section {row['section']})"

    def document(self, reference: str, document: Any) -> Iterator[str]:
        """What is wrong with a document that is not an answer: a notification, a sample."""
        self.met.add(reference)
        yield from _told(self._validator({"$ref": self._base + reference}), document, reference)

    def unmet(self) -> list[str]:
        """Calls without a good answer, references without a document, files that no met reference leads to."""
        named = {one for row in self.table["calls"] for wanted in row["answers"].values() for one in _parts(wanted)}
        named |= {one for group in self.table["refusals"].values() for one in group.values()}
        named |= set(self.table.get("headers", {}).values())
        calls = {row["call"] for row in self.table["calls"]}
        reached = self._reached(one for one in self.met if ".json" in one)
        return sorted((calls | named) - self.met) + sorted(set(self.schemas) - reached)

    def formats(self) -> set[str]:
        """Every format that a schema uses; one that nobody checks would pass in silence."""
        return {one["format"] for schema in self.schemas.values() for one in _objects(schema) if "format" in one}

    def _headers(self, row: Mapping[str, Any], seen: Exchange) -> Iterator[str]:
        table = self.table.get("headers")
        if table is None or row.get("headers") is False:
            return
        changed = seen.method == "PATCH" and seen.status == 200
        reference = table["PATCH"] if changed else table.get(str(seen.status), table["refusal"])
        yield from self.document(reference, dict(seen.headers))

    def _body(self, wanted: str, seen: Exchange) -> Iterator[str]:
        if wanted in ("empty", "html", "bytes"):
            self.met.add(wanted)
            yield from _without_json(wanted, seen)
            return
        try:
            document = json.loads(seen.body, parse_float=Decimal)
        except ValueError:
            yield f"no JSON: {seen.body[:200]!r}"
            return
        whole, _, row = wanted.partition(" of ")
        if not row:
            yield from self.document(whole, document)
            return
        yield from self.document("common.json#/$defs/single" if whole == "single" else whole, document)
        rows = [document] if whole == "single" else next((document[name] for name in ROWS if name in document), [])
        self.met.update({"single", whole, row} if rows else {whole})
        yield from self._rows(row, rows, seen.query)

    def _rows(self, reference: str, rows: list[Any], query: Mapping[str, str]) -> Iterator[str]:
        schema: dict[str, Any] = {"$ref": self._base + reference}
        expanded = [re.sub(r"\(.*", "", one) for one in _split(query.get("$expand", ""))]
        if "$select" in query:
            # Only what was asked for: the fields keep their types, the others must not be there.
            wanted = [*query["$select"].split(","), *expanded]
            schema = {**self.schemas[reference], "required": wanted}
            odd = {"type": "object", "propertyNames": {"anyOf": [{"enum": wanted}, {"pattern": "^@odata\\."}]}}
            schema["allOf"] = [*schema.get("allOf", []), odd]
        elif expanded:
            schema["required"] = expanded
        validator = self._validator(schema)
        for row in rows:
            yield from _told(validator, row, reference)

    def _validator(self, schema: Mapping[str, Any]) -> Draft202012Validator:
        return Draft202012Validator(schema, registry=self._registry, format_checker=FORMATS)

    def _reached(self, references: Iterable[str]) -> set[str]:
        waiting, reached = {one.split("#")[0] for one in references}, set[str]()
        while waiting:
            name = waiting.pop()
            reached.add(name)
            led = {one["$ref"].split("#")[0] for one in _objects(self.schemas[name]) if "$ref" in one}
            waiting |= {one for one in led if one} - reached
        return reached


def _pattern(call: str) -> re.Pattern[str]:
    return re.compile("".join("[^/()]+" if part == "{}" else re.escape(part) for part in _pieces(call)))


def _pieces(call: str) -> list[str]:
    return re.split(r"(\{\})", re.sub(r"\{\w+\}", "{}", call))


def _parts(wanted: str) -> list[str]:
    return wanted.split(" of ")


def _split(options: str) -> list[str]:
    """The options between commas that stand in no brackets."""
    return re.findall(r"(?:[^,()]|\((?:[^()]|\([^()]*\))*\))+", options)


def _objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Every object inside a schema that has only keywords of a schema; names of properties are skipped."""
    if isinstance(schema, list):
        for one in schema:
            yield from _objects(one)
    if isinstance(schema, dict):
        if all(isinstance(schema.get(key, ""), str) for key in ("$ref", "format")):
            yield schema
        for one in schema.values():
            yield from _objects(one)


def _told(validator: Draft202012Validator, document: Any, reference: str) -> Iterator[str]:
    for error in validator.iter_errors(document):
        place = error.json_path if error.path else "$"
        yield f"{place}: {error.message[:300]} ({reference})"


def _without_json(wanted: str, seen: Exchange) -> Iterator[str]:
    kind = seen.headers.get("content-type", "")
    if wanted == "empty" and seen.body:
        yield f"a body where there is none: {seen.body[:100]!r}"
    if wanted == "bytes" and (not seen.body or "json" in kind):
        yield f"no file: {kind}"
    if wanted == "html" and (not kind.startswith("text/html") or b"<" not in seen.body):
        yield f"no page: {kind}"


def published(system: str) -> dict[str, list[Any]]:
    """Documents in the shapes that the system's makers publish, by the reference each must fit."""
    text = (FOLDER.parents[1] / "fixtures" / "contract" / f"{system}.json").read_text()
    shapes: dict[str, list[Any]] = json.loads(text, parse_float=Decimal)
    return shapes


def changed(document: Any, place: str, value: object) -> Any:
    """A copy with another value at a place such as ``invoice/invoiceDate`` or ``billPayments/0/id``."""
    first, _, rest = place.partition("/")
    key: Any = int(first) if first.isdecimal() else first
    copy = document.copy()
    copy[key] = changed(copy[key], rest, value) if rest else value
    return copy


def nulled(document: Any) -> Iterator[tuple[str, Any]]:
    """Copies with null at one of the keys of the document, or of the first of a list."""
    if isinstance(document, list):
        for place, copy in nulled(document[0]):
            yield f"0/{place}", [copy, *document[1:]]
        return
    for name in document:
        yield name, {**document, name: None}
