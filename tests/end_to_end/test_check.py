"""`tieout check`: one command asks both real systems, and says what is wrong and what to do."""

from collections.abc import Iterator

import pytest

from support.installation import Installation
from support.pipeline import Pipeline, pipeline
from tieout_devstack.certificates import Authority


@pytest.fixture
def pipe(made: Installation, ca: Authority) -> Iterator[Pipeline]:
    """A draft connection: it may be read and checked, and nothing is written."""
    with pipeline(made, ca) as one:
        one.start()
        one.apply(state="draft")
        yield one


@pytest.mark.promise("C12")
@pytest.mark.promise("C15")
@pytest.mark.promise("C1")
def test_both_sides_are_asked_and_a_wrong_secret_is_named_with_its_cure(pipe: Pipeline) -> None:
    """Right credentials: both sides answer. A wrong one: which side, BILL's code, and the cure; never the secret."""
    status, answer = pipe.ask("POST", "/v1/connections/acme/check", {"seconds": 30})
    assert status == 200, answer
    lines = [(side["side"], line) for side in answer["sides"] for line in side["lines"]]
    assert {side for side, _line in lines} == {"bill", "erp"}
    assert not [line for _side, line in lines if line["status"] == "failed"], lines
    (paying,) = [line for _side, line in lines if line["name"] == "cannot pay"]
    assert (paying["status"], "not pay" in paying["cure"]) == ("warning", True), "this user is an accountant"
    wrong = {"values": {"user": "tieout@sandbox.example", "password": "not-the-password", "developer_key": "01WRONG"}}
    assert pipe.ask("PUT", "/v1/connections/acme/secrets/bill", wrong)[0] == 200
    _status, answer = pipe.ask("POST", "/v1/connections/acme/check", {"seconds": 30})
    failed = [(side["side"], line) for side in answer["sides"] for line in side["lines"] if line["status"] == "failed"]
    assert {side for side, _line in failed} == {"bill"}
    assert (failed[0][1]["code"], failed[0][1]["cure"] != "") == ("BDC_1102", True)
    said = str(answer) + "".join(pipe.made.log_of(name) for name in pipe.made.running)
    assert "not-the-password" not in said
    assert "01WRONG" not in said
    assert not pipe.bill.calls("POST", "/v3/vendors")
