"""A connection's state, fed fact by fact, without a broker."""

from datetime import UTC, datetime
from typing import Any

from tieout.decide import rows
from tieout.decide.decide import decide
from tieout.decide.folding import MemoryView
from tieout.decide.rows import HoldRow, LinkRow
from tieout.decide.state import Command, Decision, Origin
from tieout.domain.records import Address
from tieout.domain.settings import ConnectionSettings
from tieout.events.envelope import Payload
from tieout.events.facts import OutcomeFact, Result, SettingsFact

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LINK = "vendor/v-1/USD"
ADDRESS = Address(line1="1 Quay", city="Oslo", postal_code="0150", country="NO")


def settings(**changes: Any) -> ConnectionSettings:
    """A connection between a Business Central company and a BILL organization."""
    base = {
        "connection": "acme",
        "state": "active",
        "erp": {"kind": "business-central", "tenant": "contoso.example", "company": "CRONUS"},
        "bill": {"environment": "sandbox", "organization": "00801ACME"},
        "cutover": {"date": "2026-01-01"},
    }
    return ConnectionSettings.model_validate(base | changes)


class World:
    """A connection's state, fed fact by fact."""

    def __init__(self, *, active: bool = True) -> None:
        self.view = MemoryView()
        self.offset = 0
        self.issued: list[Command] = []
        if active:
            self.feed(SettingsFact(generation=1, settings=settings()))

    def feed(self, fact: Payload) -> Decision:
        """Decide one fact and keep what it set."""
        origin = Origin("acme", f"f{self.offset}", self.offset, NOON)
        decision = decide(self.view, origin, fact)
        self.view.apply(decision.entries)
        self.offset += 1
        self.issued += decision.commands
        return decision

    def link(self, link: str = LINK) -> LinkRow:
        """The link's row."""
        return LinkRow.model_validate_json(self.view.rows[rows.link_row(link)])

    def hold(self, link: str = LINK) -> HoldRow | None:
        """The link's hold."""
        value = self.view.rows.get(rows.hold_row(link))
        return None if value is None else HoldRow.model_validate_json(value)

    def answer(self, result: Result, command: Command | None = None, **fields: Any) -> Decision:
        """The writer's answer to a command, the last one by default."""
        of = command or self.issued[-1]
        return self.feed(
            OutcomeFact(
                command=of.id, link=of.frame.link, intent=of.frame.intent, attempt=of.frame.attempt, result=result,
                **{"content": of.frame.content_hash, **fields},
            )
        )  # fmt: skip
