"""Approval of bills inside BILL: policies, pending approvals, actions."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from tieout_sandbox.bill.call import Answer, Call, Endpoint
from tieout_sandbox.bill.errors import refuse
from tieout_sandbox.bill.fields import Field, Fields, Kind, read
from tieout_sandbox.bill.organization import Act, Organization, find
from tieout_sandbox.bill.store import Row
from tieout_sandbox.bill.times import printed

RULE_KEYS = ("BILL_AMOUNT", "VENDOR_ID", "CHART_OF_ACCOUNT_ID", "JOB_ID", "LOCATION_ID")
_RULE: Fields = {
    "key": Field(required=True, options=RULE_KEYS),
    "op": Field(options=("gte", "lt", "eq", "in")),
}
_POLICY: Fields = {"policyName": Field(required=True), "rules": Field(Kind.LIST, inside=_RULE)}
_ACTION: Fields = {
    "billId": Field(required=True),
    "action": Field(required=True, options=("APPROVE", "DENY")),
    "comment": Field(),
}
_LINE_KEYS = {"CHART_OF_ACCOUNT_ID": "chartOfAccountId", "JOB_ID": "jobId", "LOCATION_ID": "locationId"}


def approvers_for(act: Act, fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The approvers that the policies give to a new bill, in order, none twice."""
    matching = [one for one in act.org.policies.values() if all(_holds(rule, fields) for rule in one["rules"])]
    users = dict.fromkeys(user for policy in matching for user in policy["approvers"])
    return [approver(user, order, act) for order, user in enumerate(users)]


def approver(user_id: str, order: int, act: Act) -> dict[str, Any]:
    """An approver who has not decided yet."""
    return {
        "userId": user_id,
        "status": "WAITING",
        "approverOrder": order,
        "statusChangedTime": printed(act.now),
    }


def add_policy(act: Act, body: Any, policy_id: str | None = None) -> dict[str, Any]:
    """A new policy, or other content for one."""
    fields = read(_POLICY, body)
    rules = [
        {**rule, "values": _texts(raw, "values")} for rule, raw in zip(fields["rules"], body["rules"], strict=True)
    ]
    users = _texts(body, "approvers")
    for user in users:
        if user not in act.org.users:
            raise refuse("BDC_1205", user)
    new_id = policy_id or f"{act.org.id}-{len(act.org.policies) + 1}"
    policy = {"id": new_id, "policyName": fields["policyName"], "rules": rules, "approvers": users}
    act.org.policies[new_id] = policy
    return policy


def decide(act: Act, bill: Row, user_id: str, action: str) -> None:
    """A user approves or denies a bill; a user who is not asked is refused."""
    mine = next((one for one in bill.fields["approvers"] if one["userId"] == user_id), None)
    if mine is None or mine["status"] != "WAITING":
        raise refuse("BDC_1145", f"approval of {bill.id}", subject=bill.id)

    def alter(row: Row) -> None:
        mine["status"] = "APPROVED" if action == "APPROVE" else "DENIED"
        mine["statusChangedTime"] = printed(act.now)
        row.fields["approvalStatus"] = status_of(row.fields["approvers"])

    act.change(act.org.bills, bill, alter)


def reroute(act: Act, bill: Row, user_ids: list[str]) -> None:
    """Ask other users instead of those who have not decided yet."""

    def alter(row: Row) -> None:
        for one in row.fields["approvers"]:
            if one["status"] == "WAITING":
                one["status"] = "REROUTED"
                one["statusChangedTime"] = printed(act.now)
        start = len(row.fields["approvers"])
        row.fields["approvers"] += [approver(user, start + order, act) for order, user in enumerate(user_ids)]
        row.fields["approvalStatus"] = status_of(row.fields["approvers"])

    act.change(act.org.bills, bill, alter)


def status_of(approvers: list[dict[str, Any]]) -> str:
    """BILL's approvalStatus from what the approvers have decided."""
    states = {one["status"] for one in approvers} - {"REROUTED"}
    if not states:
        return "UNASSIGNED"
    if "DENIED" in states:
        return "DENIED"
    if states == {"APPROVED"}:
        return "APPROVED"
    return "APPROVING" if "APPROVED" in states else "ASSIGNED"


def endpoints() -> list[Endpoint]:
    """The paths of approvals."""
    base = "/connect/v3/bill-approvals"
    return [
        Endpoint("GET", f"{base}/policies", "approvals.read", _policies),
        Endpoint("POST", f"{base}/policies", "approvals.write", _add_policy),
        Endpoint("PUT", f"{base}/policies/{{id}}", "approvals.write", _put_policy),
        Endpoint("DELETE", f"{base}/policies/{{id}}", "approvals.write", _delete_policy),
        Endpoint("GET", f"{base}/pending-user-approvals", "approvals.read", _pending),
        Endpoint("POST", f"{base}/actions", "approvals.act", _act),
    ]


def _policies(call: Call) -> Answer:
    return Answer([_show(call.org, policy) for policy in call.org.policies.values()])


def _add_policy(call: Call) -> Answer:
    return Answer(_show(call.org, add_policy(call.act, call.body())), 201)


def _put_policy(call: Call) -> Answer:
    if call.path() not in call.org.policies:
        raise refuse("BDC_1205", call.path())
    return Answer(_show(call.org, add_policy(call.act, call.body(), call.path())))


def _delete_policy(call: Call) -> Answer:
    if call.org.policies.pop(call.path(), None) is None:
        raise refuse("BDC_1205", call.path())
    return Answer({"status": "SUCCESS"})


def _pending(call: Call) -> Answer:
    me = call.session.user.id
    waiting = [
        {"billId": bill.id, **{name: bill.fields[name] for name in ("vendorId", "amount", "dueDate")}}
        for bill in call.org.bills
        if any(one["userId"] == me and one["status"] == "WAITING" for one in bill.fields["approvers"])
    ]
    return Answer({"bills": waiting})


def _act(call: Call) -> Answer:
    items = call.body()
    if not isinstance(items, list) or not items:
        raise refuse("BDC_1129", "the body must be an array of actions")
    actions = [read(_ACTION, item) for item in items]
    found = [find(call.org.bills, action["billId"]) for action in actions]
    for bill, action in zip(found, actions, strict=True):
        decide(call.act, bill, call.session.user.id, action["action"])
    return Answer({"status": "SUCCESS"})


def _show(org: Organization, policy: Mapping[str, Any]) -> dict[str, Any]:
    users = [org.users[user] for user in policy["approvers"]]
    return {
        "id": policy["id"],
        "policyName": policy["policyName"],
        "status": "ACTIVE",
        "rules": [{**rule, "values": [{"value": one} for one in rule["values"]]} for rule in policy["rules"]],
        "approvers": {"users": [{"userId": one.id, "fullName": f"{one.first_name} {one.last_name}"} for one in users]},
    }


def _holds(rule: Mapping[str, Any], fields: Mapping[str, Any]) -> bool:
    if rule["key"] == "BILL_AMOUNT":
        edge = _number(rule["values"])
        return bool(fields["amount"] < edge if rule.get("op") == "lt" else fields["amount"] >= edge)
    if rule["key"] == "VENDOR_ID":
        return fields["vendorId"] in rule["values"]
    name = _LINE_KEYS[rule["key"]]
    named = {(line.get("classifications") or {}).get(name) for line in fields["billLineItems"]}
    return bool(named & set(rule["values"]))


def _number(values: list[str]) -> Decimal:
    try:
        return Decimal(values[0])
    except (IndexError, InvalidOperation):
        raise refuse("BDC_1119", "rules.values: must hold an amount") from None


def _texts(body: Mapping[str, Any], name: str) -> list[str]:
    values = body.get(name)
    if not isinstance(values, list) or not values:
        raise refuse("BDC_1117", f"{name}: must not be empty")
    return [str(value) for value in values]
