"""What BILL refuses, and what it leaves in doubt."""

import asyncio
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tieout.domain.bill import (
    BillContent,
    BillLineContent,
    BillVendor,
    BillVendorContent,
)
from tieout.domain.errors import Fatal, InDoubt, Reject, Retry
from tieout.domain.records import Address
from tieout_connectors.bill.settings import CredentialKind, Credentials
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


class TestErrors:
    """What BILL refuses, and what it leaves in doubt."""

    @pytest.mark.promise("C9")
    @pytest.mark.parametrize("status", [422, 429])
    async def test_more_than_three_calls_at_a_time_are_told_to_wait(self, site: Any, status: int) -> None:
        """By code, whatever the status; and what was refused was not executed."""
        await site.operator.switch(rate_limit_status=status, latency_seconds=0.2)
        client = site.client()
        await client.vendors.get(VENDOR)
        answers = await asyncio.gather(
            *(client.vendors.create(vendor(f"N{number}")) for number in range(6)), return_exceptions=True
        )
        refused = [one for one in answers if isinstance(one, Retry)]
        made = [one for one in answers if isinstance(one, BillVendor)]
        assert {one.code for one in refused} == {"BDC_1322"}
        assert len(refused) + len(made) == 6
        assert len(await client.vendors.find("N", "V-1")) == len(made)

    @pytest.mark.promise("C9")
    async def test_a_spent_hour_says_how_long_to_wait_by_bills_clock(self, site: Any) -> None:
        """After the next full hour the same call goes through."""
        client = site.client()
        await client.vendors.get(VENDOR)
        await site.operator.switch(calls_per_hour=1)
        with pytest.raises(Retry) as caught:
            await client.vendors.create(vendor())
        assert caught.value.code == "BDC_1144"
        assert caught.value.after is not None
        assert 0 < caught.value.after <= 3600
        await site.operator.switch(calls_per_hour=20000)
        await client.vendors.create(vendor())

    async def test_a_spent_hour_of_sign_ins_is_no_reason_to_stop(self, site: Any) -> None:
        """It is waited for."""
        await site.operator.switch(logins_per_hour=0)
        with pytest.raises(Retry) as caught:
            await site.client().vendors.get(VENDOR)
        assert caught.value.code == "BDC_1144"

    async def test_a_locked_organization_is_waited_for_and_a_missing_permission_is_not(self, site: Any) -> None:
        """Two refusals, two cures."""
        client = site.client()
        await client.vendors.get(VENDOR)
        await site.operator.switch(denied_operations=["vendors.write"])
        with pytest.raises(Fatal) as denied:
            await client.vendors.create(vendor())
        await site.operator.switch(denied_operations=[], locked_organizations=[ORGANIZATION])
        with pytest.raises(Retry) as locked:
            await client.vendors.get(VENDOR)
        assert (denied.value.code, locked.value.code, locked.value.after) == ("BDC_1145", "BDC_1107", 300.0)

    async def test_an_unknown_id_is_rejected_and_a_session_is_not_renewed_for_it(self, site: Any) -> None:
        """A vendor that is gone is told as such."""
        with pytest.raises(Reject) as caught:
            await site.client().vendors.get("00901NOSUCHVENDOR000")
        assert (caught.value.code, len(await site.calls("login"))) == ("BDC_1205", 1)

    @pytest.mark.parametrize(
        "switches",
        [
            {"error_items": "full"},
            {"error_items": "minimal_shape"},
            {"error_items": "minimal"},
            {"error_params": "array"},
            {"error_params": "absent"},
            {"error_body": "object"},
            {"error_body": "errors"},
            {"doubled_messages": True},
        ],
    )
    async def test_the_reason_survives_every_shape_of_refusal(self, site: Any, switches: dict[str, str]) -> None:
        """A person reads what BILL said, whatever wraps it."""
        await site.operator.switch(**switches)
        with pytest.raises(Reject) as caught:
            await site.client().bills.create(bill("X" * 22, "1.00"))
        assert "21" in caught.value.message

    async def test_a_gateways_page_leaves_a_write_in_doubt_and_a_read_to_be_repeated(self, site: Any) -> None:
        """HTML is no answer of BILL's."""
        client = site.client()
        await client.vendors.get(VENDOR)
        await site.operator.switch(html_502=True)
        with pytest.raises(InDoubt):
            await client.vendors.create(vendor())
        with pytest.raises(Retry):
            await client.vendors.get(VENDOR)
