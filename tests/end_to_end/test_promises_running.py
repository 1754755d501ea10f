"""What is promised of two companies that run side by side: schedules, webhooks, limits and secrets.

Every service, real Kafka and PostgreSQL, all simulators; both companies share one developer key and run for the whole
file. Hours pass by moving the clock of every process.
"""

import http.client
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from support.installation import Installation, eventually
from support.leaks import database, logs, topics, traces
from support.simulators import Running
from support.two_companies import (
    ACME,
    COMPANIES,
    CREDENTIALS,
    ORGANIZATIONS,
    POLLER,
    WRITER,
    ZENITH,
    TwoCompanies,
    begin,
    listening,
    new_vendor,
    two_companies,
)
from support.two_companies_secrets import PASTED, all_secrets, answers, fail_to_sign_in
from tieout.connections.secrets import Purpose
from tieout.events.envelope import Message, Payload
from tieout.events.facts import BillPaymentObserved
from tieout.events.raw import BillDocument
from tieout.log.topics import Topic
from tieout_devstack.certificates import Authority

# The first test waits for nine services to start.
pytestmark = pytest.mark.timeout(300)

KINDS: Final = ("account", "dimension_value", "vendor", "purchase_invoice", "ledger_entry")
ALL: Final = {f"erp/{kind}" for kind in KINDS} | {f"bill/{kind}" for kind in ("payment", "bill", "vendor")}
SECOND: Final = {"default": "1s"}
HOURLY: Final = {"default": "1h"}
Calls = Callable[[], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def both(made_once: Installation, ca: Authority) -> Iterator[TwoCompanies]:
    """Both companies at rest: polled to their ends, subscribed to BILL's notices."""
    with two_companies(made_once, ca) as one:
        begin(one, ca, {ACME: {"erp": SECOND, "bill": SECOND}, ZENITH: {"erp": daily(one), "bill": HOURLY}})
        eventually(lambda: set(one.runs(ACME)) == ALL and set(one.runs(ZENITH)) == ALL, seconds=60, what="first polls")
        subscriptions = lambda: one.pipe.bill.ask("/_sandbox/webhooks")["subscriptions"]  # noqa: E731 - asked twice
        eventually(lambda: [each["status"]["enabled"] for each in subscriptions()] == [True] * 2, what="the webhooks")
        settle(one)
        yield one


def settle(both: TwoCompanies) -> None:
    """A change of settings or a new subscription may have begun a poll, or cut one off: let that be over."""
    restart(both, WRITER)
    eventually(lambda: both.resting(ZENITH), seconds=60, what="the end of a poll")


def daily(both: TwoCompanies) -> dict[str, str]:
    """Hourly, and vendors once a day in Kolkata: an hour and three quarters after the file's first moment."""
    local = both.clock.now() + timedelta(hours=5, minutes=30) + timedelta(hours=1, minutes=45)
    return {"default": "1h", "vendors": f"daily {local:%H:%M}", "time_zone": "Asia/Kolkata"}


def later(both: TwoCompanies, name: str, before: dict[str, int], by: int = 1) -> set[str]:
    """Which kinds were polled so often since."""
    return {kind for kind, run in both.runs(name).items() if run >= before[kind] + by}


def restart(both: TwoCompanies, *modules: str, **extra: str) -> None:
    """Kill and start: a schedule is looked at anew, and a clock that was moved is noticed."""
    for module in modules:
        both.kill(module)
        both.start(module, **extra)


@pytest.mark.promise("C11")
def test_each_connection_is_polled_on_its_own_schedule(both: TwoCompanies) -> None:
    """Every second and every hour side by side; paused is not polled; a changed schedule counts at once."""
    quick, slow = both.runs(ACME), both.runs(ZENITH)
    eventually(lambda: later(both, ACME, quick, by=3) == ALL, seconds=60, what="polls of each second")
    assert both.runs(ZENITH) == slow, "an hour has not passed"
    assert both.pipe.ask("POST", f"/v1/connections/{ACME}/pause")[0] == 200
    restart(both, POLLER, WRITER)
    quick = both.runs(ACME)
    both.hour_passes()
    restart(both, POLLER, WRITER)
    hourly = ALL - {"erp/vendor"}
    eventually(lambda: later(both, ZENITH, slow) == hourly, seconds=60, what="the poll of the hour")
    assert both.runs(ACME) == quick, "a paused connection is not polled, however long it is due"
    assert both.pipe.ask("POST", f"/v1/connections/{ACME}/resume")[0] == 200
    eventually(lambda: later(both, ACME, quick) == ALL, seconds=60, what="polls after the pause")
    slow = both.runs(ZENITH)
    both.hour_passes()
    restart(both, POLLER, WRITER)
    eventually(lambda: later(both, ZENITH, slow) == ALL, seconds=60, what="the daily poll, by its own time zone")
    processes = [both.made.running[module].pid for module in (POLLER, WRITER)]
    slow = both.runs(ZENITH)
    both.apply(both.document(ZENITH, erp=SECOND, bill=SECOND))
    eventually(lambda: later(both, ZENITH, slow, by=3) == ALL, seconds=60, what="polls on the changed schedule")
    assert [both.made.running[module].pid for module in (POLLER, WRITER)] == processes
    both.apply(both.document(ZENITH, erp=HOURLY, bill=HOURLY))


def of(both: TwoCompanies, topic: Topic, name: str) -> list[Message[Payload]]:
    """A connection's messages in their order."""
    return [one for one in both.made.read(topic) if one.partitionkey == name]


def origin(both: TwoCompanies, payment: str) -> set[str]:
    """How what stands in the log of a payment was read."""
    shown = (one.data for one in of(both, Topic.BILL_EVENTS, ZENITH))
    return {one.origin for one in shown if isinstance(one, BillDocument) and one.key == payment}


@pytest.mark.promise("C17")
def test_a_payments_webhook_starts_the_write_back_and_the_schedule_is_the_net(both: TwoCompanies) -> None:
    """Two payments, the notices of the first one lost: only the second is posted, until BILL is polled again."""
    settle(both)
    bills = both.bills(ZENITH)
    runs = both.runs(ZENITH)
    both.pipe.bill.ask("/_sandbox/switches", {"webhook_lose": 1_000_000})
    lost = both.pay(ZENITH, bills["OPEN-1"])
    both.pipe.bill.ask("/_sandbox/switches", {"webhook_lose": 0})
    told = both.pay(ZENITH, bills["OPEN-2"])

    def applied() -> dict[str, Decimal] | None:
        """What is open once the second one is applied."""
        remaining = both.remaining(ZENITH)
        return remaining if remaining["OPEN-2"] == 0 else None

    assert eventually(applied, seconds=60, what="the posting of the payment that was told")["OPEN-1"] == 100
    assert origin(both, told) == {"read"}
    assert origin(both, lost) == set()
    assert {kind: run for kind, run in both.runs(ZENITH).items() if kind.startswith("bill/")} == {
        kind: run for kind, run in runs.items() if kind.startswith("bill/")
    }, "nothing was polled in between"
    both.apply(both.document(ZENITH, erp=HOURLY, bill=SECOND))
    eventually(lambda: both.remaining(ZENITH)["OPEN-1"] == 0, seconds=60, what="the posting of what a poll found")
    assert origin(both, lost) == {"poll"}
    seen = [one.data.payment.id for one in of(both, Topic.FACTS, ZENITH) if isinstance(one.data, BillPaymentObserved)]
    assert seen.index(told) < seen.index(lost)
    paid = [one for one in both.books(ZENITH)["vendor_entries"] if one["document_type"] == "Payment"]
    assert [Decimal(one["amount"]) for one in paid] == [100, 100]
    both.apply(both.document(ZENITH, erp=HOURLY, bill=HOURLY))


PAUSE: Final = 2
BUSY: Final = {"error": {"code": "Application_TooManyRequests", "message": "Too many requests reached."}}


def called(call: dict[str, Any]) -> datetime:
    """When the simulator saw it, by its clock."""
    return datetime.fromisoformat(call["time"])


def after_refusal(calls: list[dict[str, Any]], path: str = "") -> tuple[datetime, list[datetime]]:
    """When the one call that a fault refused was seen, and all calls behind it to a path."""
    at = next(place for place, one in enumerate(calls) if one["fault"] == "status")
    assert not calls[at]["executed"]
    return called(calls[at]), [called(one) for one in calls[at + 1 :] if path in one["path"]]


def refuse(simulator: Running, path: str, status: int, method: str = "GET", **answer: Any) -> Calls:
    """Refuse the next call of a kind once, asking for a pause; the calls seen from now on."""
    seen = listening(simulator)
    simulator.ask("/_sandbox/faults", method="DELETE")
    answer = {"headers": {"Retry-After": str(PAUSE)}, "body": BUSY} | answer
    simulator.fault("status", path=path, method=method, status=status, **answer)
    return seen


def resumed(seen: Calls, path: str = "", *, under_way: int = 0) -> None:
    """The pause was kept: nobody calls before its end but those whose calls were under way; then it goes on."""

    def went_on() -> tuple[datetime, list[datetime]] | None:
        calls = seen()
        if not any(one["fault"] == "status" for one in calls):
            return None
        refused, behind = after_refusal(calls, path)
        return (refused, behind) if len(behind) > under_way else None

    refused, behind = eventually(went_on, seconds=60, what="calls after the pause")
    early = [one for one in behind if one < refused + timedelta(seconds=PAUSE)]
    assert len(early) <= under_way, [str(one - refused) for one in early]


@pytest.mark.promise("C9")
def test_business_central_and_entra_are_left_alone_for_as_long_as_they_ask(both: TwoCompanies) -> None:
    """429 with Retry-After for a poll, a sign-in and a posting: no call before that; and nothing is lost."""
    company = f"/companies({both.books(ACME)['id']})"
    seen = refuse(both.pipe.erp, f"{re.escape(company)}/vendors", 429)
    both.people(ACME, {"do": "create_vendor", "vendor": new_vendor("NEW-1")})
    resumed(seen, company)
    eventually(lambda: "NEW-1" in both.vendors(ACME), seconds=60, what="the vendor")
    seen = refuse(both.pipe.login, "/token", 429, "POST", body={"error": "temporarily_unavailable"})
    both.people(ACME, {"do": "revoke_tokens"}, {"do": "create_vendor", "vendor": new_vendor("NEW-2")})
    resumed(seen)
    eventually(lambda: "NEW-2" in both.vendors(ACME), seconds=60, what="the vendor after the sign-in")
    company = f"/companies({both.books(ZENITH)['id']})"
    seen = refuse(both.pipe.erp, f"{re.escape(company)}/.*[jJ]ournal", 429, "POST")
    both.pay(ZENITH, both.bills(ZENITH)["OPEN-3"])
    resumed(lambda: [one for one in seen() if one["method"] != "GET"], company)
    eventually(lambda: both.remaining(ZENITH)["OPEN-3"] == 0, seconds=60, what="the posting")
    paid = [one for one in both.books(ZENITH)["vendor_entries"] if one["document_type"] == "Payment"]
    assert len(paid) == len({one["document_number"] for one in paid})
    both.pipe.login.ask("/_sandbox/faults", method="DELETE")


@pytest.mark.promise("C9")
@pytest.mark.parametrize("refusal", ["BDC_1144", "429", "BDC_1322"])
def test_bills_limits_are_waited_for_by_all_who_share_them(both: TwoCompanies, refusal: str) -> None:
    """The hour's calls are spent by somebody else, a gateway's 429, a fourth call at a time: repeated, once, later."""
    both.apply(both.document(ACME, erp=SECOND, bill=HOURLY))
    numbers = [f"{refusal}-{number}" for number in range(6)]
    both.people(ACME, *({"do": "create_vendor", "vendor": new_vendor(one)} for one in numbers))
    eventually(lambda: set(numbers) <= set(both.vendors(ACME)), seconds=60, what="vendors")
    eventually(lambda: not moving(both), seconds=60, what="rest")
    answer: dict[str, Any] = {"headers": {}, "body": [{"severity": "ERROR", "code": refusal, "message": "Wait."}]}
    if refusal == "429":
        answer = {"headers": {"Retry-After": str(PAUSE)}, "body": "slow down"}
    elif refusal == "BDC_1144":
        turn = both.clock.now().replace(minute=59, second=60 - PAUSE, microsecond=0)
        answer["body"][0]["timestamp"] = turn.isoformat()
    seen = refuse(both.pipe.bill, "/vendors/", 429 if refusal == "429" else 422, "PATCH", **answer)
    orders = [{"do": "change_vendor", "number": one, "values": {"display_name": f"{one} renamed"}} for one in numbers]
    both.people(ACME, *orders)
    if refusal != "BDC_1322":
        resumed(seen, under_way=2)
    wanted = {one: [f"{one} renamed"] for one in numbers}
    eventually(lambda: {one: both.vendors(ACME)[one] for one in numbers} == wanted, seconds=60, what="all new names")
    patches = [one for one in seen() if one["method"] == "PATCH"]
    assert len([one for one in patches if one["executed"]]) == len(numbers)
    assert [one["status"] for one in patches if not one["executed"]] == [429 if refusal == "429" else 422]


def moving(both: TwoCompanies) -> list[str]:
    """Links of ``acme`` that something is under way for."""
    rows = both.made.state().items()
    links = {key: json.loads(value) for key, value in rows if key.startswith(f"{ACME}/link/")}
    return [key for key, row in links.items() if row["phase"] not in ("linked", "held", "ignored")]


def work(both: TwoCompanies, name: str, prefix: str, vendors: int) -> set[str]:
    """Much is to be done for BILL at once; the numbers of the new vendors."""
    numbers = [f"{prefix}-{number}" for number in range(vendors)]
    both.people(name, *({"do": "create_vendor", "vendor": new_vendor(one)} for one in numbers))
    for invoice in range(3):
        both.post(name, f"{prefix}-{invoice}")
    assert both.pipe.ask("POST", f"/v1/connections/{name}/sync", {})[0] == 200
    return set(numbers)


def created(calls: list[dict[str, Any]]) -> int:
    """Vendors that BILL has made."""
    return len([one for one in calls if one["method"] == "POST" and one["path"].endswith("/v3/vendors")])


def complete(both: TwoCompanies, name: str, numbers: set[str]) -> bool:
    """Whether every vendor stands in BILL; none does twice."""
    there = both.vendors(name)
    assert {number for number in numbers if len(there.get(number, ())) > 1} == set()
    return numbers <= set(there)


REFUSED: Final = (422, 429)


@pytest.mark.promise("C3")
def test_never_more_than_three_calls_at_a_time_per_organization(both: TwoCompanies) -> None:
    """Vendors, bills, notices and polls of both companies, bill-writer killed in between: BILL never sees a fourth."""
    both.pipe.bill.ask("/_sandbox/switches", {"latency_seconds": 0.1})
    seen = listening(both.pipe.bill)
    numbers = {name: work(both, name, "PEAK", 20) for name in COMPANIES}
    eventually(lambda: created(seen()) >= 8, seconds=60, what="the first vendors")
    restart(both, WRITER)
    for name, wanted in numbers.items():
        eventually(lambda name=name, wanted=wanted: complete(both, name, wanted), seconds=90, what="all vendors")
        eventually(lambda name=name: "PEAK-2" in both.bills(name), seconds=60, what="all bills")
    both.pipe.bill.ask("/_sandbox/switches", {"latency_seconds": 0.0})
    peaks = {one["organization"]: one["peak"] for one in both.pipe.bill.ask("/_sandbox/usage")["lanes"]}
    assert peaks == dict.fromkeys(ORGANIZATIONS.values(), 3), "three at a time, and no more"
    assert [one for one in seen() if one["status"] in REFUSED] == []


CALLS: Final = 150
LOGINS: Final = 3
# What the writer keeps of the hour for look-ups after a doubt.
KEPT: Final = CALLS // 10


def by_hour(calls: list[dict[str, Any]], path: str = "") -> Counter[str]:
    """Calls by BILL's clock hour."""
    return Counter(one["time"][:13] for one in calls if path in one["path"])


def left(both: TwoCompanies) -> float:
    """Calls that bill-writer has left of the hour, by its metrics."""
    client = http.client.HTTPConnection("127.0.0.1", both.health[WRITER], timeout=10)
    try:
        client.request("GET", "/metrics")
        lines = client.getresponse().read().decode().splitlines()
    except ConnectionError:
        return math.inf  # it was started a moment ago
    finally:
        client.close()
    name = 'tieout_bill_budget_headroom{budget="main",resource="calls"} '
    told = [float(line.removeprefix(name)) for line in lines if line.startswith(name)]
    # A process that has charged nothing yet tells nothing.
    return told[0] if told else math.inf


@pytest.mark.promise("C3")
def test_the_hours_of_a_developer_key_are_never_exceeded_and_nothing_is_lost(both: TwoCompanies) -> None:
    """More work than an hour allows, sign-ins used up, the writer killed: it waits for the next hour, by the clock."""
    both.apply(both.document(ACME, erp=SECOND, bill=HOURLY))
    assert both.pipe.ask("POST", f"/v1/connections/{ZENITH}/pause")[0] == 200, "so that each sign-in is acme's"
    both.kill(WRITER)
    both.hour_passes()
    limits = {"calls_per_hour": CALLS, "logins_per_hour": LOGINS}
    both.pipe.bill.ask("/_sandbox/switches", limits | {"latency_seconds": 0.05})
    budget = {name: str(limit) for name, limit in limits.items()}
    seen = listening(both.pipe.bill)

    def so_far(path: str = "") -> int:
        return by_hour(seen(), path)[both.clock.now().isoformat()[:13]]

    wanted = work(both, ACME, "HOUR", 90)
    both.start(WRITER, **budget)
    eventually(lambda: so_far() >= 20, seconds=60, what="the first calls")
    restart(both, WRITER, **budget)
    at = so_far()
    eventually(lambda: so_far() > at and left(both) <= KEPT, seconds=60, what="the end of the hour's calls")
    assert not complete(both, ACME, wanted)

    def done_or_spent() -> bool:
        return complete(both, ACME, wanted) or (so_far() > 0 and left(both) <= KEPT)

    while not complete(both, ACME, wanted):
        both.hour_passes()
        eventually(done_or_spent, seconds=60, what="the rest, or the end of the hour's calls")
    # Nothing may be charged to the old hour and arrive in the new one: no clock jumps so in the middle of a call.
    both.kill(WRITER)
    both.hour_passes()
    both.start(WRITER, **budget)
    for number in range(LOGINS):
        both.people(ACME, {"do": "create_vendor", "vendor": new_vendor(f"LOGIN-{number}")})
        eventually(lambda number=number: f"LOGIN-{number}" in both.vendors(ACME), seconds=60, what="another vendor")
        both.pipe.bill.ask("/_sandbox/sessions", method="DELETE")
    both.people(ACME, {"do": "create_vendor", "vendor": new_vendor("LOGIN")})
    eventually(lambda: seen()[-1]["status"] == 401, seconds=60, what="the end of the hour's sign-ins")
    assert so_far("/login") == LOGINS
    assert "LOGIN" not in both.vendors(ACME)
    both.hour_passes()
    eventually(lambda: "LOGIN" in both.vendors(ACME), seconds=60, what="the last vendor")
    assert max(by_hour(seen()).values()) <= CALLS
    assert max(by_hour(seen(), "/login").values()) <= LOGINS
    assert [one for one in seen() if one["status"] in REFUSED] == []
    both.pipe.bill.ask("/_sandbox/switches", {"calls_per_hour": 20_000, "logins_per_hour": 200, "latency_seconds": 0.0})
    restart(both, WRITER)
    assert both.pipe.ask("POST", f"/v1/connections/{ZENITH}/resume")[0] == 200


FULL: Final = {"the database", "logs", "answers", "connections", "facts", "journal", "state", "effects", "snapshots"}


@pytest.mark.promise("C1")
def test_no_credential_leaves_the_store_in_any_spelling(both: TwoCompanies, ca: Authority, tmp_path: Path) -> None:
    """Not in the database, on no topic, in no log at DEBUG, in no answer; sign-ins that fail and forgeries included."""
    secrets = fail_to_sign_in(both, ca) | all_secrets(both) | {"pasted": PASTED}
    shown = answers(both, tmp_path)
    places = {"the database": database(both.made), "logs": logs(both.made), "answers": shown, **topics(both.made)}
    names = {name: name for name in CREDENTIALS}
    assert {place for place, content in places.items() if content and not traces(names, content)} == set()
    assert {place.rpartition(".")[2] for place, content in places.items() if content} >= FULL
    for name, sides in CREDENTIALS.items():
        for side, values in sides.items():
            stored = both.made.secrets.get(name, side, Purpose.CREDENTIALS)
            assert stored is not None
            assert stored.reveal() == values
    found = {place: traces(secrets, content) for place, content in places.items()}
    assert {place: names for place, names in found.items() if names} == {}
