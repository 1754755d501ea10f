"""Settings of a Business Central connection: what is accepted, and the addresses made of it."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from tieout_connectors.business_central.settings import BusinessCentralSettings


def test_the_ledger_page_is_addressed_by_the_companys_name() -> None:
    """Quotes are doubled and everything is percent-encoded: that service knows companies by name only."""
    settings = BusinessCentralSettings(tenant="t", environment="My Env", company="x")
    address = settings.ledger_root("O'Hara & Söhne, Inc.")
    assert address == (
        "https://api.businesscentral.dynamics.com/v2.0/t/My%20Env/ODataV4/"
        "Company('O%27%27Hara%20%26%20S%C3%B6hne%2C%20Inc.')/VendorLedgerEntries"
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tenant", "a/b"),
        ("tenant", ""),
        ("ledger_page", "x/../y"),
        ("page_rows", 0),
        ("overlap_seconds", 60),
        ("unknown", 1),
        ("endpoints", {"login": "http://login.example"}),
        ("endpoints", {"api": "ftp://x"}),
        ("endpoints", {"api": "api.example"}),
    ],
)
def test_wrong_settings_are_refused(field: str, value: Any) -> None:
    """A connection that could lose rows or send a secret in clear is not accepted."""
    good = {"tenant": "t", "environment": "e"}
    with pytest.raises(ValidationError, match=field if field != "endpoints" else "address"):
        BusinessCentralSettings.of("CRONUS", {**good, field: value})


def test_settings_come_from_a_connections_address() -> None:
    """The YAML keys of a connection are the settings' names."""
    made = BusinessCentralSettings.of("CRONUS", json.loads('{"tenant":"t","environment":"e","ledger_page":""}'))
    assert (made.company, made.ledger_page) == ("CRONUS", "")
