"""The company's organization in BILL before anything was synchronized: people, banks, a policy, a few old records."""

from collections.abc import Sequence
from typing import Any

from tieout_sandbox.company.vendors import Vendor

ORGANIZATION = "00801HARBORFINCHSUPP"
DEV_KEY = "01HARBORFINCHDEVELKEY"
USERNAME = "tieout@harborfinch.example"
PASSWORD = "clerk-of-the-demo-7Q"  # noqa: S105 - made up; the simulator knows no other
APPROVER = "approver@harborfinch.example"
APPROVER_PASSWORD = "approver-of-the-demo-4T"  # noqa: S105 - the same
BANK = "bac01HARBORFINCHOPER"
RESERVE_BANK = "bac01HARBORFINCHRESV"
CARD = "cat01HARBORFINCHVISA"
APPROVAL_FROM = "10000"
"""Bills of this amount and more are approved once more in BILL."""

_APPROVER_ID = "00601HARBORFINCHAPPR"
# A file is there "after minutes"; the demo does not wait for the sake of waiting.
_DOCUMENT_SECONDS = 2.0
# How many vendors people have entered in BILL by hand already.
_KNOWN = 3


def bill_world(name: str, vendors: Sequence[Vendor]) -> dict[str, Any]:
    """The world; some of the ERP's vendors are there already, one with an earlier address for mails."""
    domestic = [one for one in vendors if one.usual and "currency_code" not in one.fields][:_KNOWN]
    known = [_known(vendor, outdated=place == 1) for place, vendor in enumerate(domestic)]
    return {
        "dev_keys": [DEV_KEY],
        "switches": {"document_seconds": _DOCUMENT_SECONDS},
        "organizations": [
            {
                "id": ORGANIZATION,
                "name": name,
                "users": _users(),
                "banks": [
                    _bank(name, BANK, "First Harbor Bank", "074000010", "000111222333"),
                    _bank(name, RESERVE_BANK, "Reserve Trust", "021000021", "000444555666"),
                ],
                "cards": [{"id": CARD, "nameOnAccount": name, "brand": "VISA", "last4": "4242"}],
                "policies": [
                    {
                        "policyName": "Large bills",
                        "rules": [{"key": "BILL_AMOUNT", "op": "gte", "values": [APPROVAL_FROM]}],
                        "approvers": [_APPROVER_ID],
                    }
                ],
                "chart-of-accounts": [
                    {"name": "Office Supplies", "account": {"type": "EXPENSE", "number": "6150"}},
                    {"name": "Old marketing", "account": {"type": "EXPENSE", "number": "6999"}},
                ],
                "vendors": known,
            }
        ],
    }


def _users() -> list[dict[str, Any]]:
    rows = (
        ("00601HARBORFINCHSYNC", USERNAME, PASSWORD, "CLERK", "Tess", "Tieout"),
        ("00601HARBORFINCHADMN", "admin@harborfinch.example", "admin-of-the-demo-2B", "ADMINISTRATOR", "Ada", "Admin"),
        (_APPROVER_ID, APPROVER, APPROVER_PASSWORD, "APPROVER", "Abe", "Approver"),
        ("00601HARBORFINCHPAYR", "payer@harborfinch.example", "payer-of-the-demo-9K", "PAYER", "Pat", "Payer"),
    )
    fields = ("id", "username", "password", "role", "firstName", "lastName")
    return [dict(zip(fields, row, strict=True)) for row in rows]


def _bank(name: str, bank_id: str, bank: str, routing: str, account: str) -> dict[str, Any]:
    return {
        "id": bank_id,
        "bankName": bank,
        "nameOnAccount": name,
        "routingNumber": routing,
        "accountNumber": account,
        "type": "CHECKING",
        "ownerType": "BUSINESS",
    }


def _known(vendor: Vendor, *, outdated: bool) -> dict[str, Any]:
    fields = vendor.fields
    return {
        "name": vendor.name,
        "shortName": vendor.number,
        "accountType": "BUSINESS",
        "email": "office@before.example" if outdated else fields["email"],
        "phone": fields["phone_number"],
        "address": {
            "line1": fields["address_line1"],
            "city": fields["city"],
            "stateOrProvince": fields["state"],
            "zipOrPostalCode": fields["postal_code"],
            "country": fields["country"],
        },
    }
