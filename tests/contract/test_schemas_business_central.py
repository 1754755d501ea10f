"""The simulators of Entra and Business Central against schemas that were written from the documentation alone."""

from functools import partial

import pytest

from support.business_central_journeys import JOURNEYS, travel
from support.recorded_journeys import Journeys
from support.wire_contract import FORMATS, Contract


@pytest.fixture(scope="module")
def journeys() -> Journeys:
    """All journeys, each made once."""
    return Journeys(Contract("business-central"), {name: partial(travel, one) for name, one in JOURNEYS.items()})


@pytest.mark.parametrize("name", JOURNEYS)
def test_every_answer_is_one_that_business_central_would_give(journeys: Journeys, name: str) -> None:
    """Who builds against the simulator meets the service's documents, headers and statuses, and no others."""
    assert "\n".join(journeys.problems(name)) == ""


def test_every_schema_was_met_by_an_answer(journeys: Journeys) -> None:
    """No part of the contract stands there unproved."""
    assert "\n".join(journeys.unmet()) == ""


def test_every_format_is_checked() -> None:
    """A format that nobody checks would let anything pass."""
    assert Contract("business-central").formats() <= set(FORMATS.checkers)
