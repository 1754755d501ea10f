"""What a role may do. Operations are named ``area.verb``; a user can be denied single ones beside the role."""

READS = frozenset(
    f"{area}.read"
    for area in (
        "vendors", "bills", "credits", "payments", "classifications", "documents", "users", "funding", "approvals",
        "subscriptions",
    )
)  # fmt: skip
WRITES = frozenset(f"{area}.write" for area in ("vendors", "bills", "credits", "classifications", "documents"))
PAYING = frozenset({"payments.write", "payments.record"})
OTHERS = frozenset({"approvals.act", "approvals.write", "subscriptions.write", "organization.read"})

OPERATIONS = READS | WRITES | PAYING | OTHERS

ROLES: dict[str, frozenset[str]] = {
    "ADMINISTRATOR": OPERATIONS,
    "ACCOUNTANT": OPERATIONS - {"organization.read", "approvals.write"},
    "PAYER": READS | PAYING | {"approvals.act"},
    "APPROVER": READS | {"approvals.act"},
    "CLERK": READS | WRITES | {"payments.record", "subscriptions.write"},
    "AUDITOR": READS,
    "NO_ACCESS": frozenset(),
    "CUSTOM": OPERATIONS,
}


def allowed(role: str, operation: str) -> bool:
    """Whether the role has the operation; an unknown role has none."""
    return operation in ROLES.get(role, frozenset())


def pays_online(role: str) -> bool:
    """Whether the role may pay from a bank account."""
    return "payments.write" in ROLES.get(role, frozenset())
