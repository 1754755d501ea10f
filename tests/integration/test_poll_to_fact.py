"""From a change in Business Central to the decider's input: the real poller and the real mapper, over sockets."""

from collections.abc import Iterator

import pytest

from support.installation import Installation, eventually
from support.simulators import Running, running
from tieout.connections.secrets import Purpose
from tieout.domain.settings import ConnectionSettings, Side
from tieout.events.facts import RunFact, VendorObserved
from tieout.log.topics import Topic
from tieout_devstack.certificates import Authority
from tieout_sandbox.entra.simulator import CLIENT_ID, CLIENT_SECRET, TENANT
from tieout_sandbox.systems import simulator


@pytest.fixture
def erp() -> Iterator[Running]:
    """Business Central, simulated."""
    with running(simulator("business-central")) as one:
        yield one


@pytest.fixture
def entra(ca: Authority) -> Iterator[Running]:
    """Entra, simulated, under a throw-away authority."""
    made = ca.issue("entra")
    with running(simulator("entra"), tls=(str(made.certificate), str(made.key))) as one:
        yield one


def test_a_new_vendor_reaches_the_decider(made: Installation, erp: Running, entra: Running, ca: Authority) -> None:
    """Every vendor of the company is told once; one created later is told within the schedule, and nothing else is."""
    settings = ConnectionSettings.model_validate(
        {
            "connection": "acme",
            "state": "active",
            "erp": {
                "kind": "business-central",
                "tenant": TENANT,
                "company": "CRONUS USA, Inc.",
                "endpoints": {"api": erp.url, "login": entra.url},
                "ca_file": str(ca.certificate),
                "schedule": {"default": "1s"},
            },
            "bill": {"environment": "sandbox", "organization": "00801ABC"},
        }
    )
    made.secrets.put("acme", Side.ERP, Purpose.CREDENTIALS, {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET})
    made.apply(settings)
    made.start("tieout_erp_poller")
    made.start("tieout_fact_mapper")
    there = {vendor["number"] for vendor in erp.ledger()["companies"][0]["vendors"]}
    eventually(lambda: {fact.vendor.number for fact in vendors(made)} == there, what="the first poll")
    erp.ask(
        "/_sandbox/people", {"do": "create_vendor", "vendor": {"number": "77777", "display_name": "Åse Ødegård AS"}}
    )
    eventually(lambda: any(fact.vendor.number == "77777" for fact in vendors(made)), what="the new vendor")
    told = vendors(made)
    assert next(fact.vendor.name for fact in told if fact.vendor.number == "77777") == "Åse Ødegård AS"
    assert len(told) == len(there) + 1
    runs = [message.data.number for message in made.read(Topic.FACTS) if isinstance(message.data, RunFact)]
    assert runs == sorted(runs)


def vendors(made: Installation) -> list[VendorObserved]:
    """What the decider hears of vendors, in order."""
    return [message.data for message in made.read(Topic.FACTS) if isinstance(message.data, VendorObserved)]
