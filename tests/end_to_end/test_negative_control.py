"""The negative control of the tie-out: whatever people spoil in either system is named, and nothing else is.

One company runs for the whole file: every service, both simulators. What is done, to which documents and with which
amounts is drawn from a seed; ``TIEOUT_NEGATIVE_CONTROL_SEED`` gives the third one, to have a failure of the whole file
once more.
"""

import ast
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import pytest

from support import recount
from support.installation import Installation, eventually
from support.pipeline import SERVICES, TOKEN, Pipeline, pipeline
from support.recounting import compared_totals, counted_totals, recounted
from support.seeds import SEED
from support.spoiling import CLEARING, CONTROL, EXPENSE, Company, Named, Paid, Spoiler
from support.spoiling_kinds import KINDS, kinds_of, one_more_of
from tieout_devstack.certificates import Authority
from tieout_sandbox.bill.default_world import BANK, SECOND_BANK

pytestmark = pytest.mark.timeout(300)
TODAY: Final = datetime.now(UTC).date()
CUTOVER: Final = (TODAY - timedelta(days=2)).isoformat()
VARIABLE: Final = "TIEOUT_NEGATIVE_CONTROL_SEED"
# Two that draw every kind between them.
FIRST, SECOND = 114, 131
FRESH: Final = int(os.environ.get(VARIABLE) or secrets.randbelow(10**9))
PLANTED: Final = 12
# As many as three seeds can spoil, and one that is void and reversed.
PAYMENTS: Final = 16
IN_EUROS, OF_TWO, TRANSFERS = 2, 3, 4


class Vendor(NamedTuple):
    """A vendor of the ERP, and how many invoices it sends. ``unit`` is the smallest of its currency."""

    number: str
    invoices: int
    unit: Decimal


CENT: Final = Decimal("0.01")
VENDORS: Final = (
    Vendor("20000", 40, CENT), Vendor("40000", 14, CENT), Vendor("60000", 6, CENT), Vendor("70000", 4, Decimal(1)),
)  # fmt: skip


@dataclass
class Control:
    """The company with what was spoiled in it so far. ``refund``: what BILL owes for a payment that was undone."""

    pipe: Pipeline
    company: Company
    planted: list[Named] = field(default_factory=list)
    refund: Decimal = Decimal(0)

    def compare(self) -> "Compared":
        """A fresh tie-out by the command, as a process of its own."""
        command = [sys.executable, "-m", "tieout_cli", "compare", "acme", "--fresh", "--json"]
        url = f"http://127.0.0.1:{self.pipe.api_port}"
        environment = {"PATH": os.environ["PATH"], "TIEOUT_API_URL": url, "TIEOUT_API_TOKEN": TOKEN}
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)
        answer = json.loads(done.stdout or "{}")
        assert "result" in answer, done.stdout + done.stderr
        return Compared(done.returncode, answer)

    def recounted(self) -> Any:
        """The equations' totals as a script finds them that knows the simulators only."""
        told = {
            "erp": self.pipe.erp.url, "bill": self.pipe.bill.url, "cutover": CUTOVER, "also": [],
            "control": {"DOMESTIC": CONTROL[0], "FOREIGN": CONTROL[1]},
        }  # fmt: skip
        return recounted(told)["totals"]

    def held(self) -> bool:
        """Whether every bill that was archived or changed in BILL is held."""
        rows = self.pipe.links("bill").values()
        held = {row.get("target") for row in rows if row["phase"] == "held"}
        return held >= {one.documents[1] for one in self.planted if one.kind in ("deleted_bill", "amount_differs")}

    def wanted(self) -> list[Named]:
        """Every difference that has to be named."""
        return sorted(self.planted)


@dataclass(frozen=True)
class Compared:
    """What the command said: its exit code, and its JSON."""

    code: int
    answer: Any

    def found(self) -> list[Named]:
        """Class, documents, amount and currency of every difference."""
        return rows(self.answer["result"]["differences"])


def rows(differences: Any) -> list[Named]:
    """Differences as they are planted."""
    return sorted(
        Named(one["class"], tuple(one["documents"]), Decimal(one["amount"]), one["currency"]) for one in differences
    )


def until_named(control: Control, seen: str) -> Compared:
    """The first tie-out that names what was planted and nothing else; what the last one lacked is told."""
    last: list[Compared] = []

    def once() -> bool:
        last[:] = [control.compare()]
        return last[0].found() == control.wanted()

    try:
        eventually(once, seconds=90, what="a tie-out that names all this and nothing else")
    except AssertionError as error:
        found, wanted = set(last[0].found()), set(control.wanted())
        message = f"{seen}\n{error}\nnot named: {sorted(wanted - found)}\nnamed besides: {sorted(found - wanted)}"
        raise AssertionError(message) from error
    return last[0]


@pytest.fixture(scope="module")
def control(made_once: Installation, ca: Authority) -> Iterator[Control]:
    """Invoices in three currencies stand in BILL, some paid, posted and transferred; everything is at rest."""
    random = Random(FRESH)  # noqa: S311 - a seed is to be drawn from again
    with pipeline(made_once, ca) as pipe:
        pipe.erp.ask("/_sandbox/people", [second_bank(), dearer_euro(), *invoices(random)])
        # Every second all is polled, and looked for that a person has to do: more calls than an installation makes.
        pipe.erp.ask("/_sandbox/switches", {"rate_limit": 1_000_000})
        pipe.start(*SERVICES, "tieout_payment_writeback")
        pipe.apply(
            cutover={"date": CUTOVER},
            accounts={
                "clearing": CLEARING, "control": list(CONTROL), "banks": {BANK: "CHECKING", SECOND_BANK: "SAVINGS"},
            },
            policy={"transfer_quiet_seconds": 2},
        )  # fmt: skip
        count = sum(vendor.invoices for vendor in VENDORS)
        eventually(lambda: len(pipe.linked("bill")) >= count, seconds=180, what="the links of the bills")
        one = Control(pipe, Company(pipe.bill, pipe.erp))
        paid(one)
        yield one


def second_bank() -> dict[str, Any]:
    """A second bank account of the ERP, for BILL's second funding account."""
    return {"do": "create_bank_account", "values": {"number": "SAVINGS", "display_name": "Savings", "account": "1110"}}


def dearer_euro() -> dict[str, Any]:
    """From today on a euro costs more than the invoices were posted at."""
    first, today = date(TODAY.year - 1, 1, 1).isoformat(), TODAY.isoformat()
    return {"do": "change_currency", "key": "EUR", "values": {"rates": [[first, "1.08"], [today, "1.17"]]}}


def invoices(random: Random) -> Iterator[dict[str, Any]]:
    """Invoices of amounts that none has twice, a day old."""
    drawn = iter(random.sample(range(10_000, 100_000), sum(vendor.invoices for vendor in VENDORS)))
    yesterday = (TODAY - timedelta(days=1)).isoformat()
    for vendor in VENDORS:
        for place in range(vendor.invoices):
            lines = [{"number": EXPENSE, "unit_cost": str(next(drawn) * vendor.unit)}]
            number = f"{vendor.number}-{place}"
            yield {
                "do": "post_invoice", "vendor": vendor.number, "vendor_invoice_number": number, "lines": lines,
                "posting_date": yesterday,
            }  # fmt: skip


def paid(one: Control) -> None:
    """BILL pays some bills, from two banks on two days: payments and their transfers stand in the ERP.

    Most are of one bill, in full or in part, some of two; those in euros cost more than their invoices did, and no bank
    of the ERP's is in euros, so that nothing takes them out of clearing.
    """
    one.company.look()
    dollars = iter([bill for bill in one.company.bills if bill.vendor == VENDORS[0].number])
    euros = iter([bill for bill in one.company.bills if bill.currency == "EUR"])
    for place in range(PAYMENTS):
        of = [next(euros if place < IN_EUROS else dollars)]
        if place >= PAYMENTS - OF_TWO:
            of.append(next(dollars))
        share = 1 if place % 2 else 3
        parts = [{"billId": bill.id, "amount": float(round(bill.total / share, 2))} for bill in of]
        bank = (BANK, SECOND_BANK)[place % 4 // 2]
        day = TODAY - timedelta(days=place % 3 // 2)
        funding = {"type": "BANK_ACCOUNT", "id": bank}
        one.company.pay("create", bills=parts, to="PROCESSED", fundingAccount=funding, processDate=day.isoformat())

    def settled() -> bool:
        transfers = one.pipe.links("transfer")
        booked = [row["phase"] == "linked" for link, row in transfers.items() if link.endswith("/USD")]
        quiet = not any(key.startswith("acme/quiet/") and key.endswith("/USD") for key in one.pipe.made.state())
        return len(one.pipe.linked("payment")) == PAYMENTS and len(booked) == TRANSFERS and all(booked) and quiet

    eventually(settled, seconds=180, what="the payments and their transfers")
    one.company.look()
    undone(one, one.company.paid[-1])
    one.company.look()


def undone(one: Control, paid: Paid) -> None:
    """BILL voids a payment of two bills, and an accountant reverses it: their invoices are open again."""
    one.company.pay("void", id=paid.id)
    task = f"acme/task/reversal/{paid.id}"
    eventually(lambda: task in one.pipe.made.state(), seconds=120, what="the reversal task")
    for part in paid.parts:
        one.company.in_erp("reverse", document=part.entry)
    eventually(lambda: task not in one.pipe.made.state(), seconds=120, what="the task's end")
    eventually(lambda: one.pipe.links("reversal")[f"reversal/{paid.id}"]["phase"] == "linked", what="the reversal")
    one.refund = sum((part.local for part in paid.parts), Decimal(0))


@pytest.mark.promise("C14")
def test_it_is_clean_until_one_is_planted_and_then_that_one_is_named(control: Control) -> None:
    """After part payments, payments of two bills, a void and its reversal all ties out, with the simulators' totals.

    The command ends with 0. Then one thing is wrong: it ends with 1, and that one is named.
    """
    clean = until_named(control, "nothing planted")
    counted = control.recounted()
    assert (clean.code, clean.found(), clean.answer["clean"], clean.answer["complete"]) == (0, [], True, True)
    result = clean.answer["result"]
    assert compared_totals(result) == counted_totals(counted)
    for group in counted["groups"].values():
        assert Decimal(group["subledger"]) == Decimal(group["control"]) < 0
    for currency in counted["currencies"].values():
        assert Decimal(currency["erp"]) == Decimal(currency["bill"]) > 0
    assert Decimal(counted["clearing"]["refunds_due"]) == control.refund > 0
    assert {one["why"] for one in result["out_of_scope"]} >= {"before_cutover", "credit"}
    one_more(control, 0)


@pytest.mark.promise("C14")
@pytest.mark.parametrize("which", ["first", "second", "fresh"])
def test_whatever_is_planted_is_named_and_nothing_else(
    control: Control, which: str, record_property: Callable[[str, object], None]
) -> None:
    """Twelve things of random kinds, documents and amounts: each is named by class, documents and amount."""
    seed = {"first": FIRST, "second": SECOND, "fresh": FRESH}[which]
    record_property(SEED, seed)
    told = f"seed {seed} ({VARIABLE})"
    for name, named in Spoiler(control.company, seed).plant(kinds_of(seed, PLANTED)):
        for one in named:
            told += f"\n  {name}: {one.kind} {', '.join(one.documents)} {one.amount} {one.currency}"
        control.planted += named
    compared = until_named(control, told)
    assert compared.code == 1
    assert compared_totals(compared.answer["result"]) == counted_totals(control.recounted()), told
    # A person's change is held once a poll has seen it; that makes nothing of it look as if it were on its way.
    eventually(control.held, seconds=90, what="the holds of bills that were changed or archived")
    one_more(control, seed)


def test_every_kind_is_planted_by_the_seeds_that_stay() -> None:
    """Nothing depends on what a fresh seed happens to draw."""
    assert {*kinds_of(FIRST, PLANTED), *kinds_of(SECOND, PLANTED)} == set(KINDS)


def one_more(control: Control, seed: int) -> None:
    """After the fact somebody does one thing more: it is what is new in the next comparison, and all that is."""
    spoiler = Spoiler(control.company, -1 - seed)
    ((name, named),) = spoiler.plant([one_more_of(spoiler)])
    control.planted += named
    compared = control.compare()
    assert compared.code == 1
    assert rows(compared.answer["since"]["appeared"]) == sorted(named), name
    assert compared.answer["since"]["gone"] == []
    assert compared.found() == control.wanted()


def test_the_recount_knows_the_standard_library_only() -> None:
    """It proves something because it shares nothing with what it recounts."""
    tree = ast.parse(Path(recount.__file__).read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree))
    named = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named |= {node.module or "." for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in named} <= sys.stdlib_module_names
