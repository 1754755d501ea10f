"""Every refusal the simulator can answer, as a table: status, code and text."""

import uuid
from typing import Any

from tieout_sandbox.business_central.translations import LANGUAGES

DIALOG = "Application_DialogException"
FIELD = "Application_FieldValidationException"
BAD = "BadRequest"

# key → status, code, English text
REFUSALS: dict[str, tuple[int, str, str]] = {
    # -- platform
    "no_credentials": (
        401,
        "Authentication_InvalidCredentials",
        "The server has rejected the client credentials.",
    ),
    "no_permission": (
        400,
        "Internal_ServerError",
        "You do not have the following permissions on TableData {table}: {right}.",
    ),
    "no_path": (404, "BadRequest_NotFound", "No HTTP resource was found that matches the request URI '{url}'."),
    "no_segment": (404, "BadRequest_ResourceNotFound", "Resource not found for the segment '{segment}'."),
    "not_published": (404, "BadRequest_NotFound", "Resource not found for the segment '{segment}'."),
    "no_company": (404, "Internal_CompanyNotFound", "The company '{company}' does not exist."),
    "no_method": (
        405,
        "BadRequest_MethodNotAllowed",
        (
            "'{method}' requests for '{segment}' of EdmType 'Entity' are not allowed within Microsoft Dynamics "
            "NAV OData web services."
        ),
    ),
    "no_action": (404, "BadRequest_NotFound", "The action '{action}' does not exist on '{segment}'."),
    "no_record": (404, "Internal_RecordNotFound", "The {table} does not exist."),
    "no_if_match": (400, "BadRequest_InvalidToken", "The request header 'If-Match' is missing or not valid."),
    "changed": (
        409,
        "Request_EntityChanged",
        "Another user has already changed the record. Please retrieve the record again before you change it.",
    ),
    "bad_body": (400, BAD, "Invalid Request Body"),
    "bad_value": (400, BAD, "Unable to convert value to {type}: '{value}' for the property '{field}'."),
    "bad_option": (400, BAD, "'{value}' is not an option. The existing options are: {options}"),
    "no_property": (400, BAD, "Could not find a property named '{field}' on type 'Microsoft.NAV.{type}'."),
    "unknown_property": (
        400,
        BAD,
        (
            "The property '{field}' does not exist on type 'Microsoft.NAV.{type}'. Make sure to only use "
            "property names that are defined by the type."
        ),
    ),
    "read_only": (400, BAD, "Control '{field}' is read-only."),
    "too_long": (
        400,
        "Application_StringExceededLength",
        "The length of the string is {length}, but it must be less than or equal to {limit} characters. Value: {value}",
    ),
    "bad_filter": (400, "BadRequest_NotFound", "Syntax error in filter expression: {reason}."),
    "or_fields": (
        400,
        BAD,
        "The 'OR' operator is not supported on distinct fields on an OData filter.",
    ),
    "enum_filter": (400, BAD, "A binary operator with incompatible types was detected for the property '{field}'."),
    "bad_query": (400, "BadRequest_InvalidRequestUrl", "The query option '{option}' is not valid: '{value}'."),
    "bad_skiptoken": (400, "SkipTokenIsNoLongerValid", "The skip token is no longer valid."),
    "same_key": (
        400,
        "Internal_EntityWithSameKeyExists",
        "The {table} already exists. Identification fields and values: {key}",
    ),
    "no_relation": (
        400,
        "Internal_InvalidTableRelation",
        (
            "The field {field} of table {table} contains a value ({value}) that cannot be found in the related "
            "table ({related})."
        ),
    ),
    "too_many": (429, "Application_TooManyRequests", "Too many requests reached. Actual ({actual}). Maximum ({most})."),
    "batch_limit": (500, "Unknown", "The maximum number of operations in a batch is 100. Actual: {actual}."),
    # -- vendors and references
    "manual_numbers": (
        400,
        DIALOG,
        (
            "You may not enter numbers manually. If you want to enter numbers manually, please activate Manual "
            "Nos. in No. Series {series}."
        ),
    ),
    "currency_id": (400, DIALOG, 'The "currencyId" does not match to a Currency.'),
    "currency_code": (400, DIALOG, 'The "currencyCode" does not match to a Currency.'),
    "currency_pair": (400, DIALOG, "The currency values do not match to a specific Currency."),
    "terms_id": (400, DIALOG, 'The "paymentTermsId" does not match to a Payment Terms.'),
    "method_id": (400, DIALOG, 'The "paymentMethodId" does not match to a Payment Method.'),
    "has_entries": (
        400,
        DIALOG,
        "You cannot delete {table} {number} because there are one or more ledger entries for it.",
    ),
    # -- purchase invoices
    "invoice_vendor_missing": (400, DIALOG, 'A "vendorNumber" or a "vendorID" must be provided.'),
    "invoice_vendor_unknown": (400, DIALOG, "The vendor cannot be found."),
    "invoice_posted": (400, DIALOG, "The invoice has been posted and can no longer be modified."),
    "draft_only": (400, DIALOG, "The action can be applied to a draft invoice only."),
    "lines_parent": (400, DIALOG, "You must specify an Id or a Document Id to get the lines."),
    "document_fixed": (400, DIALOG, 'The value for "documentId" cannot be modified.'),
    "sequence_fixed": (
        400,
        DIALOG,
        "The value for sequence cannot be modified. Delete and insert the line again.",
    ),
    "item_and_account": (400, DIALOG, 'Both "itemId" and "accountId" are specified. Specify only one of them.'),
    "no_item": (400, DIALOG, "Item does not exist."),
    "no_account": (400, DIALOG, "Account does not exist."),
    "nothing_to_post": (400, DIALOG, "There is nothing to post."),
    "must_have_value": (
        400,
        FIELD,
        "{field} must have a value in {table}: {key}. It cannot be zero or empty.",
    ),
    "total_negative": (400, DIALOG, "The total amount for the invoice must be 0 or greater."),
    # -- dimensions
    "dimension_get_parent": (400, DIALOG, "You must get to the parent first to get to the dimension set line."),
    "dimension_new_parent": (
        400,
        DIALOG,
        "You must get to the parent first to create a dimension set line.",
    ),
    "dimension_id_or_code": (400, DIALOG, 'The "id" or "code" field must be filled in.'),
    "dimension_value_or_code": (400, DIALOG, 'The "valueId" or "valueCode" field must be filled in.'),
    "dimension_fixed": (400, DIALOG, 'The "id" and "code" fields cannot be modified.'),
    "dimension_code": (400, DIALOG, 'The "code" does not match to a Dimension.'),
    "dimension_id": (400, DIALOG, 'The "id" does not match to a Dimension.'),
    "dimension_value_code": (400, DIALOG, 'The "valueCode" does not match to a Dimension Value.'),
    "dimension_value_id": (400, DIALOG, 'The "valueId" does not match to a Dimension Value.'),
    "dimension_exists": (
        400,
        DIALOG,
        (
            "The dimension set line already exists. Check existing dimension set lines and the default dimension "
            "set lines on the parent."
        ),
    ),
    "dimension_read_only": (
        400,
        DIALOG,
        "Parent with ID {parent} does not exist or dimension set lines are read only for parent type {type}.",
    ),
    "dimensions_invalid": (400, DIALOG, "The dimensions used in {where} are invalid (Error: {rule})."),
    # -- journals and payments
    "line_needs_journal": (
        400,
        DIALOG,
        "You must specify a journal batch ID or a journal ID to get a journal line.",
    ),
    "journal_unknown": (400, DIALOG, 'The "journalId" does not match to a Journal.'),
    "journal_mismatch": (400, DIALOG, "The Journal Id and Journal Display Name do not match."),
    "journal_fixed": (400, DIALOG, "The Journal Id cannot be changed."),
    "vendor_id": (400, DIALOG, 'The "vendorId" does not match to a Vendor.'),
    "vendor_number": (400, DIALOG, 'The "vendorNumber" does not match to a Vendor.'),
    "vendor_pair": (400, DIALOG, "The vendor values do not match to a specific Vendor."),
    "applies_to_id": (
        400,
        DIALOG,
        'The "appliesToInvoiceId" should be the ID of an Open, Paid, Corrective, or Canceled Invoice.',
    ),
    "applies_to_pair": (400, DIALOG, "The Applies To Invoice values do not match to the same Invoice."),
    "apply_needs_payment": (400, DIALOG, "You must specify a vendor payment to get apply vendor entries."),
    "balancing_account": (400, DIALOG, 'The "balancingAccountId" does not match to a G/L Account.'),
    "account_id": (400, DIALOG, 'The "accountId" does not match to an Account.'),
    "account_number": (400, DIALOG, 'The "accountNumber" does not match to an Account.'),
    "account_pair": (400, DIALOG, "The account values do not match to a specific Account."),
    "vendor_blocked_new": (
        400,
        DIALOG,
        "You cannot create this type of document when Vendor {vendor} is blocked with type {type}",
    ),
    "vendor_blocked_post": (
        400,
        DIALOG,
        "You cannot post this type of document when Vendor {vendor} is blocked with type {type}",
    ),
    "date_window": (
        400,
        DIALOG,
        "Posting Date is not within your range of allowed posting dates in {table}: {key}.",
    ),
    "document_used": (400, DIALOG, "Purchase {type} {number} already exists."),
    "external_used": (400, DIALOG, "Purchase {type} {number} already exists for this vendor."),
    "no_open_entry": (
        400,
        "Internal_DataNotFoundFilter",
        (
            "There is no Vendor Ledger Entry within the filter. Filters: Document Type: Invoice, Document No.: "
            "{number}, Vendor No.: {vendor}, Open: Yes"
        ),
    ),
    "one_currency": (400, DIALOG, "All entries in one application must be in the same currency."),
    "earlier_date_apply": (
        400,
        DIALOG,
        (
            "You cannot apply and post an entry to an entry with an earlier posting date. Instead, post the "
            "document of type {type} with the number {number} and then apply it to the document of type {other} "
            "with the number {other_number}."
        ),
    ),
    "earlier_date": (
        400,
        DIALOG,
        "You are not allowed to apply and post an entry to an entry with an earlier posting date.",
    ),
    "out_of_balance": (
        400,
        DIALOG,
        (
            "The lines in Journal are out of balance by {amount}. Check that Balance Account No. and Amount are "
            "correct for each line."
        ),
    ),
    "account_blocked": (400, FIELD, "Blocked must be equal to 'No' in {table}: No.={number}. Current value is 'Yes'."),
    "direct_posting": (
        400,
        FIELD,
        "Direct Posting must be equal to 'Yes' in G/L Account: No.={number}. Current value is 'No'.",
    ),
    "account_type": (400, FIELD, "Account Type must be equal to 'Posting' in G/L Account: No.={number}."),
    "reversed_already": (400, DIALOG, "You cannot reverse {table} No. {number} because the entry has been reversed."),
    "reverse_applied": (
        400,
        DIALOG,
        "You cannot reverse {table} No. {number} because the entry is closed or applied. Unapply it first.",
    ),
    "not_applied": (400, DIALOG, "There is no application entry for {table} No. {number}."),
    # -- documents and subscriptions
    "attachment_filter": (400, DIALOG, "You must specify a parentId and a parentType in the filter."),
    "attachment_parent": (
        400,
        DIALOG,
        "Parent type {type} is not supported. Use documentAttachments API instead.",
    ),
    "no_parent": (400, DIALOG, "The parent of the attachment cannot be found."),
    "handshake": (400, BAD, "The notification URL did not answer the validation request with its token."),
    "subscription_resource": (400, BAD, "The resource '{resource}' does not support webhook notifications."),
    "subscription_limit": (400, BAD, "The maximum number of subscriptions, {most}, is reached."),
}


class Refusal(Exception):
    """A refused request: one of ``REFUSALS`` with the words to fill in."""

    def __init__(self, refusal: str, /, **words: Any) -> None:
        super().__init__(refusal)
        self.key = refusal
        self.words = words
        self.status, self.code, self._english = REFUSALS[refusal]

    def __str__(self) -> str:
        return self.text("en")

    def text(self, language: str) -> str:
        """The message in a language such as ``de-DE``; English where there is no translation."""
        table = LANGUAGES.get(language.partition("-")[0].lower(), {})
        return table.get(self.key, self._english).format(**self.words)


def error_body(code: str, message: str, correlation: str | None = None) -> dict[str, Any]:
    """The JSON of an error: two blanks before and after ``CorrelationId:``, and a full stop at the end."""
    tail = f"  CorrelationId:  {correlation or uuid.uuid4()}."
    return {"error": {"code": code, "message": message + tail}}
