"""From posted invoices of the ERP to bills: every service, real Kafka and PostgreSQL, both simulators."""

import time
from collections.abc import Iterator
from datetime import date, timedelta
import pytest

from support.installation import Installation, eventually
from support.pipeline import Pipeline, pipeline
from tieout_devstack.certificates import Authority


@pytest.fixture
def pipe(made: Installation, ca: Authority) -> Iterator[Pipeline]:
    """All of it, services not started yet."""
    with pipeline(made, ca) as one:
        yield one


def test_it(pipe: Pipeline) -> None:
    """x"""
    today = date.today()
    def do(what, **order):
        return pipe.erp.ask("/_sandbox/people", {"do": what, **order})
    old = do("post_invoice", vendor="20000", vendor_invoice_number="OLD-1", posting_date=(today - timedelta(90)).isoformat(), lines=[{"number": "6150", "unit_cost": "11"}])
    also = do("post_invoice", vendor="20000", vendor_invoice_number="OLD-2", posting_date=(today - timedelta(90)).isoformat(), lines=[{"number": "6150", "unit_cost": "12"}])
    disc = do("post_invoice", vendor="40000", vendor_invoice_number="DISC-1", discount_amount="10", lines=[{"number": "6150", "unit_cost": "100", "tax_code":"STANDARD"}, {"number":"6170","unit_cost":"50.55"}])
    print(old, also, disc)
    pipe.start()
    pipe.apply(cutover={"date": (today - timedelta(60)).isoformat(), "also": [also["number"]]},
      mapping={"dimensions": {"DEPARTMENT": "department", "PROJECT": "job", "AREA": "location"}})
    began=time.time()
    for _ in range(25):
        time.sleep(2)
        links = {k: {(l, r["phase"], r["number"], r.get("waits")) for l, r in pipe.links(k).items()} for k in ("bill", "paid", "document")}
        print(round(time.time()-began), {k: len(pipe.links(k)) for k in ("account","dimension","vendor","bill","paid","document")}, sum(r["phase"]=="linked" for r in pipe.links("bill").values()))
    for k in ("account","dimension","vendor","bill","paid","document"):
        for l, r in pipe.links(k).items(): print(l, r["phase"], r["number"], r.get("target"), r.get("waits"))
    for key, value in pipe.made.state().items():
        if "/hold/" in key: print(key, value)
    org = next(iter(pipe.bill.ledger()["organizations"].values()))
    for b in org["bills"]: print(b)
    for b in org["payments"]: print(b)
    for b in org["documents"]: print(b)
    for name in pipe.made.running: print("=====", name); print(pipe.made.log_of(name)[-3000:])
    assert False
