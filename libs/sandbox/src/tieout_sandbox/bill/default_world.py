"""The world a simulator starts from when it is given none: one company with everything needed to try the product."""

from typing import Any

ORGANIZATION = "00801SANDBOXTRADING1"
BANK = "bac01SANDBOXFIRSTBNK"
SECOND_BANK = "bac01SANDBOXSECNDBNK"
CARD = "cat01SANDBOXCARDVISA"
VENDOR = "00901SANDBOXHAPPYMUS"
EXPENSE_ACCOUNT = "0ca01SANDBOXOFFICSUP"
DEV_KEY = "01SANDBOXDEVELOPERKEY"
USERNAME = "tieout@sandbox.example"
PASSWORD = "sandbox-password"  # noqa: S105 - the simulator's own, printed in its README
TOKEN_NAME = "tieout-sync"  # noqa: S105 - the same
TOKEN_VALUE = "sandbox-sync-token"  # noqa: S105 - the same

DEFAULT_WORLD: dict[str, Any] = {
    "dev_keys": [DEV_KEY],
    "organizations": [
        {
            "id": ORGANIZATION,
            "name": "Sandbox Trading, Inc.",
            "users": [
                {"id": "00601SANDBOXSYNCUSER", "username": USERNAME, "password": PASSWORD, "role": "ACCOUNTANT",
                 "firstName": "Tess", "lastName": "Tieout"},
                {"id": "00601SANDBOXADMINIST", "username": "admin@sandbox.example", "password": "sandbox-admin",
                 "role": "ADMINISTRATOR", "firstName": "Ada", "lastName": "Admin"},
                {"id": "00601SANDBOXAPPROVER", "username": "approver@sandbox.example", "password": "sandbox-approver",
                 "role": "APPROVER", "firstName": "Abe", "lastName": "Approver"},
                {"id": "00601SANDBOXPAYERUSR", "username": "payer@sandbox.example", "password": "sandbox-payer",
                 "role": "PAYER", "firstName": "Pat", "lastName": "Payer"},
            ],
            "sync_tokens": [{"name": TOKEN_NAME, "value": TOKEN_VALUE, "user": USERNAME}],
            "banks": [
                {"id": BANK, "bankName": "First Sandbox Bank", "nameOnAccount": "Sandbox Trading, Inc.",
                 "routingNumber": "074000010", "accountNumber": "000111222333", "type": "CHECKING",
                 "ownerType": "BUSINESS"},
                {"id": SECOND_BANK, "bankName": "Second Sandbox Bank", "nameOnAccount": "Sandbox Trading, Inc.",
                 "routingNumber": "021000021", "accountNumber": "000444555666", "type": "CHECKING",
                 "ownerType": "BUSINESS"},
            ],
            "cards": [{"id": CARD, "nameOnAccount": "Sandbox Trading, Inc.", "brand": "VISA", "last4": "4242"}],
            "chart-of-accounts": [
                {"id": EXPENSE_ACCOUNT, "name": "Office supplies", "account": {"type": "EXPENSE", "number": "6100"}},
                {"name": "Checking", "account": {"type": "BANK", "number": "1110"}},
                {"name": "Accounts payable", "account": {"type": "ACCOUNTS_PAYABLE", "number": "2000"}},
            ],
            "departments": [{"name": "Sales", "shortName": "SALES"}],
            "locations": [{"name": "Portland", "shortName": "PDX"}],
            "vendors": [
                {"id": VENDOR, "name": "Happy Music Supplies", "shortName": "V00010", "accountType": "BUSINESS",
                 "address": {"line1": "123 Main Street", "city": "San Jose", "stateOrProvince": "CA",
                             "zipOrPostalCode": "95002", "country": "US"}},
            ],
        }
    ],
}  # fmt: skip
