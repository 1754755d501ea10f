"""The organization itself, its users and roles, the accounts that fund payments."""

from collections.abc import Mapping
from typing import Any

from tieout_sandbox.bill.call import Answer, Call, Endpoint
from tieout_sandbox.bill.errors import refuse
from tieout_sandbox.bill.fields import Field, Fields, Kind, populated, read
from tieout_sandbox.bill.filters import ROW, As
from tieout_sandbox.bill.gate import User
from tieout_sandbox.bill.lists import ListSpec, read_max
from tieout_sandbox.bill.organization import Act, find
from tieout_sandbox.bill.roles import ROLES, pays_online
from tieout_sandbox.bill.store import Row
from tieout_sandbox.bill.times import printed

BANKS = ListSpec({**ROW, "status": (As.TEXT, ("eq", "ne", "in"))})

_BANK: Fields = {
    "bankName": Field(),
    "nameOnAccount": Field(required=True),
    "routingNumber": Field(required=True),
    "accountNumber": Field(required=True),
    "type": Field(options=("CHECKING", "SAVINGS")),
    "ownerType": Field(options=("BUSINESS", "PERSONAL")),
    "status": Field(),
    "chartOfAccountId": Field(),
    "accessToAdmins": Field(Kind.FLAG),
}
_CARD: Fields = {
    "issuingBankName": Field(),
    "nameOnAccount": Field(required=True),
    "brand": Field(),
    "type": Field(),
    "status": Field(),
    "last4": Field(),
}


def add_bank(act: Act, body: Any, row_id: str | None = None) -> Row:
    """A bank account of the organization, verified unless the body says otherwise."""
    fields = {"status": "VERIFIED", **read(_BANK, body)}
    first = len(act.org.banks) == 0
    row = act.add(act.org.banks, "bank", {**fields, "default": {"payables": first, "receivables": False}}, row_id)
    act.org.publish("bank-account.created", row)
    return row


def add_card(act: Act, body: Any, row_id: str | None = None) -> Row:
    """A card of the organization."""
    row = act.add(act.org.cards, "card", {"status": "ACTIVE", "type": "CREDIT_CARD", **read(_CARD, body)}, row_id)
    act.org.publish("card-account.created", row)
    return row


def endpoints() -> list[Endpoint]:
    """The paths of the organization and its people and accounts."""
    funding = "/connect/v3/funding-accounts"
    return [
        Endpoint("GET", "/connect/v3/organizations/{id}", "organization.read", _organization),
        Endpoint("GET", "/connect/v3/users", "users.read", _users),
        Endpoint("GET", "/connect/v3/users/{id}", "users.read", _user),
        Endpoint("GET", "/connect/v3/roles", "users.read", _roles),
        Endpoint("GET", f"{funding}/banks", "funding.read", _banks),
        Endpoint("GET", f"{funding}/banks/{{id}}", "funding.read", _bank),
        Endpoint("GET", f"{funding}/cards", "funding.read", _cards),
        Endpoint("GET", f"{funding}/permissions", "funding.read", _permissions),
    ]


def show(row: Row) -> dict[str, Any]:
    """A bank account or card as BILL prints it."""
    return {
        "id": row.id,
        "archived": row.archived,
        **populated(row.fields),
        "createdBy": row.created_by,
        "createdTime": printed(row.created),
        "updatedTime": printed(row.updated),
    }


def _organization(call: Call) -> Answer:
    if call.path() != call.org.id:
        raise refuse("BDC_1205", call.path())
    return Answer(populated({"id": call.org.id, "archived": False, **call.org.profile}))


def _users(call: Call) -> Answer:
    read_max(call.request.query)
    return Answer({"results": [_shown(user) for user in call.org.users.values()]})


def _user(call: Call) -> Answer:
    user = call.org.users.get(call.path())
    if user is None:
        raise refuse("BDC_1205", call.path())
    return Answer(_shown(user))


def _shown(user: User) -> Mapping[str, Any]:
    return {
        "id": user.id,
        "archived": False,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "email": user.username,
        "role": {"id": _role_id(user.role), "type": user.role, "description": user.role.capitalize()},
    }


def _roles(_call: Call) -> Answer:
    roles = [{"id": _role_id(role), "type": role, "description": role.capitalize()} for role in ROLES]
    return Answer({"results": roles})


def _role_id(role: str) -> str:
    return f"rol01{role.replace('_', ''):X<15.15}"


def _banks(call: Call) -> Answer:
    return call.page(call.org.banks, BANKS, show)


def _bank(call: Call) -> Answer:
    return Answer(show(find(call.org.banks, call.path())))


def _cards(call: Call) -> Answer:
    return Answer({"rates": {}, "cards": [show(row) for row in call.org.cards]})


def _permissions(call: Call) -> Answer:
    card = {"payByCard": len(call.org.cards) > 0, "fundingEnabled": len(call.org.cards) > 0, "amexAllowed": False}
    can_pay = pays_online(call.session.user.role) and not call.session.by_token
    can_pay = can_pay and "payments.write" not in call.session.user.denied
    return Answer({"organization": {"card": card, "wallet": {"fundingEnabled": True}}, "user": {"payOnline": can_pay}})
