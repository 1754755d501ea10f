"""Files of a purchase invoice: attached to the document, or come with it as an incoming document."""

from collections.abc import AsyncIterator
from typing import Final

from tieout.domain.erp import DocumentRef
from tieout.domain.errors import Reject
from tieout_connectors.business_central.client import Client, understood
from tieout_connectors.business_central.wire.documents import document_ref

SETS: Final = ("documentAttachments", "attachments")
PART: Final = 1024 * 1024


async def documents(client: Client, invoice: str) -> tuple[DocumentRef, ...]:
    """The files of an invoice, without their bytes.

    Raises:
        Reject: code ``gone`` if there is no such invoice any more.
    """
    found: list[DocumentRef] = []
    for name in SETS:
        call = f"GET purchaseInvoices({{id}})/{name}"
        try:
            rows = await client.rows(await client.api(f"purchaseInvoices({invoice})/{name}"), call, {})
        except Reject as error:
            if error.status == 404:
                raise _gone(error) from error
            if name == "attachments":
                continue  # this page refuses parents that only the other one serves
            raise
        with understood(call):
            found += [document_ref(name, invoice, row) for row in rows]
    return tuple(found)


async def document(client: Client, ref: DocumentRef, limit: int) -> AsyncIterator[bytes]:
    """A file's bytes in parts of at most 1 MiB.

    Raises:
        Reject: ``too_large`` if it has more than ``limit`` bytes, ``gone`` if it is not there any more.
    """
    entity_set, _, key = ref.id.partition("/")
    if entity_set not in SETS or not key:
        raise ValueError(f"not a file of Business Central: {ref.id!r}")
    call = f"GET purchaseInvoices({{id}})/{entity_set}({{id}})/attachmentContent"
    if ref.size is not None and ref.size > limit:
        raise Reject(f"{ref.size} bytes, {limit} are allowed", code="too_large", call=call)
    path = f"purchaseInvoices({ref.owner})/{entity_set}({key})/attachmentContent"
    try:
        content = await client.content(await client.api(path), call)
    except Reject as error:
        if error.status == 404:
            raise _gone(error) from error
        raise
    if len(content) > limit:
        raise Reject(f"{len(content)} bytes, {limit} are allowed", code="too_large", call=call)
    for start in range(0, len(content), PART):
        yield content[start : start + PART]


def _gone(error: Reject) -> Reject:
    return Reject(error.message, code="gone", call=error.call, status=error.status)
