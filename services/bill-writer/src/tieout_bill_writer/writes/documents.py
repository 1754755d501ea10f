"""Files on bills. Nothing deletes one, and an upload is not listed until BILL has taken it in, which takes minutes."""

import asyncio
from typing import Final

from tieout.effects.port import Done
from tieout.events.commands import DocumentCommand
from tieout.events.facts import Candidate
from tieout_bill_writer.organization import Organization

# Uploads remembered per organization. A file is listed within minutes, in which no hour's budget sends more.
MOST_UPLOADS: Final = 2_000


class UploadDocument:
    """A file that a bill is to have, once.

    BILL answers an upload with a temporary id and shows the file later. So a look-up after a lost answer waits as long
    as that can take (``slow``), and a file sent in this process's life is remembered until then.
    """

    name = "POST /v3/documents/bills/{id}"

    def __init__(self, organization: Organization, command: DocumentCommand) -> None:
        self._documents = organization.client.documents
        self._read = organization.read_document
        self._uploads = organization.uploads
        self._command = command
        self._content = b""
        self.slow = organization.document_slow

    async def look(self) -> tuple[Candidate, ...]:
        """The files of this name; if there are none the content is fetched, opened and checked."""
        command = self._command
        listed = await self._documents.find(command.bill, command.name)
        ids = [one.id for one in listed if one.id not in command.exclude]
        sent = self._uploads.get((command.bill, command.name))
        if not ids and sent is not None and sent not in command.exclude:
            ids = [sent]
        if not ids:
            self._content = await asyncio.to_thread(self._read, command)
        # Equal names are all that BILL tells of two files, so what is there counts as what is wanted.
        detail = f"on bill {command.bill}"
        return tuple(
            Candidate(id=identity, name=command.name, detail=detail, content=command.content_hash) for identity in ids
        )

    async def perform(self, deadline: float) -> Done:
        """Upload it. What BILL answers is its temporary id; the final one is of no use to anybody."""
        command = self._command
        document = await self._documents.upload(command.bill, command.name, self._content, deadline=deadline)
        self._uploads[(command.bill, command.name)] = document.id
        while len(self._uploads) > MOST_UPLOADS:
            del self._uploads[next(iter(self._uploads))]
        self._content = b""
        return Done(document.id)

    async def settle(self) -> tuple[Done, ...]:
        """The files of this name; before the call there was none."""
        command = self._command
        found = await self._documents.find(command.bill, command.name)
        return tuple(Done(one.id) for one in found if one.id not in command.exclude)
