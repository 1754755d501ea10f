"""``tieout inspect``: a raw payload as Tieout reads it, an error as it classifies it. Nothing is called or stored."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic_core import to_jsonable_python

from tieout.domain.records import Kind, ReadContext
from tieout_cli.output import FOUND, OUT, WRONG_USE, CliError, JsonOption
from tieout_connectors.spi.wire import Unreadable

app = typer.Typer(rich_markup_mode=None, add_completion=False)
LARGEST: Final = 64 * 1024 * 1024
ERROR: Final = "error"
Read = Callable[[Any, ReadContext], Iterator[Any]]


EXAMPLE: Final = (
    "Example: tieout inspect bill/vendor vendor.json; "
    'tieout inspect bill/error body.json --status 422 --call "POST /v3/bills"'
)


@app.command(epilog=EXAMPLE)
def inspect(
    what: Annotated[
        str, typer.Argument(metavar="SYSTEM/KIND", help="bill/vendor, business-central/vendor, bill/error, …")
    ],
    file: Annotated[str, typer.Argument(metavar="FILE", help="The payload as received; - is standard input.")],
    status: Annotated[int, typer.Option(min=0, max=999, help="For SYSTEM/error: the HTTP status.")] = 0,
    call: Annotated[str, typer.Option(help="For SYSTEM/error: method and path of the call.")] = "",
    currency: Annotated[str, typer.Option(help="What an ERP's blank currency code means.")] = "USD",
    as_json: JsonOption = False,  # noqa: FBT002 - typer declares options so
) -> None:
    """Print the records in a raw payload (one object or a list), or how an error's answer is classified, as JSON.

    Exit code 1 if the payload cannot be read; the error names the place in it.
    """
    OUT.json = as_json
    system, _, kind = what.partition("/")
    body = _bytes(file)
    if kind == ERROR:
        result: Any = _classified(system, status, call, body)
    else:
        result = _records(_reader(system, kind, what), body, _context(currency))
    sys.stdout.write(json.dumps(result, indent=2, ensure_ascii=False) + "\n")


def _records(read: Read, body: bytes, context: ReadContext) -> list[Any]:
    records: list[Any] = []
    try:
        for record in read(_json(body), context):
            records.append(to_jsonable_python(record))  # noqa: PERF401 - the count tells which one failed
    except Unreadable as error:
        raise CliError(
            f"record {len(records) + 1}: {error}",
            cure="Compare it with the vendor's documentation; in operation such a record becomes a hold.",
            word="unreadable",
            problems=[{"record": len(records) + 1, "path": error.path, "why": error.why}],
        ) from None
    return records


def _classified(system: str, status: int, call: str, body: bytes) -> dict[str, str]:
    if not status or not call:
        raise CliError(
            "an error needs --status and --call",
            cure=f'For example: tieout inspect {system}/error FILE --status 422 --call "POST /v3/bills"',
            code=WRONG_USE,
            word="wrong_use",
        )
    if system not in ERRORS:
        raise _unknown(f"{system}/{ERROR}")
    try:
        classified: dict[str, str] = _loaded(ERRORS[system])(call, status, body).as_json()
    except ValueError as error:
        raise CliError(str(error), code=WRONG_USE, word="wrong_use") from None
    return classified


def _reader(system: str, kind: str, what: str) -> Read:
    if what in READERS:
        return READERS[what]
    word = kind.replace("-", "_")
    if system in ERPS and word in set(Kind):
        return _Erp(system, Kind(word))
    raise _unknown(what)


def _unknown(what: str) -> CliError:
    return CliError(f"{what} is not known", cure=f"One of: {', '.join(known())}.", code=WRONG_USE, word="wrong_use")


def known() -> list[str]:
    """Everything that can be inspected."""
    erps = [f"{system}/{kind.replace('_', '-')}" for system in ERPS for kind in Kind]
    return [*READERS, *erps, *(f"{system}/{ERROR}" for system in ERRORS)]


def _context(currency: str) -> ReadContext:
    context = ReadContext(company="", local_currency=currency)
    try:
        context.iso("")
    except ValueError:
        raise CliError("--currency takes an ISO 4217 code such as USD", code=WRONG_USE, word="wrong_use") from None
    return context


def _bytes(file: str) -> bytes:
    try:
        body = sys.stdin.buffer.read(LARGEST + 1) if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise CliError(f"{file} cannot be read: {error.strerror}", code=WRONG_USE, word="no_file") from None
    if len(body) > LARGEST:
        raise CliError(f"{file} is larger than {LARGEST} bytes", code=WRONG_USE, word="no_file")
    return body


def _json(body: bytes) -> Any:
    try:
        return json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise CliError(f"the payload is not JSON: {error}", code=FOUND, word="unreadable") from None


def _loaded(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


@dataclass(frozen=True)
class _Bill:
    """Objects of BILL: one, a page, or a bare list. ``place`` is the reader's module and name."""

    place: str
    arguments: Sequence[str] = ()

    def __call__(self, raw: Any, _context: ReadContext) -> Iterator[Any]:
        read = _loaded(self.place)
        arguments = [_loaded(place) for place in self.arguments]
        return (read(*arguments, row) for row in _rows_of_bill(raw))


def _rows(raw: Any, rows_of: Callable[[Any], Sequence[Any]]) -> Sequence[Any]:
    """The objects of a list as received, or of a bare one; anything else is one object."""
    if isinstance(raw, list):
        return raw
    try:
        return rows_of(raw)
    except Unreadable:
        return [raw]


def _rows_of_bill(raw: Any) -> Sequence[Any]:
    return _rows(raw, lambda page: _loaded("tieout_connectors.bill.wire.lists:read_page")(page).rows)


def _webhook(raw: Any, _context: ReadContext) -> Iterator[Any]:
    """A delivery, or an item of the history; both may be wrapped in text."""
    unwrap = _loaded("tieout_connectors.bill.wire.events:unwrap")
    read = _loaded("tieout_connectors.bill.wire.events:read_event")
    for row in _rows_of_bill(raw):
        yield read(unwrap(row if isinstance(row, str) else json.dumps(row, default=str)))


@dataclass(frozen=True)
class _Erp:
    """Rows of an ERP, through its connector's wire reader."""

    erp: str
    kind: Kind

    def __call__(self, raw: Any, context: ReadContext) -> Iterator[Any]:
        rows_of, wire = (_loaded(place) for place in ERPS[self.erp])
        for row in _rows(raw, rows_of):
            yield from wire().read(self.kind, self._document(row), context)

    def _document(self, row: Any) -> dict[str, Any]:
        if not isinstance(row, dict):
            raise Unreadable("", f"an object was expected, not {type(row).__name__}")
        if self.kind is not Kind.PURCHASE_INVOICE:
            return row
        # A row of the log holds several answers; a person has one of them, the invoice as the API shows it.
        whole: dict[str, Any] = _loaded(WHOLE_INVOICE)(row, [], None)
        return row if row.keys() == whole.keys() else whole


READERS: Final[dict[str, Read]] = {
    "bill/vendor": _Bill("tieout_connectors.bill.wire.vendors:read_vendor"),
    "bill/bill": _Bill("tieout_connectors.bill.wire.bills:read_bill"),
    "bill/vendor-credit": _Bill("tieout_connectors.bill.wire.credits:read_credit"),
    "bill/payment": _Bill("tieout_connectors.bill.wire.payments:read_payment"),
    "bill/document": _Bill("tieout_connectors.bill.wire.documents:read_document"),
    "bill/subscription": _Bill("tieout_connectors.bill.wire.subscriptions:read_subscription"),
    "bill/webhook": _webhook,
}
"""Objects of BILL by name: what reads one of them. Modules are loaded when one is asked for."""

ERPS: Final[dict[str, tuple[str, str]]] = {
    "business-central": (
        "tieout_connectors.business_central.wire.protocol:rows",
        "tieout_connectors.business_central.wire:BusinessCentralWire",
    ),
}
"""ERPs by name: what takes the rows out of a list as received, and the wire reader of a row."""

WHOLE_INVOICE: Final = "tieout_connectors.business_central.wire.invoices:whole_invoice"

ERRORS: Final[dict[str, str]] = {
    "bill": "tieout_connectors.bill.errors:classify",
    "business-central": "tieout_connectors.business_central.errors:classify",
}
"""Systems by name: what classifies their answers."""
