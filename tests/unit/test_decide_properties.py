"""Whatever happens in whatever order: the promises of a decision hold."""

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from support.deciding import ADDRESS, World
from support.deciding import settings as connection
from tieout.decide.folding import MemoryView
from tieout.decide.rows import LinkRow, WindowRow
from tieout.domain.erp import Account, AccountCategory, InvoiceLine, PurchaseInvoice, Vendor, VendorRef
from tieout.events.envelope import Payload
from tieout.events.facts import (
    AccountObserved,
    Candidate,
    InvoiceObserved,
    OutcomeFact,
    Result,
    SettingsFact,
    SideFact,
    VendorObserved,
)

VENDORS = st.builds(
    lambda n, name, whole, blocked: VendorObserved(
        run=1,
        vendor=Vendor.model_validate(
            {"id": f"v-{n}", "number": f"{n}", "name": name, "currency": "USD", "blocked": blocked,
             "address": ADDRESS if whole else {}}
        ),
    ),
    st.integers(1, 3), st.sampled_from(["A", "B"]), st.booleans(), st.sampled_from(["no", "no", "payment", "all"]),
)  # fmt: skip
ACCOUNTS = st.builds(
    lambda n, blocked: AccountObserved(
        run=1,
        account=Account(
            id=f"a-{n}", number=f"610{n}", name=f"Account {n}", category=AccountCategory.EXPENSE, blocked=blocked
        ),
    ),
    st.integers(1, 2), st.booleans(),
)  # fmt: skip


def _invoice(number: int, vendor: int, account: int, hold: str, paid: int, same: bool) -> InvoiceObserved:  # noqa: FBT001
    day = "2026-05-04"
    return InvoiceObserved(
        run=1,
        invoice=PurchaseInvoice.model_validate({
            "id": f"i-{number}", "number": f"1{number}", "vendor_invoice_number": "X" if same else f"INV-{number}",
            "buy_from": VendorRef(number=str(vendor)), "pay_to": VendorRef(number=str(vendor)),
            "posting_date": day, "document_date": day, "due_date": day, "currency": "USD",
            "status": "paid" if paid == 100 else "open", "net": "100", "tax": "0", "total": "100",
            "open": str(100 - paid), "on_hold": hold,
            "lines": [InvoiceLine.model_validate(
                {"id": "l", "kind": "account", "account": f"610{account}", "net": "100", "tax": "0"})],
        }),
    )  # fmt: skip


INVOICES = st.builds(
    _invoice, st.integers(1, 6), st.integers(1, 3), st.integers(1, 2), st.sampled_from(["", "", "AB"]),
    st.sampled_from([0, 0, 40, 100]), st.booleans(),
)  # fmt: skip
OTHERS = st.sampled_from(
    [
        SideFact(side="bill", healed=True),
        SettingsFact(generation=2, settings=connection(state="paused")),
        SettingsFact(generation=3, settings=connection()),
    ]
)
ANSWERS = st.tuples(st.integers(0, 50), st.sampled_from(list(Result)), st.booleans())
STEPS = st.lists(st.one_of(VENDORS, ACCOUNTS, INVOICES, OTHERS, ANSWERS, ANSWERS), max_size=60)


def _answer(world: World, pick: int, result: Result, *, same: bool) -> None:
    if not world.issued:
        return
    command = world.issued[pick % len(world.issued)]
    target = f"00x{command.frame.link}" if same else f"00y{command.frame.link}"
    frame: Any = command.frame
    number = getattr(getattr(frame, "content", None), "short_name", "") or ""
    candidate = Candidate(id=target, number=number, content=frame.content_hash if same else "other")
    world.answer(
        result, command, target=target, candidates=(candidate,) if result in (Result.FOUND, Result.ESCALATED) else ()
    )


def _links(world: World) -> dict[str, LinkRow]:
    rows = world.view.rows.items()
    return {key[5:]: LinkRow.model_validate_json(value) for key, value in rows if key.startswith("link/")}


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_promises_of_every_decision(steps: list[Payload | tuple[int, Result, bool]]) -> None:
    """One command in flight per link, an honest window, no id used twice, one owner per BILL object."""
    world = World()
    outstanding: dict[str, str] = {}
    finished: Counter[str] = Counter()
    for step in steps:
        issued = len(world.issued)
        if isinstance(step, tuple):
            _answer(world, step[0], step[1], same=step[2])
        else:
            decision = world.feed(step)
            assert len(decision.entries) <= 200
        links = _links(world)
        for command in world.issued[issued:]:
            previous = outstanding.get(command.frame.link)
            assert previous is None or links[command.frame.link].command == command.id
            outstanding[command.frame.link] = command.id
            finished[command.id] += 1
        window = world.view.rows.get("window/bill")
        unanswered = 0 if window is None else WindowRow.model_validate_json(window).unanswered
        assert unanswered == sum(row.slot for row in links.values())
        assert all(row.command for row in links.values() if row.slot)
        owners = Counter(row.target for row in links.values() if row.target)
        assert not [target for target, count in owners.items() if count > 1]
    assert not [identity for identity, count in finished.items() if count > 1]


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_the_same_facts_give_the_same_decisions_and_the_fold_is_the_state(
    steps: list[Payload | tuple[int, Result, bool]],
) -> None:
    """Replay is exact: same entries, same commands, and folding the journal gives the live state."""
    first, second, journal = World(), World(), MemoryView()
    journal.rows = dict(first.view.rows)
    for step in steps:
        if isinstance(step, tuple):
            for world in (first, second):
                _answer(world, step[0], step[1], same=step[2])
            journal.rows = dict(first.view.rows)
            continue
        decision = first.feed(step)
        assert second.feed(step) == decision
        journal.apply(decision.entries)
        assert journal.rows == first.view.rows
    assert [command.id for command in first.issued] == [command.id for command in second.issued]


def test_outcomes_of_a_link_nobody_knows_are_ignored() -> None:
    """An answer to a connection that was rebuilt from nothing changes nothing."""
    world = World()
    stray = OutcomeFact(command="c", link="vendor/v/USD", intent="vendor.ensure", attempt=1, result=Result.APPLIED)
    assert not world.feed(stray).entries
