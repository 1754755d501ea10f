"""Webhooks: whether they come from BILL, and what they say."""

from base64 import b64decode, b64encode
from decimal import Decimal
from json import dumps, loads
from pathlib import Path
from typing import Any

import pytest

from tieout.domain.bill_events import Subject
from tieout_connectors.bill.signature import is_genuine, sign
from tieout_connectors.bill.wire.events import read_event, unwrap
from tieout_connectors.bill.wire.privacy import redacted
from tieout_connectors.bill.wire.vendors import read_vendor
from tieout_connectors.spi.wire import Unreadable

FIXTURES = Path(__file__).parent.parent / "fixtures" / "bill"

# Test case 2 of RFC 4231, and a body of ours whose value was taken with openssl.
VECTORS = [
    ("Jefe", b"what do ya want for nothing?", "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="),
    ("key-01", b'{"metadata":{"eventId":"1"}}', "vYIhl3tl+9M2WQOSAMagTJPqtAsKZvsN7AT6XtzumOQ="),
]


def body(name: str) -> bytes:
    """A delivery as BILL sends it: minified."""
    return dumps(loads((FIXTURES / f"{name}.json").read_text()), separators=(",", ":")).encode()


def test_the_signature_is_the_documented_one() -> None:
    """A delivery signed by BILL is accepted."""
    for key, content, signature in VECTORS:
        assert sign(content, key) == signature
        assert is_genuine(content, signature, [key])


def test_a_key_is_used_as_its_utf8_bytes_and_not_decoded() -> None:
    """A key that looks like base64 or hex is still text."""
    assert sign(b"x", "61") != sign(b"x", "a")


def test_one_byte_more_or_less_is_another_body() -> None:
    """What counts are the bytes as received: the same JSON with a blank is not genuine."""
    content = body("webhook.bill.updated")
    signature = sign(content, "key")
    assert is_genuine(content, signature, ["key"])
    assert not is_genuine(content.replace(b":", b": ", 1), signature, ["key"])
    assert not is_genuine(content + b"\n", signature, ["key"])


@pytest.mark.parametrize(
    "signature", [None, "", "   ", "AAAA", "é", "\udcff", "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM"]
)
def test_a_missing_or_wrong_signature_is_refused(signature: str | None) -> None:
    """A forged delivery never gets in, whatever its header holds."""
    assert not is_genuine(b"what do ya want for nothing?", signature, ["Jefe"])


def test_without_a_key_nothing_is_genuine() -> None:
    """A connection whose key is not stored yet accepts nothing, not everything."""
    assert not is_genuine(b"x", sign(b"x", ""), [])
    assert not is_genuine(b"x", sign(b"x", ""), [""])


def test_while_a_key_is_changed_both_are_accepted() -> None:
    """No delivery is lost in the overlap, and the old key is dead once it is taken off the list."""
    old, new = sign(b"x", "old"), sign(b"x", "new")
    assert [is_genuine(b"x", one, ["old", "new"]) for one in (old, new)] == [True, True]
    assert [is_genuine(b"x", one, ["new"]) for one in (old, new)] == [False, True]


def test_a_flipped_bit_of_the_digest_is_refused() -> None:
    """Almost right is wrong."""
    digest = bytearray(b64decode(sign(b"x", "key")))
    digest[-1] ^= 1
    assert not is_genuine(b"x", b64encode(bytes(digest)).decode(), ["key"])


@pytest.mark.parametrize("wrap", ["plain", "text", "item", "item in text"])
def test_a_notification_is_found_however_it_is_wrapped(wrap: str) -> None:
    """A delivery, escaped text, and an item of the history all say the same."""
    content = body("webhook.payment.updated")
    item = dumps({"id": "e", "type": "payment.updated", "payload": content.decode(), "statusCode": 500})
    wrapped = {
        "plain": content,
        "text": dumps(content.decode()).encode(),
        "item": item.encode(),
        "item in text": dumps(item).encode(),
    }[wrap]
    assert read_event(unwrap(wrapped)).record == "stp01PAYMENT00000001"


def test_amounts_in_a_notification_are_exact() -> None:
    """No float on the way in."""
    raw = unwrap(body("webhook.payment.failed"))
    assert read_event(raw).failed[0].amount == Decimal("400.10")


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"{}", b"[]", b'"{}"', b"null", b'{"payload":{"payload":{}}}', b"\xff"]
)
def test_what_is_no_notification_is_unreadable(content: bytes) -> None:
    """A genuine body of another shape is set aside with a reason."""
    with pytest.raises(Unreadable):
        unwrap(content)


def event(name: str, **changes: Any) -> Any:
    """A fixture's event, with keys of its entity changed."""
    raw = dict(unwrap(body(name)))
    entity = raw["metadata"]["eventType"].partition(".")[0]
    raw[entity] = {**raw[entity], **changes}
    return read_event(raw)


def test_a_bill_event_names_bill_vendor_and_time() -> None:
    """Enough to read the bill again, which is what has to be done: it has no lines."""
    hint = event("webhook.bill.updated")
    assert (hint.subject, hint.record, hint.vendor, hint.status, hint.bills) == (
        Subject.BILL,
        "00n01BILL00000000001",
        "00901ACMEGLASSWARE00",
        "UNPAID",
        ("00n01BILL00000000001",),
    )
    assert (hint.id, hint.organization) == ("e1b6a3de-4e20-4b47-a3ef-5f6a6f2b9f01", "00801ORGANIZATION000")
    assert hint.updated is not None


def test_a_vendor_event_names_its_vendor() -> None:
    """And a version sent as a number is the same version."""
    hint = event("webhook.vendor.updated")
    assert (hint.subject, hint.record, hint.vendor, hint.version) == (
        Subject.VENDOR,
        "00901ACMEGLASSWARE00",
        "00901ACMEGLASSWARE00",
        "1",
    )


def test_a_payment_event_has_bills_and_status_but_no_division() -> None:
    """The payment is to be read; nothing in the event could be posted."""
    hint = event("webhook.payment.updated")
    assert (hint.record, hint.status, hint.vendor, hint.failed) == (
        "stp01PAYMENT00000001",
        "PROCESSED",
        "00901ACMEGLASSWARE00",
        (),
    )
    assert hint.bills == ("00n01BILL00000000001", "00n01BILL00000000002")


def test_a_failed_creation_has_no_payment_id_and_both_shapes_are_read() -> None:
    """Whether BILL puts the reasons beside or inside, and calls a bill ``id`` or ``billId``."""
    beside = event("webhook.payment.failed")
    inside = read_event(
        {
            **{key: value for key, value in unwrap(body("webhook.payment.failed")).items() if key != "errors"},
            "payment": {
                "bills": [{"billId": "00n01BILL00000000001"}],
                "errors": [{"code": "BDC_1151", "message": "This account cannot pay."}],
            },
        }
    )
    for hint in (beside, inside):
        assert (hint.record, hint.bills, [problem.code for problem in hint.problems]) == (
            "",
            ("00n01BILL00000000001",),
            ["BDC_1151"],
        )


def test_an_event_that_has_to_name_its_record_and_does_not_is_unreadable() -> None:
    """A payment that changed without saying which would be lost in silence."""
    with pytest.raises(Unreadable, match=r"event\.payment\.id"):
        event("webhook.payment.updated", id=None)


def test_an_event_of_another_kind_is_read_as_other() -> None:
    """A subscription that somebody widened in BILL stops nothing."""
    raw = {
        "metadata": {"eventId": "1", "organizationId": "008", "eventType": "invoice.created"},
        "invoice": {"id": "00e"},
    }
    assert (read_event(raw).subject, read_event(raw).record) == (Subject.OTHER, "")


KEY = b"fingerprint-key"
BANK = {"nameOnAccount": "Acme", "accountNumber": "111222333", "routingNumber": "074000010"}


def test_bank_details_and_tax_numbers_are_taken_out_and_the_rest_stays() -> None:
    """What goes to a log says nothing that a thief could use."""
    vendor = {
        "id": "0091",
        "accountNumber": "77",
        "paymentInformation": {"payByType": "ACH", "bankAccount": BANK},
        "additionalInfo": {"taxId": "12-3456789", "taxIdType": "EIN", "track1099": True},
        "autoPay": {"enabled": True, "bankAccountId": "bac01"},
        "email": "ap@acme.example",
        "rppsId": "12345",
    }
    payment = vendor["paymentInformation"]
    assert isinstance(payment, dict)
    payment |= {"payeeName": "Jo Doe", "email": "jo@acme.example", "virtualCard": {"status": "A", "remitEmail": "j@a"}}
    assert redacted(vendor, None) == {
        "id": "0091",
        "paymentInformation": {"payByType": "ACH", "virtualCard": {"status": "A"}},
        "additionalInfo": {"track1099": True},
        "autoPay": {"enabled": True},
        "email": "ap@acme.example",
    }


def test_a_change_of_bank_details_is_seen_by_its_fingerprint_only() -> None:
    """Same details, same fingerprint, in any order; another number or another key, another one."""

    def mark(details: Any, key: bytes = KEY) -> str:
        raw = {"id": "0091", "name": "Acme", "paymentInformation": {"bankAccount": details}}
        return read_vendor(redacted(raw, key)).payment_fingerprint

    same = dict(reversed(BANK.items()))
    other = BANK | {"accountNumber": "111222334"}
    assert mark(BANK) == mark(same) != ""
    assert len({mark(BANK), mark(other), mark(BANK, b"another key")}) == 3
    assert not [value for value in BANK.values() if value in mark(BANK)]


def test_what_was_redacted_once_stays_as_it_is() -> None:
    """A message that passes two processes keeps its fingerprint."""
    once = redacted([{"paymentInformation": {"bankAccount": BANK}}], KEY)
    assert redacted(once, b"another key") == once


def test_a_webhook_loses_account_numbers_and_nothing_that_is_read() -> None:
    """The hint is the same before and after."""
    raw = unwrap(body("webhook.payment.updated"))
    assert read_event(redacted(raw, KEY)) == read_event(raw)
    shown = dumps(redacted(unwrap(body("webhook.vendor.updated")), KEY))
    assert "accountNumber" not in shown
