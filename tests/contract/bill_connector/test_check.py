"""``tieout check`` on the BILL side."""

from dataclasses import replace
from typing import Any

import pytest

from tieout.domain.records import Address
from tieout_connectors.bill.client import BillClient
from tieout_connectors.bill.settings import Addresses, CredentialKind, Credentials
from tieout_connectors.http.call import open_session
from tieout_connectors.spi.erp import CheckLine, CheckStatus
from tieout_sandbox.bill.default_world import DEV_KEY, ORGANIZATION, PASSWORD, USERNAME

CREDENTIALS = Credentials(USERNAME, PASSWORD, ORGANIZATION, DEV_KEY, CredentialKind.USER)
ADDRESS = Address(line1="1 Furnace Way", city="San Jose", state="CA", postal_code="95002", country="US")


def line(lines: list[CheckLine], name: str) -> CheckLine:
    (found,) = [one for one in lines if one.name == name]
    return found


class TestCheck:
    """``tieout check`` on the BILL side."""

    @pytest.mark.promise("C12")
    async def test_a_working_connection_has_no_failed_line_and_writes_nothing(self, site: Any) -> None:
        """Every question is asked of the real system, none changes it."""
        lines = await site.client().check()
        assert [one for one in lines if one.status is CheckStatus.FAILED] == []
        assert {one.partition(" ")[0] for one in await site.calls() if "login" not in one} == {"GET"}
        assert "bac01" in line(lines, "funding accounts").detail

    @pytest.mark.promise("C15")
    async def test_a_user_who_could_pay_is_a_warning(self, site: Any) -> None:
        """Tieout makes no payments and should not be able to."""
        paying = line(await site.client().check(), "cannot pay")
        assert paying.status is CheckStatus.WARNING
        assert "sync token" in paying.cure

    async def test_a_wrong_password_is_one_failed_line_with_its_cure(self, site: Any) -> None:
        """And nothing else is asked."""
        lines = await site.client(replace(CREDENTIALS, secret="wrong")).check()
        assert [(one.name, one.status) for one in lines] == [("sign-in", CheckStatus.FAILED)]
        assert lines[0].cure
        assert len(await site.calls()) == 1

    async def test_what_the_user_may_not_read_and_what_is_switched_off_is_named(self, site: Any) -> None:
        """A missing permission fails, a switched-off classification warns."""
        await site.operator.switch(denied_operations=["bills.list", "bills.read"], classifications_off=["jobs"])
        lines = await site.client().check()
        assert (line(lines, "bills").status, line(lines, "jobs").status, line(lines, "vendors").status) == (
            CheckStatus.FAILED,
            CheckStatus.WARNING,
            CheckStatus.OK,
        )

    async def test_an_unreachable_bill_is_a_failed_line(self) -> None:
        """Not a traceback."""
        async with open_session() as http:
            client = BillClient(http, Addresses.at("http://127.0.0.1:9"), CREDENTIALS)
            lines = await client.check()
        assert [(one.name, one.status) for one in lines] == [("sign-in", CheckStatus.FAILED)]
