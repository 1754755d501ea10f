"""What applying would do, and when a slot of time begins."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieout.connections.registry import ConnectionView
from tieout.domain.settings import ConnectionSettings
from tieout_control_plane.api.operations import OPERATIONS, openapi
from tieout_control_plane.plan import Outcome, plan
from tieout_control_plane.ticks import slot_of


def _settings(name: str, **changes: Any) -> ConnectionSettings:
    document: dict[str, Any] = {
        "connection": name,
        "erp": {"kind": "business-central", "tenant": "t", "company": name},
        "bill": {"environment": "sandbox", "organization": f"008{name}"},
    }
    return ConnectionSettings.model_validate(document | changes)


def _known(*settings: ConnectionSettings, generation: int = 3) -> dict[str, ConnectionView]:
    return {each.connection: ConnectionView(each.connection, generation, each, {}) for each in settings}


def test_a_new_connection_starts_at_generation_1() -> None:
    """The first settings of a connection."""
    steps, refusals = plan([_settings("a")], {})
    assert [(step.outcome, step.generation, step.changed) for step in steps] == [(Outcome.CREATED, 1, ())]
    assert refusals == ()


def test_the_same_settings_keep_their_generation() -> None:
    """Applying a file from git again and again costs nothing."""
    steps, _ = plan([_settings("a")], _known(_settings("a")))
    assert [(step.outcome, step.generation) for step in steps] == [(Outcome.UNCHANGED, 3)]


def test_a_change_raises_the_generation_by_one() -> None:
    """Each applied change is one generation, whatever it changes."""
    steps, _ = plan([_settings("a", policy={"approval": "bill"}, mapping={"tax": "gross-up"})], _known(_settings("a")))
    assert [(step.outcome, step.generation, step.changed) for step in steps] == [
        (Outcome.CHANGED, 4, ("mapping.tax", "policy.approval"))
    ]


def test_one_connection_twice_in_a_request_is_refused() -> None:
    """Which of both would count?"""
    _, refusals = plan([_settings("a"), _settings("a")], {})
    assert [each.fault.path for each in refusals] == ["connection"]


def test_connections_of_one_request_are_compared_with_each_other() -> None:
    """Two new companies for one organization are refused though neither is known yet."""
    other = _settings("b", bill={"environment": "sandbox", "organization": "008a"})
    _, refusals = plan([_settings("a"), other], {})
    assert {(each.connection, each.fault.path) for each in refusals} == {
        ("a", "bill.organization"),
        ("b", "bill.organization"),
    }


def test_a_successor_may_be_applied_with_the_retirement() -> None:
    """Moving an organization to another company is one step."""
    retired = _settings("a", state="retired")
    successor = _settings("b", bill={"environment": "sandbox", "organization": "008a"})
    assert plan([retired, successor], _known(_settings("a")))[1] == ()
    assert plan([successor], _known(_settings("a")))[1] != ()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"state": "active"}, "cutover"),
        ({"bill": {"organization": "008a"}}, "bill.environment"),
        (
            {"bill": {"environment": "sandbox", "organization": "008a", "webhooks": "https://h/webhooks/bill/b"}},
            "bill.webhooks",
        ),
        (
            {"erp": {"kind": "business-central", "tenant": "t", "company": "a", "schedule": {"time_zone": "No/Where"}}},
            "erp.schedule.time_zone",
        ),
        ({"mapping": {"dimensions": {"A": "job", "B": "job"}}}, "mapping.dimensions.B"),
    ],
)
def test_rules_across_fields_hold_for_callers_of_the_api_too(changes: dict[str, Any], field: str) -> None:
    """The YAML reader is not the only way in."""
    _, refusals = plan([_settings("a", **changes)], {})
    assert [each.fault.path for each in refusals] == [field]


@given(
    moment=st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 - the zone is added below
    seconds=st.integers(1, 3600),
)
def test_a_slot_holds_its_moment(moment: datetime, seconds: int) -> None:
    """Every moment lies in exactly one slot, whichever process computes it."""
    now = moment.replace(tzinfo=UTC)
    slot = slot_of(now, seconds)
    assert slot <= now < slot + timedelta(seconds=seconds)
    assert slot_of(slot, seconds) == slot
    assert slot_of(slot + timedelta(seconds=seconds), seconds) == slot + timedelta(seconds=seconds)


def test_the_openapi_document_describes_every_call_with_schemas_that_exist() -> None:
    """A client can be generated from it: all references lead somewhere."""
    document = openapi("1")
    described = {(method.upper(), path) for path, calls in document["paths"].items() for method in calls}
    assert described == {(each.method, each.path) for each in OPERATIONS}
    names = set(document["components"]["schemas"])
    references = set(_references(document))
    assert references
    assert {each.removeprefix("#/components/schemas/") for each in references} <= names
    for calls in document["paths"].values():
        for call in calls.values():
            assert call["summary"]
            assert {"200", "401", "503"} <= set(call["responses"])


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [each for inner in value.values() for each in _references(inner)]
    if isinstance(value, list):
        return [each for inner in value for each in _references(inner)]
    return []
