"""Documents of bills: a temporary id at once, the document itself only after a while."""

from datetime import timedelta
from hashlib import sha256
from typing import Any

from aiohttp import web

from tieout_sandbox.bill.call import Answer, Call, Endpoint
from tieout_sandbox.bill.errors import refuse
from tieout_sandbox.bill.lists import Listing, ListSpec, page
from tieout_sandbox.bill.organization import Act, find
from tieout_sandbox.bill.store import Collection, Row
from tieout_sandbox.bill.times import printed

# BILL says 6 MB; read as the smaller of the two megabytes, so that a client on the larger one is caught here.
MOST_BYTES = 6_000_000

LIST = ListSpec({})


def upload(act: Act, subject_id: str, name: str, content: bytes) -> Row:
    """Take a file for a bill; the row's id is the temporary one, ``documentId`` comes into force later."""
    if not name.strip():
        raise refuse("BDC_1117", "name: must not be empty")
    if not content:
        raise refuse("BDC_1117", "the body must not be empty")
    if len(content) > MOST_BYTES:
        raise refuse("BDC_1129", f"the file is larger than {MOST_BYTES} bytes")
    wait = timedelta(seconds=float(act.org.switches["document_seconds"]))
    document_id = act.org.ids.new("document")
    fields = {
        "subjectId": subject_id,
        "name": name,
        "documentId": document_id,
        "bytes": len(content),
        "sha256": sha256(content).hexdigest(),
        "readyTime": printed(act.now + wait),
    }
    row = act.add(act.org.documents, "upload", fields)
    act.org.files[document_id] = content
    return row


def endpoints() -> list[Endpoint]:
    """The paths of documents. None can be deleted."""
    return [
        Endpoint("POST", "/connect/v3/documents/bills/{id}", "documents.write", _upload),
        Endpoint("GET", "/connect/v3/documents/bills/{id}", "documents.read", _list),
        Endpoint("GET", "/connect/v3/documents/upload-status", "documents.read", _status),
        Endpoint("GET", "/connect/v3/documents/{id}", "documents.read", _get),
        Endpoint("GET", "/connect/v3/documents/{id}/content", "documents.read", _content),
    ]


def _upload(call: Call) -> Answer:
    bill = find(call.org.bills, call.path())
    row = upload(call.act, bill.id, call.request.query.get("name", ""), call.raw)
    return Answer({"id": row.id, "name": row.fields["name"], "createdTime": printed(row.created)})


def _list(call: Call) -> Answer:
    bill = find(call.org.bills, call.path())
    ready = Collection()
    for row in call.org.documents.having("subjectId", [bill.id]):
        if _ready(row, call):
            ready.add(row)
    asked = Listing(call.request.query, call.now, call.switches, call.cursors)
    return Answer(page(ready, LIST, asked, lambda row: _shown(call, row)))


def _status(call: Call) -> Answer:
    states = []
    for upload_id in call.ids():
        row = find(call.org.documents, upload_id)
        state: dict[str, Any] = {"uploadId": row.id, "status": "IN_PROGRESS"}
        if _ready(row, call):
            state = {"documentId": row.fields["documentId"], "uploadId": row.id, "status": "UPLOADED"}
        states.append(state)
    return Answer(states)


def _get(call: Call) -> Answer:
    return Answer(_shown(call, _document(call)))


def _content(call: Call) -> web.Response:
    row = _document(call)
    return web.Response(body=call.org.files[row.fields["documentId"]], content_type="application/octet-stream")


def _document(call: Call) -> Row:
    for row in call.org.documents.having("documentId", [call.path()]):
        if _ready(row, call):
            return row
    raise refuse("BDC_1205", call.path())


def _ready(row: Row, call: Call) -> bool:
    return bool(row.fields["readyTime"] <= printed(call.now))


def _shown(call: Call, row: Row) -> dict[str, Any]:
    document_id = row.fields["documentId"]
    base = f"{call.request.scheme}://{call.request.host}"
    return {
        "id": document_id,
        "name": row.fields["name"],
        "createdTime": printed(row.created),
        "downloadLink": f"{base}/connect/v3/documents/{document_id}/content",
    }
