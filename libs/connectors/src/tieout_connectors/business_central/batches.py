"""Journal batches over the wire: what is recorded of an order, and one call for each of its steps."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tieout.domain.erp_outcomes import Standing, Step, StepResult
from tieout.domain.errors import InDoubt, Reject, Retry
from tieout_connectors.business_central import refusals
from tieout_connectors.business_central.client import Client, together, understood
from tieout_connectors.business_central.drafts import (
    BATCH,
    COMPLETE,
    DIMENSION,
    GONE,
    LINE,
    PAYMENTS,
    POST,
    Draft,
    Journal,
    Recorded,
    judge,
    left,
    made,
    sealed_name,
    told,
)
from tieout_connectors.business_central.wire import journals as wire
from tieout_connectors.business_central.wire import questions
from tieout_connectors.http import call as http
from tieout_connectors.spi.wire import Unreadable

ReadLine = Callable[[wire.Row], wire.Line]


@dataclass(frozen=True)
class Ledger:
    """What a step asks of the ledgers: ``must_fit`` refuses what they do not take now, or show as posted already."""

    must_fit: Callable[[], Awaitable[None]]
    is_posted: Callable[[], Awaitable[bool]]


ALTERED: Final = "altered"
_ALTERED_CURE: Final = (
    "Look at the journal batch: take out what is not ours and restore what was changed, or delete the batch and "
    "release this, to have it recorded again."
)
_LINES: Final = {"$expand": "dimensionSetLines"}


async def look(client: Client, draft: Draft) -> Recorded:
    """What is recorded. A batch that goes while it is looked at is seen as gone: it is posted, or deleted."""
    journal = draft.journal
    call = f"GET {journal.batches}"
    url = await client.api(journal.batches)
    by_code, by_name = await together(
        (
            client.rows(url, call, questions.batch_coded(draft.code)),
            client.rows(url, call, questions.batches_named(draft.mark)),
        )
    )
    with understood(call):
        batches = {one.id: one for one in map(wire.batch, [*by_code, *by_name])}
    if len(batches) != 1:
        return Recorded(tuple(batches.values()))
    (batch,) = batches.values()
    try:
        return await _inside(client, journal, batch)
    except Reject as error:
        if error.status != 404:
            raise
        return Recorded()


async def _inside(client: Client, journal: Journal, batch: wire.Batch) -> Recorded:
    lines = await _lines(client, journal.batches, journal.lines, batch.id, journal.read)
    if journal is not PAYMENTS:
        return Recorded((batch,), lines)
    # Posting takes what this page shows as well. It is addressed like the posting, so it is there if posting is.
    everything = await _lines(client, "journals", "journalLines", batch.id, wire.journal_line)
    own = {one.id for one in lines}
    return Recorded(
        (batch,),
        lines,
        hidden=tuple(one for one in everything if one.id not in own),
        against={one.id: one.said[wire.BALANCING] for one in everything if one.id in own},
    )


async def _lines(client: Client, batches: str, lines: str, batch: str, read: ReadLine) -> tuple[wire.Line, ...]:
    call = f"GET {batches}({{id}})/{lines}"
    rows = await client.rows(await client.api(f"{batches}({batch})/{lines}"), call, _LINES)
    with understood(call):
        return tuple(line for line in map(read, rows) if not line.empty)


async def take(
    client: Client, draft: Draft, step: Step, done: Sequence[StepResult], ledger: Ledger, deadline: float
) -> Mapping[str, str]:
    """One step of ``drafts.plan``; what comes back are its handles."""
    name, *numbers = step.name.split("/")
    if name == BATCH:
        await ledger.must_fit()
        return await create(client, draft, deadline)
    if name == LINE:
        return await add_line(client, draft, int(numbers[0]), done, deadline)
    if name == DIMENSION:
        return await set_dimension(client, draft, (int(numbers[0]), int(numbers[1])), done, deadline)
    if name == COMPLETE:
        return await complete(client, draft, deadline)
    if name == POST:
        await ledger.must_fit()
        return await post(client, draft, ledger.is_posted, deadline)
    if name == GONE:
        if not await ledger.is_posted():
            raise Reject("nothing of it is posted, so its batch stays", code="not_posted")
        return await remove(client, draft, deadline)
    raise ValueError(f"not a step of a journal batch: {step.name}")


async def create(client: Client, draft: Draft, deadline: float) -> Mapping[str, str]:
    """Make the batch."""
    call = "GET accounts"
    found = await client.get(await client.api("accounts"), call, questions.account_named(draft.balancing))
    with understood(call):
        account = wire.account_id(found)
    if account is None:
        raise refusals.unknown_account(draft.balancing)
    body = wire.new_batch(draft.code, draft.mark, account)
    call = f"POST {draft.journal.batches}"
    return {"batch": await _created(client, draft.journal.batches, call, body, deadline)}


async def add_line(
    client: Client, draft: Draft, number: int, done: Sequence[StepResult], deadline: float
) -> Mapping[str, str]:
    """Add one line. ``number`` counts from 1."""
    journal = draft.journal
    path = f"{journal.batches}({await _batch(client, draft, done)})/{journal.lines}"
    call = f"POST {journal.batches}({{id}})/{journal.lines}"
    return {"line": await _created(client, path, call, draft.lines[number - 1].body, deadline)}


async def set_dimension(
    client: Client, draft: Draft, place: tuple[int, int], done: Sequence[StepResult], deadline: float
) -> Mapping[str, str]:
    """Give a line a dimension, or another value of one that it has by default of its vendor or account."""
    number, nth = place
    code, value = draft.lines[number - 1].dimensions[nth - 1]
    path = f"{draft.journal.lines}({await _line(client, draft, number, done)})/dimensionSetLines"
    template = f"{draft.journal.lines}({{id}})/dimensionSetLines"
    rows = await client.rows(await client.api(path), f"GET {template}", {})
    with understood(f"GET {template}"):
        have = wire.dimension_line(rows, code)
    if have is None:
        body = wire.new_dimension(code, value)
        await write(client, "POST", path, f"POST {template}", deadline=deadline, body=body)
    else:
        call = f"PATCH {template}({{id}})"
        body = wire.changed_dimension(value)
        await write(client, "PATCH", f"{path}({have[0]})", call, deadline=deadline, body=body, match=have[1])
    return {}


async def complete(client: Client, draft: Draft, deadline: float) -> Mapping[str, str]:
    """Seal the batch once everything is in it."""
    recorded = await look(client, draft)
    batch = _as_ordered(draft, recorded, COMPLETE)
    body = wire.renamed_batch(sealed_name(draft.mark, recorded.lines))
    path, call = f"{draft.journal.batches}({batch.id})", f"PATCH {draft.journal.batches}({{id}})"
    await write(client, "PATCH", path, call, deadline=deadline, body=body, match=batch.etag)
    return {}


async def post(
    client: Client, draft: Draft, is_posted: Callable[[], Awaitable[bool]], deadline: float
) -> Mapping[str, str]:
    """Read everything that posting would take, and post it if it is exactly the order.

    Raises:
        Reject: ``altered``; or the ledger's refusal, as a duplicate if it refuses because the order is posted already.
    """
    batch = _as_ordered(draft, await look(client, draft))
    call = "POST journals({id})/Microsoft.NAV.post"
    try:
        # Any version: the batch was read as another set, whose ETag is another one.
        await write(client, "POST", f"journals({batch.id})/Microsoft.NAV.post", call, deadline=deadline, match="*")
    except Reject as error:
        if not await is_posted():
            raise
        raise Reject(
            error.message, code=error.code, cure=error.cure, call=call, status=error.status, duplicate=True
        ) from error
    return {}


def _as_ordered(draft: Draft, recorded: Recorded, *missing: str) -> wire.Batch:
    """The batch, if nothing is left to be done before posting but what is named."""
    found = judge(draft, recorded)
    if found.standing is Standing.WAITING:
        raise Retry(found.detail, code="written_to")
    batch, still = recorded.batch, left(draft, found)
    if batch is None or found.standing is not Standing.PARTIAL or still != list(missing):
        raise altered(found.detail or f"not there: {', '.join(still)}")
    return batch


async def remove_line(client: Client, draft: Draft, number: int, deadline: float) -> Mapping[str, str]:
    """Delete our line of that number; nothing is called if there is none."""
    line = next((one for place, one in made(draft, await look(client, draft)) if place == number), None)
    if line is not None:
        lines = draft.journal.lines
        await _deleted(client, f"{lines}({line.id})", f"DELETE {lines}({{id}})", line.etag, deadline)
    return {}


async def remove(client: Client, draft: Draft, deadline: float) -> Mapping[str, str]:
    """Delete the batch if there is nothing in it; nothing is called if there is none.

    Raises:
        Reject: ``altered`` if it is not empty: deleting it would delete somebody's lines.
    """
    recorded = await look(client, draft)
    if len(recorded.batches) > 1:
        raise altered("more than one journal batch bears its mark")
    if recorded.lines or recorded.hidden:
        raise altered("; ".join(told(one) for one in (*recorded.lines, *recorded.hidden)))
    if recorded.batch is not None:
        batches = draft.journal.batches
        call = f"DELETE {batches}({{id}})"
        await _deleted(client, f"{batches}({recorded.batch.id})", call, recorded.batch.etag, deadline)
    return {}


def altered(detail: str) -> Reject:
    """The refusal to go on with what is not as ordered."""
    return Reject(detail, code=ALTERED, cure=_ALTERED_CURE)


async def _batch(client: Client, draft: Draft, done: Sequence[StepResult]) -> str:
    """The batch's id: it is addressed by it, because posting may rename it."""
    known = next((each.handles["batch"] for each in done if "batch" in each.handles), "")
    if known:
        return known
    batch = (await look(client, draft)).batch
    if batch is None:
        raise altered("its journal batch is not there any more")
    return batch.id


async def _line(client: Client, draft: Draft, number: int, done: Sequence[StepResult]) -> str:
    """A line's id; ``number`` counts from 1."""
    known = next((each.handles["line"] for each in done if each.step == f"{LINE}/{number}" and each.handles), "")
    if known:
        return known
    line = next((one for place, one in made(draft, await look(client, draft)) if place == number), None)
    if line is None:
        raise altered(f"line {draft.lines[number - 1].mark} is not there any more")
    return line.id


async def _created(client: Client, path: str, call: str, body: bytes, deadline: float) -> str:
    answer = await write(client, "POST", path, call, deadline=deadline, body=body)
    try:
        return wire.identifier(answer.json())
    except (ValueError, Unreadable) as error:
        raise InDoubt("made, and the answer cannot be read", code="unreadable", call=call, status=201) from error


async def _deleted(client: Client, path: str, call: str, etag: str, deadline: float) -> None:
    try:
        await write(client, "DELETE", path, call, deadline=deadline, match=etag)
    except Reject as error:
        if error.status != 404:
            raise


async def write(
    client: Client, method: str, path: str, call: str, *, deadline: float, body: bytes | None = None, match: str = ""
) -> http.Answer:
    """A changing call of the client, its refusals told with a cure."""
    try:
        return await client.write(method, path, call, deadline=deadline, body=body, match=match)
    except Reject as error:
        raise refusals.explained(error) from error
