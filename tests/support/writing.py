"""Decider and bill-writer against BILL's simulator, fed with facts as the mapper would."""

import json
from typing import Final

from support.installation import Installation, store_bill_credentials
from support.simulators import Running
from tieout.domain.erp import Vendor
from tieout.domain.records import Address
from tieout.domain.settings import ConnectionSettings
from tieout.events.facts import VendorObserved
from tieout.log.topics import Topic
from tieout_sandbox.bill.default_world import DEV_KEY, ORGANIZATION, PASSWORD, USERNAME

FAST: Final = {
    "bill_write_within": "1", "bill_http_timeout": "2", "bill_settle": "0.5", "bill_lookup_gap": "0.3",
    "bill_retry_cap": "0.5", "bill_retry_for": "20",
}  # fmt: skip
ADDRESS: Final = Address(line1="1 Quay", city="Oslo", postal_code="0150", country="NO")


def settings(bill: Running, **changes: object) -> ConnectionSettings:
    """A connection to the simulated organization."""
    base: dict[str, object] = {
        "connection": "acme",
        "state": "active",
        "erp": {"kind": "business-central", "tenant": "contoso.example", "company": "CRONUS"},
        "bill": {
            "organization": ORGANIZATION,
            "endpoints": {"api": f"{bill.url}/connect", "events": f"{bill.url}/connect-events"},
        },
        "cutover": {"date": "2026-01-01"},
    }
    return ConnectionSettings.model_validate(base | changes)


def vendor(number: int, **changes: object) -> VendorObserved:
    """A poll run saw a vendor."""
    base: dict[str, object] = {
        "id": f"v-{number}", "number": f"W{number:05}", "name": f"Vendor {number} AS", "currency": "USD",
        "address": ADDRESS,
    }  # fmt: skip
    return VendorObserved(run=1, vendor=Vendor.model_validate(base | changes))


def observe(made: Installation, *facts: VendorObserved) -> None:
    """The mapper's share: facts in the log."""
    made.write(*((Topic.FACTS, made.message("acme", fact, f"f{fact.vendor.id}{fact.vendor.name}")) for fact in facts))


def vendors(bill: Running) -> dict[str, list[str]]:
    """Names in BILL by short name."""
    found: dict[str, list[str]] = {}
    for organization in bill.ledger()["organizations"].values():
        for one in organization["vendors"]:
            found.setdefault(one.get("shortName", ""), []).append(one["name"])
    return found


def linked(made: Installation) -> dict[str, str]:
    """Links that stand, with BILL's ids."""
    rows = {key: json.loads(value) for key, value in made.state().items() if key.startswith("acme/link/")}
    return {key: row["target"] for key, row in rows.items() if row["phase"] == "linked"}


def begin(made: Installation, bill: Running) -> None:
    """Credentials, settings, both services."""
    store_bill_credentials(made, "acme", USERNAME, PASSWORD, DEV_KEY)
    made.apply(settings(bill))
    made.start("tieout_decider")
    made.start("tieout_bill_writer", **FAST)
