"""Subscriptions as records, and what may be subscribed to."""

import re
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tieout_sandbox.business_central.odata.values import etag, show_time
from tieout_sandbox.business_central.refusals import Refusal

# The sets that webhooks are offered for, of those the simulator has.
SUPPORTED = (
    "accounts",
    "companyInformation",
    "currencies",
    "dimensions",
    "generalLedgerEntries",
    "journals",
    "paymentMethods",
    "paymentTerms",
    "purchaseInvoices",
    "unitsOfMeasure",
    "vendors",
)
CLIENT_STATE_LIMIT = 2048
_RESOURCE = re.compile(
    r"(?:https?://[^/]+/.*?)?/?api/v2\.0/companies\((?P<company>[0-9a-fA-F-]{36})\)/(?P<set>\w+)", re.IGNORECASE
)
_FIELDS = ("notificationUrl", "resource", "clientState")


@dataclass(eq=False)
class Subscription:
    """One subscription. ``first_change`` and ``changes`` wait for the next notification."""

    url: str
    resource: str
    client_state: str
    company: str
    entity_set: str
    user: str
    created: datetime
    modified: datetime
    expires: datetime
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    version: int = 1
    first_change: datetime | None = None
    changes: dict[str, tuple[str, datetime]] = field(default_factory=dict)

    @property
    def etag(self) -> str:
        """Its ETag."""
        return etag(f"subscription{self.id}", self.version)

    def shown(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "@odata.etag": self.etag,
            "subscriptionId": self.id,
            "notificationUrl": self.url,
            "resource": self.resource,
            "timestamp": self.version,
            "userId": self.user,
            "lastModifiedDateTime": show_time(self.modified),
            "clientState": self.client_state,
            "expirationDateTime": show_time(self.expires),
            "systemCreatedAt": show_time(self.created),
            "systemCreatedBy": self.user,
            "systemModifiedAt": show_time(self.modified),
            "systemModifiedBy": self.user,
        }


def read_body(body: dict[str, Any]) -> dict[str, str]:
    """The writable fields of a request."""
    for name, value in body.items():
        if name not in _FIELDS and not name.startswith("@"):
            raise Refusal("unknown_property", field=name, type="subscription")
        if not isinstance(value, str):
            raise Refusal("bad_value", type="String", value=value, field=name)
    state = body.get("clientState", "")
    if len(state) > CLIENT_STATE_LIMIT:
        raise Refusal("too_long", length=len(state), limit=CLIENT_STATE_LIMIT, value=state[:20])
    return {name: body[name] for name in _FIELDS if name in body}


def read_resource(resource: str) -> tuple[str, str]:
    """Company id and entity set of a resource; others than the supported ones are refused."""
    found = _RESOURCE.fullmatch(resource)
    if found is None or found.group("set") not in SUPPORTED:
        raise Refusal("subscription_resource", resource=resource)
    return found.group("company").lower(), found.group("set")
