"""One payload of every message type, with every field filled that can be."""

from datetime import UTC, date, datetime
from typing import Final

from support.deciding import ADDRESS, settings
from tieout.domain import bill, bill_payments, erp, erp_ledger, erp_orders, erp_outcomes, snapshots
from tieout.domain.capabilities import HandWork
from tieout.domain.money import Money
from tieout.domain.records import Kind, ReadContext
from tieout.domain.settings import Side
from tieout.events import chunks, commands, connections, cursors, effects, facts, journal, raw, requests, tie_outs
from tieout.events.envelope import Payload

NOON: Final = datetime(2026, 3, 1, 12, 0, 0, 250000, tzinfo=UTC)
DAY: Final = date(2026, 5, 4)

FRAME: Final = {
    "connection": "acme", "organization": "00801ACME", "link": "vendor/v-1/USD", "intent": "vendor.ensure",
    "attempt": 2, "generation": 3, "content_hash": "c0ffee", "mark": "TABCDEFGHIJKLMNOPQRS", "lane": "vendor/ab",
    "priority": 30, "issued": NOON, "target": "009AAA", "exclude": ("009BBB",),
}  # fmt: skip
VENDOR_CONTENT: Final = bill.BillVendorContent(
    name="Nordlys AS", short_name="10000", currency="USD", address=ADDRESS, email="ap@nordlys.example", phone="+47 1"
)
PLACE: Final = commands.DocumentPlace(partition=1, offsets=(7, 8), bytes=700_000, sha256="ab" * 32)
OUTCOME: Final = facts.OutcomeFact(
    command="c1", link="vendor/v-1/USD", intent="vendor.ensure", attempt=1, result=facts.Result.FOUND, content="c0ffee",
    target="009AAA", version="2026-03-01T12:00:00.000000Z", code="BDC_1171", message="exists", cure="link it",
    candidates=(facts.Candidate(id="009AAA", number="10000", name="Nordlys AS", detail="USD", content="c0ffee"),),
)  # fmt: skip
INVOICE: Final = erp.PurchaseInvoice(
    id="i-1", number="108001", vendor_invoice_number="INV-1", buy_from=erp.VendorRef(number="10000"),
    pay_to=erp.VendorRef(number="10000", id="v-1", name="Nordlys AS"), posting_date=DAY, document_date=DAY,
    due_date=date(2026, 6, 3), currency="USD", status=erp.DocumentStatus.OPEN, on_hold="", net="100.00", tax="25.00",
    total="125.00", open="25.00", version='W/"1"', modified=NOON,
    lines=(erp.InvoiceLine(id="l-1", kind=erp.LineKind.ITEM, number="1896-S", net="100.00", tax="25.00",
                           dimensions=(erp.DimensionCode(dimension="DEPARTMENT", value="SALES"),)),),
    postings=(erp.LedgerPosting(id="77", document_number="108001", posting_date=DAY, account="7110", amount="100.00"),),
)  # fmt: skip

ORDER: Final = erp_orders.PaymentOrder(
    mark="TABCDEFGHIJKLMNOPQRS", vendor=erp.VendorRef(number="10000"), cash=Money(amount="100.00", currency="USD"),
    applications=(erp_orders.Application(document="i-1", number="108001", ledger_entry="900", amount="100.00"),),
    process_date=DAY, posting_date=DAY,
    clearing=erp_orders.PostingAccount(kind=erp_orders.AccountKind.GENERAL, number="2950"), reference="stp1",
)  # fmt: skip
WORK: Final = HandWork(page="Vendor Ledger Entries", action="Reverse the transaction.", until="The invoice is open.")

ALL: Final[tuple[Payload, ...]] = (
    connections.ConnectionApplied(generation=3, settings=settings(), secret_versions={Side.BILL: 1, Side.ERP: 2}),
    raw.ErpRow(
        erp="business-central", kind=Kind.VENDOR, key="v-1", version='W/"1"', run=4,
        context=ReadContext(company="CRONUS", local_currency="USD"), document={"number": "10000", "balance": "20.5"},
    ),
    raw.ErpRun(erp="business-central", kind=Kind.VENDOR, run=4, phase=facts.RunPhase.ENDED, rows=12),
    raw.ErpUnreadable(
        erp="business-central", kind=Kind.VENDOR, key="v-1", version='W/"1"', run=4, reason="larger than 1 MiB"
    ),
    raw.ErpDocument(
        erp="business-central", link="bill/i-1", invoice="i-1", place=PLACE,
        document=erp.DocumentRef(id="doc-1", owner="i-1", name="a.pdf", size=700_000),
    ),
    raw.BillDocument(kind="vendor", key="009AAA", version="1", origin="poll", document={"id": "009AAA"}),
    facts.SettingsFact(generation=3, settings=settings()),
    facts.TickFact(slot=NOON),
    facts.RunFact(kind=Kind.VENDOR, number=4, phase=facts.RunPhase.BEGUN, rows=0),
    facts.VendorObserved(
        run=4,
        vendor=erp.Vendor(id="v-1", number="10000", name="Nordlys AS", currency="USD", address=ADDRESS, modified=NOON),
    ),
    facts.AccountObserved(run=4, account=erp.Account(id="a-1", number="6100", name="Office", modified=NOON)),
    facts.DimensionValueObserved(
        run=4, value=erp.DimensionValue(id="d-1", dimension="DEPARTMENT", code="SALES", name="Sales", blocked=False)
    ),
    facts.InvoiceObserved(run=4, invoice=INVOICE),
    facts.LedgerEntryObserved(
        run=4,
        entry=erp_ledger.VendorLedgerEntry(
            id="2831", type=erp_ledger.EntryType.INVOICE, vendor_number="10000", document_number="108001",
            posting_date=DAY, currency="USD", amount="125.00", open="25.00", is_open=True,
        ),
    ),
    facts.DocumentFetched(
        link="bill/i-1", invoice="i-1", document=erp.DocumentRef(id="doc-1", owner="i-1", name="a.pdf", size=700_000),
        place=PLACE,
    ),
    facts.BillPaymentObserved(
        payment=bill_payments.BillPayment(
            id="stp1", vendor="009AAA", amount="100.00", process_date=DAY, online=True, updated=NOON,
            parts=(bill_payments.BillPaymentPart(id="blp1", bill="00n1", amount="100.00"),),
            single_status=bill_payments.SingleStatus.PROCESSED, status_said="PROCESSED",
            funding=bill_payments.FundingAccount(type=bill_payments.FundingType.BANK_ACCOUNT, id="bac1"),
        )
    ),
    facts.BillObserved(
        bill=bill.Bill(id="00n1", vendor="009AAA", invoice_number="INV-1", amount="125.00", updated=NOON)
    ),
    facts.BillVendorObserved(vendor=bill.BillVendor(id="009AAA", name="Nordlys AS", short_name="10000", updated=NOON)),
    facts.UnreadableFact(
        side="erp", kind="vendor", key="v-1", topic="t.erp.changes", partition=1, offset=9, reason="number: missing"
    ),
    OUTCOME,
    facts.SideFact(side="bill", healed=True, reason="answers again"),
    facts.HoldReleased(
        link="bill/i-1", reason="bill.duplicate", person="p-1", role="ap", text="both are owed", choice="create"
    ),
    journal.Entry(what="linked", row="link/vendor/v-1/USD", value={"kind": "vendor", "phase": "linked"}, why="applied"),
    commands.VendorCommand.model_validate(FRAME | {"content": VENDOR_CONTENT, "archived": True}),
    commands.ClassificationCommand.model_validate(FRAME | {
        "intent": "classification.ensure",
        "content": bill.BillClassificationContent(
            kind=bill.ClassificationKind.ACCOUNT, name="Office", number="6100",
            account_type=bill.BillAccountType.EXPENSE,
        ),
    }),
    commands.BillCommand.model_validate(FRAME | {
        "intent": "bill.ensure", "original_number": "INV-1",
        "content": bill.BillContent(
            vendor="009AAA", invoice_number="INV-1", invoice_date=DAY, due_date=DAY,
            lines=(bill.BillLineContent(amount="125.00", coding=bill.BillCoding(account="0ca1")),),
        ),
    }),
    commands.PaymentRecordCommand.model_validate(FRAME | {
        "intent": "payment.record",
        "content": bill_payments.RecordedPaymentContent(
            vendor="009AAA", process_date=DAY, sync_reference="TABC",
            parts=(bill_payments.RecordedPart(bill="00n1", amount="100.00"),),
        ),
    }),
    commands.DocumentCommand.model_validate(
        FRAME | {"intent": "document.upload", "bill": "00n1", "name": "a.pdf", "place": PLACE}
    ),
    commands.ErpCommand.model_validate(
        FRAME | {"intent": "erp.payment", "link": "payment/stp1", "order": ORDER, "taken": ("900",)}
    ),
    effects.StepLogged(
        command_id="c1", result=erp_outcomes.StepResult(step="line/1", handles={"journal": "6f1a", "line": "10000"})
    ),
    effects.WaitingLogged(
        command_id="c1", waiting=erp_outcomes.NotYet(why=erp_outcomes.Waiting.PERSON, detail="reversal due", work=WORK)
    ),
    effects.RefusedLogged(
        command_id="c1", code="Application_DialogException", message="closed", cure="Open the period."
    ),
    effects.IntentLogged(
        command_id="c1", command=commands.VendorCommand.model_validate(FRAME | {"content": VENDOR_CONTENT}), tries=1,
        deadline=NOON, settled=NOON, request_hash="c0ffee",
    ),
    effects.DoubtLogged(command_id="c1", reason="no answer", lookups=1),
    effects.EndLogged(command_id="c1", outcome=OUTCOME, connection="acme"),
    effects.HealedLogged(connection="acme"),
    chunks.DocumentChunk(connection="acme", invoice="i-1", document="d-1", number=0, sealed=bytes(range(40))),
    effects.BudgetReserved(hour=NOON, resource="calls", amount=100),
    requests.CheckAsked(connection="acme", side=Side.BILL, generation=3, secret_version=1, deadline=NOON),
    requests.SyncAsked(connection="acme", generation=3, kinds=(Kind.VENDOR,), deadline=NOON),
    requests.RowsAsked(connection="acme", kind=Kind.PURCHASE_INVOICE, keys=("i-1",)),
    requests.DocumentsAsked(connection="acme", generation=3, link="bill/i-1", invoice="i-1"),
    requests.NoticeSeen(connection="acme", kind="bill", key="00n1", event="e1b6", updated=NOON),
    requests.CheckAnswered(
        request="r1", connection="acme", side=Side.BILL,
        lines=(requests.CheckLine(name="sign-in", status=requests.CheckStatus.OK, detail="as ap@example.com"),),
    ),
    requests.SnapshotAsked(
        connection="acme", side=Side.ERP, generation=3, since=DAY, deadline=NOON, control=("2110",), clearing="2950",
        sources=("2960",), bills=("00n1",),
    ),
    requests.SnapshotAnswered(
        request="r1", connection="acme", side=Side.ERP, number=0, last=True, currency="USD", unreadable=("77",),
        entries=(snapshots.OpenEntry(
            id="2831", type=erp_ledger.EntryType.INVOICE, vendor_number="10000", document="i-1",
            document_number="108001",
            posting_date=DAY, currency="USD", amount="125.00", open="25.00", local_open="25.00",
        ),),
        balances=(erp_ledger.AccountBalance(
            query=erp_ledger.BalanceQuery(role=erp_ledger.AccountRole.CONTROL, account="2110"), currency="USD",
            balance="-25.00", as_of=DAY,
        ),),
        strays=(snapshots.StrayDocument(
            document_number="GJ-1", posting_date=DAY, description="Correction", general="12.00", vendor="2.00"
        ),),
        postings=(snapshots.AccountPosting(
            id="77", account="2950", posting_date=DAY, document_number="TABC", description="BILL", amount="-100.00"
        ),),
        bills=(snapshots.BillSeen(
            id="00n1", vendor="009AAA", invoice_number="INV-1", invoice_date=DAY, amount="125.00", credited="1.00",
            updated=NOON,
        ),),
        payments=(snapshots.PaymentSeen(
            id="stp1", vendor="009AAA", amount="100.00", parts=(snapshots.PartSeen(bill="00n1", amount="100.00"),),
            stage=bill_payments.PaymentStage.TAKEN, online=True, process_date=DAY, updated=NOON,
        ),),
        problem=requests.CheckLine(name="bill", status=requests.CheckStatus.FAILED, detail="no answer", code="late"),
    ),
    tie_outs.TieOutPart(
        connection="acme", run="r7", as_of=DAY, taken=NOON, sha256="ab" * 32, size=40, differences=3, unexpected=1,
        complete=True, number=0, count=1, content=bytes(range(40)),
    ),
    cursors.ErpCursor(
        kind=Kind.VENDOR, run=4, started=NOON, ended=NOON, position="2026-03-01T12:00:00Z", edge={"v-1": 'W/"1"'},
        generation=3,
    ),
    cursors.BillCursor(
        kind="payment", run=4, started=NOON, ended=NOON, begins=DAY, position=NOON,
        edge={"stp1": "2026-03-01T12:00:00.250000Z"},
    ),
)  # fmt: skip
