"""Which connector writes to which kind of ERP. Loaded when the first order of that kind comes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from pydantic import ValidationError

from tieout.domain.errors import Fatal
from tieout.domain.records import ReadContext
from tieout.domain.settings import ErpSettings
from tieout_connectors.spi.erp_writer import ErpWriter


class Probe(Protocol):
    """What tells whether an ERP lets a connection in: a part of ``ErpSource``."""

    async def context(self) -> ReadContext:
        """A signed-in read of the company. Raises Retry or Fatal."""
        ...

    async def close(self) -> None:
        """Give back connections and sessions."""
        ...


Values = Mapping[str, str]
T = TypeVar("T")


@dataclass(frozen=True)
class Connector:
    """How one kind of ERP is opened, from a connection's settings and its credentials."""

    writer: Callable[[ErpSettings, Values], ErpWriter]
    probe: Callable[[ErpSettings, Values], Probe]


def _business_central_writer(settings: ErpSettings, credentials: Values) -> ErpWriter:
    from tieout_connectors.business_central.settings import (  # noqa: PLC0415 - loaded when used
        BusinessCentralCredentials,
        BusinessCentralSettings,
    )
    from tieout_connectors.business_central.writer import BusinessCentralWriter  # noqa: PLC0415

    return BusinessCentralWriter(
        BusinessCentralSettings.of(settings.company, settings.address),
        BusinessCentralCredentials.model_validate(dict(credentials)),
    )


def _business_central_probe(settings: ErpSettings, credentials: Values) -> Probe:
    from tieout_connectors.business_central.reader import BusinessCentralReader  # noqa: PLC0415 - loaded when used
    from tieout_connectors.business_central.settings import (  # noqa: PLC0415
        BusinessCentralCredentials,
        BusinessCentralSettings,
    )

    return BusinessCentralReader(
        BusinessCentralSettings.of(settings.company, settings.address),
        BusinessCentralCredentials.model_validate(dict(credentials)),
    )


CONNECTORS: Final[dict[str, Connector]] = {
    "business-central": Connector(_business_central_writer, _business_central_probe),
}


def connector_of(settings: ErpSettings) -> Connector:
    """The connector of a kind of ERP. Raises Fatal if this release has none."""
    connector = CONNECTORS.get(settings.kind)
    if connector is None:
        cure = "Run a release that has this connector."
        raise Fatal(f"no connector writes to {settings.kind}", code="unknown_erp", cure=cure)
    return connector


def open_with(make: Callable[[ErpSettings, Values], T], settings: ErpSettings, credentials: Values) -> T:
    """Open an ERP.

    Raises:
        Fatal: settings, credentials or files that the connector cannot use; never shows a value.
    """
    try:
        return make(settings, credentials)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        cure = "Correct the connection, or set its ERP credentials again: tieout connections secret set CONNECTION erp"
        raise Fatal(f"{path}: {first['msg']}", code="settings", cure=cure) from None
    except OSError as error:
        cure = "Name a file that exists on the machines of the services, as ca_file of the connection."
        raise Fatal(f"{error.filename}: {error.strerror}", code="file", cure=cure) from error
