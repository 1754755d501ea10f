"""What is too large for one message and travels in parts, on ``snapshots``."""

from pydantic import ConfigDict

from tieout.events.envelope import Payload


class DocumentChunk(Payload):
    """A part of a document, sealed (``connections.documents``); a command names the parts by their offsets.

    ``invoice`` and ``document`` are the ERP's ids, ``number`` counts from 0.
    """

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    connection: str
    invoice: str
    document: str
    number: int
    sealed: bytes
