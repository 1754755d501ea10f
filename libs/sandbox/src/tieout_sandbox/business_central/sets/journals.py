"""``journals`` (which post), ``vendorPaymentJournals`` (which do not) and ``journalLines``."""

from datetime import timedelta
from typing import Any

from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.entries import BANK, GL, VENDOR, JournalBatch, JournalLine
from tieout_sandbox.business_central.books.journals import (
    complete,
    general_template,
    lines_of,
    new_line,
    payment_template,
)
from tieout_sandbox.business_central.books.posting_journals import post_batch
from tieout_sandbox.business_central.books.queue import Job
from tieout_sandbox.business_central.odata.schema import Getter, entity, snake
from tieout_sandbox.business_central.odata.sets import EntitySet, Navigation, Scope
from tieout_sandbox.business_central.refusals import Refusal

ACCOUNT_TYPES = (
    "G/L Account",
    "Customer",
    "Vendor",
    "Bank Account",
    "Fixed Asset",
    "IC Partner",
    "Employee",
    "Allocation Account",
)


def _balancing_id(row: JournalBatch, books: Books) -> str:
    """Only a G/L account has an id here; a bank shows zeros."""
    found = books.accounts.find(row.balance_account) if row.balance_type == GL else None
    return found.id if found else ""


_BATCH_GETTERS: dict[str, Getter] = {
    "templateDisplayName": lambda row, _books: row.template,
    "balancingAccountId": _balancing_id,
    "balancingAccountNumber": lambda row, _books: row.balance_account,
    "lastModifiedDateTime": lambda row, _books: row.modified,
}
PAYMENT_JOURNAL = entity(
    "vendorPaymentJournal",
    """
id guid R
code code10
displayName text100
balancingAccountId guid
balancingAccountNumber code20 R
lastModifiedDateTime time R
""",
    getters=_BATCH_GETTERS,
)
JOURNAL = entity(
    "journal",
    """
id guid R
code code10
displayName text100
templateDisplayName code10
lastModifiedDateTime time R
balancingAccountId guid
balancingAccountNumber code20 R
""",
    getters=_BATCH_GETTERS,
)


def side_id(kind: str, number: str, books: Books) -> str:
    """The id of an account of a journal line."""
    tables: dict[str, Any] = {GL: books.accounts, VENDOR: books.vendors, BANK: books.bank_accounts}
    found = tables[kind].find(number) if kind in tables and number else None
    return found.id if found else ""


def batch_code(row: JournalLine, books: Books) -> str:
    """The name of a line's batch."""
    found = books.batches.get(row.batch)
    return found.code if found else ""


LINE_GETTERS: dict[str, Getter] = {
    "journalId": lambda row, _books: row.batch,
    "journalDisplayName": batch_code,
    "accountId": lambda row, books: side_id(row.account_type, row.account, books),
    "accountNumber": lambda row, _books: row.account,
    "balanceAccountType": lambda row, _books: row.balance_type,
    "balancingAccountId": lambda row, books: side_id(row.balance_type, row.balance_account, books),
    "balancingAccountNumber": lambda row, _books: row.balance_account,
    "lastModifiedDateTime": lambda row, _books: row.modified,
}
LINE = entity(
    "journalLine",
    """
id guid R
journalId guid
journalDisplayName code10
lineNumber int
accountType enum
accountId guid
accountNumber code20
postingDate date
documentNumber code20
externalDocumentNumber code35
amount decimal
description text100
comment text250
taxCode code20
balanceAccountType enum
balancingAccountId guid
balancingAccountNumber code20
lastModifiedDateTime time R
""",
    members={"accountType": ACCOUNT_TYPES, "balanceAccountType": ACCOUNT_TYPES},
    getters=LINE_GETTERS,
)


def _balancing(books: Books, values: dict[str, Any]) -> dict[str, Any]:
    identity = values.get("balancingAccountId")
    if identity is None:
        return {}
    if not identity.strip("0-"):
        return {"balance_type": GL, "balance_account": ""}
    found = books.accounts.get(identity)
    if found is None:
        raise Refusal("balancing_account")
    return {"balance_type": GL, "balance_account": found.number}


def _create_batch(books: Books, template: str, values: dict[str, Any]) -> JournalBatch:
    if not values.get("code"):
        raise Refusal("must_have_value", field="Name", table="Gen. Journal Batch", key=f"Name=,Template={template}")
    return books.batches.insert(
        JournalBatch(
            template=template,
            code=values["code"],
            display_name=values.get("displayName", ""),
            **_balancing(books, values),
        )
    )


def _change_batch(scope: Scope, row: JournalBatch, values: dict[str, Any]) -> JournalBatch:
    fields: dict[str, Any] = {
        to: values[name] for name, to in (("code", "code"), ("displayName", "display_name")) if name in values
    }
    return scope.books.batches.change(row, **fields, **_balancing(scope.books, values))


def _delete_batch(scope: Scope, row: JournalBatch) -> None:
    for line in lines_of(scope.books, row):
        scope.books.journal_lines.remove(line)
    scope.books.batches.remove(row)


def _create_journal(scope: Scope, values: dict[str, Any]) -> JournalBatch:
    template = values.get("templateDisplayName") or general_template(scope.books)
    if scope.books.templates.find(template) is None:
        raise Refusal(
            "no_relation",
            field="Journal Template Name",
            table="Gen. Journal Batch",
            value=template,
            related="Gen. Journal Template",
        )
    return _create_batch(scope.books, template, values)


def _journal_hidden(scope: Scope, row: JournalBatch) -> bool:
    """A list without a filter on the template shows only the default one; a key shows any batch."""
    named = scope.filter is not None and any(bound.field == "templateDisplayName" for bound in scope.filter.bounds)
    return not scope.keyed and not named and row.template != general_template(scope.books)


def _post(scope: Scope, row: JournalBatch) -> None:
    """Post the whole batch, now or by the job queue."""
    if not scope.switches["post_with_job_queue"]:
        post_batch(scope.books, row)
        return
    lines = [line for line in lines_of(scope.books, row) if not line.empty]
    if not lines:
        raise Refusal("nothing_to_post")
    for line in lines:
        scope.books.journal_lines.change(line, touch=False, job_status="Scheduled for Posting")
    due = scope.books.store.clock.now() + timedelta(seconds=scope.switches["job_queue_delay_seconds"])
    scope.books.jobs.append(Job(due, row.id))


# -- lines


def batch_of_request(scope: Scope, values: dict[str, Any]) -> JournalBatch:
    """The batch a new line goes to, named by the path, by id or both."""
    books = scope.books
    by_path = scope.parent if isinstance(scope.parent, JournalBatch) else None
    sent = values.get("journalId", "").strip("0-") and values["journalId"]
    if by_path is not None and sent and sent != by_path.id:
        raise Refusal("journal_mismatch")
    if by_path is None and not sent:
        raise Refusal("line_needs_journal")
    batch = by_path or books.batches.get(sent)
    if batch is None:
        raise Refusal("journal_unknown")
    if values.get("journalDisplayName", batch.code) != batch.code:
        raise Refusal("journal_mismatch")
    return batch


def lines_below(scope: Scope) -> list[JournalLine]:
    """The lines of the batch of the path or of the filter."""
    if isinstance(scope.parent, JournalBatch):
        return lines_of(scope.books, scope.parent)
    named = scope.filter.equal("journalId") if scope.filter else None
    own = scope.filter.equal("id") if scope.filter else None
    if named:
        return scope.books.journal_lines.where("batch", named)
    if own:
        found = scope.books.journal_lines.get(own)
        return [found] if found else []
    raise Refusal("line_needs_journal")


def line_by_key(scope: Scope, key: str) -> JournalLine | None:
    """A line by its id, in its batch if the path names one."""
    found = scope.books.journal_lines.get(key)
    if found is not None and isinstance(scope.parent, JournalBatch) and found.batch != scope.parent.id:
        return None
    return found


def _side(books: Books, values: dict[str, Any], kind: str, identity: str, number: str) -> str | None:
    """The account number that id and number of a request agree on, for one side."""
    tables: dict[str, Any] = {GL: books.accounts, VENDOR: books.vendors, BANK: books.bank_accounts}
    table = tables.get(kind)
    sent_id, sent_number = values.get(identity, ""), values.get(number)
    by_id = table.get(sent_id) if table is not None and sent_id.strip("0-") else None
    if sent_id.strip("0-") and by_id is None:
        raise Refusal("account_id")
    if sent_number and (table is None or table.find(sent_number) is None):
        raise Refusal("account_number")
    if by_id is not None and sent_number and by_id.number != sent_number:
        raise Refusal("account_pair")
    return by_id.number if by_id is not None else sent_number


_PLAIN = (
    "postingDate",
    "documentNumber",
    "externalDocumentNumber",
    "amount",
    "description",
    "comment",
    "taxCode",
)


def _line_fields(books: Books, values: dict[str, Any], kind: str, balance: str) -> dict[str, Any]:
    fields: dict[str, Any] = {snake(name): values[name] for name in _PLAIN if name in values}
    if "accountType" in values:
        fields["account_type"] = kind
    if "balanceAccountType" in values:
        fields["balance_type"] = balance
    account = _side(books, values, kind, "accountId", "accountNumber")
    balancing = _side(books, values, balance, "balancingAccountId", "balancingAccountNumber")
    if account is not None:
        fields["account"] = account
    if balancing is not None:
        fields["balance_account"] = balancing
    return fields


def _create_line(scope: Scope, values: dict[str, Any]) -> JournalLine:
    batch = batch_of_request(scope, values)
    kind, balance = values.get("accountType", GL), values.get("balanceAccountType", batch.balance_type)
    fields = _line_fields(scope.books, values, kind, balance)
    return new_line(scope.books, batch, line_number=values.get("lineNumber", 0), **fields)


def _change_line(scope: Scope, row: JournalLine, values: dict[str, Any]) -> JournalLine:
    if values.get("journalId", row.batch) != row.batch:
        raise Refusal("journal_fixed")
    kind = values.get("accountType", row.account_type)
    balance = values.get("balanceAccountType", row.balance_type)
    fields = _line_fields(scope.books, values, kind, balance)
    return change_line(scope.books, row, fields)


def change_line(books: Books, row: JournalLine, fields: dict[str, Any]) -> JournalLine:
    """Write fields of a line; choosing another account fills in what follows from it."""
    if "account" in fields and fields["account"] != row.account:
        names = ("description", "currency_code", "dimensions")
        trial = JournalLine(batch=row.batch, line_number=row.line_number)
        for name in vars(trial):
            setattr(trial, name, fields.get(name, getattr(row, name)))
        complete(books, trial, set(fields))
        fields = {**{name: getattr(trial, name) for name in names}, **fields}
    if "amount" in fields:
        fields["amount"] = books.round(fields["amount"], fields.get("currency_code", row.currency_code))
    return books.journal_lines.change(row, **fields)


def _delete_line(scope: Scope, row: JournalLine) -> None:
    scope.books.journal_lines.remove(row)


SETS = [
    EntitySet(
        "journals",
        JOURNAL,
        "Gen. Journal Batch",
        table=lambda books: books.batches,
        hidden=_journal_hidden,
        create=_create_journal,
        change=_change_batch,
        delete=_delete_batch,
        actions={"post": _post},
        navigation={
            "journalLines": Navigation("journalLines"),
            "account": Navigation("accounts", lambda books, row: books.accounts.get(_balancing_id(row, books))),
        },
    ),
    EntitySet(
        "vendorPaymentJournals",
        PAYMENT_JOURNAL,
        "Gen. Journal Batch",
        table=lambda books: books.batches,
        hidden=lambda scope, row: row.template != payment_template(scope.books),
        create=lambda scope, values: _create_batch(scope.books, payment_template(scope.books), values),
        change=_change_batch,
        delete=_delete_batch,
        navigation={
            "vendorPayments": Navigation("vendorPayments"),
            "account": Navigation("accounts", lambda books, row: books.accounts.get(_balancing_id(row, books))),
        },
    ),
    EntitySet(
        "journalLines",
        LINE,
        "Gen. Journal Line",
        source=lines_below,
        get=line_by_key,
        create=_create_line,
        change=_change_line,
        delete=_delete_line,
        navigation={
            "dimensionSetLines": Navigation("dimensionSetLines"),
            "attachments": Navigation("attachments"),
            "account": Navigation("accounts", lambda books, row: books.accounts.find(row.account)),
        },
    ),
]
