"""The state a simulator starts from: read from a world, or the default one.

A world is JSON::

    {"dev_keys": ["key", {"key": "...", "active": false}],
     "clock": "2026-03-02T09:00:00+00:00",
     "switches": {...},
     "organizations": [{
        "id": "008...", "name": "...",
        "users": [{"id": "006...", "username": "...", "password": "...", "role": "ACCOUNTANT",
                   "denied": ["bills.read"]}],
        "sync_tokens": [{"name": "...", "value": "...", "user": "username"}],
        "banks": [{...}], "cards": [{...}],
        "chart-of-accounts": [{...}], "departments": [...], "locations": [...], "jobs": [...],
        "accounting-classes": [...], "employees": [...], "items": [...],
        "policies": [{...}],
        "vendors": [{...}], "bills": [{..., "vendor": "name"}], "vendor-credits": [{..., "vendor": "name"}]}]}

Records are BILL's own create bodies; ``id`` and ``createdTime`` may be added to any of them. Only ``organizations``
with ``id`` is required.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from json import loads
from typing import Any

from tieout_sandbox.bill import approvals, bills, classifications, directory, vendor_credits, vendors
from tieout_sandbox.bill.errors import Refusal
from tieout_sandbox.bill.gate import DevKey, Gate, User
from tieout_sandbox.bill.ids import Ids
from tieout_sandbox.bill.installation import Installation
from tieout_sandbox.bill.organization import CLASSIFICATIONS, Act, Organization
from tieout_sandbox.bill.store import Row
from tieout_sandbox.bill.switches import Switches
from tieout_sandbox.bill.times import stamp
from tieout_sandbox.kernel.clock import Clock
from tieout_sandbox.kernel.wire import dump

Make = Callable[[Act, dict[str, Any], str | None], Row]


def load(world: Mapping[str, Any]) -> Installation:
    """A new installation; a world that is not in the format is a ValueError that says where."""
    try:
        return _load(world)
    except KeyError as missing:
        raise ValueError(f"the world lacks {missing}") from missing
    except (TypeError, AttributeError) as wrong:
        raise ValueError(f"the world is not in its format: {wrong}") from wrong


def _load(world: Mapping[str, Any]) -> Installation:
    # Through text once more, so that amounts are exact however the world was made.
    plain = loads(dump(world), parse_float=Decimal)
    switches = Switches()
    switches.update(loads(dump(plain.get("switches", {}))))
    start = datetime.fromisoformat(plain["clock"]) if "clock" in plain else None
    new = Installation(Clock(start), switches, Gate(switches), Ids("tieout"))
    for one in plain.get("dev_keys", []):
        key = DevKey(one) if isinstance(one, str) else DevKey(one["key"], one.get("active", True))
        new.gate.keys[key.key] = key
    for described in plain.get("organizations", []):
        if "id" not in described:
            raise ValueError("an organization of the world has no id")
        _add(new, described)
    return new


def _add(new: Installation, described: Mapping[str, Any]) -> None:
    org_id = described["id"]
    if org_id in new.organizations:
        raise ValueError(f"the world has the organization {org_id} twice")
    profile = {"name": described.get("name", org_id), **described.get("profile", {})}
    org = Organization(org_id, profile, Ids(org_id), new.switches)
    new.organizations[org_id] = org
    for one in described.get("users", []):
        user = _user(org, one)
        org.users[user.id] = user
    for token in described.get("sync_tokens", []):
        named = next((user for user in org.users.values() if user.username == token["user"]), None)
        if named is None:
            raise ValueError(f"{org_id}: the sync token {token['name']} is of no user of the organization")
        new.sync_tokens[(org_id, token["name"])] = (token["value"], named.id)
    by = next(iter(org.users), "")
    for policy in described.get("policies", []):
        approvals.add_policy(Act(org, by, stamp(new.clock.now())), policy)
    for kind, make in MAKERS.items():
        for index, record in enumerate(described.get(kind, [])):
            _record(new, Act(org, by, stamp(new.clock.now())), make, f"{org_id}/{kind}[{index}]", record)


def _record(new: Installation, act: Act, make: Make, where: str, record: Mapping[str, Any]) -> None:
    body = dict(record)
    row_id = body.pop("id", None)
    if "createdTime" in body:
        made = datetime.fromisoformat(body.pop("createdTime"))
        act = Act(act.org, act.by, min(stamp(made), stamp(new.clock.now())))
    if "vendor" in body:
        named = act.org.vendors.having("name", [body.pop("vendor")])
        if len(named) != 1:
            raise ValueError(f"{where}: {len(named)} vendors have the name of its vendor")
        body["vendorId"] = named[0].id
    try:
        make(act, body, row_id)
    except Refusal as refusal:
        raise ValueError(f"{where}: {refusal}") from refusal


def _user(org: Organization, described: Mapping[str, Any]) -> User:
    return User(
        id=described.get("id") or org.ids.new("user"),
        organization=org.id,
        username=described["username"],
        password=described["password"],
        role=described.get("role", "ACCOUNTANT"),
        first_name=described.get("firstName", "Sam"),
        last_name=described.get("lastName", "Sandbox"),
        denied=frozenset(described.get("denied", [])),
    )


def _classification(kind: str) -> Make:
    return lambda act, body, row_id: classifications.store(act, kind, classifications.prepare(act, kind, body), row_id)


# In the order in which records may name each other.
MAKERS: dict[str, Make] = {
    **{kind: _classification(kind) for kind in CLASSIFICATIONS},
    "banks": directory.add_bank,
    "cards": directory.add_card,
    "vendors": lambda act, body, row_id: vendors.store(act, vendors.prepare(body), row_id),
    "bills": lambda act, body, row_id: bills.store(act, bills.prepare(act, body), row_id),
    "vendor-credits": lambda act, body, row_id: vendor_credits.store(act, vendor_credits.prepare(act, body), row_id),
}
