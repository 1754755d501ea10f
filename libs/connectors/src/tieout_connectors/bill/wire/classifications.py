"""Accounts and the other things a line is coded with. Each kind has its own collection and its own wrapper in bulk."""

from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from tieout.domain.bill import BillAccountType, BillClassification, BillClassificationContent, ClassificationKind
from tieout_connectors.bill.wire.fields import Fields, filled
from tieout_connectors.bill.wire.lists import read_all


@dataclass(frozen=True)
class Collection:
    """Where a kind lives: in the path, and in the answer about several."""

    path: str
    wrapper: str


COLLECTIONS: Final = {
    ClassificationKind.ACCOUNT: Collection("chart-of-accounts", "chartOfAccounts"),
    ClassificationKind.DEPARTMENT: Collection("departments", "departments"),
    ClassificationKind.LOCATION: Collection("locations", "locations"),
    ClassificationKind.JOB: Collection("jobs", "jobs"),
    ClassificationKind.ACCOUNTING_CLASS: Collection("accounting-classes", "accountingClasses"),
}


def read_classification(kind: ClassificationKind, raw: Any) -> BillClassification:
    """One row of a kind's collection."""
    row = Fields(raw, kind.value)
    number, account_type = row.text("shortName"), None
    if kind is ClassificationKind.ACCOUNT:
        account = row.inner("account")
        number = account.text("number")
        said = account.text("type")
        account_type = BillAccountType(said) if said in set(BillAccountType) else None
    return BillClassification(
        kind=kind,
        id=row.needed("id"),
        name=row.needed("name"),
        number=number,
        account_type=account_type,
        description=row.text("description"),
        parent=row.text("parentId") if row.text("parentId").strip("0") else "",
        archived=row.flag("archived") or False,
        created=row.moment("createdTime"),
        updated=row.moment("updatedTime"),
    )


def read_classifications(kind: ClassificationKind, raw: Any) -> tuple[BillClassification, ...]:
    """The answer to a call about several."""
    return read_all(raw, COLLECTIONS[kind].wrapper, partial(read_classification, kind))


def write_classification(content: BillClassificationContent) -> dict[str, Any]:
    """The body that creates or changes one.

    Raises:
        ValueError: if an account has no type, or anything else has one.
    """
    is_account = content.kind is ClassificationKind.ACCOUNT
    if is_account != (content.account_type is not None):
        raise ValueError(f"{content.kind.value} {content.name!r}: an account has a type and nothing else has one")
    return filled(
        name=content.name,
        description=content.description,
        parentId=content.parent,
        shortName="" if is_account else content.number,
        account=filled(type=content.account_type, number=content.number) if is_account else None,
    )
