"""Where a Business Central company is found, and with what an application signs in there."""

from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

# Rows a page. The server allows 20,000; a page of 1,000 vendors is about 1 MB, so a page that fails costs little to
# repeat and never comes near the answer limit of 64 MiB, even with the widest rows.
PAGE_ROWS: Final = 1_000

# How far a poll reads behind the newest row it knows, in seconds. A row carries the time of its write, not of its
# commit, so it appears late by as long as its transaction ran: a web request is cancelled after 8 minutes, and the
# servers' clocks may differ by a few seconds. Below 480 a long posting is lost; every second more is read again.
OVERLAP_SECONDS: Final = 600


class Endpoints(BaseModel):
    """The service's addresses; others than the defaults are for sovereign clouds and for a simulator."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    api: str = "https://api.businesscentral.dynamics.com"
    login: str = "https://login.microsoftonline.com"
    scope: str = "https://api.businesscentral.dynamics.com/.default"

    @field_validator("login")
    @classmethod
    def _is_secure(cls, value: str) -> str:
        if not value.startswith("https://"):
            raise ValueError("the login address must begin with https://, because the client secret goes there")
        return value

    @field_validator("api", "login")
    @classmethod
    def _is_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"not an address: {value!r}")
        return value.rstrip("/")


class BusinessCentralSettings(BaseModel):
    """One company of one environment of one tenant.

    Attributes:
        tenant: the Entra tenant's id or one of its domains.
        environment: its name as the admin centre shows it, for example ``production``.
        company: its name, or its id (a GUID).
        ledger_page: service name under which page 29 (Vendor Ledger Entries) is published; ``""`` if it is not, and
            then no open amount can be read and no invoice is sent.
        overlap_seconds: how long a transaction of this company may run; raise it where long batch postings are usual.
        currencies: the company's currency codes that are no ISO 4217 codes, with theirs; API v2.0 does not show the
            ISO code of a currency.
        ca_file: PEM file of a private authority, trusted in addition to the system's.
        proxy: ``http://user:password@host:port``; the environment's proxy variables are not read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tenant: str = Field(min_length=1, pattern=r"^[A-Za-z0-9.\-]+$")
    environment: str = Field(min_length=1)
    company: str = Field(min_length=1)
    ledger_page: str = Field(default="VendorLedgerEntries", pattern=r"^[A-Za-z0-9_]*$")
    page_rows: int = Field(default=PAGE_ROWS, ge=1, le=20_000)
    overlap_seconds: int = Field(default=OVERLAP_SECONDS, ge=480, le=86_400)
    currencies: dict[str, str] = {}
    endpoints: Endpoints = Endpoints()
    ca_file: Path | None = None
    proxy: SecretStr | None = None

    @classmethod
    def of(cls, company: str, address: dict[str, Any]) -> Self:
        """From a connection's settings: its company and its ERP address."""
        return cls.model_validate({**address, "company": company})

    @property
    def api_root(self) -> str:
        """Root of API v2.0, without a slash at the end."""
        return f"{self._environment_root}/api/v2.0"

    def ledger_root(self, company_name: str) -> str:
        """Address of the published vendor ledger page; that service knows a company by its name only."""
        key = quote(company_name.replace("'", "''"), safe="")
        return f"{self._environment_root}/ODataV4/Company('{key}')/{self.ledger_page}"

    def authority(self) -> str | None:
        """The private authority's PEM text, None for the system's alone."""
        return self.ca_file.read_text() if self.ca_file else None

    @property
    def _environment_root(self) -> str:
        return f"{self.endpoints.api}/v2.0/{quote(self.tenant, safe='')}/{quote(self.environment, safe='')}"


class BusinessCentralCredentials(BaseModel):
    """The application that was registered in Entra for Tieout. Kept by the secret store, never in settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: str = Field(min_length=1)
    client_secret: SecretStr = Field(min_length=1)
