"""The report: the same findings for people and, as JSON, for programs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tieout.decide.holds import REASONS
from tieout_cli.compare import equations
from tieout_cli.demo.figures import EXPLAINED, Difference, Standing, holds_by_reason
from tieout_cli.demo.findings import Findings
from tieout_cli.demo.logview import Held
from tieout_cli.demo.timeline import Event
from tieout_sandbox.company import Company

# Differences, holds and events shown; all of them are in the JSON.
_SHOWN: Final = 12


@dataclass(frozen=True)
class Report:
    """Everything that is told."""

    erp: str
    company: Company
    standing: Standing
    holds: tuple[Held, ...]
    calls: Mapping[str, Mapping[str, int]]
    findings: Findings
    elapsed: float
    invoice: str
    timeline: tuple[Event, ...]
    links: Mapping[str, Mapping[str, int]]
    """Links by kind and phase."""

    @property
    def differences(self) -> list[Difference]:
        """What nobody explained."""
        found = self.findings
        return [*self.standing.differences, *found.differences, *found.tieout_differences, *self._written_again()]

    def _written_again(self) -> list[Difference]:
        again = self.findings.again
        if again is None:
            return []
        found = [
            Difference("written again", (call,), Decimal(0), "", f"{side}: {call}")
            for side, calls in again.writes.items()
            for call in calls
        ]
        found += [
            Difference("ledger changed", (place,), Decimal(0), "", f"{side}: {place}")
            for side, places in again.changed.items()
            for place in places
        ]
        return found

    def as_json(self) -> dict[str, Any]:
        """For programs. What was not asked for is null."""
        standing, findings = self.standing, self.findings
        return {
            "erp": self.erp,
            "seed": self.company.seed,
            "vendors_linked": standing.vendors_linked,
            "bills_created": len(standing.bills),
            "bills_total": _texts(standing.bills_total),
            "documents": standing.documents,
            "payments_applied": findings.payments_applied,
            "payments_reversed": findings.payments_reversed,
            "holds": holds_by_reason(self.holds),
            "calls": {side: dict(spent) for side, spent in self.calls.items()},
            "people_calls": findings.people,
            "tieout": findings.tieout,
            "unexplained": [one.as_json() for one in self.differences],
            "again": None if findings.again is None else findings.again.as_json(),
            "stages": {f"{clock}_s": _rounded(seconds) for clock, seconds in findings.seconds.items()},
            "elapsed_s": _rounded(self.elapsed),
            "links": {kind: dict(phases) for kind, phases in self.links.items()},
            "timeline": {"invoice": self.invoice, "events": [one.as_json() for one in self.timeline]},
        }


def tell(report: Report, console: Console) -> None:
    """Print it for people."""
    _title(console, f"{report.company.name}, seed {report.company.seed}")
    _standing(report, console)
    _holds(report, console)
    _calls(report, console)
    _tieout(report, console)
    _again(report, console)
    _timeline(report, console)
    _differences(report, console)


def _standing(report: Report, console: Console) -> None:
    found = report.standing
    rows = [("vendors", str(found.vendors), str(found.vendors_linked), _phases(report, "vendor"))]
    rows.append(("accounts", "", "", _phases(report, "account")))
    rows.append(("dimension values", "", "", _phases(report, "dimension")))
    rows.append(("open invoices", str(found.invoices_open), "", f"{found.invoices_in_scope} within the cut-over"))
    rows.append(("bills", "", str(len(found.bills)), _phases(report, "bill")))
    for currency in found.bills_total:
        erp, bill = found.erp_total.get(currency, Decimal(0)), found.bills_total[currency]
        equal = "equal" if erp == bill else "UNEQUAL"
        rows.append((f"their totals, {currency}", f"{erp:,.2f}", f"{bill:,.2f}", equal))
    rows.append(("documents", "", str(found.documents), _phases(report, "document")))
    rows.append(("payments posted and applied", str(report.findings.payments_applied), "", ""))
    rows.append(("payments reversed", str(report.findings.payments_reversed), "", ""))
    _table(console, ("by the outside ledgers", "ERP", "BILL", "Tieout's links"), rows, right=(1, 2))


def _phases(report: Report, kind: str) -> str:
    return ", ".join(f"{count} {phase}" for phase, count in sorted(report.links.get(kind, {}).items()))


def _holds(report: Report, console: Console) -> None:
    rows = []
    for reason, count in holds_by_reason(report.holds).items():
        params = next(held.params for held in report.holds if held.reason == reason)
        cure = REASONS[reason].cure.format_map(params) if reason in REASONS else ""
        rows.append((str(count), reason, EXPLAINED.get(reason, "NOT EXPECTED"), cure))
    if rows:
        _title(console, "Waiting for a person")
        _table(console, ("", "why", "explained", "cure"), rows, right=(0,))


def _calls(report: Report, console: Console) -> None:
    rows = [(side, *(str(count) for count in spent.values())) for side, spent in report.calls.items()]
    columns = ("calls spent", *(name.replace("_", " ") for name in next(iter(report.calls.values()))))
    _table(console, columns, rows, right=tuple(range(1, len(columns))))


def _tieout(report: Report, console: Console) -> None:
    if report.findings.tieout is not None:
        _title(console, "The tie-out of today")
        console.print(Text("\n".join(f"  {line}" for line in equations(report.findings.tieout))))


def _again(report: Report, console: Console) -> None:
    again = report.findings.again
    if again is None:
        return
    how = "again, with Kafka and PostgreSQL empty" if again.cold else "again"
    written = sum(map(len, again.writes.values()))
    changed = sum(map(len, again.changed.values()))
    _title(console, f"Synchronized {how}: {written} writes of records, {changed} changes of a ledger")


def _timeline(report: Report, console: Console) -> None:
    if not report.timeline:
        return
    _title(console, f"What became of invoice {report.invoice}")
    rows = [(one.time[11:23], one.about, one.text) for one in report.timeline[:_SHOWN]]
    _table(console, ("UTC", "about", "what"), rows)


def _differences(report: Report, console: Console) -> None:
    found = report.differences
    if not found:
        console.print(Text("Nothing is unexplained.", style="bold green"))
        return
    console.print(Text(f"{len(found)} unexplained:", style="bold red"))
    rows = [(one.kind, f"{one.amount} {one.currency}".strip(), one.text) for one in found[:_SHOWN]]
    _table(console, ("class", "amount", "what"), rows, right=(1,))
    if len(found) > _SHOWN:
        console.print(Text(f"and {len(found) - _SHOWN} more; --json FILE has all"))


def _title(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, style="bold"))


def _table(
    console: Console, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, right: tuple[int, ...] = ()
) -> None:
    table = Table(box=SIMPLE, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place in right else "left", overflow="fold")
    for row in rows:
        # Cells are data: a vendor called [red] is no colour.
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def _texts(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    return {currency: str(amount) for currency, amount in amounts.items()}


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
