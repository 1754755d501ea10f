"""The seven classifications: accounts, departments, locations, jobs, classes, employees, items."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tieout_sandbox.bill.bulk import all_or_nothing
from tieout_sandbox.bill.call import Answer, Call, Endpoint, read_bulk
from tieout_sandbox.bill.errors import refuse
from tieout_sandbox.bill.fields import Field, Fields, Kind, merged, populated, read
from tieout_sandbox.bill.filters import ROW, As
from tieout_sandbox.bill.lists import ListSpec
from tieout_sandbox.bill.organization import Act, find
from tieout_sandbox.bill.store import Collection, Row
from tieout_sandbox.bill.times import printed

MAX_BULK = 50

LIST = ListSpec(
    {**ROW, "name": (As.TEXT, ("eq", "sw")), "parentId": (As.TEXT, ("eq", "ne", "in"))},
    frozenset({"createdTime", "updatedTime", "name"}),
)

ACCOUNT_TYPES = (
    "UNSPECIFIED", "ACCOUNTS_PAYABLE", "ACCOUNTS_RECEIVABLE", "BANK", "COST_OF_GOODS_SOLD", "CREDIT_CARD", "EQUITY",
    "EXPENSE", "FIXED_ASSET", "INCOME", "LONG_TERM_LIABILITY", "OTHER_ASSET", "OTHER_CURRENT_ASSET",
    "OTHER_CURRENT_LIABILITY", "OTHER_EXPENSE", "OTHER_INCOME", "NON_POSTING",
)  # fmt: skip

_NAMED: Fields = {"name": Field(required=True), "shortName": Field(), "description": Field(), "parentId": Field()}
_ACCOUNT: Fields = {"type": Field(required=True, options=ACCOUNT_TYPES), "number": Field()}


@dataclass(frozen=True)
class Kinds:
    """One collection: its fields and the word around a bulk answer."""

    wrapper: str
    fields: Fields


KINDS: dict[str, Kinds] = {
    "chart-of-accounts": Kinds(
        "chartOfAccounts",
        {
            "name": Field(required=True),
            "description": Field(),
            "parentId": Field(),
            "account": Field(Kind.OBJECT, required=True, inside=_ACCOUNT),
        },
    ),
    "departments": Kinds("departments", _NAMED),
    "locations": Kinds("locations", _NAMED),
    "jobs": Kinds("jobs", _NAMED),
    "accounting-classes": Kinds("accountingClasses", _NAMED),
    "employees": Kinds(
        "employees", {"firstName": Field(), "lastName": Field(), "shortName": Field(), "parentId": Field()}
    ),
    "items": Kinds(
        "items",
        {
            "type": Field(required=True),
            "name": Field(),
            "shortName": Field(),
            "description": Field(),
            "parentId": Field(),
            "price": Field(Kind.NUMBER),
            "expenseChartOfAccountId": Field(),
            "chartOfAccountId": Field(),
            "purchaseDescription": Field(),
            "purchaseCost": Field(Kind.NUMBER),
            "taxable": Field(Kind.FLAG),
            "percentage": Field(Kind.NUMBER),
        },
    ),
}

# Which classification a reference on a bill or a line names.
REFERENCES = {
    "chartOfAccountId": "chart-of-accounts",
    "accountingClassId": "accounting-classes",
    "departmentId": "departments",
    "employeeId": "employees",
    "jobId": "jobs",
    "locationId": "locations",
    "itemId": "items",
}


def prepare(act: Act, kind: str, body: Any) -> dict[str, Any]:
    """The properties of a new record, found good."""
    fields = read(KINDS[kind].fields, body)
    _check_parent(act, kind, fields)
    return fields


def store(act: Act, kind: str, fields: dict[str, Any], row_id: str | None = None) -> Row:
    """Store a prepared record."""
    return act.add(act.org.classifications[kind], kind, fields, row_id)


def prepare_change(act: Act, kind: str, row: Row, body: Any) -> dict[str, Any]:
    """What a record becomes, found good."""
    news = read(KINDS[kind].fields, body, partial=True)
    _check_parent(act, kind, news)
    return merged(row.fields, news)


def change(act: Act, kind: str, row: Row, fields: dict[str, Any]) -> Row:
    """Give a record its prepared properties."""
    act.change(act.org.classifications[kind], row, lambda one: setattr(one, "fields", fields))
    return row


def archive(act: Act, kind: str, row: Row, *, archived: bool) -> Row:
    """Archive or restore; repeating changes nothing."""
    if row.archived != archived:
        act.change(act.org.classifications[kind], row, lambda one: setattr(one, "archived", archived))
    return row


def show(row: Row) -> dict[str, Any]:
    """A record as BILL prints it."""
    return {
        "id": row.id,
        "archived": row.archived,
        **populated(row.fields),
        "createdTime": printed(row.created),
        "updatedTime": printed(row.updated),
    }


def check_references(act: Act, references: Mapping[str, Any] | None) -> None:
    """Refuse classifications that do not exist; archived ones are refused for new use."""
    for name, kind in REFERENCES.items():
        row_id = (references or {}).get(name)
        if row_id is not None and find(act.org.classifications[kind], row_id).archived:
            raise refuse("BDC_1119", f"{name}: {row_id} is archived")


def endpoints() -> list[Endpoint]:
    """The paths of all seven."""
    return [endpoint for kind in KINDS for endpoint in _endpoints(kind)]


def _endpoints(kind: str) -> list[Endpoint]:
    base = f"/connect/v3/classifications/{kind}"
    one = f"{base}/{{id}}"

    def rows(call: Call) -> Collection:
        if kind in call.switches["classifications_off"]:
            raise refuse("BDC_1145", kind)
        return call.org.classifications[kind]

    def create(call: Call) -> Answer:
        rows(call)
        return Answer(show(store(call.act, kind, prepare(call.act, kind, call.body()))), 201)

    def modify(call: Call) -> Answer:
        row = find(rows(call), call.path())
        return Answer(show(change(call.act, kind, row, prepare_change(call.act, kind, row, call.body()))))

    def set_archived(*, archived: bool) -> Callable[[Call], Answer]:
        return lambda call: Answer(show(archive(call.act, kind, find(rows(call), call.path()), archived=archived)))

    read_it, write_it = "classifications.read", "classifications.write"
    return [
        Endpoint("GET", base, read_it, lambda call: call.page(rows(call), LIST, show)),
        Endpoint("POST", base, write_it, create),
        *_bulk_endpoints(kind, base, rows),
        Endpoint("GET", one, read_it, lambda call: Answer(show(find(rows(call), call.path())))),
        Endpoint("PATCH", one, write_it, modify),
        Endpoint("POST", f"{one}/archive", write_it, set_archived(archived=True)),
        Endpoint("POST", f"{one}/restore", write_it, set_archived(archived=False)),
    ]


def _bulk_endpoints(kind: str, base: str, rows: Callable[[Call], Collection]) -> list[Endpoint]:
    wrapper = KINDS[kind].wrapper

    def create(call: Call) -> Answer:
        rows(call)
        made = all_or_nothing(
            read_bulk(call, MAX_BULK),
            lambda item: prepare(call.act, kind, item),
            lambda fields: store(call.act, kind, fields),
        )
        return Answer({wrapper: [show(row) for row in made]}, 201)

    def modify(call: Call) -> Answer:
        def prepared(item: Any) -> tuple[Row, dict[str, Any]]:
            row = find(rows(call), item.get("id") if isinstance(item, Mapping) else None)
            return row, prepare_change(call.act, kind, row, item)

        changed = all_or_nothing(
            read_bulk(call, MAX_BULK), prepared, lambda pair: change(call.act, kind, pair[0], pair[1])
        )
        return Answer({wrapper: [show(row) for row in changed]})

    def set_archived(*, archived: bool) -> Callable[[Call], Answer]:
        def answer(call: Call) -> Answer:
            done = all_or_nothing(
                call.ids(),
                lambda row_id: find(rows(call), row_id),
                lambda row: archive(call.act, kind, row, archived=archived),
            )
            return Answer({wrapper: [show(row) for row in done]})

        return answer

    write_it = "classifications.write"
    return [
        Endpoint("POST", f"{base}/bulk", write_it, create),
        Endpoint("PATCH", f"{base}/bulk", write_it, modify),
        Endpoint("POST", f"{base}/bulk/archive", write_it, set_archived(archived=True)),
        Endpoint("POST", f"{base}/bulk/restore", write_it, set_archived(archived=False)),
    ]


def _check_parent(act: Act, kind: str, fields: Mapping[str, Any]) -> None:
    if fields.get("parentId") is not None:
        find(act.org.classifications[kind], fields["parentId"])
