"""A BILL that a test writes line by line, in place of the network, and clients that call it."""

import asyncio
from collections.abc import Callable  # noqa: TC003 - evaluated where the class is made
from json import dumps
from typing import Any

import pytest

from tieout_connectors.bill import calls
from tieout_connectors.bill.calls import Call, Caller
from tieout_connectors.bill.client import BillClient
from tieout_connectors.bill.settings import Addresses, Credentials
from tieout_connectors.http.call import Answer, Request

ORGANIZATION = "00801ORGANIZATION000"
CREDENTIALS = Credentials("ap@example.com", "pass-word", ORGANIZATION, "dev-key")
ADDRESSES = Addresses.at("https://bill.test")
VENDOR = {"id": "00901VENDOR", "name": "Acme"}


def refused(status: int, code: str) -> Answer:
    return Answer(status, {}, dumps([{"code": code, "message": f"told {code}", "severity": "ERROR"}]).encode())


def answered(value: Any, status: int = 200) -> Answer:
    return Answer(status, {}, dumps(value).encode())


class Bill:
    """A BILL whose sessions a test ends, and which keeps every call."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.requests: list[Request] = []
        self.logins = 0
        self.valid: set[str] = set()
        self.login_answer: Callable[[], Answer] | None = None
        self.on_call: Callable[[Request], Answer] = lambda _request: answered(VENDOR)
        self.pause = 0.0

    async def send(self, _session: object, request: Request) -> Answer:
        """Answer in place of the network."""
        self.calls.append(request.call)
        self.requests.append(request)
        await asyncio.sleep(self.pause)
        if request.call == "POST /v3/login":
            if self.login_answer is not None:
                return self.login_answer()
            self.logins += 1
            session = f"session-{self.logins}"
            self.valid.add(session)
            return answered({"sessionId": session, "organizationId": ORGANIZATION, "userId": "006U", "trusted": False})
        if request.headers.get("sessionId") not in self.valid:
            return refused(401, "BDC_1109")
        return self.on_call(request)


def replaced(monkeypatch: pytest.MonkeyPatch) -> Bill:
    """One in place of the network, for a fixture."""
    bill = Bill()
    monkeypatch.setattr(calls, "send", bill.send)
    return bill


def client(**more: Any) -> BillClient:
    return BillClient(None, ADDRESSES, CREDENTIALS, **more)  # type: ignore[arg-type]


def caller(**more: Any) -> Caller:
    return client(**more).caller


GET = Call("GET /v3/vendors/{id}", ("00901VENDOR",))
LIST = Call("GET /v3/vendors")
CREATE = Call("POST /v3/vendors", body={"name": "Acme"})
