"""The links of accounts and dimension values."""

from typing import Any, Final

from tieout.decide import lifecycle, names, rows, waiting
from tieout.decide.frames import frame_of, wanted_hash
from tieout.decide.rows import LinkRow, Phase, RunRow, SettingsRow, WantRow
from tieout.decide.state import Draft
from tieout.domain.bill import BillAccountType, BillClassificationContent, ClassificationKind
from tieout.domain.erp import Account, AccountCategory, DimensionValue
from tieout.domain.records import Kind
from tieout.domain.settings import Classification
from tieout.events.commands import ClassificationCommand, Intent, Priority
from tieout.events.facts import AccountObserved, Candidate, DimensionValueObserved

ACCOUNT: Final = "account"
DIMENSION: Final = "dimension"

ACCOUNT_TYPES: Final[dict[AccountCategory, BillAccountType]] = {
    AccountCategory.ASSET: BillAccountType.OTHER_CURRENT_ASSET,
    AccountCategory.LIABILITY: BillAccountType.OTHER_CURRENT_LIABILITY,
    AccountCategory.EQUITY: BillAccountType.EQUITY,
    AccountCategory.INCOME: BillAccountType.INCOME,
    AccountCategory.COST_OF_SALES: BillAccountType.COST_OF_GOODS_SOLD,
    AccountCategory.EXPENSE: BillAccountType.EXPENSE,
    AccountCategory.OTHER: BillAccountType.UNSPECIFIED,
}

CLASSIFICATIONS: Final[dict[Classification, ClassificationKind]] = {
    Classification.DEPARTMENT: ClassificationKind.DEPARTMENT,
    Classification.LOCATION: ClassificationKind.LOCATION,
    Classification.JOB: ClassificationKind.JOB,
}


def account_observed(draft: Draft, fact: AccountObserved) -> None:
    """An account was seen. One that lines may name stands in BILL; one that no longer may is archived there."""
    account = fact.account
    if _superseded(draft, Kind.ACCOUNT, fact.run, account.id):
        return
    content = BillClassificationContent(
        kind=ClassificationKind.ACCOUNT,
        name=account.name.strip() or account.number,
        number=account.number,
        account_type=ACCOUNT_TYPES[account.category],
    )
    _want(
        draft, f"{ACCOUNT}/{account.id}", names.account(account.number), account, content, usable=account.is_codeable()
    )


def dimension_value_observed(draft: Draft, fact: DimensionValueObserved) -> None:
    """A dimension's value was seen. It stands in BILL if the settings map its dimension to a classification."""
    value = fact.value
    settings = draft.read(rows.SETTINGS, SettingsRow)
    if settings is None or _superseded(draft, Kind.DIMENSION_VALUE, fact.run, value.id):
        return
    mapped = {code.upper(): kind for code, kind in settings.settings.mapping.dimensions.items()}
    kind = CLASSIFICATIONS.get(mapped.get(value.dimension.upper(), Classification.DESCRIPTION))
    if kind is None:
        return
    name = value.name.strip() or value.code
    content = BillClassificationContent(kind=kind, name=name, number=value.code)
    usable = value.direct is not False and value.blocked is not True
    _want(draft, f"{DIMENSION}/{value.id}", names.dimension(value.dimension, value.code), value, content, usable=usable)


def _superseded(draft: Draft, kind: Kind, run: int, record: str) -> bool:
    newest = draft.read(rows.run_row(kind), RunRow)
    if newest is not None and run < newest.number:
        return True
    draft.remove(rows.hold_row(f"unreadable/{kind}/{record}"), "hold.gone", "the record can be read again")
    return False


def _want(
    draft: Draft,
    link: str,
    name: str,
    record: Account | DimensionValue,
    content: BillClassificationContent,
    *,
    usable: bool,
) -> None:
    row = draft.read(rows.link_row(link), LinkRow)
    if row is None:
        if not usable:
            # The name is claimed all the same, so that a bill that uses it says what is wrong with it.
            waiting.claim_name(draft, link, name)
            row = LinkRow(kind=link.split("/", maxsplit=1)[0], phase=Phase.IGNORED, record=record.id, usable=False)
            row = row.model_copy(update={"number": content.number, "name": name})
            draft.write(rows.link_row(link), row, "ignored", "not for use on documents")
            return
        row = LinkRow(
            kind=link.split("/", maxsplit=1)[0], phase=Phase.IGNORED, record=record.id, priority=Priority.MASTER
        )
    waiting.claim_name(draft, link, name)
    changed = row.model_copy(update={"number": content.number, "name": name, "usable": usable})
    if changed != row:
        draft.write(rows.link_row(link), changed, f"{changed.kind}.seen")
        if usable and not row.usable:
            waiting.arrived(draft, name)
    if not usable and not changed.target and not changed.command:
        return
    data = content.model_dump(mode="json", exclude_defaults=True)
    want = WantRow(content={"content": data, "archived": not usable})
    lifecycle.want(draft, link, changed, want, wanted_hash(data, archived=not usable), build)


def build(draft: Draft, link: str, row: LinkRow, want: WantRow, settings: SettingsRow) -> ClassificationCommand:
    """The command that makes BILL's classification be as wanted."""
    data, archived = want.content["content"], want.content["archived"]
    content = BillClassificationContent.model_validate(data)
    intent = Intent.CLASSIFICATION_UPDATE if row.target else Intent.CLASSIFICATION_ENSURE
    lane = f"{content.kind}/{content.number.casefold()}"
    frame = frame_of(draft, link, row, settings, intent, wanted_hash(data, archived=archived), lane)
    return ClassificationCommand(**frame, content=content, archived=archived)


def fits(row: LinkRow, candidate: Candidate, _want: dict[str, Any]) -> bool:
    """Whether BILL's object carries the ERP's number or code."""
    return candidate.number.casefold() == row.number.casefold()
