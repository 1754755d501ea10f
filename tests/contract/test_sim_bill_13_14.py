"""BILL's simulator: answers that are lost, faults, permissions, locks, people, worlds."""

import asyncio
import base64
import json
import os
import signal
import time
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from tieout_sandbox.bill import BillSimulator
from tieout_sandbox.bill.default_world import EXPENSE_ACCOUNT, ORGANIZATION
from tieout_sandbox.run import serve
from tieout_sandbox.systems import SYSTEMS, simulator

LOST = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, asyncio.TimeoutError)


async def _bills(bill: Any) -> list[str]:
    return [one["invoice"]["invoiceNumber"] for one in (await bill.get("/bills", max="100")).body["results"]]


async def _faulty(bill: Any, number: str, action: str, **order: Any) -> Any:
    """Create a bill under a fault: the reply, or the exception if there was none."""
    await bill.operator.fault(action, method="POST", path="/connect/v3/bills$", **order)
    return (await asyncio.gather(bill.post("/bills", bill.bill(number)), return_exceptions=True))[0]


async def test_sim_bill_13_written_but_the_answer_is_lost(bill: Any) -> None:
    """The connection closes without an answer; the bill is there, once."""
    assert isinstance(await _faulty(bill, "LOST", "drop_after"), LOST)
    assert await _bills(bill) == ["LOST"]
    seen = (await bill.operator.requests())[-2]
    assert (seen["status"], seen["executed"], seen["fault"]) == (0, True, "drop_after")


async def test_sim_bill_13_not_written_and_no_answer(bill: Any) -> None:
    """From outside the same as a lost answer, but nothing is there."""
    assert isinstance(await _faulty(bill, "NEVER", "drop_before"), LOST)
    assert await _bills(bill) == []
    assert (await bill.operator.requests())[-2]["executed"] is False


async def test_sim_bill_13_written_later(bill: Any) -> None:
    """The connection closes at once; the bill appears only afterwards."""
    assert isinstance(await _faulty(bill, "LATE", "late", seconds=0.3), LOST)
    assert await _bills(bill) == []
    for _ in range(100):
        if await _bills(bill):
            break
        await asyncio.sleep(0.05)
    assert await _bills(bill) == ["LATE"]


async def test_sim_bill_13_written_but_the_gateway_says_otherwise(bill: Any) -> None:
    """A 502 page although the bill is stored, and one although it is not."""
    for number, action in (("DONE", "status_after"), ("NOT", "status")):
        reply = await _faulty(bill, number, action, status=502, body="<html>bad gateway</html>")
        assert (reply.status, reply.body) == (502, "<html>bad gateway</html>")
    assert await _bills(bill) == ["DONE"]


async def test_sim_bill_13_half_an_answer(bill: Any) -> None:
    """The status line says 201, the body breaks off."""
    assert isinstance(await _faulty(bill, "CUT", "cut"), LOST)
    assert await _bills(bill) == ["CUT"]


async def test_sim_bill_13_slow_answers(bill: Any) -> None:
    """Done late, or done at once and told late."""
    started = time.monotonic()
    assert (await _faulty(bill, "SLOW", "slow", seconds=0.2)).status == 201
    assert (await _faulty(bill, "TOLD-LATE", "slow_answer", seconds=0.2)).status == 201
    assert time.monotonic() - started >= 0.4


async def test_sim_bill_13_faults_count_skip_and_choose(bill: Any) -> None:
    """Only the named calls, after some, so many times; DELETE ends them; a wrong order is refused."""
    await bill.operator.fault(
        "status", path="/vendors", status=429, headers={"Retry-After": "3"}, body=[], skip=1, times=2
    )
    replies = [await bill.get("/vendors") for _ in range(4)]
    assert [reply.status for reply in replies] == [200, 429, 429, 200]
    assert replies[1].headers["Retry-After"] == "3"
    assert (await bill.operator.get("faults"))[0]["hits"] == 2
    await bill.operator.fault("status", status=500, times=99)
    assert (await bill.get("/bills")).status == 500
    await bill.operator.clear_faults()
    assert (await bill.get("/bills")).status == 200
    for wrong in ({"action": "explode"}, {"action": "status", "times": 1, "typo": 1}, {"action": "slow", "path": "("}):
        with pytest.raises(RuntimeError, match="400"):
            await bill.operator.post("faults", wrong)


async def test_sim_bill_13_request_log(bill: Any) -> None:
    """Every call in order with its query and status; the tester's own are not among them."""
    await bill.get("/vendors", max="5")
    await bill.get("/nowhere")
    seen = await bill.operator.requests(after=1)
    assert [(one["method"], one["path"], one["query"], one["status"]) for one in seen] == [
        ("GET", "/connect/v3/vendors", "max=5", 200),
        ("GET", "/connect/v3/nowhere", "", 404),
    ]


async def test_sim_bill_13_clock_only_moves_forward(bill: Any) -> None:
    """Backwards, or no number at all: refused."""
    for wrong in ({"advance": -1}, {"advance": "soon"}, {}):
        with pytest.raises(RuntimeError, match="400"):
            await bill.operator.post("clock", wrong)


async def test_sim_bill_14_operation_refused_to_one_user(bill_world: Any) -> None:
    """A user may create bills and not read them back: 403 BDC_1145 for exactly that."""
    user = {"username": "u", "password": "p", "role": "ACCOUNTANT", "denied": ["bills.read"]}
    address = {"line1": "1", "city": "C", "zipOrPostalCode": "1", "country": "US"}
    org = {"id": "00801A", "users": [user], "vendors": [{"id": "009V", "name": "V", "address": address}]}
    async with bill_world({"dev_keys": ["one"], "organizations": [org]}) as bill:
        await bill.login(username="u", password="p", organizationId="00801A", devKey="one")
        bill.vendor = "009V"
        made = await bill.new_bill("B", 1)
        for path in ("/bills", f"/bills/{made['id']}"):
            reply = await bill.get(path)
            assert (reply.status, reply.codes) == (403, ["BDC_1145"])
        assert (await bill.get("/vendors")).status == 200


async def test_sim_bill_14_operation_refused_to_all(bill: Any) -> None:
    """The switch takes an operation away and gives it back."""
    await bill.operator.switch(denied_operations=["vendors.write"])
    assert (await bill.post("/vendors", {"name": "V"})).codes == ["BDC_1145"]
    assert (await bill.get("/vendors")).status == 200
    await bill.operator.switch(denied_operations=[])
    await bill.new_vendor("V")


async def test_sim_bill_14_roles(bill: Any) -> None:
    """Only an administrator reads the organization; an approver writes nothing; who may pay is told."""
    path = f"/organizations/{ORGANIZATION}"
    assert (await bill.get(path)).codes == ["BDC_1145"]
    assert (await bill.get("/funding-accounts/permissions")).body["user"] == {"payOnline": True}
    await bill.login(username="approver@sandbox.example", password="sandbox-approver")
    assert (await bill.post("/bills", bill.bill("X"))).codes == ["BDC_1145"]
    assert (await bill.get("/funding-accounts/permissions")).body["user"] == {"payOnline": False}
    await bill.login(username="admin@sandbox.example", password="sandbox-admin")
    assert (await bill.get(path)).body["id"] == ORGANIZATION
    users = (await bill.get("/users")).body["results"]
    assert {user["role"]["type"] for user in users} == {"ACCOUNTANT", "ADMINISTRATOR", "APPROVER", "PAYER"}


async def test_sim_bill_14_classification_switched_off(bill: Any) -> None:
    """A kind the organization does not use answers BDC_1145, the others work."""
    await bill.operator.switch(classifications_off=["jobs"])
    assert (await bill.get("/classifications/jobs")).codes == ["BDC_1145"]
    assert (await bill.post("/classifications/jobs", {"name": "J"})).codes == ["BDC_1145"]
    assert (await bill.get("/classifications/departments")).status == 200


async def test_sim_bill_14_locked_organization(bill: Any) -> None:
    """423 BDC_1107 for calls and sign-in until it is unlocked; the session lives on."""
    await bill.operator.switch(locked_organizations=[ORGANIZATION])
    headers = dict(bill.headers)
    for reply in (await bill.get("/vendors"), await bill.login()):
        assert (reply.status, reply.codes) == (423, ["BDC_1107"])
    await bill.operator.switch(locked_organizations=[])
    assert (await bill.call("GET", "/vendors", headers=headers)).status == 200


async def test_sim_bill_14_inactive_key(bill_world: Any) -> None:
    """A key that is known and inactive is 403 BDC_1103."""
    async with bill_world({"dev_keys": [{"key": "k", "active": False}], "organizations": []}) as bill:
        reply = await bill.login(devKey="k")
        assert (reply.status, reply.codes) == (403, ["BDC_1103"])


async def test_sim_bill_14_people_act_by_hand(bill: Any) -> None:
    """A person edits, archives, creates, attaches, deletes; what BILL forbids is refused to people too."""
    one = await bill.new_bill("B", 10)
    line = one["billLineItems"][0]["id"]

    async def person(do: str, **more: Any) -> Any:
        return await bill.operator.post("people", {"do": do, **more})

    await person("edit", kind="bill", id=one["id"], body={"billLineItems": [{"id": line, "amount": 12}]})
    assert (await bill.the_bill(one["id"]))["amount"] == 12
    made = await person("create", kind="bill", body=bill.bill("BY-HAND", 7))
    assert (await bill.the_bill(made["id"]))["invoice"]["invoiceNumber"] == "BY-HAND"
    assert made["createdBy"] == "00601SANDBOXPAYERUSR"
    await person("archive", kind="vendor", id=bill.vendor)
    assert (await bill.get(f"/vendors/{bill.vendor}")).body["archived"] is True
    text = base64.b64encode(b"pdf").decode()
    await person("attach", id=one["id"], body={"name": "a.pdf", "base64": text})
    await bill.operator.advance(121)
    assert len((await bill.get(f"/documents/bills/{one['id']}")).body["results"]) == 1
    department = await person("create", kind="departments", body={"name": "D"})
    await person("delete", kind="departments", id=department["id"])
    assert (await bill.get(f"/classifications/departments/{department['id']}")).status == 404
    used = {"id": line, "classifications": {"chartOfAccountId": EXPENSE_ACCOUNT}}
    await person("edit", kind="bill", id=one["id"], body={"billLineItems": [used]})
    with pytest.raises(RuntimeError, match="used by bills"):
        await person("delete", kind="chart-of-accounts", id=EXPENSE_ACCOUNT)
    with pytest.raises(RuntimeError, match="never deleted"):
        await person("delete", kind="bill", id=one["id"])
    with pytest.raises(RuntimeError, match="400"):
        await person("dance")


def test_sim_bill_14_world_is_checked() -> None:
    """A world that is not in the format says where."""
    bad = {"name": "V"}
    for world, where in (
        ({"organizations": [{"id": "00801A", "vendors": [bad]}]}, r"00801A/vendors\[0\].*address"),
        ({"organizations": [{"id": "00801A", "bills": [{"vendor": "Nobody"}]}]}, "0 vendors have the name"),
        ({"organizations": [{"id": "00801A"}, {"id": "00801A"}]}, "twice"),
        ({"organizations": [{"name": "A"}]}, "no id"),
        ({"organizations": [{"id": "00801A", "users": [{"username": "u"}]}]}, "lacks 'password'"),
        ({"organizations": [{"id": "00801A", "users": ["u"]}]}, "not in its format"),
        ({"switches": {"nonsense": 1}}, "nonsense"),
    ):
        with pytest.raises(ValueError, match=where):
            BillSimulator(world)


async def test_sim_bill_14_world_with_bills(bill_world: Any) -> None:
    """A world of its own: clock, ids, created times, exact amounts; bills name vendors by name."""
    address = {"line1": "1", "city": "C", "zipOrPostalCode": "1", "country": "US"}
    invoice = {"invoiceNumber": "W-1", "invoiceDate": "2025-05-01"}
    world = {
        "dev_keys": ["one"],
        "clock": "2026-03-02T09:00:00+00:00",
        "switches": {"duplicate_invoice_refused": True},
        "organizations": [
            {
                "id": "00801A",
                "users": [{"username": "u", "password": "p"}],
                "vendors": [
                    {"id": "009V", "name": "V", "address": address, "createdTime": "2025-01-01T00:00:00+00:00"}
                ],
                "bills": [
                    {
                        "vendor": "V",
                        "dueDate": "2026-04-01",
                        "invoice": invoice,
                        "billLineItems": [{"amount": Decimal("1234567.89")}],
                    }
                ],
            }
        ],
    }
    async with bill_world(world) as bill:
        await bill.login(username="u", password="p", organizationId="00801A", devKey="one")
        row = (await bill.get("/bills")).body["results"][0]
        assert (row["vendorId"], row["amount"]) == ("009V", Decimal("1234567.89"))
        assert row["createdTime"].startswith("2026-03-02T09:00")
        assert (await bill.get("/vendors/009V")).body["createdTime"] == "2025-01-01T00:00:00.000+00:00"
        bill.vendor = "009V"
        assert (await bill.post("/bills", bill.bill("W-1"))).codes == ["BDC_1171"]


async def test_sim_bill_14_organizations_do_not_see_each_other(bill_world: Any) -> None:
    """A record of one organization is unknown in the other."""
    user = {"username": "u", "password": "p", "role": "ADMINISTRATOR"}
    orgs = [{"id": one, "users": [user]} for one in ("00801A", "00801B")]
    async with bill_world({"dev_keys": ["one"], "organizations": orgs}) as bill:
        credentials = {"username": "u", "password": "p", "devKey": "one"}
        await bill.login(organizationId="00801A", **credentials)
        vendor = await bill.new_vendor("V")
        await bill.login(organizationId="00801B", **credentials)
        assert (await bill.get(f"/vendors/{vendor}")).codes == ["BDC_1205"]
        assert (await bill.get("/vendors")).body["results"] == []


async def test_sim_bill_14_ledger_is_exact_and_balanced(bill: Any) -> None:
    """Amounts are texts with all their digits; debits equal credits; no secret is in it."""
    await bill.new_bill("B", Decimal("9999999999.99"))
    await bill.post(
        "/vendor-credits",
        {
            "vendorId": bill.vendor,
            "referenceNumber": "R",
            "creditDate": "2026-12-28",
            "vendorCreditLineItems": [{"amount": 0.01}],
        },
    )
    truth = await bill.operator.ledger()
    books = truth["organizations"][ORGANIZATION]
    assert books["bills"][0]["amount"] == "9999999999.99"
    assert books["balances"] == {"expense": "9999999999.98", f"payables:{bill.vendor}": "-9999999999.98"}
    assert books["imbalance"] == "0.00"
    assert "sandbox-password" not in json.dumps(truth, default=str)


async def test_sim_bill_14_served_until_asked_to_stop() -> None:
    """``serve`` announces the address once calls are answered, and ends on SIGTERM."""
    announced: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve("bill", announce=announced.set_result))
    url = await asyncio.wait_for(announced, 10)
    async with aiohttp.ClientSession() as http, http.get(f"{url}/_sandbox/clock") as answer:
        assert answer.status == 200
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(task, 10)


def test_sim_bill_14_table_of_systems() -> None:
    """BILL is in the table; a name that is not gets the list."""
    assert "bill" in SYSTEMS
    assert simulator("bill").name == "bill"
    with pytest.raises(ValueError, match=r"there are: .*bill"):
        simulator("quickbooks")
