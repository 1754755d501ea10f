"""Lists of BILL, page by page, against pages that a test writes."""

from collections.abc import Callable
from json import dumps
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tieout.domain.errors import Reject, Retry
from tieout_connectors.bill import calls
from tieout_connectors.bill.calls import Call
from tieout_connectors.bill.client import BillClient
from tieout_connectors.bill.query import starts_with
from tieout_connectors.bill.settings import Addresses, Credentials
from tieout_connectors.http.call import Answer, Request

ORGANIZATION = "00801ORGANIZATION000"
VENDOR = {"id": "00901VENDOR", "name": "Acme"}


class Bill:
    """Answers every call but the sign-in as a test says, and keeps the requests."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.on_call: Callable[[Request], Answer] = lambda _request: answered({})

    async def send(self, _session: object, request: Request) -> Answer:
        """Answer in place of the network."""
        self.requests.append(request)
        if request.call == "POST /v3/login":
            return answered({"sessionId": "s", "organizationId": ORGANIZATION})
        return self.on_call(request)


@pytest.fixture
def bill(monkeypatch: pytest.MonkeyPatch) -> Bill:
    """BILL in place of the network."""
    bill = Bill()
    monkeypatch.setattr(calls, "send", bill.send)
    return bill


def answered(value: Any) -> Answer:
    return Answer(200, {}, dumps(value).encode())


def client() -> BillClient:
    return BillClient(None, Addresses.at("http://127.0.0.1:1"), Credentials("u", "p", ORGANIZATION, "k"))  # type: ignore[arg-type]


def paged(pages: list[dict[str, Any]]) -> Callable[[Request], Answer]:
    """Answers with the page that the token names, the first one without."""

    def answer(request: Request) -> Answer:
        query = parse_qs(urlsplit(request.url).query)
        return answered(pages[int(query.get("page", ["0"])[0])])

    return answer


LIST = Call("GET /v3/vendors")


async def test_a_list_goes_on_over_an_empty_page_and_ends_where_no_next_page_is_named(bill: Bill) -> None:
    """A page without rows hides nothing behind it."""
    bill.on_call = paged(
        [
            {"results": [{"n": 0}], "nextPage": "1"},
            {"results": [], "nextPage": "2"},
            {"results": [{"n": 2}], "nextPage": None},
        ]
    )
    rows = [row["n"] async for page in client().caller.pages(LIST) for row in page.rows]
    assert rows == [0, 2]


async def test_sort_and_filters_are_sent_with_every_page_and_encoded(bill: Bill) -> None:
    """The second page belongs to the same question as the first."""
    bill.on_call = paged([{"results": [], "nextPage": "1"}, {"results": []}])
    pages = client().caller.pages(LIST, filters=[starts_with("name", "Müller & Co")], sort="createdTime:asc")
    assert [page.rows async for page in pages] == [(), ()]
    asked = [parse_qs(urlsplit(request.url).query) for request in bill.requests[1:]]
    same = {"max": ["100"], "sort": ["createdTime:asc"], "filters": ['name:sw:"Müller & Co"']}
    assert asked == [same, same | {"page": ["1"]}]
    assert '"' not in bill.requests[1].url


async def test_a_page_that_is_named_again_ends_the_list_with_an_error(bill: Bill) -> None:
    """A server that turns in a circle does not spend the hour's calls."""
    bill.on_call = paged([{"results": [], "nextPage": "1"}, {"results": [], "nextPage": "1"}])
    with pytest.raises(Retry) as caught:
        _ = [page async for page in client().caller.pages(LIST)]
    assert (caught.value.code, len(bill.requests)) == ("repeated_page", 3)


@pytest.mark.parametrize("body", [{}, {"results": None}, {"results": [1]}, [], {"results": {"a": 1}}])
async def test_a_page_without_its_list_is_no_empty_list(bill: Bill, body: Any) -> None:
    """An answer of another shape is an error, not "no vendors there": that would create them all again."""
    bill.on_call = lambda _request: answered(body)
    with pytest.raises(Reject) as caught:
        _ = [page async for page in client().caller.pages(LIST)]
    assert caught.value.code == "unreadable"


async def test_a_row_that_cannot_be_read_is_named(bill: Bill) -> None:
    """The list stops with the field at fault instead of leaving the vendor out."""
    bill.on_call = lambda _request: answered({"results": [VENDOR, {"id": "00902"}]})
    with pytest.raises(Reject) as caught:
        _ = [vendor async for vendor in client().vendors.all()]
    assert "vendor.name" in str(caught.value)
