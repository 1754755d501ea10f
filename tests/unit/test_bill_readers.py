"""Every kind of record that BILL shows has a reader by name, and each reads its golden sample."""

from decimal import Decimal
from json import loads
from pathlib import Path

import pytest

from tieout_connectors.bill.wire.readers import READERS

FIXTURES = Path(__file__).parent.parent / "fixtures" / "bill"


@pytest.mark.parametrize(
    ("kind", "sample"),
    [
        ("vendor", "vendor"),
        ("bill", "bill"),
        ("bill", "bill.created"),
        ("credit", "credit"),
        ("payment", "payment"),
        ("account", "account"),
        ("department", "department"),
        ("subscription", "subscription.created"),
        ("event", "webhook.payment.failed"),
    ],
)
def test_a_record_survives_the_log(kind: str, sample: str) -> None:
    """What was read, written to the log and read again is the same, to the cent."""
    record = READERS[kind](loads((FIXTURES / f"{sample}.json").read_text(), parse_float=Decimal))
    assert type(record).model_validate_json(record.model_dump_json()) == record


def test_every_kind_is_named() -> None:
    """The list that inspection and mapping choose from."""
    assert sorted(READERS) == [
        "account",
        "accounting_class",
        "bank_account",
        "bill",
        "credit",
        "delivered_event",
        "department",
        "document",
        "event",
        "job",
        "location",
        "payment",
        "subscription",
        "vendor",
    ]
