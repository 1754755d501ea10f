"""What ERPs and BILL can do: nothing is half supported without saying so, in code and in the decision's tables."""

import json
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from tieout.domain.capabilities import (
    Ability,
    ErpCapabilities,
    HandWork,
    MarkField,
    Polling,
    TargetAbility,
    TargetCapabilities,
    TargetField,
    TargetRecord,
)
from tieout.domain.capabilities_bill import BILL
from tieout.domain.records import Kind

DECISION = Path(__file__).parents[2] / "docs" / "adr" / "0003-erp-connector-protocol.md"
ERPS = ("Business Central", "F&O", "NAV", "GP", "Business One")
WORK = HandWork(page="Journal", action="Do it there.", until="It is done.")
MARK = MarkField(field="Document No.", length=20, searchable=True, where_posted="Document No.")


def erp(lacking: dict[Ability, HandWork] | None = None, **changes: object) -> ErpCapabilities:
    """An ERP that can do all but what is named."""
    given = lacking or {}
    fields: dict[str, object] = {
        "erp": "made-up",
        "can": frozenset(set(Ability) - given.keys()),
        "lacking": given,
        "polling": dict.fromkeys(Kind, Polling.STAMP),
        "payment_mark": MARK,
        "transfer_mark": MARK,
    }
    return ErpCapabilities.model_validate(fields | changes)


def table(name: str) -> list[list[str]]:
    """The cells of the table that follows a comment of that name, without its head."""
    after = DECISION.read_text().split(f"<!-- {name} -->")[1].split("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in after.strip().splitlines()]
    return rows[2:]


def test_an_erp_takes_a_stand_on_every_ability() -> None:
    """A connector that forgets an ability does not load."""
    with pytest.raises(ValidationError, match=r"no stand on .*reverse"):
        erp(can=frozenset(set(Ability) - {Ability.REVERSE}))


def test_an_erp_cannot_both_do_and_lack_something() -> None:
    """A contradiction in a declaration does not load."""
    with pytest.raises(ValidationError, match="both can and cannot"):
        erp(can=frozenset(Ability), lacking={Ability.POST: WORK})


@pytest.mark.parametrize("field", ["page", "action", "until"])
def test_what_is_lacking_names_the_work(field: str) -> None:
    """A person is always told where to go, what to do, and when it counts as done."""
    with pytest.raises(ValidationError):
        HandWork.model_validate(WORK.model_dump() | {field: ""})


def test_every_kind_has_a_way_of_polling() -> None:
    """A kind that a connector forgets to read is noticed before anything is synchronized."""
    with pytest.raises(ValidationError, match=r"polling is named for .*period"):
        erp(polling={kind: Polling.STAMP for kind in Kind if kind is not Kind.PERIOD})


def test_recording_needs_a_field_for_the_mark() -> None:
    """Nothing is written that could not be found again."""
    with pytest.raises(ValidationError, match="mark field"):
        erp(payment_mark=None)
    with pytest.raises(ValidationError, match="mark field"):
        erp({Ability.FUNDS_TRANSFER: WORK})


def test_a_mark_is_never_cut() -> None:
    """A field shorter than a mark is no place for it."""
    with pytest.raises(ValidationError):
        MarkField(field="Reference", length=19, searchable=True, where_posted="Reference")


def test_a_site_may_lack_more_than_its_erp() -> None:
    """A service that a site did not publish moves its ability to the work of a person, and its mark goes with it."""
    site = erp({Ability.REVERSE: WORK}).without({Ability.RECORD_PAYMENT: WORK, Ability.REVERSE: WORK})
    assert site.lacking.keys() == {Ability.REVERSE, Ability.RECORD_PAYMENT}
    assert not site.allows(Ability.RECORD_PAYMENT)
    assert site.payment_mark is None
    assert site.transfer_mark == MARK
    assert site.allows(Ability.FUNDS_TRANSFER)


def test_capabilities_travel_with_the_settings() -> None:
    """A declaration comes back from the log as it was written."""
    declared = erp({Ability.REVERSE: WORK})
    assert ErpCapabilities.model_validate_json(declared.model_dump_json()) == declared


def test_capabilities_are_written_in_order() -> None:
    """Two processes write the same bytes for the same capabilities."""
    written = json.loads(erp().model_dump_json())["can"]
    assert written == sorted(Ability)


def test_the_decision_takes_a_stand_for_every_erp() -> None:
    """The decision's table names every ability once, and each lacking one with work that is described."""
    rows = table("abilities")
    assert [row[0] for row in rows] == [ability.value for ability in Ability]
    work = {row[0]: HandWork(page=row[1], action=row[2], until=row[3]) for row in table("hand work")}
    polling = {row[0]: row[1:] for row in table("polling")}
    used: set[str] = set()
    for column, name in enumerate(ERPS):
        cells = {Ability(row[0]): row[column + 1] for row in rows}
        lacking = {ability: work[cell] for ability, cell in cells.items() if cell != "yes"}
        used |= {cell for cell in cells.values() if cell != "yes"}
        payment, transfer = (None if "none" in row[column + 1] else MARK for row in table("marks"))
        declared = erp(
            lacking,
            erp=name,
            polling={kind: ways[column] for kind, ways in polling.items()},
            payment_mark=payment,
            transfer_mark=transfer,
        )
        assert declared.allows(Ability.RECORD_PAYMENT)
    assert used == work.keys()


def test_the_decision_counts_the_abilities() -> None:
    """The number in the decision's text is the number of abilities."""
    counted = re.search(r"(\d+) abilities", DECISION.read_text())
    assert counted is not None
    assert int(counted[1]) == len(Ability)


def test_bill_holds_what_it_is_documented_to_hold() -> None:
    """Texts, bulk calls and files are kept within BILL's limits."""
    assert dict(BILL.lengths) == {
        TargetField.VENDOR_NAME: 100,
        TargetField.VENDOR_SHORT_NAME: 40,
        TargetField.INVOICE_NUMBER: 21,
        TargetField.DESCRIPTION: 4000,
    }
    assert (BILL.bulk[TargetRecord.VENDOR], BILL.bulk[TargetRecord.BILL], BILL.bulk[TargetRecord.CREDIT]) == (
        20,
        100,
        50,
    )
    assert BILL.document_bytes == 6_000_000
    assert not BILL.allows(TargetAbility.CURRENCY_PER_BILL)


@pytest.mark.parametrize(("length", "fits"), [(0, True), (21, True), (22, False)])
def test_an_invoice_number_fits_or_not(length: int, fits: bool) -> None:  # noqa: FBT001  the parameter is the answer
    """A number of 21 characters fits, one of 22 does not; characters are counted, not bytes."""
    assert BILL.fits(TargetField.INVOICE_NUMBER, "Ä" * length) is fits


def test_a_target_takes_a_stand_on_everything() -> None:
    """A target whose declaration has a gap does not load."""
    whole = BILL.model_dump()
    with pytest.raises(ValidationError, match=r"no stand on .*bank_details_unseen"):
        TargetCapabilities.model_validate(whole | {"can": frozenset()})
    with pytest.raises(ValidationError, match="both can and cannot"):
        TargetCapabilities.model_validate(whole | {"can": frozenset(TargetAbility)})
    lengths = {field: length for field, length in BILL.lengths.items() if field is not TargetField.DESCRIPTION}
    with pytest.raises(ValidationError, match=r"no limit is given for .*description"):
        TargetCapabilities.model_validate(whole | {"lengths": lengths})
