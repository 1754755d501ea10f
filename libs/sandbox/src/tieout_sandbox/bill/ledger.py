"""The ground truth as one JSON document: records, journal and balances of every organization, amounts as texts."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tieout_sandbox.bill.installation import Installation
from tieout_sandbox.bill.organization import Organization
from tieout_sandbox.bill.store import Collection, Row
from tieout_sandbox.bill.subscriptions import show
from tieout_sandbox.bill.times import printed
from tieout_sandbox.bill.webhooks import Webhooks


def ledger(installation: Installation, webhooks: Webhooks) -> dict[str, Any]:
    """All organizations, the limits used, and what was sent to whom."""
    return {
        "system": "bill",
        "now": printed(installation.clock.now()),
        "organizations": {org_id: _organization(org) for org_id, org in installation.organizations.items()},
        "usage": installation.gate.usage(),
        "webhooks": sent(webhooks),
    }


def sent(webhooks: Webhooks) -> dict[str, Any]:
    """Subscriptions without their keys, every attempt to send, and how much is still on its way."""
    return {
        "subscriptions": [show(one) for one in webhooks.subscriptions.values()],
        "attempts": list(webhooks.courier.attempts),
        "pending": webhooks.courier.pending,
    }


def _organization(org: Organization) -> dict[str, Any]:
    balances = org.books.balances()
    return {
        "name": org.profile["name"],
        "vendors": _rows(org.vendors),
        "bills": _rows(org.bills),
        "vendorCredits": _rows(org.credits),
        "payments": _rows(org.payments),
        "documents": _rows(org.documents),
        "banks": _rows(org.banks),
        "cards": _rows(org.cards),
        "classifications": {kind: _rows(rows) for kind, rows in org.classifications.items()},
        "users": [{"id": user.id, "username": user.username, "role": user.role} for user in org.users.values()],
        "policies": list(org.policies.values()),
        "journal": list(org.books.printed()),
        "balances": {account: f"{amount:.2f}" for account, amount in balances.items()},
        "imbalance": f"{sum(balances.values(), Decimal(0)):.2f}",
    }


def _rows(rows: Collection) -> list[dict[str, Any]]:
    return [row_of(row) for row in rows]


def row_of(row: Row) -> dict[str, Any]:
    """A record with everything known of it, amounts as texts."""
    return {
        "id": row.id,
        "archived": row.archived,
        "createdBy": row.created_by,
        "createdTime": printed(row.created),
        "updatedTime": printed(row.updated),
        **exact(row.fields),
    }


def exact(value: Any) -> Any:
    """The value with decimals as texts of all their digits."""
    if isinstance(value, Decimal):
        return f"{value:.2f}" if value == value.quantize(Decimal("0.01")) else str(value)
    if isinstance(value, Mapping):
        return {name: exact(one) for name, one in value.items()}
    return [exact(one) for one in value] if isinstance(value, list) else value
