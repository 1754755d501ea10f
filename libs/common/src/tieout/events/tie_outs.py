"""Finished tie-outs, on ``tie.outs``: kept with their inputs, so that a date asked for again gives the same bytes."""

from datetime import date, datetime

from pydantic import ConfigDict

from tieout.events.envelope import Payload


class TieOutPart(Payload):
    """A part of a finished run. All parts of a run are written in one transaction.

    Attributes:
        run: the run's id. as_of: its day in the connection's time zone; taken: when its inputs were complete, UTC.
        sha256: of the whole document, uncompressed. size: its bytes.
        differences, unexpected: how many it names, and how many of them Tieout does not expect.
        complete: all three equations could be compared.
        number, count: this part's, from 0. content: a piece of the document, compressed with gzip as a whole.
    """

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    connection: str
    run: str
    as_of: date
    taken: datetime
    sha256: str
    size: int
    differences: int
    unexpected: int
    complete: bool
    number: int
    count: int
    content: bytes
