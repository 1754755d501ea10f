"""Which connector reads and which writes which kind of ERP. Loaded when the first connection of that kind is opened."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import ValidationError

from tieout.domain.errors import Fatal
from tieout.domain.settings import ErpSettings
from tieout_connectors.spi.erp import ErpSource
from tieout_connectors.spi.erp_writer import ErpWriter

if TYPE_CHECKING:
    from tieout_connectors.business_central.settings import BusinessCentralCredentials, BusinessCentralSettings

T = TypeVar("T")
Values = Mapping[str, str]
"""Credentials by field."""
Factory = Callable[[ErpSettings, Values], T]


def _business_central(
    settings: ErpSettings, credentials: Values
) -> "tuple[BusinessCentralSettings, BusinessCentralCredentials]":
    from tieout_connectors.business_central.settings import (  # noqa: PLC0415 - loaded when used
        BusinessCentralCredentials,
        BusinessCentralSettings,
    )

    own = BusinessCentralSettings.of(settings.company, settings.address)
    return own, BusinessCentralCredentials.model_validate(dict(credentials))


def _business_central_reader(settings: ErpSettings, credentials: Values) -> ErpSource:
    from tieout_connectors.business_central.reader import BusinessCentralReader  # noqa: PLC0415 - loaded when used

    return BusinessCentralReader(*_business_central(settings, credentials))


def _business_central_writer(settings: ErpSettings, credentials: Values) -> ErpWriter:
    from tieout_connectors.business_central.writer import BusinessCentralWriter  # noqa: PLC0415 - loaded when used

    return BusinessCentralWriter(*_business_central(settings, credentials))


READERS: Final[dict[str, Factory[ErpSource]]] = {"business-central": _business_central_reader}
WRITERS: Final[dict[str, Factory[ErpWriter]]] = {"business-central": _business_central_writer}


def open_erp(factories: Mapping[str, Factory[T]], settings: ErpSettings, credentials: Values) -> T:
    """What the factory of a connection's kind of ERP makes of its settings and credentials, without a call.

    Raises:
        Fatal: no connector of that kind; or settings, credentials or files that it cannot use. Never shows a value.
    """
    factory = factories.get(settings.kind)
    if factory is None:
        cure = "Run a release that has this connector."
        raise Fatal(f"there is no connector for {settings.kind}", code="unknown_erp", cure=cure)
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
