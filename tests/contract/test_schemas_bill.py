"""BILL's simulator against schemas that were written from BILL's pages alone."""

from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from support.bill_caller import beside, travel
from support.bill_journeys import JOURNEYS
from support.recorded_journeys import Journeys
from support.wire_contract import FORMATS, Contract, changed, nulled, published

PUBLISHED = published("bill")

# Reference, place and value: what by its documentation BILL never sends.
NEVER: list[tuple[str, str, object]] = [
    ("login.json", "organizationId", "00901FIXTURE"),
    ("login.json", "apiEndPoint", "https://api.bill.example"),
    ("vendor.json", "id", "00n01FIXTURE"),
    ("vendor.json", "accountNumber", 17),
    ("vendor.json", "shortName", ""),
    ("vendor.json", "address/country", "USA"),
    ("vendor.json", "createdTime", "2026-01-01T10:00:00.000Z"),
    ("vendor.json", "createdTime", "2026-01-01T10:00:00+00:00"),
    ("vendor.json", "createdTime", "2026-13-01T10:00:00.000+00:00"),
    ("vendor.json", "paymentInformation/payByType", "CASH"),
    ("bill.json", "invoice/invoiceNumber", "F" * 22),
    ("bill.json", "invoice/invoiceDate", "2026-02-01T00:00:00.000Z"),
    ("bill.json", "dueDate", "2026-02-30"),
    ("bill.json", "amount", "500.00"),
    ("bill.json", "amount", Decimal("500.001")),
    ("bill.json", "amount", -1),
    ("bill.json", "paymentStatus", "PARTIAL"),
    ("bill.json", "billLineItems", []),
    ("bill.json", "billLineItems/0/taxAmount", 1),
    ("bill.json", "classifications/jobId", "job01A"),
    ("bill.json", "billCurrency", "USD"),
    ("bill.json#/$defs/created", "vendorName", "Fjord Rope AS"),
    ("payment.json", "billId", "00n01FIXTUREBILL0001"),
    ("payment.json", "status", "CANCELED"),
    ("payment.json", "singleStatus", "CANCELLED"),
    ("payment.json", "syncReference", "108001"),
    ("payment.json", "fundingAccount", {"type": "WALLET", "id": "w"}),
    ("payment.json", "disbursementInfo/checkDisbursement/checkNumber", "6193"),
    ("payment.json", "transactionNumber", "abc"),
    ("account.json", "account/type", "TAX"),
    ("document.json#/$defs/status", "0/documentId", "0du01A"),
    ("event.json", "payload", {"metadata": {}}),
    ("event.json", "payload", "{"),
    ("event.json", "type", "payment.created"),
    ("delivery.json", "bill/billLineItems", []),
    ("delivery.json", "bill/invoice/invoiceDate", "2026-02-01"),
    ("delivery.json", "bill/vendorName", "Fjord Rope AS"),
    ("errors.json#/$defs/401", "0/code", "BDC_1144"),
    ("errors.json#/$defs/401", "0/severity", "FATAL"),
]


@pytest.fixture(scope="module")
def journeys(loopback_ca: Any) -> Journeys:
    """All journeys, each made once."""
    made = {name: partial(travel, one, loopback_ca.server(), loopback_ca.ca_file) for name, one in JOURNEYS.items()}
    return Journeys(Contract("bill"), made, beside)


@pytest.mark.parametrize("name", JOURNEYS)
def test_every_answer_is_one_that_bill_would_give(journeys: Journeys, name: str) -> None:
    """Who builds against the simulator meets BILL's documents, and no status that BILL does not have."""
    assert "\n".join(journeys.problems(name)) == ""


def test_every_schema_was_met_by_an_answer(journeys: Journeys) -> None:
    """No part of the contract stands there unproved."""
    assert "\n".join(journeys.unmet()) == ""


def test_every_format_is_checked() -> None:
    """A format that nobody checks would let anything pass."""
    assert Contract("bill").formats() <= set(FORMATS.checkers)


@pytest.mark.parametrize("reference", PUBLISHED)
def test_a_shape_that_bill_publishes_fits(reference: str) -> None:
    """The contract is no narrower than what BILL prints, and null is nowhere an absent field."""
    contract = Contract("bill")
    for document in PUBLISHED[reference]:
        assert list(contract.document(reference, document)) == []
        accepted = [place for place, copy in nulled(document) if not list(contract.document(reference, copy))]
        assert accepted == []


@pytest.mark.parametrize(("reference", "place", "value"), NEVER)
def test_what_bill_never_sends_is_refused(reference: str, place: str, value: object) -> None:
    """Each rule of the contract can be broken, and is noticed."""
    document = changed(PUBLISHED[reference][0], place, value)
    assert list(Contract("bill").document(reference, document)) != []
