"""Which kinds are polled: one list for the poller, the schedule, the API and the commands."""

import pytest
from pydantic import ValidationError

from tieout.domain.records import POLLED, Kind
from tieout.domain.schedule import FIELD_OF, Schedule
from tieout_control_plane.api.models import SyncBody


def test_every_polled_kind_has_its_cadence_and_no_other_has() -> None:
    """A cadence for a kind that nobody reads would be a setting that does nothing."""
    assert set(FIELD_OF.values()) | {"default", "time_zone"} == set(Schedule.model_fields)


@pytest.mark.parametrize("kind", sorted(set(Kind) - set(POLLED)))
def test_a_read_of_what_nobody_polls_is_refused(kind: Kind) -> None:
    """The call says what is polled, instead of storing a request that nothing answers."""
    with pytest.raises(ValidationError, match=rf"{kind} is not polled; what is: account, dimension_value, vendor,"):
        SyncBody.model_validate({"kinds": [kind.value]})


def test_all_that_is_polled_may_be_asked_for_at_once() -> None:
    """Naming every kind is the same as naming none."""
    assert SyncBody.model_validate({"kinds": list(POLLED)}).kinds == list(POLLED)


def test_the_published_shape_names_what_is_polled() -> None:
    """Who reads /openapi.json finds no kind that is refused."""
    assert SyncBody.model_json_schema()["properties"]["kinds"]["items"]["enum"] == [kind.value for kind in POLLED]
