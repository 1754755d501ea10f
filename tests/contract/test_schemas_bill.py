"""BILL's simulator against schemas that were written from BILL's pages alone."""

from functools import partial
from typing import Any

import pytest

from support.bill_journeys import JOURNEYS, travel
from support.recorded_journeys import Journeys
from support.wire_contract import FORMATS, Contract


@pytest.fixture(scope="module")
def journeys(loopback_ca: Any) -> Journeys:
    """All journeys, each made once."""
    made = {name: partial(travel, one, loopback_ca.server(), loopback_ca.ca_file) for name, one in JOURNEYS.items()}
    return Journeys(Contract("bill"), made)


@pytest.mark.parametrize("name", JOURNEYS)
def test_every_answer_is_one_that_bill_would_give(journeys: Journeys, name: str) -> None:
    """Who builds against the simulator meets BILL's documents, and no status that BILL does not have."""
    assert "\n".join(journeys.problems(name)) == ""


def test_every_schema_was_met_by_an_answer(journeys: Journeys) -> None:
    """No part of the contract stands there unproved."""
    assert "\n".join(journeys.unmet()) == ""


def test_every_format_is_checked() -> None:
    """A format that nobody checks would let anything pass."""
    assert Contract("bill").formats() <= set(FORMATS.checkers)
