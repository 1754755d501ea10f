"""The reference of a connection's YAML, made from the models that read it, for docs/connections.md.

`python tools/connection_reference.py` exits 1 if the page differs from the models; `--write` renews its tables.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "libs" / "common" / "src")]

from tieout.domain.settings import ConnectionSettings  # noqa: E402 - found by the path set above

PAGE: Final = ROOT / "docs" / "connections.md"
BEGIN: Final = "<!-- reference of the models: begin -->"
END: Final = "<!-- reference of the models: end -->"

MEANING: Final[Mapping[str, str]] = {
    "connection": "its name, in commands, in addresses and in the log; it never changes",
    "state": "`draft` is read by `check` only, `active` is synchronized, `paused` waits, `retired` is final",
    "erp.kind": "which ERP; it chooses the connector",
    "erp.tenant": "whose Business Central",
    "erp.environment": "which of the tenant's environments",
    "erp.company": "which company of it; changing the spelling makes it another company",
    "erp.ledger_page": "where open amounts are read; without it no invoice is sent",
    "erp.page_rows": "how much one answer holds; the connector's 1,000 suits most",
    "erp.overlap_seconds": "rows that a slow transaction shows late are still seen; the connector's 600 suits most",
    "erp.currencies": "names them for BILL and for the tie-out",
    "erp.endpoints.api": "where the API is, for sovereign clouds and simulators",
    "erp.endpoints.login": "where tokens come from, for sovereign clouds and simulators",
    "erp.endpoints.scope": "what tokens are asked for, for sovereign clouds",
    "erp.ca_file": "a private authority that is trusted beside the system's",
    "erp.proxy": "the way out, where there is only one",
    "erp.schedule.default": "how often each kind is read that is not named here",
    "erp.schedule.vendors": "vendors",
    "erp.schedule.accounts": "general ledger accounts",
    "erp.schedule.dimensions": "dimensions and their values",
    "erp.schedule.invoices": "posted purchase invoices",
    "erp.schedule.ledger": "vendor ledger entries: what is open, what is paid",
    "erp.schedule.time_zone": "whose clock `daily` goes by",
    "bill.environment": "which of BILL's two gateways",
    "bill.endpoints.api": "a simulator's API, in place of `environment`",
    "bill.endpoints.events": "a simulator's API of webhook subscriptions",
    "bill.organization": "which organization; one connection each",
    "bill.budget": "connections of one key share its calls of the hour; it is fixed once the connection was active",
    "bill.webhooks": "where BILL pushes to; without it polling alone carries the job",
    "bill.ca_file": "a private authority that is trusted beside the system's",
    "bill.schedule.default": "how often BILL is asked for what no webhook told",
    "bill.schedule.time_zone": "whose clock `daily` goes by",
    "cutover.date": "invoices posted from this day on become bills; an active connection needs it",
    "cutover.also": "older open invoices that become bills too",
    "accounts.control": "the tie-out compares them with the vendor ledger",
    "accounts.clearing": "what payments from bank accounts are posted against; without it they are held",
    "accounts.banks": "where each funding account's transfers are booked; without its entry they are held",
    "accounts.cards": "what payments by card are posted against; without it they are held",
    "accounts.wallet": "what payments from BILL's wallet are posted against; without it they are held",
    "mapping.dimensions": "where a line's dimension goes in BILL; one that is not named stands in the line's text",
    "mapping.line_accounts.item": "for lines of items",
    "mapping.line_accounts.charge": "for lines of item charges",
    "mapping.line_accounts.asset": "for lines of fixed assets",
    "mapping.line_accounts.resource": "for lines of resources",
    "mapping.tax": "a line of its own for the tax, or each line with its tax",
    "policy.approval": "the ERP's approval is enough, or BILL's approvers are asked as well",
    "policy.discounts": "payment discounts are never taken, or where the invoice's terms allow it",
    "policy.closed_period": "a payment dated in a period that is closed waits for a person",
    "policy.funds_transfers": "whether Tieout books clearing against the bank, or people do",
    "policy.transfer_quiet_seconds": "so that one entry stands for what BILL takes from the bank at once",
    "policy.release.duplicate": "how many people release a bill that may be a duplicate",
}
"""What each field is for. What it may hold and its default come from the models."""


@dataclass(frozen=True)
class Row:
    """One field of the YAML. ``left_out`` is what counts without it; empty where that is nothing."""

    path: str
    allowed: str
    left_out: str


def rows(model: type[BaseModel] = ConnectionSettings, prefix: str = "", within: str = "") -> Iterator[Row]:
    """Every field that holds a value, in the order of the models. ``within`` is the optional part they belong to.

    Raises:
        LookupError: a field has neither a description nor fields of its own, so nothing can be said about it.
    """
    for name, info in model.model_fields.items():
        path = f"{prefix}{name}"
        inner = _model_in(info.annotation)
        if inner is not None:
            yield from rows(inner, f"{path}.", path if info.default is None else within)
        elif info.description:
            yield Row(path, info.description, _left_out(info, within))
        else:
            raise LookupError(f"{path} has no description")


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type):
        return annotation if issubclass(annotation, BaseModel) else None
    return next((found for member in get_args(annotation) if (found := _model_in(member)) is not None), None)


def _left_out(info: FieldInfo, within: str) -> str:
    if info.is_required():
        return f"must be given where `{within}` is" if within else "**must be given**"
    if info.default is None:
        return ""
    if isinstance(info.default, bool | dict | tuple):
        return f"`{json.dumps(info.default)}`"
    return f"`{info.default}`" if str(info.default) else '`""`'


def tables() -> str:
    """The tables, one for each part of the document.

    Raises:
        LookupError: a field has no meaning here, or a meaning has no field.
    """
    found = list(rows())
    differing = {row.path for row in found} ^ set(MEANING)
    if differing:
        raise LookupError(f"fields and meanings differ: {', '.join(sorted(differing))}")
    said: list[str] = []
    part = None
    for row in found:
        head, _, rest = row.path.partition(".")
        title = head if rest else "The connection itself"
        if title != part:
            part = title
            said += ["", f"### {title}", "", "| field | may hold | if left out | what it is for |"]
            said += ["| --- | --- | --- | --- |"]
        cells = (f"`{rest or head}`", row.allowed, row.left_out, MEANING[row.path])
        said.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(said[1:])


def page(text: str) -> str:
    """The page with its tables as the models have them. ValueError if the markers do not stand in it once each."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in after:
        raise ValueError(f"{PAGE.name} needs the lines {BEGIN} and {END}, once each")
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


def main(argv: list[str]) -> int:
    """0: the page is as the models are; 1: it is not; 2: wrong use."""
    if argv not in ([], ["--write"]):
        print("usage: connection_reference.py [--write]", file=sys.stderr)
        return 2
    text = PAGE.read_text(encoding="utf-8")
    wanted = page(text)
    if argv:
        PAGE.write_text(wanted, encoding="utf-8")
    elif text != wanted:
        print(f"{PAGE.relative_to(ROOT)} differs from the models: python tools/connection_reference.py --write")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
