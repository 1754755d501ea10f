"""Files on bills, and how far their upload is."""

from typing import Any

from tieout.domain.bill import BillDocument, DocumentUpload, UploadStatus
from tieout_connectors.bill.wire.fields import Fields, rows


def read_document(raw: Any) -> BillDocument:
    """A document of the list, or the answer to an upload: then with a temporary id."""
    document = Fields(raw, "document")
    return BillDocument(id=document.needed("id"), name=document.text("name"), created=document.moment("createdTime"))


def read_uploads(raw: Any) -> tuple[DocumentUpload, ...]:
    """The answer about uploads: a bare list."""
    return tuple(
        DocumentUpload(
            upload=one.needed("uploadId"),
            document=one.text("documentId"),
            status=one.choice("status", UploadStatus, UploadStatus.UNDEFINED),
        )
        for one in rows(raw, "uploads")
    )
