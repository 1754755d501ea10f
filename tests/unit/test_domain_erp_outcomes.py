"""How an order stands: which step is next, and whether what is posted is what was asked."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tieout.domain.erp import VendorRef
from tieout.domain.erp_orders import (
    AccountKind,
    Application,
    EntryRef,
    FundsTransferOrder,
    PaymentOrder,
    PostingAccount,
    Settled,
)
from tieout.domain.erp_outcomes import (
    Applied,
    Found,
    FoundBy,
    PostedPayment,
    PostedTransfer,
    Standing,
    Step,
    StepEffect,
    StepResult,
    next_step,
    payment_differences,
    transfer_differences,
)
from tieout.domain.money import Money

DAY = date(2026, 4, 2)
CLEARING = PostingAccount(kind=AccountKind.GENERAL, number="2950")
BANK = PostingAccount(kind=AccountKind.BANK, number="CHECKING")
ENTRY = EntryRef(ledger="vendor", id="2832")
EFFECTS = {"batch": StepEffect.PREPARE, "line/1": StepEffect.PREPARE, "post": StepEffect.POST, "gone": StepEffect.TIDY}
PLAN = tuple(
    Step(name=name, call=f"POST /{name}", effect=effect, mark="TMARK", settle=480) for name, effect in EFFECTS.items()
)
ORDER = PaymentOrder(
    mark="TMARK",
    vendor=VendorRef(number="20000"),
    applications=(
        Application(document="i1", number="108031", amount=Decimal(700), discount=Decimal(20)),
        Application(document="i2", number="108032", amount=Decimal(400), instalment=2),
        Application(document="c1", number="109001", amount=Decimal(-100), settles=Settled.CREDIT),
    ),
    cash=Money(amount=Decimal(1000), currency="USD"),
    process_date=DAY,
    posting_date=DAY,
    clearing=CLEARING,
)


def posted(**changes: object) -> PostedPayment:
    """ORDER as a ledger shows it, but for what is changed."""
    fields: dict[str, object] = {
        "mark": "TMARK",
        "entries": (ENTRY,),
        "document_numbers": ("TMARK",),
        "vendor_number": "20000",
        "posting_date": DAY,
        "cash": Money(amount=Decimal("1000.00"), currency="USD"),
        "applied": (
            Applied(settles=Settled.CREDIT, document="c1", amount=Decimal("-100.00"), open_after=Decimal(0)),
            Applied(document="i2", instalment=2, amount=Decimal("400.0"), open_after=None),
            Applied(document="i1", amount=Decimal(700), discount=Decimal("20.00"), open_after=Decimal(0)),
        ),
        "unapplied": Decimal(0),
        "clearing": CLEARING,
        "cleared": Decimal("1000.00"),
    }
    return PostedPayment.model_validate(fields | changes)


def found(standing: Standing, *done: str, by: FoundBy | None = FoundBy.MARK) -> Found:
    return Found(standing=standing, by=by, done=tuple(StepResult(step=name) for name in done))


def test_an_absent_order_begins_at_the_beginning() -> None:
    """Nothing there: the first step is taken."""
    assert next_step(PLAN, found(Standing.ABSENT, by=None)) == PLAN[0]


@settings(derandomize=True, deadline=None)
@given(st.sets(st.sampled_from(sorted(EFFECTS))))
def test_a_step_seen_done_is_never_taken_again(done: set[str]) -> None:
    """Wherever a crash or a person left it, the first missing step is next, in the plan's order."""
    step = next_step(PLAN, found(Standing.PARTIAL, *done))
    missing = [name for name in EFFECTS if name not in done]
    assert (step.name if step else None) == (missing[0] if missing else None)


def test_a_posted_order_is_only_tidied_up() -> None:
    """A person who posted our lines spares us the posting, and nothing is posted a second time."""
    assert next_step(PLAN, found(Standing.POSTED, "post")) == PLAN[-1]
    assert next_step(PLAN, found(Standing.POSTED)) == PLAN[-1]
    assert next_step(PLAN, found(Standing.POSTED, "gone")) is None


@pytest.mark.parametrize("standing", [Standing.WAITING, Standing.ALTERED, Standing.SEVERAL, Standing.UNDONE])
def test_what_a_person_decides_is_left_alone(standing: Standing) -> None:
    """An altered, doubled, waiting or undone recording is never written on."""
    assert next_step(PLAN, found(standing)) is None


@pytest.mark.parametrize("standing", [Standing.PARTIAL, Standing.POSTED])
@pytest.mark.parametrize("by", [FoundBy.NATURAL_KEY, None])
def test_a_look_alike_is_never_continued(standing: Standing, by: FoundBy | None) -> None:
    """What was not recognised by its mark may be a person's own work."""
    assert next_step(PLAN, found(standing, by=by)) is None


def test_an_order_done_by_hand_has_no_steps() -> None:
    """An empty plan writes nothing."""
    assert next_step((), found(Standing.ABSENT, by=None)) is None


def test_a_payment_booked_as_asked_is_proved() -> None:
    """Order of lines and trailing zeros do not matter."""
    assert payment_differences(ORDER, posted()) == ()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"cash": Money(amount=Decimal(999), currency="USD")}, "cash"),
        ({"cash": Money(amount=Decimal(1000), currency="EUR")}, "cash"),
        ({"unapplied": Decimal("0.01")}, "unapplied"),
        ({"posting_date": date(2026, 4, 3)}, "posting date"),
        ({"clearing": BANK}, "clearing account"),
        ({"vendor_number": "20001"}, "vendor"),
        ({"cleared": Decimal(980)}, "clearing: "),
        ({"applied": posted().applied[:2]}, "invoice:i1:: 700 and 20 discount was asked, nothing is posted"),
        (
            {"applied": (*posted().applied, Applied(document="i9", amount=Decimal(1), open_after=None))},
            "invoice:i9:: nothing was asked, 1 is posted",
        ),
        (
            {"applied": (*posted().applied[:2], Applied(document="i1", amount=Decimal(720), open_after=Decimal(0)))},
            "invoice:i1:: 700 and 20 discount was asked, 720 is posted",
        ),
        (
            {
                "applied": (
                    posted().applied[0],
                    Applied(document="i2", instalment=1, amount=Decimal(400), open_after=None),
                    posted().applied[2],
                )
            },
            "invoice:i2:1: nothing was asked",
        ),
    ],
)
def test_every_difference_is_told(changes: dict[str, object], told: str) -> None:
    """A payment that was booked otherwise than asked is never taken for proof."""
    differences = payment_differences(ORDER, posted(**changes))
    assert any(told in each for each in differences), differences


def test_what_cannot_be_read_is_no_difference() -> None:
    """An ERP whose general ledger cannot be read is judged by its vendor ledger."""
    assert payment_differences(ORDER, posted(cleared=None)) == ()


def test_a_proof_names_its_entries() -> None:
    """Without an entry of a ledger there is no proof."""
    with pytest.raises(ValidationError, match="entries"):
        posted(entries=())


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, None),
        ({"amount": Money(amount=Decimal(1499), currency="USD")}, "amount"),
        ({"posting_date": date(2026, 4, 3)}, "posting date"),
        ({"clearing": PostingAccount(kind=AccountKind.GENERAL, number="2960")}, "clearing account"),
        ({"bank": PostingAccount(kind=AccountKind.GENERAL, number="CHECKING")}, "bank"),
    ],
)
def test_a_transfer_is_proved_like_a_payment(changes: dict[str, object], told: str | None) -> None:
    """Amount, day and both accounts of a transfer must be as asked."""
    amount = Money(amount=Decimal(1500), currency="USD")
    order = FundsTransferOrder(
        mark="TMOVE", amount=amount, process_date=DAY, posting_date=DAY, clearing=CLEARING, bank=BANK
    )
    fields: dict[str, object] = {
        "mark": "TMOVE",
        "entries": (ENTRY,),
        "document_number": "TMOVE",
        "posting_date": DAY,
        "amount": amount,
        "clearing": CLEARING,
        "bank": BANK,
    }
    differences = transfer_differences(order, PostedTransfer.model_validate(fields | changes))
    assert [each.split(":")[0] for each in differences] == ([] if told is None else [told])
