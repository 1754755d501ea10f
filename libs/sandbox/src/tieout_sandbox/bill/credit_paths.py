"""The paths of vendor credits. There is no restore."""

from collections.abc import Callable, Mapping
from typing import Any

from tieout_sandbox.bill import vendor_credits
from tieout_sandbox.bill.bulk import all_or_nothing
from tieout_sandbox.bill.call import Answer, Call, Endpoint, read_bulk
from tieout_sandbox.bill.filters import EQ, ROW, As
from tieout_sandbox.bill.lists import ListSpec
from tieout_sandbox.bill.organization import Act, find
from tieout_sandbox.bill.store import Row

MAX_BULK = 50

LIST = ListSpec({**ROW, "vendorId": (As.TEXT, ("eq", "in")), "status": (As.TEXT, EQ)})

Prepare = Callable[[Act, Row, Any], dict[str, Any]]


def endpoints() -> list[Endpoint]:
    """The paths of vendor credits."""
    base = "/connect/v3/vendor-credits"
    one = f"{base}/{{id}}"
    return [
        Endpoint("GET", base, "credits.read", _list),
        Endpoint("POST", base, "credits.write", _create),
        Endpoint("POST", f"{base}/bulk", "credits.write", _create_many),
        Endpoint("PUT", f"{base}/bulk", "credits.write", _modify_many(vendor_credits.prepare_replace)),
        Endpoint("PATCH", f"{base}/bulk", "credits.write", _modify_many(vendor_credits.prepare_patch)),
        Endpoint("POST", f"{base}/bulk/archive", "credits.write", _archive_many),
        Endpoint("GET", one, "credits.read", _get),
        Endpoint("PUT", one, "credits.write", _modify(vendor_credits.prepare_replace)),
        Endpoint("PATCH", one, "credits.write", _modify(vendor_credits.prepare_patch)),
        Endpoint("POST", f"{one}/archive", "credits.write", _archive),
    ]


def _list(call: Call) -> Answer:
    return call.page(call.org.credits, LIST, lambda row: vendor_credits.show(call.org, row, usage=True))


def _get(call: Call) -> Answer:
    return Answer(vendor_credits.show(call.org, find(call.org.credits, call.path()), usage=True))


def _create(call: Call) -> Answer:
    return Answer(_written(call, vendor_credits.store(call.act, vendor_credits.prepare(call.act, call.body()))), 201)


def _create_many(call: Call) -> Answer:
    rows = all_or_nothing(
        read_bulk(call, MAX_BULK),
        lambda item: vendor_credits.prepare(call.act, item),
        lambda fields: vendor_credits.store(call.act, fields),
    )
    return Answer({"vendorCredits": [_written(call, row) for row in rows]}, 201)


def _modify(prepare: Prepare) -> Callable[[Call], Answer]:
    def answer(call: Call) -> Answer:
        row = find(call.org.credits, call.path())
        return Answer(_written(call, vendor_credits.become(call.act, row, prepare(call.act, row, call.body()))))

    return answer


def _modify_many(prepare: Prepare) -> Callable[[Call], Answer]:
    def answer(call: Call) -> Answer:
        def prepared(item: Any) -> tuple[Row, dict[str, Any]]:
            row = find(call.org.credits, item.get("id") if isinstance(item, Mapping) else None)
            return row, prepare(call.act, row, item)

        rows = all_or_nothing(
            read_bulk(call, MAX_BULK), prepared, lambda pair: vendor_credits.become(call.act, pair[0], pair[1])
        )
        return Answer({"vendorCredits": [_written(call, row) for row in rows]})

    return answer


def _archive(call: Call) -> Answer:
    return Answer(_written(call, vendor_credits.archive(call.act, find(call.org.credits, call.path()))))


def _archive_many(call: Call) -> Answer:
    rows = all_or_nothing(
        call.ids(), lambda row_id: find(call.org.credits, row_id), lambda row: vendor_credits.archive(call.act, row)
    )
    return Answer({"vendorCredits": [_written(call, row) for row in rows]})


def _written(call: Call, row: Row) -> dict[str, Any]:
    return vendor_credits.show(call.org, row, usage=False)
