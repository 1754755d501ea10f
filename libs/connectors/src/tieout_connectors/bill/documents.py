"""Files on bills. Nothing deletes one and a second upload makes a second one: look at the list first."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from tieout.domain.bill import BillDocument, DocumentUpload
from tieout.domain.errors import Reject
from tieout_connectors.bill.calls import Call, Caller
from tieout_connectors.bill.wire.documents import read_document, read_uploads

# BILL documents 6 MB without saying which; the smaller reading is never refused.
LARGEST: Final = 6_000_000

# A file of that size on a slow line: 6 MB at 0.5 Mbit/s take 96 s. The settle time of an upload follows from this.
UPLOAD_TIMEOUT: Final = 120.0


class Documents:
    """The calls about documents. Every one may raise Retry, Reject or Fatal; the upload, InDoubt as well."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def upload(
        self, bill: str, name: str, content: bytes, *, media_type: str = "", deadline: float | None = None
    ) -> BillDocument:
        """Put a file on a bill. The answer has a temporary id (``0du…``); ``uploads`` tells the final one later.

        Raises:
            Reject: code ``too_large`` or ``empty``, without a call.
        """
        name_of_call = "POST /v3/documents/bills/{id}"
        if not content:
            raise Reject(
                f"{name} is empty", code="empty", call=name_of_call, cure="Attach a file that holds something."
            )
        if len(content) > LARGEST:
            reason = f"{name} has {len(content)} bytes and BILL takes {LARGEST}"
            raise Reject(
                reason, code="too_large", call=name_of_call, cure="Make the file smaller, or attach it by hand."
            )
        call = Call(
            name_of_call,
            (bill,),
            {"name": name},
            content,
            {"content-type": media_type or "application/octet-stream"},
            deadline=deadline,
            timeout=UPLOAD_TIMEOUT,
        )
        return await self._caller.read(call, read_document)

    async def uploads(self, uploads: Sequence[str], *, deadline: float | None = None) -> tuple[DocumentUpload, ...]:
        """How far uploads are, by their temporary ids."""
        call = Call("GET /v3/documents/upload-status", query={"ids": ",".join(uploads)}, deadline=deadline)
        return await self._caller.read(call, read_uploads)

    def of_bill(self, bill: str, *, deadline: float | None = None) -> AsyncIterator[BillDocument]:
        """The files on a bill. One that is still being taken in may not be there yet."""
        return self._caller.records(Call("GET /v3/documents/bills/{id}", (bill,), deadline=deadline), read_document)

    async def find(self, bill: str, name: str, *, deadline: float | None = None) -> tuple[BillDocument, ...]:
        """The files of exactly this name on a bill."""
        return tuple([one async for one in self.of_bill(bill, deadline=deadline) if one.name == name])
