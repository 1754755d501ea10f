"""Two companies of one installation that share a developer key: all services, both sides simulated, one moved clock.

An hour passes at once (``hour_passes``). Credentials hold whatever an encoding could hide.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from support.installation import Installation, eventually
from support.moved_clock import MovedClock
from support.pipeline import COMPANY, SERVICES, Pipeline
from support.simulators import Running, running
from tieout.domain.settings import Side
from tieout.events.cursors import BillCursor, ErpCursor
from tieout.log.topics import Topic
from tieout_devstack.certificates import Authority
from tieout_devstack.ports import free_port
from tieout_sandbox.bill import BillSimulator
from tieout_sandbox.bill.default_world import BANK, DEFAULT_WORLD, DEV_KEY, ORGANIZATION, USERNAME
from tieout_sandbox.business_central import BusinessCentralSimulator
from tieout_sandbox.business_central.worlds.building import add_invoice, add_vendor, new_company, new_world
from tieout_sandbox.entra.simulator import CLIENT_ID, CLIENT_SECRET, TENANT, EntraSimulator

WRITER: Final = "tieout_bill_writer"
POLLER: Final = "tieout_erp_poller"
INGEST: Final = "tieout_webhook_ingest"
ACME: Final = "acme"
ZENITH: Final = "zenith"
COMPANIES: Final = {ACME: COMPANY, ZENITH: "Zenith & Sons"}
ORGANIZATIONS: Final = {ACME: ORGANIZATION, ZENITH: "00802SECONDTRADING02"}
BANKS: Final = {ACME: BANK, ZENITH: "bac02SECONDSANDBOXBK"}
HOUR: Final = 3600.0
ADDRESS: Final = {"address_line1": "1 Day Drive", "city": "Chicago", "state": "IL", "country": "US", "postal_code": "1"}
CREDENTIALS: Final[dict[str, dict[Side, dict[str, str]]]] = {
    ACME: {
        Side.BILL: {"user": USERNAME, "password": 'Päss "word"/+%\\1', "developer_key": DEV_KEY},
        Side.ERP: {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET},
    },
    ZENITH: {
        Side.BILL: {"user": "zenith@sandbox.example", "password": "zen&ith <pass> 2~", "developer_key": DEV_KEY},
        Side.ERP: {"client_id": "0c9f8a52-1111-4d6a-9c8b-2a2b3c4d5e60", "client_secret": 'sëcret~"two"/+8\\'},
    },
}
"""What each side of each connection signs in with."""


@dataclass
class TwoCompanies:
    """Everything that runs. ``pipe`` has the simulators and the API."""

    pipe: Pipeline
    simulators: tuple[BillSimulator, BusinessCentralSimulator, EntraSimulator]
    clock: MovedClock
    ingest_port: int = field(default_factory=free_port)
    health: dict[str, int] = field(default_factory=dict)

    @property
    def made(self) -> Installation:
        """The installation."""
        return self.pipe.made

    def document(self, name: str, *, erp: Mapping[str, str], bill: Mapping[str, str]) -> dict[str, Any]:
        """A connection as its owner would write it, with both schedules."""
        plain = self.pipe.connection(
            connection=name,
            cutover={"date": (self.clock.now().date() - timedelta(days=30)).isoformat()},
            accounts={"clearing": "2950", "banks": {BANKS[name]: "CHECKING"}},
            policy={"funds_transfers": False},
        )
        hook = f"https://127.0.0.1:{self.ingest_port}/webhooks/bill/{name}"
        plain["erp"] |= {"company": COMPANIES[name], "schedule": dict(erp)}
        plain["bill"] |= {"organization": ORGANIZATIONS[name], "schedule": dict(bill), "webhooks": hook}
        return plain

    def apply(self, *documents: Mapping[str, Any]) -> None:
        """Apply connections."""
        status, answer = self.pipe.ask("POST", "/v1/connections/apply", {"connections": list(documents)})
        assert status == 200, answer

    def give(self, name: str, side: Side, values: Mapping[str, str]) -> None:
        """Give credentials as an operator does."""
        status, answer = self.pipe.ask("PUT", f"/v1/connections/{name}/secrets/{side}", {"values": dict(values)})
        assert status == 200, answer

    def start(self, *modules: str, **extra: str) -> None:
        """Start services at DEBUG; those whose metrics are read on a port of their own."""
        for module in modules:
            port = self.health.setdefault(module, free_port())
            own = {} if module == "tieout_control_plane" else {"http_port": str(port)}
            self.pipe.start(module, log_level="DEBUG", **own, **extra)

    def start_ingest(self, ca: Authority) -> None:
        """Start webhook-ingest where BILL delivers to."""
        pair = ca.issue("webhook-ingest")
        files = {"tls_certificate_file": str(pair.certificate), "tls_key_file": str(pair.key)}
        self.start(INGEST, listen_port=str(self.ingest_port), **files)

    def kill(self, module: str) -> None:
        """SIGKILL."""
        self.made.running[module].kill()

    def hour_passes(self) -> None:
        """For the services, for BILL, for Entra and for the ERP."""
        self.move(HOUR)

    def move(self, seconds: float) -> None:
        """Move every clock forward; the services' last, so that theirs is never ahead of BILL's."""
        for one in (self.pipe.bill, self.pipe.erp, self.pipe.login):
            one.ask("/_sandbox/clock", {"advance": seconds})
        self.clock.advance(seconds)

    def runs(self, name: str) -> dict[str, int]:
        """The number of the newest poll that came to its end, by side and kind."""
        found: dict[str, int] = {}
        for message in self.made.read(Topic.CURSORS):
            cursor = message.data
            if message.partitionkey != name or not isinstance(cursor, ErpCursor | BillCursor):
                continue
            if cursor.ended is not None and cursor.ended >= cursor.started:
                side = "erp" if isinstance(cursor, ErpCursor) else "bill"
                found[f"{side}/{cursor.kind}"] = cursor.run
        return found

    def resting(self, name: str) -> bool:
        """Whether no poll of BILL has begun that has not come to its end."""
        newest = {
            one.data.kind: one.data
            for one in self.made.read(Topic.CURSORS)
            if one.partitionkey == name and isinstance(one.data, BillCursor)
        }
        return all(one.ended is not None and one.ended >= one.started for one in newest.values())

    def books(self, name: str) -> dict[str, Any]:
        """A company's books in the ERP."""
        return next(one for one in self.pipe.erp.ledger()["companies"] if one["name"] == COMPANIES[name])

    def organization(self, name: str) -> dict[str, Any]:
        """An organization's in BILL."""
        found: dict[str, Any] = self.pipe.bill.ledger()["organizations"][ORGANIZATIONS[name]]
        return found

    def bills(self, name: str) -> dict[str, str]:
        """Ids of an organization's bills by their numbers."""
        return {one["invoice"]["invoiceNumber"]: one["id"] for one in self.organization(name)["bills"]}

    def remaining(self, name: str) -> dict[str, Decimal]:
        """What is open of each invoice in the ERP, by the vendor's number."""
        books = self.books(name)
        numbers = {one["id"]: one["vendor_invoice_number"] for one in books["invoices"]}
        entries = (one for one in books["vendor_entries"] if one["document_type"] == "Invoice")
        return {numbers[one["document_id"]]: -Decimal(one["remaining"]) for one in entries}

    def people(self, name: str, *orders: Mapping[str, Any]) -> None:
        """What people do in the ERP."""
        self.pipe.erp.ask("/_sandbox/people", [{"company": COMPANIES[name], **order} for order in orders])

    def post(self, name: str, number: str, cost: str = "100") -> None:
        """An invoice is posted in the ERP."""
        lines = [{"number": "6150", "unit_cost": cost}]
        order = {"do": "post_invoice", "vendor": "20000", "vendor_invoice_number": number, "lines": lines}
        self.people(name, order | {"posting_date": self.clock.now().date().isoformat()})

    def pay(self, name: str, bill: str) -> str:
        """Somebody pays a bill whole, and the money has left; the payment's id."""
        funding = {"type": "BANK_ACCOUNT", "id": BANKS[name]}
        wish = {"action": "create", "bills": [{"billId": bill}], "fundingAccount": funding, "to": "PROCESSED"}
        made = self.pipe.bill.ask("/_sandbox/payments", wish | {"organization": ORGANIZATIONS[name]})
        return str(made["payments"][0]["id"])

    def vendors(self, name: str) -> dict[str, list[str]]:
        """Names in BILL by the ERP's number."""
        found: dict[str, list[str]] = {}
        for one in self.organization(name)["vendors"]:
            found.setdefault(one.get("shortName", ""), []).append(one["name"])
        return found


def _bill_world() -> dict[str, Any]:
    """Two organizations under one developer key."""
    first = deepcopy(DEFAULT_WORLD["organizations"][0])
    second: dict[str, Any] = {
        "id": ORGANIZATIONS[ZENITH],
        "name": "Second Sandbox Trading",
        "users": [
            {"id": "00602SECONDSYNCUSERS", "username": CREDENTIALS[ZENITH][Side.BILL]["user"], "role": "ACCOUNTANT",
             "password": CREDENTIALS[ZENITH][Side.BILL]["password"], "firstName": "Zoe", "lastName": "Zenith"},
            {"id": "00602SECONDPAYERUSER", "username": "payer@zenith.example", "role": "PAYER", "password": "pays",
             "firstName": "Per", "lastName": "Payer"},
        ],
        "banks": [{**first["banks"][0], "id": BANKS[ZENITH]}],
    }  # fmt: skip
    first["users"][0]["password"] = CREDENTIALS[ACME][Side.BILL]["password"]
    return {"dev_keys": [DEV_KEY], "organizations": [first, second]}


def _erp_world(today: date) -> dict[str, Any]:
    """Two companies with a few vendors and an open invoice each."""
    companies = [new_company(name, today) for name in COMPANIES.values()]
    for company in companies:
        for number in ("10000", "20000", "30000"):
            add_vendor(company, number, f"Vendor {number}", **ADDRESS)
        for invoice in ("OPEN-1", "OPEN-2", "OPEN-3"):
            lines = [{"number": "6150", "unit_cost": "100"}]
            add_invoice(company, today - timedelta(days=3), "20000", invoice, lines)
    apps = [values[Side.ERP]["client_id"] for values in CREDENTIALS.values()]
    return new_world(*companies) | {"apps": apps}


def _directory() -> dict[str, Any]:
    """Both companies' applications in one tenant."""
    apps = [
        {"client_id": one[Side.ERP]["client_id"], "secrets": [{"value": one[Side.ERP]["client_secret"]}]}
        for one in CREDENTIALS.values()
    ]
    return {"tenants": {TENANT: {"domain": "cronus.example", "apps": apps}}}


def _into_the_hour() -> float:
    """Seconds until ten minutes past the next full hour: no test may meet the turn of an hour by chance."""
    now = datetime.now(UTC)
    start = now.replace(minute=10, second=0, microsecond=0) + timedelta(hours=1)
    return (start - now).total_seconds()


@contextmanager
def two_companies(made: Installation, ca: Authority) -> Iterator[TwoCompanies]:
    """Simulators that listen, ten minutes past an hour; nothing else is started yet."""
    entra = ca.issue("entra")
    ahead = _into_the_hour()
    made.clock = MovedClock(made.folder / "clock", ahead)
    bill = BillSimulator(_bill_world(), str(ca.certificate))
    erp = BusinessCentralSimulator(_erp_world(made.clock.now().date()))
    login = EntraSimulator(_directory())
    for one in (bill, erp, login):
        one.clock.advance(ahead)
    with ExitStack() as stack:
        pair = (str(entra.certificate), str(entra.key))
        signs_in = stack.enter_context(running(login, pair, ca.client_context()))
        ledger = stack.enter_context(running(erp))
        pays = stack.enter_context(running(bill))
        pipe = Pipeline(made, pays, ledger, signs_in, ca)
        yield TwoCompanies(pipe, (bill, erp, login), made.clock)


def begin(both: TwoCompanies, ca: Authority, schedules: Mapping[str, Mapping[str, Mapping[str, str]]]) -> None:
    """Start every service, give credentials, apply both connections, and wait until both sides agree."""
    both.start(*SERVICES, "tieout_payment_writeback")
    both.start_ingest(ca)
    eventually(both.pipe.listening, what="control-plane")
    documents = [both.document(name, **schedules[name]) for name in COMPANIES]
    both.apply(*({**one, "state": "draft"} for one in documents))
    for name, sides in CREDENTIALS.items():
        for side, values in sides.items():
            both.give(name, side, values)
    both.apply(*documents)
    wanted = {"OPEN-1", "OPEN-2", "OPEN-3"}
    for name in COMPANIES:
        eventually(lambda name=name: wanted <= set(both.bills(name)), seconds=90, what=f"the bills of {name}")


def listening(running_one: Running) -> Callable[[], list[dict[str, Any]]]:
    """The calls that a simulator sees from now on."""
    seen = running_one.calls()
    last = seen[-1]["number"] if seen else 0
    return lambda: list(running_one.ask(f"/_sandbox/requests?after={last}"))


def new_vendor(number: str) -> dict[str, str]:
    """A vendor of the ERP."""
    return {"number": number, "display_name": f"Vendor {number}", "payment_terms": "30 DAYS", **ADDRESS}
