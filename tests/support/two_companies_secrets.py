"""The secrets of two companies that run: used wrongly, and asked for wherever something is shown."""

import http.client
import json
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import yaml

from support.installation import eventually
from support.leaks import commands
from support.pipeline import TOKEN
from support.two_companies import ACME, CREDENTIALS, POLLER, WRITER, TwoCompanies, new_vendor
from tieout.connections.webhook_keys import read_keys
from tieout.domain.settings import Side
from tieout_control_plane.api.operations import OPERATIONS
from tieout_devstack.certificates import Authority

FORGED: Final = {"x-bill-sha-signature": "Zm9yZ2Vk"}
PASTED: Final = "pasted-by-mistake~9"
SICK: Final = {Side.BILL: "side is sick", Side.ERP: "connection is sick"}
OWNERS: Final = {Side.BILL: WRITER, Side.ERP: POLLER}
SECRET: Final = {"password", "developer_key", "client_secret"}


def fail_to_sign_in(both: TwoCompanies, ca: Authority) -> dict[str, str]:
    """Wrong credentials on both sides, in work and in a check, and a forged notice; the secrets that were used."""
    wrong = {
        Side.BILL: {"user": "nobody", "password": 'wröng "pass"/+', "developer_key": "01WRONG+/KEY"},
        Side.ERP: {**CREDENTIALS[ACME][Side.ERP], "client_secret": 'wröng~"secret"/+'},
    }
    for side, values in wrong.items():
        ill = illnesses(both, side)
        both.give(ACME, side, values)
        answer = both.pipe.ask("POST", f"/v1/connections/{ACME}/check", {"seconds": 30})[1]
        failed = {one["side"] for one in answer["sides"] if any(line["status"] == "failed" for line in one["lines"])}
        assert failed == {side}
        both.people(ACME, {"do": "create_vendor", "vendor": new_vendor(f"SICK-{side}")})
        eventually(lambda side=side, ill=ill: illnesses(both, side) > ill, seconds=60, what="a sick side")
        both.give(ACME, side, CREDENTIALS[ACME][side])
    for headers in ({}, FORGED):
        calling = http.client.HTTPSConnection("127.0.0.1", both.ingest_port, timeout=10, context=ca.client_context())
        calling.request("POST", f"/webhooks/bill/{ACME}", b"{}", headers)
        assert calling.getresponse().status == 401
        calling.close()
    eventually(lambda: {"SICK-bill", "SICK-erp"} <= set(both.vendors(ACME)), seconds=90, what="both sides' recovery")
    return {f"wrong {side} {name}": values[name] for side, values in wrong.items() for name in SECRET & values.keys()}


def illnesses(both: TwoCompanies, side: Side) -> int:
    """How often the owner of a side has said that it cannot sign in."""
    return both.made.log_of(OWNERS[side]).count(SICK[side])


def all_secrets(both: TwoCompanies) -> dict[str, str]:
    """What the connections sign in with, and what they got for it."""
    bill, _erp, login = both.simulators
    found = {
        f"{name} {side} {field}": values[field]
        for name, sides in CREDENTIALS.items()
        for side, values in sides.items()
        for field in SECRET & values.keys()
    }
    found |= {f"session {number}": one for number, one in enumerate(bill.installation.gate.sessions)}
    found |= {f"token {number}": login._key.sign(claims) for number, claims in enumerate(login._issued)}
    for name in CREDENTIALS:
        keys = read_keys(both.made.secrets, name)
        assert keys is not None
        found[f"{name} webhook key"] = keys.current
    return found


def answers(both: TwoCompanies, folder: Path) -> bytes:
    """Everything that the API and the command show, mistakes with secrets included."""
    one = f"/v1/connections/{ACME}"
    asked: list[tuple[str, str, Any]] = [
        ("GET", path.replace("{connection}", ACME).replace("{ref}", quote(ref, safe="")), None)
        for path in sorted({each.path for each in OPERATIONS if each.method == "GET"})
        for ref in references(both, path)
    ]
    misplaced = both.document(ACME, erp={"default": "1s"}, bill={"default": "1h"})
    misplaced["bill"]["password"] = PASTED
    asked += [
        ("POST", f"{one}/check", {"seconds": 30}),
        ("POST", f"{one}/tie-outs", {"fresh": True, "seconds": 30}),
        ("PUT", f"{one}/secrets/bill", {"values": {**CREDENTIALS[ACME][Side.BILL], PASTED: "x"}}),
        ("PUT", f"{one}/secrets/erp", {"values": {"client_secret": PASTED, "client_id": ""}}),
        ("POST", "/v1/connections/apply", {"connections": [misplaced]}),
    ]
    shown = [json.dumps(both.pipe.ask(*each), ensure_ascii=False).encode() for each in asked]
    file = folder / "misplaced.yaml"
    file.write_text(yaml.safe_dump(misplaced), encoding="utf-8")
    words = ("connections list", f"connections show {ACME}", f"connections show {ACME} --json", f"check {ACME}",
             f"connections apply {file}", "records list", "holds list", "tasks list",
             f"connections secret set {ACME} bill --file {file}")  # fmt: skip
    url = f"http://127.0.0.1:{both.pipe.api_port}"
    return b"\n".join([*shown, *commands(url, TOKEN, [each.split() for each in words])])


def references(both: TwoCompanies, path: str) -> list[str]:
    """What a path's reference may name."""
    if "{ref}" not in path:
        return [""]
    if "/records/" in path:
        return sorted(both.pipe.links("vendor"))[:3] + sorted(both.pipe.links("bill"))[:3]
    return ["nothing"]
