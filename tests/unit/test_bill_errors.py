"""What a refusal by BILL allows, whatever shape it comes in."""

from json import dumps

import pytest

from tieout.domain.errors import Executed, Fatal, InDoubt, Reject, Retry
from tieout_connectors.bill.errors import CODES, Endpoint, Kind, classify, endpoint_of


def refusal(*codes: str, message: str = "Something went wrong.", **more: str) -> bytes:
    """A refusal as BILL documents it: a bare list."""
    stamp = "2026-11-24T10:15:30.000+00:00"
    problems = [
        {
            "timestamp": stamp,
            "code": code,
            "severity": "ERROR",
            "category": "REQUEST",
            "message": message,
            "params": {},
        }
        | more
        for code in codes
    ]
    return dumps(problems).encode()


BILL, LOGIN, LIST = "POST /v3/bills", "POST /v3/login", "GET /v3/bills"

TABLE = [
    # call, status, code → class, executed
    (BILL, 401, "BDC_1109", "retry", "no"),
    (LIST, 401, "BDC_1109", "retry", "no"),
    (LOGIN, 401, "BDC_1109", "fatal", "no"),
    (LOGIN, 401, "BDC_1101", "fatal", "no"),
    (LOGIN, 400, "BDC_1101", "fatal", "no"),
    (LOGIN, 403, "BDC_1101", "fatal", "no"),
    (LOGIN, 401, "BDC_1102", "fatal", "no"),
    (LOGIN, 401, "BDC_1110", "fatal", "no"),
    (LOGIN, 401, "BDC_1123", "fatal", "no"),
    (LOGIN, 400, "BDC_9999", "fatal", "no"),
    (LOGIN, 400, "BDC_1117", "fatal", "no"),
    (LOGIN, 422, "BDC_1144", "retry", "no"),
    (LOGIN, 423, "BDC_1107", "retry", "no"),
    (LOGIN, 500, "BDC_1001", "retry", "no"),
    (BILL, 422, "BDC_1144", "retry", "no"),
    (BILL, 429, "BDC_1144", "retry", "no"),
    (BILL, 422, "BDC_1322", "retry", "no"),
    (BILL, 429, "BDC_1322", "retry", "no"),
    (BILL, 423, "BDC_1107", "retry", "no"),
    (BILL, 400, "BDC_1143", "reject", "no"),
    (BILL, 422, "BDC_1152", "reject", "no"),
    (BILL, 422, "BDC_1171", "reject", "yes"),
    ("PATCH /v3/bills/{id}", 422, "BDC_1171", "reject", "no"),
    ("POST /v3/bills/bulk", 422, "BDC_1171", "reject", "no"),
    (BILL, 404, "BDC_1205", "reject", "no"),
    (BILL, 404, "BDC_1121", "fatal", "no"),
    (BILL, 403, "BDC_1145", "fatal", "no"),
    (BILL, 403, "BDC_1361", "fatal", "no"),
    (BILL, 500, "BDC_1001", "in_doubt", "unknown"),
    (LIST, 500, "BDC_1001", "retry", "no"),
    (BILL, 500, "BDC_1002", "in_doubt", "unknown"),
    (LIST, 500, "BDC_1002", "reject", "no"),
    (LIST, 400, "BDC_1130", "reject", "no"),
    ("POST /v3/bills/record-payment", 422, "BDC_1159", "reject", "no"),
    ("POST /v3/vendors", 422, "BDC_8888", "reject", "no"),
    (BILL, 500, "BDC_8888", "in_doubt", "unknown"),
    (LIST, 503, "BDC_8888", "retry", "no"),
]


@pytest.mark.parametrize(("call", "status", "code", "kind", "executed"), TABLE)
def test_each_code_allows_what_the_table_says(call: str, status: int, code: str, kind: str, executed: str) -> None:
    """A person reads the same class, and the writer does the same thing, for the same refusal."""
    result = classify(call, status, refusal(code))
    assert (result.kind, result.executed, result.code) == (kind, executed, code)
    assert result.message == "Something went wrong."


WITHOUT_CODE = [
    (BILL, 400, "reject", "bad_request"),
    (BILL, 401, "retry", "unauthorized"),
    (LOGIN, 401, "fatal", "unauthorized"),
    (LOGIN, 404, "fatal", "not_found"),
    (LOGIN, 429, "retry", "rate_limited"),
    (LOGIN, 502, "retry", "server_error"),
    (BILL, 403, "fatal", "forbidden"),
    (BILL, 404, "reject", "not_found"),
    (BILL, 409, "reject", "bad_request"),
    (BILL, 422, "reject", "refused"),
    (BILL, 423, "retry", "locked"),
    (BILL, 429, "retry", "rate_limited"),
    (BILL, 408, "in_doubt", "timed_out"),
    (LIST, 408, "retry", "timed_out"),
    (BILL, 500, "in_doubt", "server_error"),
    (BILL, 502, "in_doubt", "server_error"),
    (BILL, 504, "in_doubt", "server_error"),
    (LIST, 504, "retry", "server_error"),
    (BILL, 302, "fatal", "redirected"),
    (BILL, 100, "in_doubt", "server_error"),
    (BILL, 200, "in_doubt", "unreadable"),
    (BILL, 201, "in_doubt", "unreadable"),
    (LIST, 200, "retry", "unreadable"),
]


@pytest.mark.parametrize("body", [b"", b"<html><body><h1>Bad Gateway</h1></body></html>", b"[]", b"\xff\xfe\x00", b"7"])
@pytest.mark.parametrize(("call", "status", "kind", "code"), WITHOUT_CODE)
def test_without_a_code_the_status_decides(call: str, status: int, kind: str, code: str, body: bytes) -> None:
    """A gateway's page, an empty body or noise is never read as a refusal that BILL did not make."""
    result = classify(call, status, body)
    assert (result.kind, result.code) == (kind, code)
    assert result.message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'[{"message":"address: must not be null","severity":"ERROR"}]', "address: must not be null"),
        (b'{"message":"not now"}', "not now"),
        (b'{"errors":[{"message":"one"},{"message":"two"}]}', "one; two"),
        (b'{"error":{"message":"inner"}}', "inner"),
        (b'"just text"', "just text"),
        (b"<html><style>p{}</style><p>Bad   Gateway</p></html>", "Bad Gateway"),
        (b'[{"message":"paid"},{"message":"00n1 : paid"}]', "paid"),
        (b'[{"message":"keep ${paramName0} as it is"}]', "keep ${paramName0} as it is"),
    ],
)
def test_the_message_is_shown_as_bill_wrote_it(body: bytes, message: str) -> None:
    """The reason is not lost in a list, an object or a page, and not told twice."""
    assert classify(BILL, 400, body).message == message


def test_codes_decide_and_text_never_does() -> None:
    """BILL's text can name the wrong cause: the same words with another code mean another thing."""
    text = "Session is invalid.  Please log in. Duplicate. Rate limit."
    assert classify(BILL, 422, refusal("BDC_1143", message=text)).kind is Kind.REJECT
    assert classify(BILL, 400, refusal("BDC_1109", message="field is too long")).kind is Kind.RETRY


def test_an_untrusted_session_is_not_cured_by_signing_in() -> None:
    """No sign-in is spent on what only a second factor can cure."""
    result = classify("POST /v3/payments", 403, refusal("BDC_1361", message="Untrusted session."))
    assert (result.kind, "signing in again does not help" in result.cure) == (Kind.FATAL, True)


def test_in_a_bulk_refusal_the_item_that_failed_is_named_not_those_rolled_back() -> None:
    """One bad bill among many is told by its own problem, wherever in the list it stands."""
    body = refusal("BDC_1246")[:-1] + b"," + refusal("BDC_1143", message="invoiceNumber: too long")[1:]
    result = classify("POST /v3/bills/bulk", 400, body)
    assert (result.kind, result.code) == (Kind.REJECT, "BDC_1143")


def test_the_gravest_of_several_problems_decides() -> None:
    """Where one problem leaves a write in doubt, no other makes it certain."""
    assert classify(BILL, 500, refusal("BDC_1143", "BDC_1001")).kind is Kind.IN_DOUBT


def test_a_warning_beside_an_error_does_not_decide() -> None:
    """A warning is told but the error is acted on."""
    body = refusal("BDC_1145", severity="WARNING")[:-1] + b"," + refusal("BDC_1143")[1:]
    assert classify(BILL, 400, body).code == "BDC_1143"


def test_the_spent_hour_says_how_long_by_bills_own_clock() -> None:
    """Nothing is asked again before BILL's next clock hour."""
    assert classify(BILL, 422, refusal("BDC_1144")).after == 44 * 60 + 30
    assert classify(BILL, 422, b'[{"code":"BDC_1144","message":"x"}]').after is None


def test_the_printed_form_has_the_five_words() -> None:
    """``tieout inspect bill/error`` prints exactly these."""
    printed = classify(BILL, 422, refusal("BDC_1171", message="Invoice number already exists.")).as_json()
    assert printed == {
        "class": "reject",
        "executed": "yes",
        "code": "BDC_1171",
        "message": "Invoice number already exists.",
        "cure": CODES["BDC_1171"].cure,
    }


@pytest.mark.parametrize(
    ("call", "endpoint"),
    [
        ("POST /v3/login", Endpoint.LOGIN),
        ("post /connect/v3/login", Endpoint.LOGIN),
        ("POST https://gateway.stage.bill.com/connect/v3/login?x=1", Endpoint.LOGIN),
        ("GET /v3/login/session", Endpoint.READ),
        ("POST /v3/logout", Endpoint.WRITE),
        ("GET /v3/vendors/009ABC", Endpoint.READ),
        ("POST /v3/vendors/{id}/archive", Endpoint.WRITE),
        ("PUT /v3/bills/{id}", Endpoint.WRITE),
        ("DELETE /v3/subscriptions/{id}", Endpoint.WRITE),
        ("POST /v3/subscriptions", Endpoint.KEYED),
        ("POST /v3/subscriptions/{id}/security_key", Endpoint.KEYED),
        ("POST /v3/subscriptions/{id}/security-key", Endpoint.KEYED),
        ("POST /v3/subscriptions/{id}/test", Endpoint.WRITE),
    ],
)
def test_calls_are_told_apart_with_or_without_ids(call: str, endpoint: Endpoint) -> None:
    """A person may paste the call as the log shows it or as a template."""
    assert endpoint_of(call) is endpoint


@pytest.mark.parametrize("call", ["", "/v3/bills", "POST", "POST bills", "POST /v2/bills"])
def test_what_is_no_call_is_refused(call: str) -> None:
    """A typing error is told, not classified."""
    with pytest.raises(ValueError, match="a call is a method and a path"):
        classify(call, 400, b"")


def test_a_lost_keyed_write_says_how_to_repeat_it() -> None:
    """Creating a subscription may be repeated with its key, and the cure says so."""
    assert "same idempotency key" in classify("POST /v3/subscriptions", 502, b"").cure


def test_the_error_raised_carries_what_was_classified() -> None:
    """Whoever catches it has code, cure, call and status at hand."""
    kinds = {"BDC_1109": Retry, "BDC_1143": Reject, "BDC_1145": Fatal, "BDC_1001": InDoubt}
    for code, kind in kinds.items():
        error = classify(BILL, 400, refusal(code)).error(BILL, 400)
        assert (type(error), error.code, error.call, error.status) == (kind, code, BILL, 400)
        assert error.cure
    duplicate = classify(BILL, 422, refusal("BDC_1171")).error(BILL, 422)
    assert duplicate.executed is Executed.YES


def test_every_code_of_the_table_has_a_cure() -> None:
    """No code leaves a person without a next step."""
    assert [code for code, rule in CODES.items() if not rule.cure.endswith(".")] == []
