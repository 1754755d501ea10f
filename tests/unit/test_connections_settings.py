"""The settings of a connection: what may change, what may not, and when something is due."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieout.domain.records import POLLED, Kind
from tieout.domain.schedule import FIELD_OF, Cadence, Schedule
from tieout.domain.settings import BillEndpoints, ConnectionSettings, State
from tieout.domain.settings_rules import MOVES, changed_fields, conflicts, refused_changes

BASE = ConnectionSettings.model_validate(
    {
        "connection": "cronus-us",
        "state": "active",
        "erp": {"kind": "business-central", "tenant": "t1", "company": "CRONUS", "endpoints": {"api": "http://h:1"}},
        "bill": {"environment": "sandbox", "organization": "00801A"},
        "cutover": {"date": "2026-01-01"},
    }
)


def _with(**changes: object) -> ConnectionSettings:
    document = BASE.model_dump(mode="json", exclude_none=True)
    for path, value in changes.items():
        *parents, last = path.split("__")
        target = document
        for parent in parents:
            target = target[parent]
        target[last] = value
    return ConnectionSettings.model_validate(document)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"erp__company": "CRONUS US"}, "erp.company"),
        ({"erp__company": "Cronus"}, "erp.company"),
        ({"erp__tenant": "t2"}, "erp.tenant"),
        ({"erp__environment": "test"}, "erp.environment"),
        ({"bill__organization": "00801B"}, "bill.organization"),
        ({"bill__organization": "00801a"}, "bill.organization"),
        ({"bill__environment": "production"}, "bill.environment"),
        ({"bill__budget": "other"}, "bill.budget"),
        ({"state": "draft"}, "state"),
    ],
)
def test_what_would_be_another_connection_is_refused(changes: dict[str, object], field: str) -> None:
    """Another company or organization under the same name would mix two ledgers."""
    assert [fault.path for fault in refused_changes(BASE, _with(**changes))] == [field]


@pytest.mark.parametrize(
    "changes",
    [
        {"erp__endpoints": {"api": "http://h:2"}},
        {"erp__ledger_page": "Ledger"},
        {"state": "paused"},
        {"policy": {"approval": "bill"}},
    ],
)
def test_what_leaves_the_identity_alone_may_change(changes: dict[str, object]) -> None:
    """A server that moved, another policy, a pause: the same connection."""
    changed = _with(**changes)
    assert refused_changes(BASE, changed) == []
    assert changed.fingerprint == BASE.fingerprint


@pytest.mark.parametrize("changes", [{"erp__company": "CRONUS US"}, {"bill__organization": "00801B"}])
def test_the_fingerprint_tells_companies_and_organizations_apart(changes: dict[str, object]) -> None:
    """Two connections are the same only if both ends are."""
    assert _with(**changes).fingerprint != BASE.fingerprint


def test_a_retired_connection_stays_as_it_is() -> None:
    """Retired is final: nothing of it changes any more."""
    retired = _with(state="retired")
    assert [fault.path for fault in refused_changes(retired, BASE)] == ["state"]
    changed = retired.model_copy(update={"policy": _with(policy={"approval": "bill"}).policy})
    assert [fault.path for fault in refused_changes(retired, changed)] == ["state"]
    assert refused_changes(retired, retired) == []


def test_a_draft_may_take_another_budget() -> None:
    """Nothing of a draft can be unanswered."""
    draft = _with(state="draft")
    assert refused_changes(draft, draft.model_copy(update={"bill": _with(bill__budget="other").bill})) == []


def test_a_retired_connection_frees_company_and_organization() -> None:
    """After retiring one, its organization can be joined again."""
    other = _with(connection="again")
    assert [fault.path for fault in conflicts(other, [BASE])] == ["bill.organization"]
    assert conflicts(other, [_with(state="retired")]) == []
    assert conflicts(_with(connection="again", state="retired"), [BASE]) == []
    assert conflicts(BASE, [BASE]) == []


def test_retired_is_the_only_end() -> None:
    """From every other state a connection can be retired; from retired it goes nowhere."""
    assert all(State.RETIRED in targets for targets in MOVES.values())
    assert MOVES[State.RETIRED] == {State.RETIRED}


def test_changes_are_named_as_they_are_written() -> None:
    """`apply` says which fields changed."""
    changed = _with(state="paused", erp__endpoints={"api": "http://h:2"}, policy={"approval": "bill"})
    assert changed_fields(BASE, changed) == ["state", "erp.endpoints.api", "policy.approval"]
    assert changed_fields(BASE, BASE) == []
    assert changed_fields(BASE, BASE.model_copy(update={"cutover": None})) == ["cutover"]


def test_the_addresses_of_bill_are_the_gateways_or_the_simulators() -> None:
    """`sandbox` means BILL's stage gateway; endpoints stand in its place."""
    assert BASE.bill.addresses.api == "https://gateway.stage.bill.com/connect"
    endpoints = BillEndpoints(api="http://127.0.0.1:8080/connect/", events="http://127.0.0.1:8080/connect-events")
    bill = BASE.bill.model_copy(update={"environment": None, "endpoints": endpoints})
    assert bill.addresses.api == "http://127.0.0.1:8080/connect"


def test_the_address_of_the_erp_has_only_what_was_given() -> None:
    """What the owner left out is the connector's to choose."""
    assert BASE.erp.address == {
        "tenant": "t1",
        "environment": "production",
        "ledger_page": "VendorLedgerEntries",
        "endpoints": {"api": "http://h:1"},
    }


@pytest.mark.parametrize(
    ("text", "seconds"), [("1s", 1), ("15m", 900), ("1h", 3600), ("31d", 31 * 86_400), (" 15m ", 900)]
)
def test_durations(text: str, seconds: int) -> None:
    """Durations are a number and a unit."""
    assert Cadence.parse(text).every == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    ["", "0m", "15", "15 m", "1.5h", "-1m", "32d", "9999999h", "daily", "daily 24:00", "daily 2:00", "m", "\u0661m"],
)
def test_what_is_no_duration_is_refused_with_what_is(text: str) -> None:
    """The error says what may be written."""
    with pytest.raises(ValueError, match='15m, 1h, 1d, or "daily HH:MM"'):
        Cadence.parse(text)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-06-01T05:59:59", "2026-06-01T06:00:00"),
        ("2026-06-01T06:00:00", "2026-06-02T06:00:00"),
        # 8 March 2026: 02:00 does not come in New York, so it is taken at 03:00, which is 07:00 UTC.
        ("2026-03-08T06:30:00", "2026-03-08T07:00:00"),
        ("2026-03-08T07:00:00", "2026-03-09T06:00:00"),
    ],
)
def test_daily_follows_the_clock_of_its_zone(moment: str, expected: str) -> None:
    """`daily 02:00` in New York, summer and winter."""
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    found = Cadence.parse("daily 02:00").next_after(at, ZoneInfo("America/New_York"))
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_an_hour_that_comes_twice_is_taken_once() -> None:
    """On 1 November 2026 01:30 comes twice in New York; the poll runs at the first."""
    zone, daily = ZoneInfo("America/New_York"), Cadence.parse("daily 01:30")
    first = daily.next_after(datetime(2026, 11, 1, 4, 0, tzinfo=UTC), zone)
    assert first == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert daily.next_after(first, zone) == datetime(2026, 11, 2, 6, 30, tzinfo=UTC)


@given(
    moment=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)),  # noqa: DTZ001 - hypothesis adds the zone
    zone=st.sampled_from(["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia"]),
    text=st.sampled_from(["1s", "15m", "31d", "daily 00:00", "daily 02:30", "daily 23:59"]),
)
def test_the_next_time_is_always_later_and_within_two_days(moment: datetime, zone: str, text: str) -> None:
    """A schedule neither stands still nor skips a day."""
    cadence, at = Cadence.parse(text), moment.replace(tzinfo=UTC)
    longest = cadence.every or timedelta(hours=26)
    assert at < cadence.next_after(at, ZoneInfo(zone)) <= at + longest


def test_every_kind_follows_a_field_of_the_schedule() -> None:
    """A kind that is polled and not named follows the default."""
    schedule = Schedule.model_validate({"default": "5m", "ledger": "1m"})
    assert set(FIELD_OF) == set(POLLED)
    assert {str(schedule.of(kind)) for kind in POLLED if kind is not Kind.LEDGER_ENTRY} == {"5m"}
    assert str(schedule.of(Kind.LEDGER_ENTRY)) == "1m"
