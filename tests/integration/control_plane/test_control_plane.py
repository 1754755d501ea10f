"""control-plane on a real broker and a real database: what it writes, when it refuses, and who may write."""

import asyncio
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tieout.events.connections import ConnectionApplied
from tieout.events.facts import SettingsFact, TickFact
from tieout.events.requests import CheckAnswered, CheckAsked, CheckLine, CheckStatus, SyncAsked
from tieout.log.outgoing import outgoing
from tieout.log.produce import PlainProducer
from tieout.log.topics import Topic

pytest_plugins = ["tieout_devstack.fixtures"]

BILL = {"user": "ap@example.com", "password": "hunter2-hunter2", "developer_key": "01DEVKEYDEVKEY"}
Settings = Callable[..., dict[str, Any]]


def _generations(installation: Any, name: str) -> tuple[list[int], list[int]]:
    """The generations of a connection in both topics, in the order they were written."""
    rows = [each.data for each in installation.messages(Topic.CONNECTIONS) if each.subject == name]
    facts = [each.data for each in installation.messages(Topic.FACTS) if each.subject == name]
    assert all(isinstance(row, ConnectionApplied) for row in rows)
    return [row.generation for row in rows], [fact.generation for fact in facts if isinstance(fact, SettingsFact)]


def test_applying_twice_changes_nothing_the_second_time(shared: Any, settings_of: Settings) -> None:
    """The same file applied again says that nothing changed, and writes nothing."""
    installation, plane = shared
    status, answer = plane.apply(settings_of("twice"))
    assert (status, answer["connections"][0]["outcome"], answer["connections"][0]["generation"]) == (200, "created", 1)
    status, answer = plane.apply(settings_of("twice"))
    assert (status, answer["connections"][0]["outcome"], answer["connections"][0]["generation"]) == (
        200,
        "unchanged",
        1,
    )
    assert _generations(installation, "twice") == ([1], [1])


def test_a_change_is_the_next_generation_and_names_its_fields(shared: Any, settings_of: Settings) -> None:
    """Both topics get the new settings, and the answer says what differs."""
    installation, plane = shared
    plane.apply(settings_of("changes"))
    _, answer = plane.apply(settings_of("changes", policy={"approval": "bill"}))
    assert answer["connections"][0] == {
        "connection": "changes",
        "outcome": "changed",
        "state": "active",
        "generation": 2,
        "changed": ["policy.approval"],
    }
    assert _generations(installation, "changes") == ([1, 2], [1, 2])


def test_several_connections_are_applied_all_or_none(shared: Any, settings_of: Settings) -> None:
    """One refused connection keeps the others of the request from being applied."""
    installation, plane = shared
    plane.apply(settings_of("known"))
    other_company = settings_of("known", erp__company="Another")
    status, answer = plane.apply(settings_of("fresh"), other_company)
    assert status == 409
    assert [(each["connection"], each["field"]) for each in answer["error"]["problems"]] == [("known", "erp.company")]
    assert plane.call("GET", "/v1/connections/fresh")[0] == 404
    assert _generations(installation, "fresh") == ([], [])


def test_a_second_company_for_an_organization_is_refused(shared: Any, settings_of: Settings) -> None:
    """Its records could not be told apart in BILL; after the first is retired it is accepted."""
    _, plane = shared
    plane.apply(settings_of("first"))
    second = settings_of("second", bill__organization="008first")
    status, answer = plane.apply(second)
    assert status == 409
    assert answer["error"]["problems"][0]["field"] == "bill.organization"
    assert plane.apply(settings_of("first", state="retired"), second)[0] == 200


def test_pause_resume_and_retire_are_changes_of_state(shared: Any, settings_of: Settings) -> None:
    """Each is a generation of its own; doing it again changes nothing; retired is final."""
    installation, plane = shared
    plane.apply(settings_of("moves"))
    outcomes = [
        plane.call("POST", f"/v1/connections/moves/{verb}")[1]["outcome"]
        for verb in ("pause", "pause", "resume", "retire", "retire")
    ]
    assert outcomes == ["changed", "unchanged", "changed", "changed", "unchanged"]
    assert plane.call("POST", "/v1/connections/moves/resume")[0] == 409
    assert plane.call("PUT", "/v1/connections/moves/secrets/bill", {"values": BILL})[0] == 409
    assert _generations(installation, "moves") == ([1, 2, 3, 4], [1, 2, 3, 4])


def test_a_draft_without_cutover_cannot_be_resumed(shared: Any, settings_of: Settings) -> None:
    """What `apply` refuses cannot be reached by another way."""
    _, plane = shared
    draft = settings_of("draft", state="draft")
    del draft["cutover"]
    assert plane.apply(draft)[0] == 200
    status, answer = plane.call("POST", "/v1/connections/draft/resume")
    assert (status, answer["error"]["problems"][0]["field"]) == (409, "cutover")


def test_new_credentials_are_told_by_their_version_only(shared: Any, settings_of: Settings) -> None:
    """Services learn that there are new ones; neither log, topic nor answer shows them."""
    installation, plane = shared
    plane.apply(settings_of("sealed"))
    assert plane.call("PUT", "/v1/connections/sealed/secrets/bill", {"values": BILL}) == (
        200,
        {"connection": "sealed", "side": "bill", "version": 1},
    )
    plane.call("PUT", "/v1/connections/sealed/secrets/bill", {"values": BILL | {"user": "other"}})
    rows = [each.data for each in installation.messages(Topic.CONNECTIONS) if each.subject == "sealed"]
    assert [(row.generation, row.secret_versions["bill"], row.secret_versions["erp"]) for row in rows] == [
        (1, 0, 0),
        (1, 1, 0),
        (1, 2, 0),
    ]
    assert _generations(installation, "sealed")[1] == [1]
    shown = repr(installation.messages(Topic.CONNECTIONS)) + repr(plane.call("GET", "/v1/connections/sealed"))
    assert not [value for value in BILL.values() if value in shown + plane.log()]


@pytest.mark.parametrize(
    "body",
    [
        b'{"values": {"user": "hunter2-hunter2"}}',
        b'{"values": {"hunter2-hunter2": "password"}}',
        b'{"values": ["hunter2-hunter2"]}',
        b'{"values": {"user": "u", "password": ["hunter2-hunter2"], "developer_key": "k"}}',
        b'{"hunter2-hunter2',
        b"hunter2-hunter2",
    ],
)
def test_wrong_credentials_are_refused_and_not_repeated(shared: Any, settings_of: Settings, body: bytes) -> None:
    """Whatever is wrong with them, they stand in no answer and no log."""
    _, plane = shared
    plane.apply(settings_of("wrongly"))
    status, answer = plane.call("PUT", "/v1/connections/wrongly/secrets/bill", body)
    assert status == 422
    assert "hunter2" not in repr(answer) + plane.log()
    assert plane.call("GET", "/v1/connections/wrongly")[1]["secrets"] == {"bill": 0, "erp": 0}


@pytest.mark.parametrize("token", ["", "wrong-but-long-enough-token", "x"])
def test_nothing_is_told_without_a_token(shared: Any, token: str) -> None:
    """The API is closed; probes and its own description are open."""
    _, plane = shared
    status, answer = plane.call("GET", "/v1/connections", token=token)
    assert (status, answer["error"]["code"]) == (401, "unauthorized")
    assert plane.call("GET", "/readyz", token="")[0] == 200
    document = plane.call("GET", "/openapi.json", token="")[1]
    assert "/v1/connections/apply" in document["paths"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/connections/nobody", None, 404),
        ("GET", "/nowhere", None, 404),
        ("DELETE", "/v1/connections", None, 405),
        ("POST", "/v1/connections/apply", {"connections": []}, 422),
        ("POST", "/v1/connections/apply", {"connections": [{"connection": "X"}]}, 422),
        ("POST", "/v1/connections/apply", b"x" * (5 * 1024 * 1024), 413),
        ("PUT", "/v1/connections/nobody/secrets/bank", {"values": {}}, 404),
    ],
)
def test_every_refusal_has_a_word_and_a_sentence(shared: Any, method: str, path: str, body: Any, status: int) -> None:
    """Programs read the code, people the message."""
    found, answer = shared[1].call(method, path, body)
    assert found == status
    assert answer["error"]["code"]
    assert answer["error"]["message"]


async def test_a_check_asks_both_owners_and_brings_their_answers(shared: Any, settings_of: Settings) -> None:
    """bill-writer and erp-poller are asked where they listen; a side that does not answer is told as such."""
    installation, plane = shared
    plane.apply(settings_of("asked", state="draft", bill__budget="keys"))
    for side, values in (("bill", BILL), ("erp", {"client_id": "i", "client_secret": "s"})):
        plane.call("PUT", f"/v1/connections/asked/secrets/{side}", {"values": values})
    calling = asyncio.create_task(asyncio.to_thread(plane.call, "POST", "/v1/connections/asked/check", {"seconds": 8}))
    question = None
    limit = time.monotonic() + 20
    while question is None and time.monotonic() < limit:
        asked = await asyncio.to_thread(installation.messages, Topic.BILL_READS)
        question = next((each for each in asked if each.subject == "asked"), None)
    assert question is not None
    assert question.partitionkey == "keys"
    assert isinstance(question.data, CheckAsked)
    assert (question.data.generation, question.data.secret_version) == (1, 1)
    assert question.data.deadline < datetime.now(UTC) + timedelta(seconds=8)
    line = CheckLine(name="sign-in", status=CheckStatus.OK, detail="signed in")
    data = CheckAnswered(request=question.id, connection="asked", side=question.data.side, lines=(line,))
    answer = question.__class__(
        id="answer", source="/test", type="tieout.answer.check.v1", subject="asked", time=question.time,
        partitionkey="asked", data=data,
    )  # fmt: skip
    producer = PlainProducer(installation.access)
    await producer.send([outgoing(installation.names, Topic.SNAPSHOTS, answer)])
    await producer.close()
    status, checked = await calling
    assert (status, checked["status"]) == (200, "failed")
    sides = {side["side"]: side for side in checked["sides"]}
    assert sides["bill"]["lines"][0]["detail"] == "signed in"
    assert sides["erp"]["lines"][0]["code"] == "no_answer"
    assert "erp-poller" in sides["erp"]["lines"][0]["cure"]


def test_a_check_without_credentials_names_the_command(shared: Any, settings_of: Settings) -> None:
    """No service is bothered with what cannot work."""
    _, plane = shared
    plane.apply(settings_of("bare"))
    started = time.monotonic()
    _, checked = plane.call("POST", "/v1/connections/bare/check", {"seconds": 60})
    assert time.monotonic() - started < 10
    assert [side["lines"][0]["cure"] for side in checked["sides"]] == [
        "tieout connections secret set bare bill",
        "tieout connections secret set bare erp",
    ]


def test_a_sync_is_asked_of_the_poller_for_active_connections_only(shared: Any, settings_of: Settings) -> None:
    """The request stands in the log when the call returns."""
    installation, plane = shared
    plane.apply(settings_of("syncs"))
    status, answer = plane.call("POST", "/v1/connections/syncs/sync", {"kinds": ["vendor"]})
    assert status == 200
    (asked,) = [each for each in installation.messages(Topic.ERP_POLLS) if each.id == answer["request"]]
    assert isinstance(asked.data, SyncAsked)
    assert (asked.data.connection, asked.data.generation, asked.data.kinds) == ("syncs", 1, ("vendor",))
    status, answer = plane.call("POST", "/v1/connections/syncs/sync", {"kinds": ["vendor", "period"]})
    (problem,) = answer["error"]["problems"]
    assert (status, problem["field"]) == (422, "kinds.1")
    assert "period is not polled; what is: account, dimension_value, vendor," in problem["message"]
    plane.call("POST", "/v1/connections/syncs/pause")
    assert plane.call("POST", "/v1/connections/syncs/sync")[0] == 409


def test_a_restart_finds_everything_again_and_tells_time(installation: Any, settings_of: Settings) -> None:
    """Connections come from the log, tokens and secrets from the database; only active ones get ticks."""
    first = installation.start()
    first.apply(settings_of("a"), settings_of("b", state="draft"))
    first.call("PUT", "/v1/connections/a/secrets/bill", {"values": BILL})
    before = first.call("GET", "/v1/connections")
    assert first.process.stop()
    second = installation.start(TIEOUT_TICK_SECONDS="1", TIEOUT_API_TOKEN="")
    assert second.call("GET", "/v1/connections") == before
    ticks: list[Any] = []
    limit = time.monotonic() + 30
    while len(ticks) < 3 and time.monotonic() < limit:
        ticks = [each for each in installation.messages(Topic.FACTS) if isinstance(each.data, TickFact)]
    slots = [each.data.slot for each in ticks]
    assert len(slots) >= 3
    assert {each.subject for each in ticks} == {"a"}
    assert slots == sorted(set(slots))
    assert all(slot.microsecond == 0 for slot in slots)


def test_a_zombie_is_fenced_with_all_it_wants_to_write_and_ends(installation: Any, settings_of: Settings) -> None:
    """A control-plane that was stopped while another took over changes nothing when it goes on."""
    zombie = installation.start()
    zombie.apply(settings_of("a"))
    zombie.process.send(signal.SIGSTOP)
    successor = installation.start()
    successor.apply(settings_of("a", policy={"approval": "bill"}))
    zombie.process.send(signal.SIGCONT)
    status, answer = zombie.apply(settings_of("zombie"))
    assert (status, answer["error"]["code"]) == (503, "superseded")
    assert zombie.process.wait_gone(seconds=20)
    assert _generations(installation, "zombie") == ([], [])
    assert _generations(installation, "a") == ([1, 2], [1, 2])
    assert successor.apply(settings_of("a"))[1]["connections"][0]["generation"] == 3


def test_both_topics_are_written_in_one_transaction(installation: Any, settings_of: Settings) -> None:
    """Killed right before the commit, neither topic has anything; right after it, both have it."""
    dying = installation.start(TIEOUT_CRASH_AT="control-plane.apply.before")
    with pytest.raises(ConnectionError):
        dying.apply(settings_of("a"))
    assert dying.process.wait_gone(seconds=10)
    assert _generations(installation, "a") == ([], [])
    dying = installation.start(TIEOUT_CRASH_AT="control-plane.apply.after")
    with pytest.raises(ConnectionError):
        dying.apply(settings_of("a"), settings_of("b"))
    assert dying.process.wait_gone(seconds=10)
    assert [_generations(installation, name) for name in "ab"] == [([1], [1]), ([1], [1])]
    plane = installation.start()
    assert {each["outcome"] for each in plane.apply(settings_of("a"), settings_of("b"))[1]["connections"]} == {
        "unchanged"
    }
