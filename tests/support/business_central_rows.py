"""Rows of Business Central as the connector's wire reads them: fixtures in the shapes its servers send."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from tieout.domain.records import Kind, ReadContext
from tieout_connectors.business_central.wire import BusinessCentralWire

FIXTURES: Final = Path(__file__).parents[1] / "fixtures" / "business-central"
CONTEXT: Final = ReadContext(
    company="9ee48135-93e1-ef11-9344-6045bde9ca09",
    local_currency="USD",
    settings={"global_dimension_1": "DEPARTMENT", "global_dimension_2": "PROJECT"},
)


def load(name: str) -> Any:
    """A fixture as the connector parses answers: with exact decimals."""
    return json.loads((FIXTURES / name).read_text(), parse_float=Decimal)


def read(kind: Kind, document: Any) -> Any:
    """The one record of a row."""
    (record,) = BusinessCentralWire().read(kind, document, CONTEXT)
    return record


def changed(name: str, *path: Any, to: Any) -> Any:
    """A fixture with one value replaced."""
    document = load(name)
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return document
