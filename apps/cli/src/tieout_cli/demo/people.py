"""The AP clerk, the approver and the accountant: what people do in the outside systems while Tieout works."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tieout_cli.demo.outside import World
from tieout_sandbox.company import bill_side

# Actions in one call; BILL's documentation names no limit, people tick a screenful.
_AT_ONCE: Final = 50


@dataclass
class Approver:
    """Signs in to BILL's API with a password of his own. ``spent`` counts his calls, which are not Tieout's."""

    world: World
    spent: dict[str, int] = field(default_factory=lambda: {"calls": 0, "logins": 0, "writes": 0})

    def approve_all(self) -> int:
        """Approve every bill that waits for him; how many there were."""
        session = self._call(
            "/connect/v3/login",
            {
                "username": bill_side.APPROVER,
                "password": bill_side.APPROVER_PASSWORD,
                "organizationId": bill_side.ORGANIZATION,
                "devKey": bill_side.DEV_KEY,
            },
            {},
        )["sessionId"]
        self.spent["logins"] += 1
        headers = {"devKey": bill_side.DEV_KEY, "sessionId": session}
        waiting = self._call("/connect/v3/bill-approvals/pending-user-approvals", None, headers)["bills"]
        for start in range(0, len(waiting), _AT_ONCE):
            actions = [{"billId": one["billId"], "action": "APPROVE"} for one in waiting[start : start + _AT_ONCE]]
            self._call("/connect/v3/bill-approvals/actions", actions, headers)
            self.spent["writes"] += 1
        return len(waiting)

    def _call(self, path: str, body: Any, headers: dict[str, str]) -> Any:
        self.spent["calls"] += 1
        return self.world.ask(path, body, headers)


@dataclass(frozen=True)
class Clerk:
    """Pays in BILL's web application."""

    world: World

    def pay(self, parts: Iterable[tuple[str, str]], bank: str = bill_side.BANK) -> str:
        """One payment over bills of one vendor, each with its amount; its id. The money has left the bank."""
        bills = [{"billId": bill, "amount": amount} for bill, amount in parts]
        funding = {"type": "BANK_ACCOUNT", "id": bank}
        return self._payment({"action": "create", "bills": bills, "fundingAccount": funding, "to": "PROCESSED"})

    def advance(self, payment: str, to: str) -> None:
        """What becomes of a payment later."""
        self._payment({"action": "advance", "id": payment, "to": to})

    def void(self, payment: str) -> None:
        """The vendor never got it; the money comes back."""
        self._payment({"action": "void", "id": payment, "reason": "the vendor's bank account is closed"})

    def _payment(self, order: Mapping[str, Any]) -> str:
        made = self.world.ask("/_sandbox/payments", order)["payments"]
        return str(made[0]["id"])


@dataclass(frozen=True)
class Accountant:
    """Works in the ERP."""

    world: World

    def reverse(self, document: str) -> None:
        """Unapply and reverse a posted payment, as Tieout's task asks."""
        self.world.ask("/_sandbox/people", {"do": "reverse", "document": document})
