"""The paying stage: the clerk pays in BILL, Tieout posts in the ERP, the ERP's ledger proves it.

Among the payments are one over several bills of a vendor, one that pays a part, and one that is voided later; that one
the accountant reverses in the ERP, as Tieout's task asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any, Final

from tieout_cli.demo import owner, proof, settling
from tieout_cli.demo.figures import posted
from tieout_cli.demo.people import Accountant, Approver, Clerk
from tieout_cli.demo.progress import Progress
from tieout_cli.demo.scene import Scene
from tieout_cli.output import CliError
from tieout_sandbox.company import Company, bill_side
from tieout_sandbox.company.bill_side import ORGANIZATION

if TYPE_CHECKING:
    from tieout_cli.demo.findings import Findings

Json = Mapping[str, Any]
Part = tuple[str, str]
"""A bill's id and the amount paid of it."""

MOST: Final = 40
"""Payments of one bill each, at most; a third of the open bills otherwise."""
SEVERAL: Final = 3
PART: Final = Decimal("0.4")
PAY_SECONDS: Final = 200.0
SUBSCRIBED_SECONDS: Final = 60.0
ENDED: Final = ("linked", "held")
"""Phases of a link that nobody has to wait for; what is held is told in the report."""
_CENT: Final = Decimal("0.01")


@dataclass(frozen=True)
class Plan:
    """What the clerk pays. ``void`` is voided once it stands in the ERP."""

    single: tuple[Part, ...]
    several: tuple[Part, ...]
    partial: Part
    void: Part

    def orders(self) -> list[tuple[Part, ...]]:
        """Each payment's parts."""
        return [self.several, (self.partial,), *((part,) for part in self.single)]


def plan(company: Company, erp: Json, bill: Json) -> Plan:
    """Choose bills by the company's seed: owed, approved, and without a discount that paying now would take.

    Raises:
        CliError: there are too few of them.
    """
    books, there = erp["companies"][0], bill["organizations"][ORGANIZATION]
    by_vendor: dict[str, list[Part]] = {}
    for row in payable(books, there, company.today):
        by_vendor.setdefault(row["vendorId"], []).append((row["id"], row["dueAmount"]))
    vendor = next((one for one, parts in by_vendor.items() if len(parts) >= SEVERAL), None)
    if vendor is None:
        raise CliError("no vendor has three bills that can be paid", word="demo")
    several = tuple(by_vendor.pop(vendor)[:SEVERAL])
    rest = [part for parts in by_vendor.values() for part in parts]
    if len(rest) < SEVERAL:
        raise CliError("there are too few bills that can be paid", word="demo")
    Random(company.seed).shuffle(rest)  # noqa: S311 - a repeatable demo
    (bill_id, due), void, *others = rest
    share = str((Decimal(due) * PART).quantize(_CENT))
    return Plan(tuple(others[: min(MOST, max(1, len(rest) // 3))]), several, (bill_id, share), void)


def payable(books: Json, there: Json, today: date) -> list[Json]:
    """The bills that may be paid whole: nothing paid yet, approved, and without a discount that is still granted.

    In the ERP's local currency only: of a foreign one the transfer is entered in the ERP by hand.
    """
    names = {one["id"]: one.get("shortName", "") for one in there["vendors"]}
    entries = {row["document_number"]: row for row in books["vendor_entries"] if row["document_type"] == "Invoice"}
    of_number = posted(books)
    found = []
    for row in there["bills"]:
        invoice = of_number.get((names[row["vendorId"]], row["invoice"]["invoiceNumber"]))
        if invoice is None or row["archived"] or Decimal(row["dueAmount"]) != Decimal(row["amount"]):
            continue
        entry = entries[invoice["number"]]
        granted = Decimal(entry["discount_left"]) != 0 and (entry["discount_date"] or "") >= today.isoformat()
        if not granted and not invoice["currency_code"] and row["approvalStatus"] in ("UNASSIGNED", "APPROVED"):
            found.append(row)
    return sorted(found, key=lambda row: str(row["id"]))


def pay(scene: Scene, progress: Progress, findings: "Findings") -> None:
    """Approve, pay, wait for the ledger, void, reverse, wait again.

    Raises:
        CliError: too few bills can be paid.
        NotReady: BILL has no subscription to tell of a payment by, or Tieout does not post them.
    """
    wait_subscribed(scene)
    approver, clerk = Approver(scene.bill), Clerk(scene.bill)
    progress.at("the approver approves")
    approver.approve_all()
    findings.people = approver.spent
    chosen = plan(scene.company, scene.erp.ledger(), scene.bill.ledger())
    progress.at("the clerk pays")
    made = [clerk.pay(parts, bank_of(parts, chosen)) for parts in chosen.orders()]
    for payment in made[::2]:
        clerk.advance(payment, "CLEARED")
    void = clerk.pay([chosen.void])
    wait_applied(scene, progress, [*made, void])
    progress.at("a payment is voided")
    clerk.void(void)
    reverse(scene, progress, void)
    settling.settle(scene, progress, "the transfers of the day", also=lambda: not scene.view.transfers_due())


def wait_subscribed(scene: Scene) -> None:
    """Wait until BILL has somebody to tell of payments; without, polls would carry them and hide it."""
    what = "subscribing to BILL's webhooks"
    scene.until(lambda: scene.bill.ask("/_sandbox/webhooks")["subscriptions"], seconds=SUBSCRIBED_SECONDS, what=what)


def bank_of(parts: tuple[Part, ...], chosen: Plan) -> str:
    """The part of a bill is paid from the other bank, so that the day has a transfer of each."""
    return bill_side.RESERVE_BANK if parts == (chosen.partial,) else bill_side.BANK


def wait_applied(scene: Scene, progress: Progress, made: list[str]) -> None:
    """Wait until Tieout says that all stand in the ERP, or holds them; the ledger is asked afterwards."""

    def look() -> bool:
        scene.view.refresh()
        phases = [scene.view.links.get(f"payment/{one}", {}).get("phase", "") for one in made]
        progress.at(f"{phases.count('linked')}/{len(made)} payments in the ERP")
        return all(phase in ENDED for phase in phases)

    scene.until(look, seconds=PAY_SECONDS, what="posting the payments")


def reverse(scene: Scene, progress: Progress, void: str) -> None:
    """The accountant does what Tieout's task asks; the task closes itself once the ledger shows it done."""
    link = f"reversal/{void}"

    def asked() -> bool:
        scene.view.refresh()
        return link in scene.view.tasks or scene.view.links.get(link, {}).get("phase") in ENDED

    progress.at("waiting for the task to reverse it")
    scene.until(asked, seconds=PAY_SECONDS, what="the task to reverse a void payment")
    books, there = scene.erp.ledger()["companies"][0], scene.bill.ledger()["organizations"][ORGANIZATION]
    parts = next(one.parts for one in proof.payments(books, there) if one.id == void)
    progress.at("the accountant reverses it")
    for document in proof.documents_of(books, parts):
        Accountant(scene.erp).reverse(document)
    owner.sync(scene)

    def closed() -> bool:
        scene.view.refresh()
        return scene.view.links.get(link, {}).get("phase") in ENDED

    scene.until(closed, seconds=PAY_SECONDS, what="closing the task of the void payment")
