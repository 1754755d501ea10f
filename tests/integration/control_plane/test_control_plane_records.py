"""Records, timelines, holds and tasks over the API and in commands, and a release as a fact in the log."""

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from support.projecting import told
from tieout.events.facts import HoldReleased
from tieout.log.outgoing import outgoing
from tieout.log.produce import TransactionalProducer
from tieout.log.topics import Topic

pytest_plugins = ["tieout_devstack.fixtures"]

Settings = Callable[..., dict[str, Any]]
Made = tuple[Any, Any]


@pytest.fixture(scope="module")
def made(make_installation: Callable[[], Any]) -> Made:
    """A control-plane with the story of one connection in its log."""
    installation = make_installation()
    plane = installation.start()
    document = {
        "connection": "acme",
        "state": "active",
        "erp": {"kind": "business-central", "tenant": "t", "company": "Acme"},
        "bill": {"environment": "sandbox", "organization": "008acme"},
        "cutover": {"date": "2026-01-01"},
    }
    assert plane.apply(document)[0] == 200
    story = told()
    producer = TransactionalProducer(installation.access, "test-story")
    producer.open()
    messages = [(Topic.FACTS, message) for message in story.facts]
    messages += [(Topic.JOURNAL, message) for message in story.journal]
    producer.commit([outgoing(installation.names, topic, message) for topic, message in messages])
    limit = time.monotonic() + 30
    while plane.call("GET", "/v1/connections/acme/counters")[1].get("tasks") != {"person": 1}:
        assert time.monotonic() < limit, plane.log()
        time.sleep(0.1)
    return installation, plane


def get(plane: Any, *parts: str, query: str = "") -> tuple[int, Any]:
    """One call below the connection."""
    path = "/".join(["/v1/connections/acme", *(quote(part, safe="") for part in parts)])
    status, answer = plane.call("GET", path + query)
    return status, answer


def test_records_are_listed_page_by_page(made: Made) -> None:
    """Every link once, by kind, phase and words; a page tells where the next one begins."""
    _, plane = made
    _, whole = get(plane, "records")
    names: list[str] = []
    after = ""
    for _ in range(20):
        _, page = get(plane, "records", query=f"?limit=2&after={quote(after, safe='')}")
        names += [each["link"] for each in page["records"]]
        after = page["next"]
        if not after:
            break
    assert names == [each["link"] for each in whole["records"]]
    _, held = get(plane, "records", query="?kind=bill&phase=held")
    assert [each["link"] for each in held["records"]] == ["bill/i-3"]
    _, found = get(plane, "records", query=f"?text={quote('möller')}")
    assert [each["link"] for each in found["records"]] == ["vendor/v-2/USD"]
    assert get(plane, "records", query="?phase=nonsense")[0] == 422
    assert get(plane, "records", query="?limit=0")[0] == 422


def test_a_record_comes_with_all_that_belongs_to_it(made: Made) -> None:
    """By number; with its payments, its file and what it is worth."""
    _, plane = made
    status, shown = get(plane, "records", "108001")
    assert status == 200
    assert (shown["record"]["link"], shown["record"]["target"], shown["record"]["amount"]) == (
        "bill/i-1", "00n1", "100.00",
    )  # fmt: skip
    assert [each["link"] for each in shown["payments"]] == ["payment/stp1"]
    assert shown["hold"] is None
    _, waiting = get(plane, "records", "stp2")
    assert waiting["task"]["action"] == "Post the batch."
    assert get(plane, "records", "nothing")[0] == 404


def test_a_reference_that_means_several_records_names_them(made: Made) -> None:
    """Nobody is shown the wrong one."""
    _, plane = made
    status, answer = get(plane, "records", "10000")
    assert (status, answer["error"]["code"]) == (409, "ambiguous")
    assert [each["field"] for each in answer["error"]["problems"]] == ["vendor/v-1/EUR", "vendor/v-1/USD"]
    status, answer = get(plane, "records", "USD")
    assert (status, answer["error"]["code"]) == (404, "unknown_record")


def test_the_timeline_tells_entries_and_answers_in_order(made: Made) -> None:
    """An invoice's story has its bill and its payment, the writer's answers among what was decided."""
    _, plane = made
    _, timeline = get(plane, "records", "bill/i-1", "timeline")
    places = [entry["place"] for step in timeline["steps"] for entry in step["entries"]]
    assert places == sorted(places)
    assert {"bill/i-1", "payment/stp1", "document/doc-1"} <= set(timeline["links"])
    results = [step["fact"]["result"] for step in timeline["steps"] if step["kind"] == "outcome"]
    assert results == ["applied"] * 3
    pages, after = [], -1
    while after is not None:
        _, page = get(plane, "records", "bill/i-1", "timeline", query=f"?limit=8&after={after}")
        pages += page["steps"]
        after = page["next"]
    assert pages == timeline["steps"]


def test_a_release_is_a_fact_with_the_owners_name(made: Made) -> None:
    """Reason, choice and the token's owner stand in the log; what the hold does not offer is refused."""
    installation, plane = made
    path = f"/v1/connections/acme/holds/{quote('vendor/v-2/USD', safe='')}/release"
    status, answer = plane.call("POST", path, {"reason": "it is the first", "choice": "009ZZ"})
    assert (status, answer["error"]["code"]) == (422, "wrong_choice")
    assert "009X1" in answer["error"]["cure"]
    status, answer = plane.call("POST", path, {"reason": "it is the first", "choice": "009X0"})
    assert (status, answer["ref"], answer["person"]) == (200, "vendor/v-2/USD", "initial administrator")
    (fact,) = [each for each in installation.messages(Topic.FACTS) if isinstance(each.data, HoldReleased)]
    assert fact.id == answer["fact"]
    assert fact.partitionkey == "acme"
    assert fact.data == HoldReleased(
        link="vendor/v-2/USD", reason="match.ambiguous", person="initial administrator", role="admin",
        text="it is the first", choice="009X0",
    )  # fmt: skip
    for ref, status in (("bill/i-3", 409), ("bill/i-1", 404), ("nothing", 404)):
        other = f"/v1/connections/acme/holds/{quote(ref, safe='')}/release"
        assert plane.call("POST", other, {"reason": "because"})[0] == status
    assert plane.call("POST", path, {"reason": ""})[0] == 422


def test_commands_show_records_holds_and_tasks(made: Made) -> None:
    """For people and as JSON; a hold's sentence and cure stand where they are looked for."""
    installation, plane = made
    shown = installation.cli(plane, "records", "show", "108001")
    assert shown.returncode == 0, shown.stderr
    assert "linked" in shown.stdout
    assert "[applied: 00n1]" in shown.stdout
    told_as_json = json.loads(installation.cli(plane, "records", "show", "00n1", "--json").stdout)
    assert told_as_json["record"]["link"] == "bill/i-1"
    assert told_as_json["timeline"]
    holds = installation.cli(plane, "holds", "list")
    assert "Invoice 108003 is on hold in the ERP (XYZ)." in holds.stdout
    one = installation.cli(plane, "holds", "show", "108003", "--connection", "acme")
    assert "cure: Clear the hold in the ERP when it may be paid." in one.stdout
    assert "by itself" in one.stdout
    refused = installation.cli(plane, "holds", "release", "108003", "--reason", "it is fine")
    assert (refused.returncode, "by itself" in refused.stderr) == (2, True)
    listed = json.loads(installation.cli(plane, "records", "list", "--kind", "vendor", "--json").stdout)
    assert len(listed["records"]) == 3
    tasks = installation.cli(plane, "tasks", "list")
    assert "Post the batch." in tasks.stdout
    unknown = installation.cli(plane, "records", "show", "nothing")
    assert (unknown.returncode, "cure:" in unknown.stderr) == (2, True)


def test_a_command_asks_which_connection_where_there_are_several(made: Made, settings_of: Settings) -> None:
    """The cure names them."""
    installation, plane = made
    plane.apply(settings_of("second"))
    done = installation.cli(plane, "holds", "list")
    assert (done.returncode, "acme, second" in done.stderr) == (2, True)
    assert installation.cli(plane, "holds", "list", "-c", "second").stdout == "nothing is held\n"
    assert plane.call("POST", "/v1/connections/second/retire")[0] == 200
    assert installation.cli(plane, "holds", "list").returncode == 0
