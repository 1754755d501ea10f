"""Signing in to BILL, staying signed in, and stopping."""

import asyncio
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tieout.domain.bill import (
    BillContent,
    BillLineContent,
    BillVendorContent,
)
from tieout.domain.errors import Fatal
from tieout.domain.records import Address
from tieout_connectors.bill.session import MemoryStore
from tieout_connectors.bill.settings import CredentialKind, Credentials
from tieout_connectors.spi.erp import CheckStatus
from tieout_sandbox.bill.default_world import DEV_KEY, ORGANIZATION, PASSWORD, USERNAME, VENDOR

CREDENTIALS = Credentials(USERNAME, PASSWORD, ORGANIZATION, DEV_KEY, CredentialKind.USER)
ADDRESS = Address(line1="1 Furnace Way", city="San Jose", state="CA", postal_code="95002", country="US")


def vendor(name: str = "Acme Glassware", **more: Any) -> BillVendorContent:
    return BillVendorContent(**{"name": name, "short_name": "V-1", "currency": "USD", "address": ADDRESS} | more)


def bill(number: str, *amounts: str, **more: Any) -> BillContent:
    return BillContent(
        **{
            "vendor": VENDOR,
            "invoice_number": number,
            "invoice_date": date(2026, 11, 30),
            "due_date": date(2026, 12, 31),
            "lines": tuple(BillLineContent(amount=Decimal(amount), description="Line") for amount in amounts),
        }
        | more
    )


class TestSession:
    """Signing in, staying signed in, and stopping."""

    @pytest.mark.promise("C2")
    async def test_after_35_quiet_minutes_the_next_call_goes_through_with_one_more_sign_in(self, site: Any) -> None:
        """Nobody notices that the session has expired."""
        client = site.client()
        await client.vendors.get(VENDOR)
        await site.operator.advance(36 * 60)
        await client.vendors.create(vendor())
        assert await site.calls() == [
            "POST /connect/v3/login",
            f"GET /connect/v3/vendors/{VENDOR}",
            "POST /connect/v3/vendors",
            "POST /connect/v3/login",
            "POST /connect/v3/vendors",
        ]

    @pytest.mark.promise("C2")
    async def test_three_calls_that_meet_an_expired_session_cost_one_sign_in_and_write_once_each(
        self, site: Any
    ) -> None:
        """A session that ends in mid-batch: one sign-in for all, no record twice."""
        client = site.client()
        await client.vendors.get(VENDOR)
        await site.operator.advance(36 * 60)
        await asyncio.gather(*(client.bills.create(bill(f"B{number}", "10.00")) for number in range(3)))
        numbers = sorted([one.invoice_number async for one in client.bills.all()])
        assert (numbers, (await site.calls("login")).count("POST /connect/v3/login")) == (["B0", "B1", "B2"], 2)

    @pytest.mark.promise("C2")
    async def test_a_wrong_password_stops_the_connection_after_one_sign_in(self, site: Any) -> None:
        """Two hundred sign-ins an hour are for all companies; one with a wrong password spends one."""
        client = site.client(replace(CREDENTIALS, secret="wrong"))
        for _ in range(3):
            with pytest.raises(Fatal):
                await client.vendors.get(VENDOR)
        assert len(await site.calls()) == 1

    @pytest.mark.parametrize("wrong", [{"developer_key": "01NOSUCHKEY"}, {"organization": "00801NOSUCHCOMPANY00"}])
    async def test_a_wrong_key_or_organization_is_fatal(self, site: Any, wrong: dict[str, Any]) -> None:
        """And says what to correct."""
        with pytest.raises(Fatal) as caught:
            await site.client(replace(CREDENTIALS, **wrong)).vendors.get(VENDOR)
        assert caught.value.cure

    async def test_a_session_survives_a_restart_in_its_store(self, site: Any) -> None:
        """The second process signs in no more."""
        store = MemoryStore()
        await site.client(store=store).vendors.get(VENDOR)
        await site.client(store=store).vendors.get(VENDOR)
        assert len(await site.calls("login")) == 1

    async def test_after_logout_the_old_session_is_dead(self, site: Any) -> None:
        """A retired connection leaves nothing that works."""
        client = site.client()
        await client.vendors.get(VENDOR)
        old = client.sessions.current
        await client.logout()
        await site.client(store=MemoryStore(old)).vendors.get(VENDOR)
        assert len(await site.calls("login")) == 2

    @pytest.mark.promise("C2")
    async def test_a_sync_token_signs_in_and_lives_for_48_idle_hours(self, opened_site: Any) -> None:
        """The credential that cannot pay works for everything Tieout does."""
        world = {
            "dev_keys": ["key"],
            "organizations": [
                {
                    "id": ORGANIZATION,
                    "users": [{"id": "00601CLERK0000000001", "username": "c", "password": "p", "role": "ACCOUNTANT"}],
                    "sync_tokens": [{"name": "tieout", "value": "token-value", "user": "c"}],
                }
            ],
        }
        async with opened_site(world) as site:
            client = site.client(Credentials("tieout", "token-value", ORGANIZATION, "key", CredentialKind.SYNC_TOKEN))
            await client.vendors.create(vendor())
            await site.operator.advance(47 * 3600)
            await client.vendors.create(vendor("Other"))
            assert len(await site.calls("login")) == 1
            assert [one.status for one in await client.check() if one.name == "cannot pay"] == [CheckStatus.OK]
