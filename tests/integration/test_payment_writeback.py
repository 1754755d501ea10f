"""payment-writeback on real Kafka and PostgreSQL: what the ERP's books and the log say after kills and restarts."""

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from support.fake_erp.books import Erp
from support.fake_orders import payment
from support.installation import MASTER, Installation, eventually
from tieout.connections.key_wrapper import side_key_text
from tieout.connections.secrets import Purpose
from tieout.domain.erp_orders import PaymentOrder
from tieout.domain.settings import ConnectionSettings, Side
from tieout.events import catalogue
from tieout.events.commands import ErpCommand, Intent, Priority
from tieout.events.effects import EndLogged
from tieout.events.envelope import Message
from tieout.events.facts import OutcomeFact, Result, SideFact
from tieout.events.identity import command_id
from tieout.log.topics import Topic
from tieout_devstack import processes

RIGHT: Final = "right"
TESTS: Final = Path(__file__).parents[1]
FAST: Final = {
    "erp_write_within": "1", "erp_http_timeout": "0.5", "erp_settle": "0.2", "erp_lookup_gap": "0.2",
    "erp_retry_cap": "0.2", "erp_retry_for": "5", "erp_look_first": "0.2", "erp_look_cap": "0.4",
    "erp_first_heal": "0.3",
}  # fmt: skip


@dataclass
class Desk:
    """A connection with an ERP of its own in one installation."""

    made: Installation
    name: str
    started: list[processes.Background] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.erp = Erp(self.made.folder / f"{self.name}.json")
        with self.erp.open() as books:
            for number in range(1, 5):
                books.invoice(f"i-{number}", "10000", "100", "2026-04-01")

    def apply(self, generation: int = 1, secret_version: int = 1, password: str = RIGHT) -> None:
        """Credentials and settings."""
        values = {"client_id": "tieout", "client_secret": password}
        self.made.secrets.put(self.name, Side.ERP, Purpose.CREDENTIALS, values)
        settings = ConnectionSettings.model_validate(
            {
                "connection": self.name,
                "state": "active",
                "erp": {"kind": "business-central", "tenant": "contoso.example", "company": self.name},
                "bill": {"environment": "sandbox", "organization": "00801ACME"},
                "cutover": {"date": "2026-01-01"},
            }
        )
        self.made.apply(settings, generation, secret_version)

    def start(self, **extra: str) -> processes.Background:
        """The service, which holds the ERP side's key and no other."""
        name = f"{self.name}-{len(self.started)}"
        settings = {f"TIEOUT_{key.upper()}": value for key, value in (FAST | extra).items()}
        environment = self.made.environment(
            "support.fake_erp.run_writeback",
            settings
            | {
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(TESTS),
                "FAKE_ERP": str(self.made.folder / f"{self.name}.json"),
                "TIEOUT_DATABASE_URL": self.made.database,
                "TIEOUT_ERP_KEY": side_key_text(MASTER, Side.ERP),
                "TIEOUT_INSTANCE": f"{self.made.prefix}-writeback",
            },
        )
        process = processes.start(
            name,
            [sys.executable, "-m", "support.fake_erp.run_writeback"],
            log=self.made.folder / f"{name}.log",
            env=environment,
            pid_file=self.made.folder / f"{name}.pid",
        )
        self.started.append(process)
        return process

    def ask(self, order: PaymentOrder, attempt: int = 1, generation: int = 1) -> str:
        """The decider's share; the command's id."""
        link = f"payment/{self.name}/{order.mark}"
        frame = ErpCommand(
            connection=self.name, organization="00801ACME", link=link, intent=Intent.ERP_PAYMENT, attempt=attempt,
            generation=generation, content_hash="c0ffee", mark=order.mark, lane="vendor/10000",
            priority=Priority.PAYMENT, issued=datetime.now(UTC), order=order,
        )  # fmt: skip
        identity = command_id(link, frame.intent, frame.content_hash, attempt)
        message: Message[Any] = Message(
            identity, "/test", catalogue.name_of(frame), link, datetime.now(UTC), self.name, frame
        )
        self.made.write((Topic.ERP_COMMANDS, message))
        return identity

    def outcomes(self, command: str) -> list[OutcomeFact]:
        """What was told of a command."""
        facts = [message.data for message in self.made.read(Topic.FACTS)]
        return [fact for fact in facts if isinstance(fact, OutcomeFact) and fact.command == command]

    def results(self, command: str) -> list[str]:
        """The same, shorter."""
        return [fact.result.value for fact in self.outcomes(command)]

    def ended(self, command: str, result: Result = Result.APPLIED) -> OutcomeFact:
        """Wait for its end: exactly one, in the log as in the facts."""
        eventually(lambda: result.value in self.results(command), what=f"{result} of {command}")
        ends = [one.data for one in self.made.read(Topic.ERP_EFFECTS) if isinstance(one.data, EndLogged)]
        assert [end.outcome.result for end in ends if end.command_id == command] == [result]
        final = [fact for fact in self.outcomes(command) if fact.result not in (Result.IN_DOUBT, Result.WAITING)]
        assert [fact.result for fact in final] == [result]
        return final[0]


@pytest.fixture
def desk(made_once: Installation, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """A connection for this test alone; what it started is ended."""
    one = Desk(made_once, f"c{abs(hash(request.node.name)) % 10_000}")
    yield one
    for process in one.started:
        process.kill()


def test_payments_reach_the_ledger_once_and_are_proved(desk: Desk) -> None:
    """Three orders, one of them with a lost answer, stand in the books once each; SIGTERM ends the service in time."""
    desk.apply()
    with desk.erp.open() as books:
        books.faults.append("lost@post")
    process = desk.start()
    orders = [payment(f"i-{number}", mark=f"TMARK{number}") for number in range(1, 4)]
    commands = [desk.ask(order) for order in orders]
    proofs = [desk.ended(command).payment for command in commands]
    assert [proof.mark if proof else "" for proof in proofs] == ["TMARK1", "TMARK2", "TMARK3"]
    books = desk.erp.read()
    assert [invoice["open"] for invoice in books.invoices.values()] == ["0", "0", "0", "100"]
    assert books.balance("2950") == -300
    assert books.repeated == []
    process.send(signal.SIGTERM)
    assert process.wait_gone(seconds=25)


def test_a_writer_killed_after_its_call_leaves_nothing_twice(desk: Desk) -> None:
    """SIGKILL: the successor reads the log, looks, and goes on; the proof is measured from before the first step."""
    desk.apply()
    first = desk.start(crash_at="payment-writeback.call.after:post")
    command = desk.ask(payment())
    assert first.wait_gone(seconds=30)
    desk.start()
    desk.ended(command)
    books = desk.erp.read()
    assert books.balance("2950") == -200
    assert books.repeated == []
    assert books.measured[-1] == {"i-1": "100", "i-2": "100"}


def test_what_a_person_has_to_post_is_waited_for_across_a_restart(desk: Desk) -> None:
    """Told once, still looked at by the next process, and applied once somebody has posted it."""
    with desk.erp.open() as books:
        books.posts = False
    desk.apply()
    first = desk.start()
    order = payment()
    command = desk.ask(order)
    eventually(lambda: desk.results(command) == ["waiting"], what="the wait")
    first.kill()
    with desk.erp.open() as books:
        books.post_by_hand(order.mark)
    desk.start()
    desk.ended(command)
    assert desk.results(command) == ["waiting", "applied"]


def test_wrong_credentials_park_and_right_ones_heal(desk: Desk) -> None:
    """Given back with the cure; once they are set again the side is reported healed, and the next attempt succeeds."""
    desk.apply(password="wrong")
    desk.start()
    command = desk.ask(payment())
    assert desk.ended(command, Result.PARKED).code == "password"
    desk.apply(generation=2, secret_version=2)
    eventually(
        lambda: [
            m for m in desk.made.read(Topic.FACTS) if m.partitionkey == desk.name and isinstance(m.data, SideFact)
        ],
        what="the healing",
    )
    desk.ended(desk.ask(payment(), attempt=2, generation=2))
