"""One company for the whole matrix: every service, both simulators, and a hand that kills at a point."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from chaos.log_view import LogView
from support.installation import MASTER, Installation, eventually
from support.pipeline import SERVICES, Pipeline
from support.simulators import running
from tieout.connections.documents import establish_key
from tieout.observability.crash_points import DONE
from tieout_devstack.certificates import Authority
from tieout_devstack.ports import free_port
from tieout_sandbox.bill.default_world import BANK, DEV_KEY, PASSWORD, USERNAME
from tieout_sandbox.systems import simulator

INGEST: Final = "tieout_webhook_ingest"
WRITEBACK: Final = "tieout_payment_writeback"
EVERY: Final = (*SERVICES, WRITEBACK, INGEST)
TODAY: Final = datetime.now(UTC).date()
CLEARING: Final = "2950"
VENDOR: Final = "20000"
QUIET: Final = 1
# The window of a doubt is the sum of the first two and the settle times; the simulator answers in milliseconds.
PATIENCE: Final = {"erp_write_within": "2", "erp_http_timeout": "2", "erp_settle": "0.2"}
RESTING: Final = ("linked", "held", "ignored")


@dataclass
class Unpaid:
    """Bills in BILL that nobody has paid yet, and how many there have ever been."""

    bills: list[str] = field(default_factory=list)
    posted: int = 0


@dataclass
class World:
    """The company, at rest between two rounds."""

    pipe: Pipeline
    certificate: Authority
    view: LogView
    port: int = field(default_factory=free_port)
    health: int = field(default_factory=free_port)
    unpaid: Unpaid = field(default_factory=Unpaid)

    @property
    def made(self) -> Installation:
        """Topics, database and processes."""
        return self.pipe.made

    def orders(self, module: str) -> Path:
        """Where a service looks for the order to die."""
        return self.made.folder / f"{module}.orders"

    def carried_out(self, module: str) -> bool:
        """Whether it has."""
        return self.orders(module).with_name(self.orders(module).name + DONE).exists()

    def order(self, module: str, what: str) -> None:
        """Have a running service die at a point."""
        path = self.orders(module)
        path.with_name(path.name + DONE).unlink(missing_ok=True)
        written = path.with_suffix(".new")
        written.write_text(what, encoding="utf-8")
        written.rename(path)

    def start(self, *modules: str, name: str = "") -> None:
        """Start services; each lists the points it passes, and dies where it is told to."""
        for module in modules:
            extra = {"crash_list": str(self.made.folder / f"{module}.points"), "crash_at": f"@{self.orders(module)}"}
            if module == "tieout_bill_writer":
                extra |= {"bill_subscription_look": "0.5", "bill_first_heal": "0.3", "bill_document_slow": "1"}
            if module == INGEST:
                served = self.certificate.issue("webhook-ingest")
                extra |= {
                    "listen_port": str(self.port), "http_port": str(self.health),
                    "tls_certificate_file": str(served.certificate), "tls_key_file": str(served.key),
                }  # fmt: skip
            if module == WRITEBACK:
                extra |= {"database_url": self.made.database, "master_key": MASTER} | PATIENCE
                self.made.start("chaos.run_writeback", name or module, **(self.pipe.settings_of(module) | extra))
                continue
            self.pipe.start(module, name=name, **extra)

    def points(self, module: str) -> list[str]:
        """What a service has passed, in order of first passing."""
        path = self.made.folder / f"{module}.points"
        return path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []

    def apply(self, **changes: Any) -> bool:
        """Apply the connection's settings, as its owner would."""
        document = self.pipe.connection(**(self.settings() | changes))
        return self.pipe.ask("POST", "/v1/connections/apply", {"connections": [document]})[0] == 200

    def settings(self) -> dict[str, Any]:
        """What differs from the connection of all tests: webhooks, a clearing account, nothing old in scope."""
        bill = self.pipe.connection()["bill"] | {"webhooks": f"https://127.0.0.1:{self.port}/webhooks/bill/acme"}
        return {
            "cutover": {"date": TODAY.isoformat()},
            "accounts": {"clearing": CLEARING, "banks": {BANK: "CHECKING"}},
            "policy": {"transfer_quiet_seconds": QUIET},
            "mapping": {"dimensions": {"DEPARTMENT": "department"}},
            "bill": bill,
        }

    def people(self, do: str, **order: Any) -> dict[str, Any]:
        """What somebody does in the ERP."""
        done: dict[str, Any] = self.pipe.erp.ask("/_sandbox/people", {"do": do, **order})
        return done

    def company(self) -> dict[str, Any]:
        """The ERP's books."""
        books: dict[str, Any] = self.pipe.erp.ledger()["companies"][0]
        return books

    def organization(self) -> dict[str, Any]:
        """BILL's."""
        (found,) = self.pipe.bill.ledger()["organizations"].values()
        books: dict[str, Any] = found
        return books

    def clearing(self) -> Decimal:
        """The balance of the clearing account in the ERP's general ledger."""
        return sum(
            (Decimal(one["amount"]) for one in self.company()["entries"] if one["account"] == CLEARING), Decimal()
        )

    def bill_credentials(self) -> dict[str, str]:
        """What BILL lets in."""
        return {"user": USERNAME, "password": PASSWORD, "developer_key": DEV_KEY}

    def rows(self, kind: str) -> dict[str, dict[str, Any]]:
        """The link rows of a kind, as last seen."""
        prefix = f"acme/link/{kind}/"
        return {key: json.loads(value) for key, value in self.view.state.items() if key.startswith(prefix)}

    def at_rest(self) -> bool:
        """Whether nothing is under way, by the log."""
        self.view.look()
        return all(row["phase"] in RESTING for row in self.links())

    def links(self) -> list[dict[str, Any]]:
        """All link rows, as last seen."""
        return [json.loads(value) for key, value in self.view.state.items() if key.startswith("acme/link/")]


@contextmanager
def world(made: Installation, authority: Authority) -> Iterator[World]:
    """Everything runs, and the company is at rest."""
    entra = authority.issue("entra")
    with ExitStack() as stack:
        login = stack.enter_context(running(simulator("entra"), tls=(str(entra.certificate), str(entra.key))))
        erp = stack.enter_context(running(simulator("business-central")))
        bill = stack.enter_context(running(simulator("bill", ca_file=str(authority.certificate))))
        view = LogView(made)
        stack.callback(view.close)
        one = World(Pipeline(made, bill, erp, login, authority), authority, view)
        # BILL lists a file minutes after its upload; bill-writer's patience with files is shortened as much.
        bill.ask("/_sandbox/switches", {"document_seconds": 0.5})
        one.start(*EVERY)
        one.pipe.credentials()
        establish_key(made.secrets, "acme")
        eventually(one.pipe.listening, what="control-plane")
        assert one.apply()
        yield one
