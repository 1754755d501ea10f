"""All entity sets of API v2.0 by name."""

from tieout_sandbox.business_central.odata.sets import EntitySet
from tieout_sandbox.business_central.sets import (
    dimensions,
    files,
    invoice_lines,
    invoices,
    journals,
    ledgers,
    orders,
    payments,
    reference,
    vendors,
)

REGISTRY: dict[str, EntitySet] = {
    one.name: one
    for module in (
        vendors,
        invoices,
        invoice_lines,
        dimensions,
        ledgers,
        reference,
        journals,
        payments,
        orders,
        files,
    )
    for one in module.SETS
}
