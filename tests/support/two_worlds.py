"""Both simulators of the demo's company in this process, and hands that do by force what Tieout does by itself."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from tieout.decide.bill_plan import bill_number
from tieout_sandbox.bill import BillSimulator
from tieout_sandbox.bill import operator as bill_operator
from tieout_sandbox.bill import people as bill_people
from tieout_sandbox.bill.organization import Act
from tieout_sandbox.bill.times import stamp
from tieout_sandbox.business_central import BusinessCentralSimulator
from tieout_sandbox.business_central.people import act
from tieout_sandbox.company import SMALL, Company, build
from tieout_sandbox.company.bill_side import ORGANIZATION, USERNAME

_ADDRESS = {"line1": "1 Main Street", "city": "Boston", "zipOrPostalCode": "02110", "country": "US"}


class TwoWorlds:
    """The small company of a seed; ``bills`` are put into BILL as Tieout would."""

    def __init__(self, seed: int = 5, today: date | None = None) -> None:
        self.company: Company = build(seed, today or datetime.now(UTC).date(), SMALL)
        self._erp = BusinessCentralSimulator(self.company.erp)
        self._bill = BillSimulator(self.company.bill)
        self._vendors: dict[str, str] = {}

    @property
    def erp(self) -> dict[str, Any]:
        """The ERP's ground truth."""
        return self._erp.ledger()

    @property
    def bill(self) -> dict[str, Any]:
        """BILL's ground truth."""
        return self._bill.ledger()

    @property
    def there(self) -> dict[str, Any]:
        """The organization's."""
        found: dict[str, Any] = self.bill["organizations"][ORGANIZATION]
        return found

    def act(self, username: str = USERNAME) -> Act:
        """A user in BILL, now; Tieout's unless another is named."""
        org = self._bill.installation.organizations[ORGANIZATION]
        user = next(user.id for user in org.users.values() if user.username == username)
        return Act(org, user, stamp(datetime.now(UTC)))

    def enter_vendor(self, number: str, currency: str) -> str:
        """The vendor in BILL; its id."""
        if number not in self._vendors:
            known = [one["id"] for one in self.there["vendors"] if one.get("shortName") == number]
            self._vendors[number] = known[0] if known else self._new_vendor(number, currency)
        return self._vendors[number]

    def _new_vendor(self, number: str, currency: str) -> str:
        body = {"name": number, "shortName": number, "address": _ADDRESS, "billCurrency": currency}
        return bill_people.act_by_hand(self.act(), {"do": "create", "kind": "vendor", "body": body}).id

    def enter(self, row: dict[str, Any], *, user: str = USERNAME) -> str:
        """An invoice of the ERP's ledger as a bill that a user enters; the bill's id."""
        vendor = self.enter_vendor(row["pay_to"], row["currency_code"] or "USD")
        body = {
            "vendorId": vendor,
            "dueDate": row["due_date"],
            "description": row["number"],
            "invoice": {
                "invoiceNumber": bill_number(row["vendor_invoice_number"]),
                "invoiceDate": row["invoice_date"],
            },
            "billLineItems": [{"amount": Decimal(row["including_tax"])}],
        }
        return bill_people.act_by_hand(self.act(user), {"do": "create", "kind": "bill", "body": body}).id

    def enter_all(self) -> dict[str, str]:
        """Every open invoice that should be a bill; bills' ids by the ERP's number."""
        books = self.erp["companies"][0]
        entries = {one["document_number"]: one for one in books["vendor_entries"]}
        blocked = {one["number"] for one in books["vendors"] if one["blocked"].strip()}
        nowhere = {one["number"] for one in self.company.erp["companies"][0]["vendors"] if not one["address_line1"]}
        for row in books["vendors"]:
            if row["number"] not in blocked | nowhere:
                currency = next(
                    one.get("currency_code", "")
                    for one in self.company.erp["companies"][0]["vendors"]
                    if one["number"] == row["number"]
                )
                self.enter_vendor(row["number"], currency or "USD")
        made = {}
        for row in books["invoices"]:
            entry = entries.get(row["number"])
            in_scope = row["posting_date"] >= self.company.cutover.isoformat() or row["number"] in self.company.also
            if row["status"] != "Open" or entry is None or entry["on_hold"] or not in_scope:
                continue
            if row["pay_to"] not in blocked | nowhere:
                made[row["number"]] = self.enter(row)
                self._tell_paid(made[row["number"]], Decimal(entry["remaining"]) - Decimal(entry["amount"]))
        return made

    def _tell_paid(self, bill: str, amount: Decimal) -> None:
        """What was paid in the ERP before."""
        if amount:
            self.pay({"action": "record", "bills": [{"billId": bill, "amount": amount}]})

    def pay(self, order: dict[str, Any]) -> str:
        """What the clerk orders in BILL; the payment's id."""
        return bill_operator.pay(self.act(), order)[0].id

    def person(self, do: str, **order: Any) -> None:
        """What somebody does in the ERP."""
        act(self._erp.companies[0], {"do": do, **order})

    def edit_bill(self, bill_id: str, **body: Any) -> None:
        """What somebody changes in BILL."""
        bill_people.act_by_hand(self.act(), {"do": "edit", "kind": "bill", "id": bill_id, "body": body})
