"""The figures of how things stand, read from a projection on a real PostgreSQL."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from prometheus_client import CollectorRegistry

from support.deciding import NOON, settings
from support.installation import Installation
from support.projecting import pay, told
from tieout.connections.registry import ConnectionView
from tieout.connections.secrets import StoreNotReady, engine_for
from tieout.domain.bill_payments import SingleStatus
from tieout.log.topics import Topic
from tieout_control_plane.projection.projector import Projector
from tieout_control_plane.projection.writing import ProjectionStore
from tieout_control_plane.standing import Standing

pytest_plugins = ["tieout_devstack.fixtures"]


@dataclass
class Shown:
    """Samples as Prometheus would read them."""

    registry: CollectorRegistry

    def __getitem__(self, name: str) -> dict[tuple[str, ...], float]:
        """The samples of a metric by the values of their labels."""
        families = {family.name: family for family in self.registry.collect()}
        return {tuple(one.labels.values()): one.value for one in families[name].samples}


def view(connection: str, **changes: str) -> ConnectionView:
    """A connection as the registry knows it."""
    return ConnectionView(connection, 1, settings(connection=connection, **changes), {})


def test_holds_waits_money_and_ages_are_those_of_the_log_and_retired_connections_do_not_count(
    made: Installation,
) -> None:
    """One connection with something of everything, another just like it that is retired, and one that is paused."""
    for name in ("acme", "old"):
        story = told(name)
        # A payment that was recorded is void by now: its reversal is on its way, and no money of it.
        pay(story, "stp1", "00n1", "100", single_status=SingleStatus.VOIDED, updated=datetime(2026, 6, 2, tzinfo=UTC))
        made.write(*((Topic.FACTS, one) for one in story.facts), *((Topic.JOURNAL, one) for one in story.journal))
    engine = engine_for(made.database)
    projector = Projector(made.access, made.names, ProjectionStore(engine))
    projector.start()
    try:
        assert projector.wait_for_now(30), projector.problem()
    finally:
        projector.stop()
    standing = Standing(engine, lambda: [view("acme"), view("old", state="retired"), view("rest", state="paused")])
    registry = CollectorRegistry()
    registry.register(standing)
    shown = Shown(registry)
    assert shown["tieout_connections"] == {}
    standing.look()
    assert shown["tieout_connections"] == {("active",): 1, ("retired",): 1, ("paused",): 1}
    assert shown["tieout_holds"] == {("bill.on_hold_in_erp",): 1, ("match.ambiguous",): 1}
    assert shown["tieout_tasks"] == {("person",): 1}
    links = shown["tieout_links"]
    assert (links["bill", "linked"], links["bill", "held"], links["bill", "waiting"]) == (2, 1, 1)
    assert shown["tieout_links_waiting"] == {("bill", "vendor"): 1}
    assert links["reversal", "requested"] == 1
    assert shown["tieout_payments_in_flight"] == {("USD", "awaited"): 1}
    assert shown["tieout_money_in_flight"] == {("USD",): float(Decimal(50))}
    assert shown["tieout_sides_closed"] == {("bill",): 0, ("erp",): 0}
    ages = shown["tieout_links_oldest_seconds"]
    assert {phase for _, phase in ages} == {"held", "waiting", "awaited", "requested"}
    assert all(age == pytest.approx(time.time() - NOON.timestamp(), abs=120) for age in ages.values())
    (taken,) = shown["tieout_standing_read_timestamp_seconds"].values()
    assert taken == pytest.approx(time.time(), abs=60)
    engine.dispose()


def test_what_was_read_last_is_told_while_the_database_is_away() -> None:
    """The figures stay with the time they were read at, which an alarm looks at; nothing ends."""
    standing = Standing(engine_for("postgresql://nobody@127.0.0.1:1/none"), list)
    with pytest.raises(StoreNotReady):
        standing.look()
    standing.start()
    standing.stop()
