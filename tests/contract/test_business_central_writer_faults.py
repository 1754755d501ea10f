"""Lost, late and refused calls of Business Central's writer: each is made once, and told for what it is."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from support.business_central_company import API, WRITES, BusinessCentralCompany, company_of
from tieout.domain.erp import DimensionCode
from tieout.domain.erp_orders import PaymentOrder, ReversalOrder
from tieout.domain.erp_outcomes import Standing, Step, StepEffect, StepResult, next_step, payment_differences
from tieout.domain.errors import Fatal, InDoubt, RecoveryError, Reject, Retry
from tieout_conformance.walking import Walk, payment, reversal
from tieout_devstack.certificates import Authority, authority

if TYPE_CHECKING:
    from tieout_connectors.business_central.client import Client

HUNDRED = Decimal(100)
LOCKED = {"error": {"code": "Internal_ServerError", "message": "We can't save your changes right now."}}
CHANGED = {"error": {"code": "Request_EntityChanged", "message": "Another user has already changed the record."}}
LATE = 0.4
# Longer than a step takes on a busy machine.
MUCH_LATER = 2.0


@pytest.fixture(scope="module")
def throw_away(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that nobody trusts but who is given its file."""
    return authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def company(throw_away: Authority) -> AsyncIterator[BusinessCentralCompany]:
    """The default company."""
    async with company_of(throw_away) as made:
        yield made


async def prepared(company: BusinessCentralCompany, name: str = "fault") -> Walk:
    """A payment of two invoices with a dimension, nothing of it recorded."""
    vendor = await company.vendor()
    invoices = [await company.invoice(vendor, HUNDRED) for _ in range(2)]
    plain = payment(company, *((one, HUNDRED) for one in invoices), name=name)
    area = DimensionCode(dimension="AREA", value="WEST").model_dump()
    order = PaymentOrder.model_validate(plain.model_dump() | {"dimensions": [area]})
    return Walk(await company.writer(), order)


STEPS = ("batch", "line/1", "line/2", "dimension/1/1", "dimension/2/1", "complete", "post", "batch-gone")


async def until(walk: Walk, name: str) -> Step:
    """Go on until the step of that name is the next one."""
    found = await walk.go(steps=STEPS.index(name))
    step = next_step(walk.writer.plan(walk.order), found)
    assert step is not None
    assert step.name == name
    return step


async def perform(walk: Walk, step: Step, within: float = 10.0) -> StepResult:
    """One step, as the caller takes it."""
    done = [walk.results[each.name] for each in walk.writer.plan(walk.order) if each.name in walk.results]
    return await walk.writer.perform(walk.order, step, done, monotonic() + within)


async def seen(walk: Walk, name: str) -> None:
    """Look until a step is seen done."""
    async with asyncio.timeout(20):
        while name not in {each.step for each in (await walk.look()).done}:  # noqa: ASYNC110 - it is behind HTTP
            await asyncio.sleep(LATE / 4)


async def writes(company: BusinessCentralCompany) -> int:
    """How many changing calls came."""
    return len(await company.changes())


async def test_the_steps_are_these(company: BusinessCentralCompany) -> None:
    """One changing call each; one posts, one tidies up."""
    walk = await prepared(company)
    plan = walk.writer.plan(walk.order)
    assert tuple(step.name for step in plan) == STEPS
    assert [step.name for step in plan if step.effect is not StepEffect.PREPARE] == ["post", "batch-gone"]
    assert min(step.settle for step in plan) >= 480
    await walk.paid()
    assert await writes(company) == len(STEPS)


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("action", ["drop_after", "cut"])
async def test_a_lost_answer_is_in_doubt_and_seen_done(company: BusinessCentralCompany, name: str, action: str) -> None:
    """The call took effect: it is told as in doubt, the next look sees it, and it is not made again."""
    walk = await prepared(company)
    step = await until(walk, name)
    before = await writes(company)
    await company.site.operator.fault(action, method=WRITES, path=API)
    try:
        await perform(walk, step)
    except InDoubt:
        walk.doubts += 1
    assert await writes(company) == before + 1
    # Half of an answer without a body is a whole one.
    assert walk.doubts == 1 or (action == "cut" and name in {"post", "batch-gone"})
    assert name in {each.step for each in (await walk.look()).done}
    assert isinstance(walk.order, PaymentOrder)
    assert payment_differences(walk.order, await walk.paid()) == ()
    assert await writes(company) == len(STEPS)


@pytest.mark.parametrize("name", STEPS)
async def test_a_late_call_is_in_doubt_and_seen_once_it_is_done(company: BusinessCentralCompany, name: str) -> None:
    """The connection broke, and the call takes effect later: seen once it has; made once, posted once."""
    walk = await prepared(company)
    step = await until(walk, name)
    await company.site.operator.fault("late", method=WRITES, path=API, seconds=LATE)
    with pytest.raises(InDoubt):
        await perform(walk, step)
    await seen(walk, name)
    assert isinstance(walk.order, PaymentOrder)
    assert payment_differences(walk.order, await walk.paid()) == ()
    assert await writes(company) == len(STEPS)


@pytest.mark.parametrize("name", ["batch", "line/2", "post"])
async def test_a_late_call_made_again_too_early_pays_once(company: BusinessCentralCompany, name: str) -> None:
    """The same step taken before the late one took effect: refused, doubled for a person to see, or nothing to post."""
    walk = await prepared(company)
    step = await until(walk, name)
    await company.site.operator.fault("late", method=WRITES, path=API, seconds=MUCH_LATER)
    arrives = monotonic() + MUCH_LATER
    with pytest.raises(InDoubt):
        await perform(walk, step)
    await perform(walk, step)
    if monotonic() > arrives:
        pytest.skip("the machine is too slow to be early")
    await asyncio.sleep(arrives - monotonic() + LATE)
    if name == "line/2":
        found = await walk.go()
        assert (found.standing, walk.performed["post"]) == (Standing.SEVERAL, 0)
        return
    await walk.go()
    books = await company.books()
    numbers = [one["document_number"] for one in books["vendor_entries"]]
    assert isinstance(walk.order, PaymentOrder)
    assert [numbers.count(walk.order.mark_of(one)) for one in walk.order.applications] == [1, 1]


# status, body, what it is for a step that records, what it is for the posting
REFUSALS = [
    (429, "", Retry, Retry),
    (401, {"error": {"code": "Authentication_InvalidCredentials", "message": "expired"}}, Retry, Retry),
    (409, CHANGED, Retry, Retry),
    (412, "", Retry, Retry),
    (409, LOCKED, Retry, InDoubt),
    (400, LOCKED, Retry, InDoubt),
    (408, "", InDoubt, InDoubt),
    (500, "", InDoubt, InDoubt),
    (502, "<html>", InDoubt, InDoubt),
    (503, "", InDoubt, InDoubt),
    (504, "", InDoubt, InDoubt),
    (403, {"error": {"code": "Authorization_RequestDenied", "message": "no"}}, Fatal, Fatal),
    (400, {"error": {"code": "Application_DialogException", "message": "Nein."}}, Reject, Reject),
]


@pytest.mark.parametrize(("status", "body", "record", "post"), REFUSALS)
async def test_what_a_refusal_allows(
    company: BusinessCentralCompany,
    status: int,
    body: object,
    record: type[RecoveryError],
    post: type[RecoveryError],
) -> None:
    """A lock of a single write is known not executed, one of a posting is not; time limits are in doubt; once only."""
    walk = await prepared(company)
    for name, expected in (("line/1", record), ("post", post)):
        step = await until(walk, "line/1") if name == "line/1" else await _next(walk)
        assert step.name == name
        before = await writes(company)
        await company.site.operator.fault("status", method=WRITES, path=API, status=status, body=body)
        with pytest.raises(RecoveryError) as caught:
            await perform(walk, step)
        assert type(caught.value) is expected
        assert caught.value.call == step.call
        assert await writes(company) == before + 1
    assert isinstance(walk.order, PaymentOrder)
    assert payment_differences(walk.order, await walk.paid()) == ()


async def _next(walk: Walk) -> Step:
    """The posting, once everything before it is done."""
    found = await walk.go(until=StepEffect.POST)
    step = next_step(walk.writer.plan(walk.order), found)
    assert step is not None
    return step


async def test_a_refused_pace_is_kept(company: BusinessCentralCompany) -> None:
    """Retry-After of a write reaches the caller, who has the patience."""
    walk = await prepared(company)
    step = await until(walk, "batch")
    headers = {"Retry-After": "17"}
    await company.site.operator.fault("status", method="POST", path=API, status=429, headers=headers)
    with pytest.raises(Retry) as caught:
        await perform(walk, step)
    assert caught.value.after == 17


async def test_an_expired_token_is_renewed_for_the_next_call(company: BusinessCentralCompany) -> None:
    """The write is told as not executed and is not repeated; taken again, it goes through with another token."""
    walk = await prepared(company)
    step = await until(walk, "line/1")
    token = await walk.writer._client.token()  # type: ignore[attr-defined]
    await company.site.operator.fault("status", method="POST", path=API, status=401)
    with pytest.raises(Retry):
        await perform(walk, step)
    assert await walk.writer._client.token() != token  # type: ignore[attr-defined]
    await walk.paid()


async def test_nothing_is_written_after_the_deadline(company: BusinessCentralCompany) -> None:
    """The time to write has passed: known not executed, and no byte has left."""
    walk = await prepared(company)
    step = await until(walk, "post")
    before = await writes(company)
    with pytest.raises(Retry) as caught:
        await perform(walk, step, within=-0.001)
    assert caught.value.code == "late"
    assert await writes(company) == before


@pytest.mark.parametrize(("done", "called"), [("complete", "post"), ("dimension/2/1", "complete"), ("line/2", "post")])
async def test_a_step_taken_too_early_is_refused(company: BusinessCentralCompany, done: str, called: str) -> None:
    """What comes before it is not all there: neither sealed nor posted, and the missing steps are named."""
    walk = await prepared(company)
    await until(walk, done)
    before = await writes(company)
    step = next(one for one in walk.writer.plan(walk.order) if one.name == called)
    with pytest.raises(Reject) as caught:
        await perform(walk, step)
    assert (caught.value.code, done in caught.value.message) == ("altered", True)
    assert await writes(company) == before


async def test_somebody_writes_to_the_batch_between_our_look_and_our_write(
    company: BusinessCentralCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The version does not match any more: 409, known not executed, and read again."""
    walk = await prepared(company)
    step = await until(walk, "complete")
    client: Client = walk.writer._client  # type: ignore[attr-defined]
    write = client.write

    async def overtaken(method: str, path: str, *rest: Any, **options: Any) -> Any:
        assert await company.site.call("PATCH", path, {"displayName": "mine"}) == 200
        return await write(method, path, *rest, **options)

    monkeypatch.setattr(client, "write", overtaken)
    with pytest.raises(Retry) as caught:
        await perform(walk, step)
    assert caught.value.code == "Request_EntityChanged"
    assert (await walk.look()).standing is Standing.ALTERED


@pytest.mark.parametrize("name", ["line-gone/1", "line-gone/2", "batch-gone"])
async def test_a_withdrawal_whose_answer_is_lost(company: BusinessCentralCompany, name: str) -> None:
    """Deleted, and the answer lost: seen gone, and not deleted again."""
    recorded = await prepared(company)
    await _next(recorded)
    assert isinstance(recorded.order, PaymentOrder)
    void = Walk(recorded.writer, reversal(company, recorded.order, None))
    assert isinstance(void.order, ReversalOrder)
    steps = [step.name for step in void.writer.plan(void.order)]
    await void.go(steps=steps.index(name))
    await company.lose_answer()
    await void.undone()
    assert (void.doubts, dict(void.performed)) == (1, dict.fromkeys(steps, 1))


async def test_what_is_gone_already_is_not_deleted(company: BusinessCentralCompany) -> None:
    """Steps of a withdrawal taken once more call nothing."""
    recorded = await prepared(company)
    await until(recorded, "line/2")
    assert isinstance(recorded.order, PaymentOrder)
    void = Walk(recorded.writer, reversal(company, recorded.order, None))
    await void.undone()
    before = await writes(company)
    for step in void.writer.plan(void.order):
        await perform(void, step)
    assert await writes(company) == before


async def test_a_batch_that_goes_while_it_is_looked_at(company: BusinessCentralCompany) -> None:
    """Its lines are asked for a moment too late: it counts as gone, and the look does not fail."""
    walk = await prepared(company)
    await until(walk, "line/2")
    body = {
        "error": {"code": "BadRequest_ResourceNotFound", "message": "Resource not found for the segment 'journals'."}
    }
    await company.site.operator.fault("status", method="GET", path="journalLines", status=404, body=body)
    assert (await walk.look()).standing is Standing.ABSENT
