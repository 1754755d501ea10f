"""Which connector reads which kind of ERP. Loaded when the first connection of that kind is polled."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Final, Protocol

from pydantic import ValidationError

from tieout.domain.capabilities import ErpCapabilities, Polling
from tieout.domain.erp import DocumentRef
from tieout.domain.errors import Fatal
from tieout.domain.records import Kind, ReadContext
from tieout.domain.settings import ErpSettings
from tieout_connectors.spi.erp import ErpReader, RawRow


class PolledErp(ErpReader, Protocol):
    """What a poll needs of a connector: a part of ``ErpSource``."""

    async def context(self) -> ReadContext:
        """What the wire reader needs for this company's rows."""
        ...

    def rows(self, kind: Kind, keys: Sequence[str]) -> AsyncIterator[RawRow]:
        """Those records again; what does not come does not exist any more."""
        ...

    async def documents(self, kind: Kind, key: str) -> tuple[DocumentRef, ...]:
        """The files of a record."""
        ...

    def document(self, ref: DocumentRef, limit: int) -> AsyncIterator[bytes]:
        """A file's bytes. Raises Reject, ``too_large`` or ``gone``."""
        ...

    async def close(self) -> None:
        """Give back connections and sessions."""
        ...


Factory = Callable[[ErpSettings, Mapping[str, str]], PolledErp]

KINDS: Final[tuple[Kind, ...]] = (
    Kind.ACCOUNT,
    Kind.DIMENSION_VALUE,
    Kind.VENDOR,
    Kind.PURCHASE_INVOICE,
    Kind.LEDGER_ENTRY,
)
"""What is polled, masters before documents: of two kinds due at once the first here goes first."""


def _business_central(settings: ErpSettings, credentials: Mapping[str, str]) -> PolledErp:
    from tieout_connectors.business_central.reader import BusinessCentralReader  # noqa: PLC0415 - loaded when used
    from tieout_connectors.business_central.settings import (  # noqa: PLC0415
        BusinessCentralCredentials,
        BusinessCentralSettings,
    )

    return BusinessCentralReader(
        BusinessCentralSettings.of(settings.company, settings.address),
        BusinessCentralCredentials.model_validate(dict(credentials)),
    )


FACTORIES: Final[dict[str, Factory]] = {"business-central": _business_central}
DECLARED: Final[dict[str, str]] = {"business-central": "tieout_connectors.business_central.capabilities:DECLARED"}
"""Where each connector declares how its kinds are polled."""


@cache
def shown_whole(erp: str) -> frozenset[Kind]:
    """The kinds of an ERP of which every poll shows unchanged rows again."""
    if erp not in DECLARED:
        return frozenset()
    module, _, name = DECLARED[erp].partition(":")
    declared: ErpCapabilities = getattr(import_module(module), name)
    return frozenset(kind for kind, how in declared.polling.items() if how in (Polling.SEQUENCE, Polling.WHOLE))


def open_reader(
    settings: ErpSettings, credentials: Mapping[str, str], factories: Mapping[str, Factory] = FACTORIES
) -> PolledErp:
    """The reader of a connection's ERP.

    Raises:
        Fatal: no connector of that kind, or settings or credentials that it cannot use; never shows a value.
    """
    factory = factories.get(settings.kind)
    if factory is None:
        cure = "Run a release that has this connector."
        raise Fatal(f"no connector reads {settings.kind}", code="unknown_erp", cure=cure)
    try:
        return factory(settings, credentials)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        cure = "Correct the connection, or set its ERP credentials again: tieout connections secret set CONNECTION erp"
        raise Fatal(f"{path}: {first['msg']}", code="settings", cure=cure) from None
    except OSError as error:
        cure = "Name a file that exists on the machines of the services, as ca_file of the connection."
        raise Fatal(f"{error.filename}: {error.strerror}", code="file", cure=cure) from error
