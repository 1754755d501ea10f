"""What the connection's owner does: writes the YAML, gives the credentials apart from it, applies, checks."""

from collections.abc import Mapping
from typing import Any, Final

import yaml

from tieout.connections.yaml import Source, read
from tieout_cli.client import TIMEOUT, path_of
from tieout_cli.demo import plan
from tieout_cli.demo.place import CONNECTION
from tieout_cli.demo.scene import Scene
from tieout_cli.output import CliError
from tieout_devstack.files import write_atomically
from tieout_sandbox.business_central.worlds.building import CLEARING
from tieout_sandbox.company import Company, bill_side, masters
from tieout_sandbox.entra.simulator import CLIENT_ID, CLIENT_SECRET, TENANT

CHECK_SECONDS: Final = 60.0
# A company waits ten minutes for late payments of a day before it books the day's transfer; a demo has not so long.
QUIET_SECONDS: Final = 3
_HEAD: Final = """\
# The connection of the demo, as its owner writes it. Secrets are never here: see
#   tieout connections secret set {name} bill|erp
# Invoices posted before the cut-over stay out, but for those it names.
"""


def connection(company: Company, ports: Mapping[str, int], ca_file: str, *, state: str) -> dict[str, Any]:
    """The connection between the two simulated companies."""
    bill = plan.url_of("bill", ports)
    return {
        "connection": CONNECTION,
        "state": state,
        "erp": {
            "kind": "business-central",
            "tenant": TENANT,
            "environment": "production",
            "company": company.name,
            "endpoints": {"api": plan.url_of("business-central", ports), "login": plan.url_of("entra", ports)},
            "ca_file": ca_file,
            "schedule": {"default": "15m"},
        },
        "bill": {
            "organization": bill_side.ORGANIZATION,
            "endpoints": {"api": f"{bill}/connect", "events": f"{bill}/connect-events"},
            "webhooks": f"https://127.0.0.1:{ports['webhooks']}/webhooks/bill/{CONNECTION}",
        },
        "cutover": {"date": company.cutover.isoformat(), "also": list(company.also)},
        "accounts": {
            "control": list(masters.CONTROL),
            "clearing": CLEARING,
            "banks": {bill_side.BANK: masters.BANK, bill_side.RESERVE_BANK: masters.RESERVE},
            "cards": "2960",
        },
        "mapping": {
            "dimensions": {"DEPARTMENT": "department", "PROJECT": "job", "AREA": "location"},
            "line_accounts": dict(masters.LINE_ACCOUNTS),
            "tax": "own-line",
        },
        "policy": {"approval": "erp", "discounts": "never", "transfer_quiet_seconds": QUIET_SECONDS},
    }


def apply(scene: Scene, state: str) -> None:
    """Write the file and apply it, as ``tieout connections apply`` does."""
    document = connection(scene.company, scene.ports, str(scene.ca.certificate), state=state)
    written = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)
    text = _HEAD.format(name=CONNECTION) + written
    write_atomically(scene.place.connection, text, mode=0o644)
    settings = [one.settings for one in read([Source(str(scene.place.connection), text)])]
    body = {"connections": [one.model_dump(mode="json", exclude_none=True) for one in settings]}
    scene.api.call("POST", "/v1/connections/apply", body)


def give_secrets(scene: Scene) -> None:
    """Give both sides' credentials, as ``tieout connections secret set`` does."""
    bill = {"user": bill_side.USERNAME, "password": bill_side.PASSWORD, "developer_key": bill_side.DEV_KEY}
    erp = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    for side, values in (("bill", bill), ("erp", erp)):
        scene.api.call("PUT", path_of(CONNECTION, "secrets", side), {"values": values})


def check(scene: Scene) -> list[str]:
    """Ask both systems, as ``tieout check`` does; what it warned of.

    Raises:
        CliError: a side would not work; says what, and the cure.
    """
    path = path_of(CONNECTION, "check")
    answer = scene.api.call("POST", path, {"seconds": CHECK_SECONDS}, timeout=CHECK_SECONDS + TIMEOUT)
    lines = [(side["side"], line) for side in answer["sides"] for line in side["lines"]]
    failed = [f"{side}: {line['name']}: {line['detail']}" for side, line in lines if line["status"] == "failed"]
    if failed:
        cures = "; ".join(line["cure"] for _side, line in lines if line["status"] == "failed" and line["cure"])
        raise CliError("the check of both systems failed", cure=cures, lines=failed, word="check")
    return [f"{side}: {line['name']}: {line['detail']}" for side, line in lines if line["status"] == "warning"]


def sync(scene: Scene) -> None:
    """Have the ERP read now, as ``tieout sync`` does."""
    scene.api.call("POST", path_of(CONNECTION, "sync"), {"kinds": []})
