"""What the decider tells Prometheus: each fact once, however often its batch was tried."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY, CollectorRegistry

from support.deciding import ADDRESS, NOON, settings
from tieout.decide.state import Decision
from tieout.domain.erp import Vendor
from tieout.events import catalogue
from tieout.events.envelope import Message, Payload
from tieout.events.facts import SettingsFact, VendorObserved
from tieout.log.loop import Committed, Position
from tieout.log.outgoing import outgoing
from tieout.log.produce import Outgoing
from tieout.log.rows import BatchRows, RowStore
from tieout.log.topics import Names, Topic
from tieout_decider import deciding
from tieout_decider.counting import Counting
from tieout_decider.deciding import Decider
from tieout_decider.metrics import Positions

NAMES = Names("test", 1)
VENDOR = "tieout.fact.erp.vendor.v1"


@dataclass(frozen=True)
class Raw:
    """A message as a consumer hands it over."""

    out: Outgoing
    number: int

    def headers(self) -> list[tuple[str, bytes]]:
        """The attributes."""
        return self.out.headers

    def value(self) -> bytes | None:
        """The data."""
        return self.out.value

    def offset(self) -> int:
        """Its place."""
        return self.number

    def topic(self) -> str:
        """Its topic."""
        return self.out.topic


def raws(facts: Sequence[Payload]) -> list[Any]:
    """Facts of one connection in their order."""
    made = []
    for number, fact in enumerate(facts):
        message = Message(f"f{number}", "/test", catalogue.name_of(fact), "t", NOON, "acme", fact)
        made.append(Raw(outgoing(NAMES, Topic.FACTS, message), number))
    return made


def vendor(number: str, **changes: Any) -> VendorObserved:
    """A vendor as the ERP shows it."""
    base = {"id": number, "number": number, "name": f"Vendor {number}", "currency": "USD", "address": ADDRESS}
    return VendorObserved(run=1, vendor=Vendor.model_validate(base | changes))


def value(name: str, **labels: str) -> float:
    """A sample of the process's metrics, 0 if there is none."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


FACTS = (
    SettingsFact(generation=1, settings=settings()),
    vendor("1"),
    vendor("2", address={"country": "NO"}),
    vendor("1"),
)
COUNTED = {
    "applied": ("tieout_decider_facts_total", {"type": VENDOR, "result": "command"}),
    "held": ("tieout_decider_facts_total", {"type": VENDOR, "result": "held"}),
    "known": ("tieout_decider_facts_total", {"type": VENDOR, "result": "nothing"}),
    "set": ("tieout_decider_facts_total", {"type": "tieout.fact.settings.v1", "result": "entry"}),
    "commands": ("tieout_decider_commands_total", {"intent": "vendor.ensure"}),
    "reason": ("tieout_decider_holds_set_total", {"reason": "vendor.address_incomplete"}),
    "batches": ("tieout_decider_batch_facts_count", {}),
    "facts": ("tieout_decider_batch_facts_sum", {}),
    "seconds": ("tieout_decider_batch_seconds_sum", {}),
    "transaction": ("tieout_decider_transaction_seconds_sum", {}),
    "ages": ("tieout_decider_fact_age_seconds_count", {}),
}


def readings() -> dict[str, float]:
    """All that is looked at."""
    return {name: value(metric, **labels) for name, (metric, labels) in COUNTED.items()}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RowStore]:
    """The committed rows, none yet."""
    store = RowStore(tmp_path)
    yield store
    store.close()


def test_a_committed_batch_is_told_once_by_what_followed_from_each_fact(store: RowStore) -> None:
    """Rolled back, it counts nothing; decided again and committed, each fact, command and hold counts once."""
    counting = Counting()
    decider = Decider(NAMES, counting)
    before = readings()
    decider.process(0, raws(FACTS), BatchRows(store))
    assert readings() == before
    decider.process(0, raws(FACTS), BatchRows(store))
    counting.committed(Committed(0, len(FACTS), process_seconds=0.25, commit_seconds=0.5))
    told = {name: round(now - before[name], 6) for name, now in readings().items()}
    assert told == {
        "applied": 1, "held": 1, "known": 1, "set": 1, "commands": 1, "reason": 1,
        "batches": 1, "facts": 4, "seconds": 0.25, "transaction": 0.5, "ages": 1,
    }  # fmt: skip


def test_a_hold_that_goes_is_counted_and_so_is_a_defect(store: RowStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mended vendor's hold is gone; a fact that cannot be decided is a hold of reason ``fault``."""
    counting = Counting()
    decider = Decider(NAMES, counting)
    gone, faults = value("tieout_decider_holds_gone_total"), value("tieout_decider_holds_set_total", reason="fault")
    decider.process(0, raws((*FACTS, vendor("2"))), BatchRows(store))
    counting.committed(Committed(0, len(FACTS) + 1, 0.1, 0.1))
    assert value("tieout_decider_holds_gone_total") - gone == 1

    def broken(*_: object) -> Decision:
        raise RuntimeError("a defect")

    monkeypatch.setattr(deciding, "decide", broken)
    decider.process(0, raws(FACTS[:1]), BatchRows(store))
    counting.committed(Committed(0, 1, 0.1, 0.1))
    assert value("tieout_decider_holds_set_total", reason="fault") - faults == 1


def test_positions_are_asked_when_somebody_looks() -> None:
    """The lag is the log's end less the position, never below zero, and left out while the end is not known."""
    registry = CollectorRegistry()
    registry.register(Positions(lambda: [Position(0, 7, 10), Position(1, 5, None), Position(2, 4, 3)]))
    shown = {
        (family.name, sample.labels["partition"]): sample.value
        for family in registry.collect()
        for sample in family.samples
    }
    assert shown == {
        ("tieout_decider_position", "0"): 7, ("tieout_decider_position", "1"): 5, ("tieout_decider_position", "2"): 4,
        ("tieout_decider_lag", "0"): 3, ("tieout_decider_lag", "2"): 0,
    }  # fmt: skip
