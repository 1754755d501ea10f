"""Files of a document: raw row to record."""

from collections.abc import Mapping
from mimetypes import guess_type
from typing import Any

from tieout.domain.erp import DocumentRef
from tieout_connectors.business_central.wire.fields import Fields


def document_ref(entity_set: str, owner: str, document: Mapping[str, Any]) -> DocumentRef:
    """A row of ``attachments`` or ``documentAttachments``; ids of the two are apart, so the set is part of the id."""
    row = Fields(document)
    name = row.text("fileName")
    return DocumentRef(
        id=f"{entity_set}/{row.needed_reference('id')}",
        owner=owner,
        name=name,
        size=row.whole("byteSize") if row.has("byteSize") else None,
        media_type=guess_type(name)[0] or "",
        modified=row.moment("lastModifiedDateTime"),
    )
