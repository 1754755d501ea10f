"""A vendor of the ERP reaches BILL and is linked back: every service, real Kafka and PostgreSQL, both simulators."""

from collections.abc import Iterator

import pytest

from support.installation import Installation, eventually
from support.pipeline import Pipeline, pipeline
from tieout_devstack.certificates import Authority


@pytest.fixture
def pipe(made: Installation, ca: Authority) -> Iterator[Pipeline]:
    """All of it, services not started yet."""
    with pipeline(made, ca) as one:
        yield one


def test_the_erps_vendors_stand_in_bill_and_follow_a_rename(pipe: Pipeline) -> None:
    """Every unblocked vendor with an address stands in BILL once; a rename in the ERP reaches BILL by itself."""
    pipe.start()
    pipe.apply()
    wanted = eventually(lambda: len(pipe.linked("vendor")) >= 5 and pipe.linked("vendor"), seconds=60, what="links")
    names = pipe.bill_vendors()
    for row in pipe.links("vendor").values():
        if row["phase"] == "linked":
            assert len(names[row["number"]]) == 1
    link = next(iter(wanted))
    number = pipe.links("vendor")[link]["number"]
    pipe.erp.ask(
        "/_sandbox/people", {"do": "change_vendor", "number": number, "values": {"display_name": "Renamed & Sons Ltd."}}
    )
    eventually(lambda: pipe.bill_vendors()[number] == ["Renamed & Sons Ltd."], what="the rename")
    eventually(pipe.folds, what="a state that is the journal's fold")
