"""``purchaseOrders`` and ``purchaseOrderLines``: read-only here, people make and invoice them."""

from tieout_sandbox.business_central.books.documents import Document, Line
from tieout_sandbox.business_central.odata.schema import entity
from tieout_sandbox.business_central.odata.sets import EntitySet, Navigation, Scope
from tieout_sandbox.business_central.refusals import Refusal
from tieout_sandbox.business_central.sets.invoice_lines import KINDS, LINE_GETTERS, line_by_key, lines_source
from tieout_sandbox.business_central.sets.invoices import HEADER_GETTERS

ORDER = entity(
    "purchaseOrder",
    """
id guid R
number code20 R
orderDate date
postingDate date
vendorId guid
vendorNumber code20
vendorName text100 R
payToName text100 R
payToVendorId guid
payToVendorNumber code20
shipToName text100
shipToContact text100
buyFromAddressLine1 text100
buyFromAddressLine2 text50
buyFromCity text30
buyFromCountry code10
buyFromState text30
buyFromPostCode code20
payToAddressLine1 text100 R
payToAddressLine2 text50 R
payToCity text30 R
payToCountry code10 R
payToState text30 R
payToPostCode code20 R
shipToAddressLine1 text100
shipToAddressLine2 text50
shipToCity text30
shipToCountry code10
shipToState text30
shipToPostCode code20
shortcutDimension1Code code20
shortcutDimension2Code code20
currencyId guid
currencyCode code10
pricesIncludeTax bool
paymentTermsId guid
shipmentMethodId guid
purchaser code20
requestedReceiptDate date
discountAmount decimal
discountAppliedBeforeTax bool R
totalAmountExcludingTax decimal R
totalTaxAmount decimal R
totalAmountIncludingTax decimal R
fullyReceived bool
status enum R
lastModifiedDateTime time R
""",
    members={"status": ("Draft", "In Review", "Open")},
    getters={
        **HEADER_GETTERS,
        "status": lambda row, _books: "Open" if row.released else "Draft",
        "shipmentMethodId": lambda _row, _books: "",
    },
)
ORDER_LINE = entity(
    "purchaseOrderLine",
    """
id guid R
documentId guid
sequence int
itemId guid
accountId guid
lineType enum
lineObjectNumber code20
description text100
description2 text50
unitOfMeasureId guid
unitOfMeasureCode code10
quantity decimal
directUnitCost decimal
discountAmount decimal
discountPercent decimal
discountAppliedBeforeTax bool R
amountExcludingTax decimal R
taxCode code50
taxPercent decimal R
totalTaxAmount decimal R
amountIncludingTax decimal R
invoiceDiscountAllocation decimal R
netAmount decimal R
netTaxAmount decimal R
netAmountIncludingTax decimal R
expectedReceiptDate date
receivedQuantity decimal
invoicedQuantity decimal
invoiceQuantity decimal
receiveQuantity decimal
itemVariantId guid
locationId guid
""",
    members={"lineType": KINDS},
    getters=LINE_GETTERS,
)


def is_order(row: Document) -> bool:
    """Whether a document is a purchase order."""
    return row.kind == "Order"


def _of_orders(scope: Scope, row: Line) -> bool:
    document = scope.books.documents.get(row.document)
    if document is None:
        raise Refusal("no_record", table="Purchase Header")
    return not is_order(document)


SETS = [
    EntitySet(
        "purchaseOrders",
        ORDER,
        "Purchase Order Entity Buffer",
        table=lambda books: books.documents,
        hidden=lambda _scope, row: not is_order(row),
        navigation={
            "purchaseOrderLines": Navigation("purchaseOrderLines"),
            "dimensionSetLines": Navigation("dimensionSetLines"),
            "attachments": Navigation("attachments"),
            "documentAttachments": Navigation("documentAttachments"),
            "vendor": Navigation("vendors", lambda books, row: books.vendors.find(row.vendor)),
        },
    ),
    EntitySet(
        "purchaseOrderLines",
        ORDER_LINE,
        "Purch. Inv. Line Aggregate",
        source=lines_source,
        get=line_by_key,
        hidden=_of_orders,
        navigation={"dimensionSetLines": Navigation("dimensionSetLines")},
    ),
]
