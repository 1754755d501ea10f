"""erp-poller's checks, credentials and ownership of cursors, without brokers."""

import asyncio
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tieout.connections.registry import ConnectionView
from tieout.connections.secrets import Secret, SecretUnreadable, StoreNotReady
from tieout.domain.errors import Fatal, RecoveryError, Retry
from tieout.domain.records import Kind
from tieout.domain.settings import ConnectionSettings, ErpSettings, Side
from tieout.events import catalogue
from tieout.events.cursors import ErpCursor
from tieout.events.envelope import Message, Payload
from tieout.events.requests import CheckAnswered, CheckAsked, CheckLine, CheckStatus
from tieout.log.clients import KafkaAccess
from tieout.log.cursors import ABORTS
from tieout.log.produce import Aborted, Fenced
from tieout.log.topics import Names
from tieout_connectors.opening import READERS, open_erp
from tieout_connectors.spi.erp import CheckLine as FoundLine
from tieout_connectors.spi.erp import CheckStatus as FoundStatus
from tieout_erp_poller import checks
from tieout_erp_poller.connectors import PolledErp
from tieout_erp_poller.credentials import StoreReaders
from tieout_erp_poller.cursors import PartitionCursors

NOW = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
SETTINGS = ConnectionSettings.model_validate(
    {
        "connection": "cronus-us",
        "erp": {"kind": "business-central", "tenant": "t", "company": "CRONUS"},
        "bill": {"environment": "sandbox", "organization": "00801ABC"},
    }
)
VIEW = ConnectionView("cronus-us", 3, SETTINGS, {Side.ERP: 2})
ASKED = CheckAsked(connection="cronus-us", side=Side.ERP, generation=3, secret_version=2, deadline=NOW)
CURSOR = ErpCursor(kind=Kind.VENDOR, run=1, started=NOW)


class Erp:
    """An ERP that answers a check with lines, or with a refusal."""

    def __init__(self, found: list[FoundLine] | RecoveryError) -> None:
        self._found = found
        self.closed = False

    async def open(self, _view: ConnectionView) -> Any:
        """It is its own reader."""
        return self

    async def check(self) -> list[FoundLine]:
        """The lines."""
        if isinstance(self._found, RecoveryError):
            raise self._found
        return self._found

    async def close(self) -> None:
        """Noted."""
        self.closed = True


async def test_the_connectors_lines_are_the_answer() -> None:
    """What the real system said, line by line, with what to do."""
    erp = Erp(
        [
            FoundLine("sign-in", FoundStatus.OK, "fine"),
            FoundLine("ledger", FoundStatus.WARNING, "old", "Publish it."),
        ]
    )
    assert await checks.check(VIEW, erp) == (
        CheckLine(name="sign-in", status=CheckStatus.OK, detail="fine"),
        CheckLine(name="ledger", status=CheckStatus.WARNING, detail="old", cure="Publish it."),
    )
    assert erp.closed


@pytest.mark.parametrize("error", [Fatal, Retry])
async def test_a_refusal_is_an_answer_too(error: type[RecoveryError]) -> None:
    """`tieout check` shows status, code and cure instead of waiting in vain; the session is given back."""
    erp = Erp(error("wrong secret", code="7000215", cure="Set it.", call="POST /token", status=401))
    (line,) = await checks.check(VIEW, erp)
    assert (line.status, line.detail, line.cure) == (CheckStatus.FAILED, "wrong secret", "Set it.")
    assert (line.code, line.http_status) == ("7000215", 401)
    assert erp.closed


def test_the_answer_names_its_question() -> None:
    """The asker knows its answer by the request's id; the same question has one answer id."""
    request: Message[Payload] = Message(
        id="q1",
        source="/control-plane",
        type=catalogue.name_of(ASKED),
        subject="cronus-us",
        time=NOW,
        partitionkey="cronus-us",
        data=ASKED,
        traceparent="00-1-1-01",
    )
    answer = checks.answer(request, "cronus-us", [checks.late()], NOW)
    assert answer.data == CheckAnswered(request="q1", connection="cronus-us", side=Side.ERP, lines=(checks.late(),))
    assert (answer.causationid, answer.traceparent) == ("q1", "00-1-1-01")
    assert answer.id == checks.answer(request, "cronus-us", [], NOW).id


def test_what_did_not_arrive_is_named() -> None:
    """Settings, or credentials: the person looks at the right thing."""
    assert "generation 3" in checks.not_there(ASKED, None).detail
    assert "generation 3" in checks.not_there(ASKED, ConnectionView("cronus-us", 2, SETTINGS, {})).detail
    assert "credentials" in checks.not_there(ASKED, ConnectionView("cronus-us", 3, SETTINGS, {})).detail


class Store:
    """A store with one answer."""

    def __init__(self, answer: Secret | Exception | None) -> None:
        self._answer = answer

    def get(self, *_: object) -> Secret | None:
        """The answer."""
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


@pytest.mark.parametrize(
    ("answer", "error", "told"),
    [
        (None, Fatal, "no credentials"),
        (StoreNotReady("no database"), Retry, "no database"),
        (SecretUnreadable("was changed"), Fatal, "was changed"),
    ],
)
async def test_missing_credentials_are_told_with_their_cure(
    answer: Secret | Exception | None, error: type[RecoveryError], told: str
) -> None:
    """A database that is away passes; a secret that is missing needs a person, who is told the command."""
    with pytest.raises(error, match=told) as caught:
        await StoreReaders(Store(answer)).open(VIEW)  # type: ignore[arg-type]
    assert error is Retry or "tieout connections secret set cronus-us erp" in caught.value.cure


async def test_credentials_reach_the_connector() -> None:
    """The newest secret of the store opens the reader."""
    seen: dict[str, str] = {}

    def factory(settings: ErpSettings, credentials: Mapping[str, str]) -> PolledErp:
        seen.update(credentials, company=settings.company)
        return Erp([])  # type: ignore[return-value]

    secret = Secret(2, {"client_id": "id", "client_secret": "s3cret-value"})
    await StoreReaders(Store(secret), {"business-central": factory}).open(VIEW)  # type: ignore[arg-type]
    assert seen == {"client_id": "id", "client_secret": "s3cret-value", "company": "CRONUS"}


@pytest.mark.parametrize("credentials", [{}, {"client_id": "id"}, {"client_id": "id", "client_secret": ""}])
def test_incomplete_credentials_are_a_sick_connection_and_show_no_value(credentials: dict[str, str]) -> None:
    """Half a secret does not end the process that serves everybody else."""
    with pytest.raises(Fatal) as caught:
        open_erp(READERS, SETTINGS.erp, {**credentials, "extra": "s3cret-value"})
    assert "s3cret-value" not in str(caught.value) + caught.value.cure
    assert caught.value.__cause__ is None


def test_a_certificate_that_is_not_there_is_a_sick_connection() -> None:
    """The file is named."""
    erp = SETTINGS.erp.model_copy(update={"ca_file": "/nowhere/ca.pem"})
    with pytest.raises(Fatal, match=r"/nowhere/ca\.pem"):
        open_erp(READERS, erp, {"client_id": "id", "client_secret": "x"})


def test_an_erp_without_a_connector_is_a_sick_connection() -> None:
    """A connection of a newer release waits for it."""
    with pytest.raises(Fatal, match="business-central"):
        open_erp({}, SETTINGS.erp, {})


async def test_every_erp_in_the_table_opens() -> None:
    """A wrong name in the table would be found by the first user of that ERP."""
    reader = open_erp(READERS, SETTINGS.erp, {"client_id": "id", "client_secret": "x"})
    await reader.close()
    assert set(READERS) == {"business-central"}


class Producer:
    """A transactional producer that a test steers."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []
        self.commits = 0
        self.entered = threading.Event()
        self.go = threading.Event()
        self.go.set()

    def commit(self, _messages: object) -> None:
        """One transaction."""
        self.entered.set()
        assert self.go.wait(5)
        self.commits += 1
        if self.errors:
            raise self.errors.pop(0)

    def close(self) -> None:
        """Nothing to give back."""


def owned(producer: Producer) -> PartitionCursors:
    """The cursors of a partition on that producer."""
    cursors = PartitionCursors(KafkaAccess(bootstrap="127.0.0.1:1"), Names("t", 4), 0)
    cursors._producer = producer  # type: ignore[assignment]
    return cursors


async def test_a_cursor_counts_once_it_is_committed() -> None:
    """What was not written is not remembered either."""
    producer = Producer()
    cursors = owned(producer)
    producer.errors = [Fenced("superseded")]
    with pytest.raises(Fenced):
        await cursors.commit("cronus-us", CURSOR)
    assert cursors.get("cronus-us", Kind.VENDOR) is None
    await cursors.commit("cronus-us", CURSOR)
    assert cursors.get("cronus-us", Kind.VENDOR) == CURSOR
    cursors.close()


async def test_a_transaction_that_was_rolled_back_is_tried_again() -> None:
    """A coordinator that moves costs a moment; one that never comes back ends the process."""
    producer = Producer()
    cursors = owned(producer)
    producer.errors = [Aborted("moved")] * (ABORTS - 1)
    await cursors.commit("cronus-us", CURSOR)
    assert producer.commits == ABORTS
    producer.errors = [Aborted("moved")] * ABORTS
    with pytest.raises(Fenced):
        await cursors.commit("cronus-us", CURSOR)
    cursors.close()


async def test_a_cancelled_commit_is_remembered_if_it_was_written() -> None:
    """A connection that is paused and active again at once takes the next number, not the same one again."""
    producer = Producer()
    producer.go.clear()
    cursors = owned(producer)
    task = asyncio.ensure_future(cursors.commit("cronus-us", CURSOR))
    await asyncio.to_thread(producer.entered.wait, 5)
    task.cancel()
    await asyncio.sleep(0)
    producer.go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cursors.get("cronus-us", Kind.VENDOR) == CURSOR
    cursors.close()
