"""What Tieout may do after a refusal by Business Central."""

import json

import pytest

from tieout.domain.errors import Executed, Fatal, InDoubt, RecoveryError, Reject, Retry
from tieout_connectors.business_central.errors import classify

READ = "GET vendors"
CREATE = "POST vendorPaymentJournals({id})/vendorPayments"
CHANGE = "PATCH vendorPayments({id})"
POST = "POST journals({id})/Microsoft.NAV.post"


def body(code: str, message: str = "Ein Text in irgendeiner Sprache.") -> bytes:
    """An error as the service sends it."""
    tail = "  CorrelationId:  7e70c6fc-7d44-40d4-969d-aee1c7951551."
    return json.dumps({"error": {"code": code, "message": message + tail}}).encode()


@pytest.mark.parametrize(
    ("call", "status", "code", "kind", "executed"),
    [
        (READ, 401, "Authentication_InvalidCredentials", Retry, Executed.NO),
        (CREATE, 401, "Authentication_InvalidCredentials", Retry, Executed.NO),
        (READ, 401, "Authorization_RequestDenied", Fatal, Executed.NO),
        (READ, 403, "Authorization_RequestDenied", Fatal, Executed.NO),
        (READ, 404, "Internal_CompanyNotFound", Fatal, Executed.NO),
        (READ, 404, "BadRequest_NotFound", Fatal, Executed.NO),
        (READ, 404, "BadRequest_ResourceNotFound", Reject, Executed.NO),
        (READ, 404, "Internal_RecordNotFound", Reject, Executed.NO),
        (READ, 405, "BadRequest_MethodNotAllowed", Fatal, Executed.NO),
        (READ, 400, "BadRequest_MethodNotAllowed", Fatal, Executed.NO),
        (READ, 408, "", Retry, Executed.NO),
        (READ, 504, "", Retry, Executed.NO),
        (CREATE, 408, "", InDoubt, Executed.UNKNOWN),
        (CREATE, 504, "", InDoubt, Executed.UNKNOWN),
        (CREATE, 503, "Internal_TenantUnavailable", InDoubt, Executed.UNKNOWN),
        (CREATE, 500, "Unknown", InDoubt, Executed.UNKNOWN),
        (READ, 503, "", Retry, Executed.NO),
        (CREATE, 429, "Application_TooManyRequests", Retry, Executed.NO),
        (CHANGE, 409, "Request_EntityChanged", Retry, Executed.NO),
        (CHANGE, 412, "Request_EntityChanged", Retry, Executed.NO),
        (CREATE, 409, "Internal_EntityWithSameKeyExists", Reject, Executed.YES),
        (CREATE, 400, "Internal_EntityWithSameKeyExists", Reject, Executed.YES),
        (CHANGE, 409, "Internal_EntityWithSameKeyExists", Reject, Executed.NO),
        (CREATE, 409, "Internal_ServerError", Retry, Executed.NO),
        (CREATE, 400, "Internal_ServerError", Retry, Executed.NO),
        (POST, 400, "Internal_ServerError", InDoubt, Executed.UNKNOWN),
        (CREATE, 409, "Application_DialogException", Reject, Executed.NO),
        (POST, 400, "Application_DialogException", Reject, Executed.NO),
        (POST, 400, "Application_FieldValidationException", Reject, Executed.NO),
        (POST, 400, "Internal_DataNotFoundFilter", Reject, Executed.NO),
        (CREATE, 400, "Internal_InvalidTableRelation", Reject, Executed.NO),
        (CHANGE, 400, "BadRequest_InvalidToken", Reject, Executed.NO),
        (CREATE, 400, "BadRequest", Reject, Executed.NO),
        (READ, 413, "", Reject, Executed.NO),
        (READ, 400, "SkipTokenIsNoLongerValid", Retry, Executed.NO),
        (CREATE, 418, "", Reject, Executed.NO),
        (READ, 302, "", Fatal, Executed.NO),
        (READ, 200, "", Retry, Executed.NO),
        (CREATE, 201, "", InDoubt, Executed.UNKNOWN),
        (POST, 204, "", InDoubt, Executed.UNKNOWN),
    ],
)
def test_a_refusal_is_classified(
    call: str, status: int, code: str, kind: type[RecoveryError], executed: Executed
) -> None:
    """Status and code decide; the message is in whatever language the application's user has."""
    result = classify(call, status, body(code) if code else b"")
    assert (result.kind, result.executed) == (kind, executed)


def test_a_missing_permission_is_told_from_trouble_of_the_database() -> None:
    """Both have one code; the platform's own word for the object decides, in every language."""
    english = "You do not have the following permissions on TableData G/L Entry: Read."
    german = "Die folgenden Berechtigungen für TableData Sachposten fehlen: Lesen."
    for message in (english, german):
        result = classify(READ, 400, body("Internal_ServerError", message))
        assert result.kind is Fatal
        assert "permission sets" in result.cure
    assert classify(READ, 400, body("Internal_ServerError", "SQL Server is busy")).kind is Retry


@pytest.mark.parametrize("message", ["There is nothing to post.", "Es gibt nichts zu buchen.", ""])
def test_the_language_of_a_message_changes_nothing(message: str) -> None:
    """A user's language setting must not change what is done about a payment."""
    result = classify(POST, 400, body("Application_DialogException", message))
    assert (result.kind, result.executed) == (Reject, Executed.NO)


def test_inspect_prints_what_a_person_needs() -> None:
    """Class, what is known about the effect, code, the message word for word, and a cure."""
    raw = body("Application_DialogException", "Posting Date is not within your range of allowed posting dates.")
    printed = classify(POST, 400, raw).as_json()
    assert printed["class"] == "reject"
    assert printed["executed"] == "no"
    assert printed["code"] == "Application_DialogException"
    assert printed["message"].startswith("Posting Date is not within")
    assert printed["cure"]


def test_a_gateways_page_is_read_without_code() -> None:
    """A body that is no JSON still classifies by status, and its visible text is the message."""
    page = b"<html><head><style>p{}</style></head><body><h1>504 Gateway Time-out</h1></body></html>"
    result = classify(CREATE, 504, page)
    assert (result.kind, result.code, result.message) == (InDoubt, "http_504", "504 Gateway Time-out")


def test_a_wait_is_honoured_where_the_service_gives_one() -> None:
    """429 usually comes without Retry-After; with it, it counts."""
    assert classify(READ, 429, b"", retry_after="7").after == 7.0
    assert classify(READ, 429, b"").after is None
    assert classify(READ, 429, b"", retry_after="Wed, 21 Oct 2026 07:28:00 GMT").after is None
    assert classify(READ, 429, b"", retry_after="inf").after is None


def test_an_error_carries_call_and_status() -> None:
    """What is raised says where it happened."""
    error = classify(CREATE, 409, body("Internal_EntityWithSameKeyExists")).error(CREATE, 409)
    assert isinstance(error, Reject)
    assert (error.call, error.status, error.executed) == (CREATE, 409, Executed.YES)


@pytest.mark.parametrize("call", ["", "vendors", "GET", "FETCH vendors"])
def test_a_call_must_be_a_method_and_a_path(call: str) -> None:
    """Whoever asks wrongly is told so instead of getting a classification by accident."""
    with pytest.raises(ValueError, match="a method and a path"):
        classify(call, 400, b"")
