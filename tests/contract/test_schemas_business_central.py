"""The simulators of Entra and Business Central against schemas that were written from the documentation alone."""

from decimal import Decimal
from functools import partial

import pytest

from support.business_central_journeys import JOURNEYS, beside, travel
from support.recorded_journeys import Journeys
from support.wire_contract import FORMATS, Contract, changed, nulled, published

PUBLISHED = published("business-central")

# Reference, place and value: what by its documentation the service never sends.
NEVER: list[tuple[str, str, object]] = [
    ("vendor.json", "blocked", " "),
    ("vendor.json", "id", "2B1C2D3E-4F50-6172-8394-A5B6C7D8E9F0"),
    ("vendor.json", "id", "{2b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0}"),
    ("vendor.json", "number", "fjord"),
    ("vendor.json", "number", "40010 "),
    ("vendor.json", "balance", "2071.13"),
    ("vendor.json", "balance", Decimal("2071.10")),
    ("vendor.json", "balance", Decimal("0.000001")),
    ("vendor.json", "email", "x" * 81),
    ("vendor.json", "lastModifiedDateTime", "2026-01-21T07:38:46.530Z"),
    ("vendor.json", "lastModifiedDateTime", "2026-01-21T07:38:46.1234Z"),
    ("vendor.json", "lastModifiedDateTime", "2026-01-21T07:38:46+00:00"),
    ("vendor.json", "@odata.etag", 'W/"bm90aGluZw=="'),
    ("vendor.json", "@odata.etag", '"JzE4OzEyMzQ1Njc4OTAxMjM0NTY3ODE7MDA7Jw=="'),
    ("vendor.json", "bankAccount", ""),
    ("account.json", "category", "Cost of Goods Sold"),
    ("account.json", "balance", 1),
    ("purchaseInvoice.json", "status", "In Review"),
    ("purchaseInvoice.json", "remainingAmount", 1),
    ("purchaseInvoice.json", "paymentTermsId", "00000000-0000-0000-0000-000000000000"),
    ("purchaseInvoice.json", "dueDate", "0000-00-00"),
    ("purchaseInvoice.json", "dueDate", "2026-01-01T00:00:00Z"),
    ("purchaseInvoiceLine.json", "lineType", "Fixed Asset"),
    ("purchaseInvoiceLine.json", "lastModifiedDateTime", "2026-01-21T00:26:53Z"),
    ("generalLedgerEntry.json", "vendorNumber", "1"),
    ("generalLedgerEntry.json", "entryNumber", 2**31),
    ("vendorLedgerEntry.json", "Amount", 1000),
    ("vendorLedgerEntry.json", "On_Hold", "LONG"),
    ("vendorLedgerEntry.json", "Open", False),
    ("vendorLedgerEntry.json", "Document_Type", "Credit Memo"),
    ("journalLine.json", "accountType", "G/L Account"),
    ("journalLine.json", "appliesToInvoiceId", "00000000-0000-0000-0000-000000000000"),
    ("list.json", "@odata.nextLink", "vendors?$skiptoken=1"),
    ("list.json", "value/0/@odata.context", "https://api.example/$metadata#x/$entity"),
    ("errors.json#/$defs/404", "error/message", "Nothing."),
    ("errors.json#/$defs/404", "error/code", "Request_EntityChanged"),
    ("errors.json#/$defs/404", "error/details", []),
    ("headers.json#/$defs/201", "content-type", "application/json"),
]


@pytest.fixture(scope="module")
def journeys() -> Journeys:
    """All journeys, each made once."""
    made = {name: partial(travel, one) for name, one in JOURNEYS.items()}
    return Journeys(Contract("business-central"), made, beside)


@pytest.mark.parametrize("name", JOURNEYS)
def test_every_answer_is_one_that_business_central_would_give(journeys: Journeys, name: str) -> None:
    """Who builds against the simulator meets the service's documents, headers and statuses, and no others."""
    assert "\n".join(journeys.problems(name)) == ""


def test_every_schema_was_met_by_an_answer(journeys: Journeys) -> None:
    """No part of the contract stands there unproved."""
    assert "\n".join(journeys.unmet()) == ""


def test_every_format_is_checked() -> None:
    """A format that nobody checks would let anything pass."""
    assert Contract("business-central").formats() <= set(FORMATS.checkers)


@pytest.mark.parametrize("reference", PUBLISHED)
def test_a_published_shape_fits(reference: str) -> None:
    """The contract is no narrower than what is published of running servers, and null is nowhere emptiness."""
    contract = Contract("business-central")
    for document in PUBLISHED[reference]:
        assert list(contract.document(reference, document)) == []
        accepted = [place for place, copy in nulled(document) if not list(contract.document(reference, copy))]
        assert accepted == []


@pytest.mark.parametrize(("reference", "place", "value"), NEVER)
def test_what_the_service_never_sends_is_refused(reference: str, place: str, value: object) -> None:
    """Each rule of the contract can be broken, and is noticed."""
    document = changed(PUBLISHED[reference][0], place, value)
    assert list(Contract("business-central").document(reference, document)) != []
