"""The settings of a connection, as its owner writes them. Secrets are never here.

Each field's description says in one line what it may hold: errors and the reference of the YAML are made from it.
Rules across fields stand in ``settings_rules``.
"""

import datetime as dt
import hashlib
import re
from enum import StrEnum
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from tieout.domain.schedule import BillSchedule, Schedule

ID_PATTERN: Final = r"^[a-z0-9](-?[a-z0-9])*$"
ID_TEXT: Final = "1 to 63 lower-case letters, digits and single hyphens, such as cronus-us"


class Settings(BaseModel):
    """Closed: a field that is not declared is an error with its name."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _address(value: str) -> str:
    """An http or https address without user, password, query and fragment: those could carry a secret."""
    try:
        parts = urlsplit(value)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError("is not an address") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_fine:
        raise ValueError("is not an address")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("is an address with a user, a query or a fragment")
    if re.search(r"[\s\x00-\x1f\x7f]", value):
        raise ValueError("is an address with blanks in it")
    return value.rstrip("/")


def _https(value: str) -> str:
    if urlsplit(value).scheme != "https":
        raise ValueError("is not an https address")
    return value


ADDRESS_TEXT: Final = "an address such as https://host or http://127.0.0.1:8080/path, without user, query and fragment"
Line = Annotated[
    str, StringConstraints(min_length=1, max_length=250, strip_whitespace=True, pattern=r"^[^\x00-\x1f]+$")
]
Id = Annotated[str, StringConstraints(pattern=ID_PATTERN, max_length=63)]
Address = Annotated[str, StringConstraints(max_length=500), AfterValidator(_address)]
HttpsAddress = Annotated[Address, AfterValidator(_https)]


class State(StrEnum):
    """Draft may be read and checked, active is synchronized, paused waits, retired is over."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    RETIRED = "retired"


class Side(StrEnum):
    """The two ends of a connection."""

    BILL = "bill"
    ERP = "erp"


class BusinessCentralEndpoints(Settings):
    """Other addresses than Microsoft's, for sovereign clouds and simulators."""

    api: Address | None = Field(None, description=ADDRESS_TEXT)
    login: Address | None = Field(None, description=ADDRESS_TEXT)
    scope: Line | None = Field(None, description="the scope Entra gives tokens for, ending in /.default")


class BusinessCentralErp(Settings):
    """A company of Business Central. ``address`` has what the connector needs to find it, apart from the company."""

    kind: Literal["business-central"] = Field(description="business-central")
    tenant: str = Field(
        pattern=r"^[A-Za-z0-9.\-]+$", max_length=250, description="the Entra tenant's id (a GUID) or one of its domains"
    )
    environment: Line = Field("production", description="the environment's name in the admin centre")
    company: Line = Field(description="the company's name or id (a GUID)")
    ledger_page: str = Field(
        "VendorLedgerEntries",
        pattern=r"^[A-Za-z0-9_]*$",
        max_length=240,
        description='the service name under which page 29 is published, letters, digits and _; "" if it is not',
    )
    page_rows: int | None = Field(None, ge=1, le=20_000, description="rows per page, 1 to 20000")
    overlap_seconds: int | None = Field(
        None, ge=480, le=86_400, description="how far a poll reads behind the newest row, 480 to 86400 seconds"
    )
    currencies: dict[Line, str] | None = Field(
        None, description="the company's currency codes that are no ISO 4217 codes, with theirs: {EURO: EUR}"
    )
    endpoints: BusinessCentralEndpoints = BusinessCentralEndpoints()
    ca_file: Line | None = Field(None, description="a PEM file on the services' machines")
    proxy: Address | None = Field(None, description="http://host:port without user and password")
    schedule: Schedule = Schedule()

    @property
    def address(self) -> dict[str, Any]:
        """Tenant, environment, endpoints and so on as JSON; what the owner left out is left to the connector."""
        return self.model_dump(mode="json", exclude={"kind", "company", "schedule"}, exclude_none=True)

    @property
    def identity(self) -> str:
        """Which company it is, wherever its servers are reached, as spelled: marks are made of the spelling."""
        return f"{self.kind}/{self.tenant}/{self.environment}/{self.company}"


ErpSettings = BusinessCentralErp
"""The ERP side; a union over ``kind`` as further ERPs come."""


class BillEndpoints(Settings):
    """Both bases of a simulator's API, without ``/v3``."""

    api: Address = Field(description=ADDRESS_TEXT)
    events: Address = Field(description=ADDRESS_TEXT)


GATEWAYS: Final[dict[str, BillEndpoints]] = {
    "sandbox": BillEndpoints(
        api="https://gateway.stage.bill.com/connect", events="https://gateway.stage.bill.com/connect-events"
    ),
    "production": BillEndpoints(
        api="https://gateway.prod.bill.com/connect", events="https://gateway.prod.bill.com/connect-events"
    ),
}
"""The bases of both gateways; every path begins with ``/v3/``."""


class BillSettings(Settings):
    """The BILL side: one of the two gateways, or explicit ``endpoints``. ``budget`` names the key that pays."""

    environment: Literal["sandbox", "production"] | None = Field(
        None, description="sandbox or production; leave it out where endpoints are given"
    )
    endpoints: BillEndpoints | None = Field(None, description="api and events, both addresses")
    organization: str = Field(
        pattern=r"^[A-Za-z0-9]+$", max_length=40, description="the organization's id in BILL, which begins with 008"
    )
    budget: Id = Field("main", description=f"the name of the developer key that pays for the calls: {ID_TEXT}")
    webhooks: HttpsAddress | None = Field(
        None, description="the public https address of webhook-ingest, ending in /webhooks/bill/CONNECTION"
    )
    ca_file: Line | None = Field(None, description="a PEM file on the services' machines")
    schedule: BillSchedule = BillSchedule()

    @property
    def addresses(self) -> BillEndpoints:
        """Where BILL is. ValueError if neither environment nor endpoints are given, which no applied settings are."""
        if self.endpoints is not None:
            return self.endpoints
        if self.environment is None:
            raise ValueError("neither environment nor endpoints are given")
        return GATEWAYS[self.environment]

    @property
    def identity(self) -> str:
        """Which organization it is; ids are case-sensitive, and both environments share nothing."""
        return f"{self.environment or 'endpoints'}/{self.organization}"


class Cutover(Settings):
    """Invoices posted from ``date`` on become bills, and those named in ``also``, by number."""

    date: dt.date = Field(description="a day as 2026-01-01")
    also: tuple[Line, ...] = Field((), max_length=10_000, description="a list of invoice numbers, at most 10000")


ACCOUNT_TEXT: Final = "an account number of the ERP"


class Accounts(Settings):
    """The ERP's accounts that payments move through; ``""`` where none is named, and then such payments are held.

    ``control`` are those that payables are posted on; a tie-out compares them with the vendor ledger.
    """

    control: tuple[Line, ...] = Field(
        (), max_length=100, description="a list of the ERP's general ledger accounts that payables are posted on"
    )
    clearing: Line | Literal[""] = Field("", description=ACCOUNT_TEXT)
    banks: dict[Line, Line] = Field(
        {}, max_length=200, description="a mapping from ids of BILL funding accounts to account numbers of the ERP"
    )
    cards: Line | Literal[""] = Field("", description=ACCOUNT_TEXT)
    wallet: Line | Literal[""] = Field("", description=ACCOUNT_TEXT)


class Classification(StrEnum):
    """Where a dimension goes in BILL: one of its classifications, or the text of the line."""

    DEPARTMENT = "department"
    LOCATION = "location"
    JOB = "job"
    DESCRIPTION = "description"


class LineAccounts(Settings):
    """The account of lines that name none, where the posted ledger entries do not tell it either."""

    item: Line | None = Field(None, description=ACCOUNT_TEXT)
    charge: Line | None = Field(None, description=ACCOUNT_TEXT)
    asset: Line | None = Field(None, description=ACCOUNT_TEXT)
    resource: Line | None = Field(None, description=ACCOUNT_TEXT)


class Mapping(Settings):
    """From the ERP's terms to BILL's."""

    dimensions: dict[Line, Classification] = Field(
        {},
        max_length=50,
        description="a mapping from dimension codes to department, location, job (each once) or description",
    )
    line_accounts: LineAccounts = LineAccounts()
    tax: Literal["own-line", "gross-up"] = Field("own-line", description="own-line or gross-up")


class Release(Settings):
    """How many people release a hold of each reason that can be dangerous."""

    duplicate: Literal["one-person", "two-people"] = Field("two-people", description="one-person or two-people")


class Policy(Settings):
    """What the owner decided once for all records."""

    approval: Literal["erp", "bill"] = Field("erp", description="erp or bill")
    discounts: Literal["never", "by-terms"] = Field("never", description="never or by-terms")
    closed_period: Literal["hold"] = Field("hold", description="hold, the only one there is")
    funds_transfers: bool = Field(default=True, description="true or false")
    transfer_quiet_seconds: int = Field(
        600,
        ge=1,
        le=86_400,
        description="how long a day's payments must be quiet before their transfer is booked, 1 to 86400 seconds",
    )
    release: Release = Release()


class ConnectionSettings(Settings):
    """One ERP company joined to one BILL organization."""

    connection: Id = Field(description=ID_TEXT)
    state: State = Field(State.DRAFT, description="draft, active, paused or retired")
    erp: ErpSettings
    bill: BillSettings
    cutover: Cutover | None = None
    accounts: Accounts = Accounts()
    mapping: Mapping = Mapping()
    policy: Policy = Policy()

    @property
    def fingerprint(self) -> str:
        """Hash of what makes it this connection: ERP company and BILL organization. Another one is a new connection."""
        text = f"{len(self.erp.identity)}:{self.erp.identity}{self.bill.identity}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]
