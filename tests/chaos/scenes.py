"""What people and faults do in a round, one kind of round each. A round leaves traces of the same form every time."""

import http.client
import json
from abc import ABC, abstractmethod
from datetime import timedelta
from http.client import HTTPException
from pathlib import Path
from typing import Any, ClassVar, Final

from typing_extensions import override

from chaos.world import TODAY, VENDOR, World
from support.installation import eventually
from tieout.connections.webhook_keys import read_keys
from tieout.events.raw import BillDocument
from tieout.events.requests import NoticeSeen
from tieout.log.topics import Topic
from tieout_connectors.bill.signature import HEADER, sign
from tieout_sandbox.bill.default_world import BANK, ORGANIZATION

ADDRESS: Final = {"address_line1": "1 Quay", "city": "Oslo", "postal_code": "0150", "country": "NO"}
NOTIFICATION: Final = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "bill" / "webhook.bill.updated.json").read_text(encoding="utf-8")
)
POOL: Final = 8


class Scene(ABC):
    """One kind of round. ``round`` counts from 1; names hold it with an equal number of digits."""

    name: ClassVar[str]

    def __init__(self, world: World) -> None:
        self.world = world
        self.round = 0

    def prepare(self) -> None:  # noqa: B027 - most scenes need nothing
        """What must be at rest before the first round, or again before a later one."""

    def act(self) -> None:
        """Begin the next round; it may end with a dead service."""
        self.round += 1
        self.begin()

    @abstractmethod
    def begin(self) -> None:
        """What people and faults do."""

    @abstractmethod
    def arrived(self) -> bool:
        """Whether the outside shows the round's result; may repeat what a person would repeat."""

    @property
    def tag(self) -> str:
        """The round in a name."""
        return f"R{self.round + 1000}"


class Vendors(Scene):
    """Two vendors are created, one answer of BILL being lost; one of the round before is renamed."""

    name = "vendors"

    @override
    def prepare(self) -> None:
        """The vendor that the first round renames."""
        if not self.round:
            self._create("A")
            eventually(lambda: self._named("A") and self.world.at_rest(), seconds=60, what="the first vendor")

    @override
    def begin(self) -> None:
        for letter in "AB":
            self._create(letter)
        values = {"display_name": f"Group R{self.round + 999}A AS"}
        self.world.people("change_vendor", number=f"R{self.round + 999}A", values=values)

    @override
    def arrived(self) -> bool:
        there = self.world.pipe.bill_vendors()
        former = f"R{self.round + 999}A"
        return self._named("A") and self._named("B") and there[former] == [f"Group {former} AS"]

    def _create(self, letter: str) -> None:
        name = f"{self.tag}{letter}"
        self.world.people("create_vendor", vendor={"number": name, "display_name": f"{name} AS", **ADDRESS})

    def _named(self, letter: str) -> bool:
        return f"{self.tag}{letter}" in self.world.pipe.bill_vendors()


class LostVendor(Scene):
    """A vendor is created, and BILL's answer is lost."""

    name = "lost-vendor"

    @override
    def begin(self) -> None:
        self.world.pipe.bill.fault("drop_after", method="POST", path="/v3/vendors$")
        vendor = {"number": f"{self.tag}L", "display_name": f"Lost {self.tag}L AS", **ADDRESS}
        self.world.people("create_vendor", vendor=vendor)

    @override
    def arrived(self) -> bool:
        return f"{self.tag}L" in self.world.pipe.bill_vendors()


class Bills(Scene):
    """An invoice with a scan is posted and paid in part by hand."""

    name = "bills"

    @override
    def begin(self) -> None:
        lines = [{"number": "6150", "unit_cost": "40", "dimensions": {"DEPARTMENT": "PROD"}}]
        files = [{"name": f"{self.tag}.pdf", "text": f"%PDF-1.4 {self.tag}"}]
        order = {"vendor": VENDOR, "vendor_invoice_number": self.tag, "lines": lines, "attachments": files}
        invoice = self.world.people("post_invoice", **order)["number"]
        self.world.people("post_payment", document=f"HAND-{self.tag}", invoice=invoice, bank="CHECKING", amount="15")

    @override
    def arrived(self) -> bool:
        books = self.world.organization()
        bill = next((one for one in books["bills"] if one["invoice"]["invoiceNumber"] == self.tag), None)
        files = [one for one in books["documents"] if one["name"] == f"{self.tag}.pdf"]
        return bill is not None and str(bill["dueAmount"]) in ("25", "25.0", "25.00") and len(files) == 1


class DueDates(Scene):
    """A due date is changed on the ledger entry, where the invoice bears no new stamp: it is read again."""

    name = "due-dates"
    invoice = ""

    @override
    def prepare(self) -> None:
        """The invoice, which is the same in every round."""
        if not self.invoice:
            lines = [{"number": "6150", "unit_cost": "20"}]
            posted = self.world.people("post_invoice", vendor=VENDOR, vendor_invoice_number="DUE", lines=lines)
            self.invoice = posted["number"]
            eventually(lambda: self._bill() and self.world.at_rest(), seconds=60, what="the bill that falls due")

    @override
    def begin(self) -> None:
        self.world.people("set_due_date", invoice=self.invoice, due_date=self._day())

    @override
    def arrived(self) -> bool:
        return bool(self._bill()["dueDate"] == self._day())

    def _day(self) -> str:
        return (TODAY + timedelta(days=90 + self.round)).isoformat()

    def _bill(self) -> dict[str, Any]:
        bills = self.world.organization()["bills"]
        return next((one for one in bills if one["invoice"]["invoiceNumber"] == "DUE"), {})


class Payments(Scene):
    """BILL pays a bill and says so by webhook; posted in the ERP, then the bank's line of it."""

    name = "payments"

    @override
    def prepare(self) -> None:
        """Bills that wait to be paid."""
        pool = self.world.unpaid
        if pool.bills:
            return
        names = [f"P{pool.posted + one + 1000}" for one in range(1, POOL + 1)]
        pool.posted += POOL
        for name in names:
            lines = [{"number": "6150", "unit_cost": "10"}]
            self.world.people("post_invoice", vendor=VENDOR, vendor_invoice_number=name, lines=lines)

        def bills() -> list[str]:
            found = {one["invoice"]["invoiceNumber"]: one["id"] for one in self.world.organization()["bills"]}
            return [found[name] for name in names] if set(names) <= set(found) else []

        pool.bills = eventually(bills, seconds=60, what="bills to be paid")
        eventually(self.world.at_rest, seconds=60, what="their links")

    @override
    def begin(self) -> None:
        wish = {
            "action": "create", "bills": [{"billId": self.world.unpaid.bills.pop()}], "to": "PROCESSED",
            "fundingAccount": {"type": "BANK_ACCOUNT", "id": BANK},
        }  # fmt: skip
        (self.paid,) = self.world.pipe.bill.ask("/_sandbox/payments", wish)["payments"]

    @override
    def arrived(self) -> bool:
        row = self.world.rows("payment").get(f"acme/link/payment/{self.paid['id']}")
        return row is not None and row["phase"] == "linked" and self.world.clearing() == 0


class LostPosting(Payments):
    """The same, and the ERP's answer to the posting is lost."""

    name = "lost-posting"

    @override
    def begin(self) -> None:
        self.world.pipe.erp.fault("drop_after", method="POST", path="Microsoft.NAV.post$")
        super().begin()


class Masters(Scene):
    """An account and a department are created, the account of the round before is renamed."""

    name = "masters"

    @override
    def prepare(self) -> None:
        """The account that the first round renames."""
        if not self.round:
            self._account()
            eventually(lambda: self._accounts() and self.world.at_rest(), seconds=60, what="the first account")

    @override
    def begin(self) -> None:
        former = f"{self.round + 7999}"
        self._account()
        value = {"dimension": "DEPARTMENT", "code": self.tag, "display_name": f"Department {self.tag}"}
        self.world.people("create_dimension_value", values=value)
        self.world.people("change_account", key=former, values={"display_name": f"Renamed R{self.round + 999}"})

    @override
    def arrived(self) -> bool:
        departments = {one["shortName"] for one in self.world.organization()["classifications"]["departments"]}
        former = self._accounts().get(f"{self.round + 7999}")
        return self.tag in departments and self._account_number in self._accounts() and (former or "")[:7] == "Renamed"

    @property
    def _account_number(self) -> str:
        return f"{self.round + 8000}"

    def _account(self) -> None:
        values = {"number": self._account_number, "display_name": f"Account {self.tag}", "category": "Expense"}
        self.world.people("create_account", values=values)

    def _accounts(self) -> dict[str, str]:
        rows = self.world.organization()["classifications"]["chart-of-accounts"]
        return {one["account"]["number"]: one["name"] for one in rows if one["account"]["number"][0] == "8"}


class Asked(Scene):
    """Something is asked of control-plane, and again until it is answered, as a person would."""

    @override
    def begin(self) -> None:
        self.done = self._tried()

    @override
    def arrived(self) -> bool:
        self.done = self.done or self._tried()
        return self.done

    def _tried(self) -> bool:
        try:
            return self.ask()
        except (OSError, HTTPException):
            return False

    @abstractmethod
    def ask(self) -> bool:
        """Ask once."""


class Settings(Asked):
    """The settings are applied with another cut-over, and BILL's credentials given again."""

    name = "settings"

    @override
    def ask(self) -> bool:
        named = {"cutover": self.world.settings()["cutover"] | {"also": [f"{self.round + 71000}"]}}
        values = self.world.bill_credentials()
        path = "/v1/connections/acme/secrets/bill"
        return self.world.apply(**named) and self.world.pipe.ask("PUT", path, {"values": values})[0] == 200

    @override
    def arrived(self) -> bool:
        row = json.loads(self.world.view.look().state["acme/settings"])["settings"]
        return super().arrived() and row["cutover"]["also"] == [f"{self.round + 71000}"]


class Check(Asked):
    """Both real systems are asked, by one command."""

    name = "check"

    @override
    def ask(self) -> bool:
        status, answer = self.world.pipe.ask("POST", "/v1/connections/acme/check", {"seconds": 5})
        if status != 200:
            return False
        lines = [(side["side"], line["status"]) for side in answer["sides"] for line in side["lines"]]
        return {side for side, _status in lines} == {"bill", "erp"} and "failed" not in {one for _side, one in lines}


class Webhook(Scene):
    """BILL delivers a notification, and again until it is told 200."""

    name = "webhook"

    @override
    def begin(self) -> None:
        self.event = f"event-{self.tag}"
        self.done = self._delivered()

    @override
    def arrived(self) -> bool:
        self.done = self.done or self._delivered()
        messages = self.world.view.look().messages
        raw = {
            one.id for one in messages[Topic.BILL_EVENTS]
            if isinstance(one.data, BillDocument) and one.data.key == self.event
        }  # fmt: skip
        named = {one.data.event for one in messages[Topic.BILL_READS] if isinstance(one.data, NoticeSeen)}
        return self.done and len(raw) == 1 and self.event in named

    def _delivered(self) -> bool:
        keys = read_keys(self.world.made.secrets, "acme")
        assert keys is not None
        told = {"eventId": self.event, "organizationId": ORGANIZATION}
        body = json.dumps(NOTIFICATION | {"metadata": NOTIFICATION["metadata"] | told}).encode()
        context = self.world.certificate.client_context()
        calling = http.client.HTTPSConnection("127.0.0.1", self.world.port, timeout=10, context=context)
        try:
            calling.request("POST", "/webhooks/bill/acme", body, {HEADER: sign(body, keys.current)})
            return calling.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            calling.close()


class Subscription(Scene):
    """Somebody deletes Tieout's subscription in BILL; it is made anew."""

    name = "subscription"

    @override
    def prepare(self) -> None:
        """One stands and is on."""
        eventually(lambda: self._on(""), seconds=60, what="a subscription that is on")

    @override
    def begin(self) -> None:
        (one,) = self._all()
        self.former = one["id"]
        self.world.pipe.bill.ask("/_sandbox/webhooks", {"delete": self.former})

    @override
    def arrived(self) -> bool:
        return self._on(self.former)

    def _all(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.world.pipe.bill.ask("/_sandbox/webhooks")["subscriptions"]
        return found

    def _on(self, former: str) -> bool:
        return [one["status"]["enabled"] for one in self._all() if one["id"] != former] == [True]


SCENES: Final[tuple[type[Scene], ...]] = (
    Vendors, Bills, DueDates, Payments, Masters, Settings, Check, Subscription, LostVendor, LostPosting, Webhook,
)  # fmt: skip
"""In the order in which a point that several of them pass is given to one: the first."""
