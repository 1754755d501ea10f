"""Vendors, classifications and lists of BILL."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tieout.domain.bill import (
    BillAccountType,
    BillClassificationContent,
    BillVendorContent,
    ClassificationKind,
)
from tieout.domain.errors import Fatal, InDoubt, Retry
from tieout.domain.records import Address
from tieout_connectors.bill.client import BillClient
from tieout_connectors.bill.settings import CredentialKind, Credentials
from tieout_sandbox.bill.default_world import DEV_KEY, ORGANIZATION, PASSWORD, USERNAME, VENDOR

CREDENTIALS = Credentials(USERNAME, PASSWORD, ORGANIZATION, DEV_KEY, CredentialKind.USER)
ADDRESS = Address(line1="1 Furnace Way", city="San Jose", state="CA", postal_code="95002", country="US")


def vendor(name: str = "Acme Glassware", **more: Any) -> BillVendorContent:
    return BillVendorContent(**{"name": name, "short_name": "V-1", "currency": "USD", "address": ADDRESS} | more)


def recent() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=10)


class TestVendors:
    """Vendors."""

    async def test_a_vendor_comes_back_as_it_was_written(self, client: BillClient) -> None:
        """Name, number, currency, address."""
        made = await client.vendors.create(vendor(currency="EUR", email="ar@acme.example", phone="4155550100"))
        read = await client.vendors.get(made.id)
        assert (read.name, read.short_name, read.currency, read.address, read.email, read.phone) == (
            "Acme Glassware",
            "V-1",
            "EUR",
            ADDRESS,
            "ar@acme.example",
            "4155550100",
        )
        assert read.created is not None

    async def test_a_second_vendor_of_one_name_is_taken_so_both_are_found(self, client: BillClient) -> None:
        """BILL does not keep us from doubling one: looking does."""
        first = await client.vendors.create(vendor())
        second = await client.vendors.create(vendor())
        await client.vendors.archive(first.id)
        found = await client.vendors.find("Acme Glassware", "V-1")
        assert {one.id: one.archived for one in found} == {first.id: True, second.id: False}

    @pytest.mark.parametrize(
        "name",
        ['Müller "Glas", GmbH: Nord', ', odd "name"', "O'Brien & Sons + Co", "株式会社サンプル", "A\\B: C", "50% off?"],
    )
    async def test_a_name_that_cannot_stand_in_a_filter_is_found(self, client: BillClient, name: str) -> None:
        """Commas, colons and quotes have no escape in BILL, and are found all the same."""
        made = await client.vendors.create(vendor(name, short_name="V-77"))
        assert [one.id for one in await client.vendors.find(name)] == [made.id]

    async def test_a_vendor_renamed_in_bill_is_found_by_its_number(self, client: BillClient) -> None:
        """As long as the name begins alike."""
        made = await client.vendors.create(vendor("Contoso Trading Ltd", short_name="V-9"))
        assert [one.id for one in await client.vendors.find("Contoso Trading Limited", "v-9")] == [made.id]

    async def test_a_change_clears_what_is_gone(self, client: BillClient) -> None:
        """An address line that the ERP no longer has does not stay on BILL's checks."""
        old = vendor(address=ADDRESS.model_copy(update={"line2": "Unit 7"}), email="old@acme.example")
        made = await client.vendors.create(old)
        changed = await client.vendors.patch(
            made.id, vendor("Acme Glass", address=ADDRESS, email="new@acme.example"), current=made
        )
        assert (changed.name, changed.address, changed.email) == ("Acme Glass", ADDRESS, "new@acme.example")

    async def test_archive_and_restore_may_be_repeated(self, client: BillClient) -> None:
        """Doing it twice changes nothing."""
        made = await client.vendors.create(vendor())
        assert [(await client.vendors.archive(made.id)).archived for _ in range(2)] == [True, True]
        assert [(await client.vendors.restore(made.id)).archived for _ in range(2)] == [False, False]

    async def test_lists_are_read_to_their_end_and_narrowed(self, client: BillClient) -> None:
        """More than a page, archived or not, changed since."""
        await client.vendors.create_many([vendor(f"Many {number:03}") for number in range(20)])
        for start in range(20, 120, 20):
            await client.vendors.create_many([vendor(f"Many {number:03}") for number in range(start, start + 20)])
        names = [one.name async for one in client.vendors.all() if one.name.startswith("Many")]
        assert (len(names), len(set(names))) == (120, 120)
        gone = (await client.vendors.find("Many 005"))[0]
        await client.vendors.archive(gone.id)
        assert [one.id async for one in client.vendors.all(archived=True)] == [gone.id]
        later = datetime.now(UTC) + timedelta(hours=1)
        assert [one async for one in client.vendors.all(updated_since=later)] == []

    async def test_a_lost_answer_is_found_by_name_number_and_time(self, site: Any, client: BillClient) -> None:
        """The vendor is there once, and the look-up says so."""
        await client.vendors.get(VENDOR)
        await site.operator.fault("drop_after", method="POST", path="/v3/vendors$")
        with pytest.raises(InDoubt):
            await client.vendors.create(vendor("Lost & Found"))
        found = await client.vendors.find("Lost & Found", "V-1", created_since=recent())
        assert [one.name for one in found] == ["Lost & Found"]


class TestLists:
    """Paging as BILL may do it."""

    @pytest.mark.parametrize(
        "switches",
        [
            {"empty_pages": "middle"},
            {"empty_pages": "end"},
            {"null_page_tokens": True},
            {"paging": "offset"},
        ],
    )
    async def test_no_row_is_lost_or_doubled(self, site: Any, client: BillClient, switches: dict[str, Any]) -> None:
        """Empty pages with a token, null in place of no token: the list is whole."""
        await site.operator.switch(**switches)
        for start in range(0, 220, 20):
            await client.vendors.create_many([vendor(f"Page {number:03}") for number in range(start, start + 20)])
        names = sorted([one.name async for one in client.vendors.all() if one.name.startswith("Page")])
        assert names == [f"Page {number:03}" for number in range(220)]

    async def test_a_token_that_comes_again_ends_in_an_error(self, site: Any, client: BillClient) -> None:
        """A list that turns in a circle does not spend the hour."""
        for start in range(0, 120, 20):
            await client.vendors.create_many([vendor(f"Page {number:03}") for number in range(start, start + 20)])
        await site.operator.switch(repeated_page_token=True)
        with pytest.raises(Retry) as caught:
            _ = [one async for one in client.vendors.all()]
        assert caught.value.code == "repeated_page"


class TestClassifications:
    """Accounts and their like."""

    @pytest.mark.parametrize("kind", list(ClassificationKind))
    async def test_each_kind_is_made_found_changed_and_archived(
        self, client: BillClient, kind: ClassificationKind
    ) -> None:
        """Accounts by number, the others by short name."""
        type_ = BillAccountType.EXPENSE if kind is ClassificationKind.ACCOUNT else None
        content = BillClassificationContent(kind=kind, name="Repairs: East", number="8450-E", account_type=type_)
        made = await client.classifications.create(content)
        assert (await client.classifications.get(kind, made.id)).number == "8450-E"
        found = [
            await client.classifications.find(kind, "Repairs: East"),
            await client.classifications.by_number(kind, "8450-e"),
        ]
        assert [[one.id for one in rows] for rows in found] == [[made.id], [made.id]]
        renamed = await client.classifications.patch(made.id, content.model_copy(update={"name": "Upkeep"}))
        assert (renamed.name, renamed.number) == ("Upkeep", "8450-E")
        assert (await client.classifications.archive(kind, made.id)).archived
        assert not (await client.classifications.restore(kind, made.id)).archived

    async def test_many_are_made_in_one_call(self, client: BillClient) -> None:
        """Fifty departments cost one call."""
        many = [
            BillClassificationContent(
                kind=ClassificationKind.DEPARTMENT, name=f"Department {number}", number=f"D{number}"
            )
            for number in range(50)
        ]
        made = await client.classifications.create_many(many)
        assert [one.number for one in made] == [one.number for one in many]

    async def test_a_kind_that_is_switched_off_is_named(self, site: Any, client: BillClient) -> None:
        """The mapping that needs it can say so."""
        await site.operator.switch(classifications_off=["departments"])
        with pytest.raises(Fatal) as caught:
            await client.classifications.find(ClassificationKind.DEPARTMENT, "Sales")
        assert caught.value.code == "BDC_1145"
