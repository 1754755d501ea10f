"""The search for secrets finds them in whatever they were written: what it does not find is not there."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from support.leaks import traces

SECRET = 'Päss "word"/+%\\1~'
LONGER = {"user": "x", "password": SECRET, "key": "y"}


@pytest.mark.parametrize(
    "written",
    [
        SECRET.encode(),
        json.dumps(LONGER).encode(),
        json.dumps(LONGER, ensure_ascii=False).encode(),
        json.dumps({"body": json.dumps(LONGER)}).encode(),
        str(LONGER).encode(),
        repr(json.dumps(LONGER, ensure_ascii=False).encode()).encode(),
        quote(SECRET, safe="").lower().encode(),
        quote_plus(f"a={SECRET}&b").encode(),
        SECRET.encode("utf-16-le"),
        SECRET.encode().hex().upper().encode(),
        *(
            base64.b64encode(b"x" * before + SECRET.encode() + b"y" * after)
            for before in range(4)
            for after in range(4)
        ),
        *(base64.urlsafe_b64encode(b"x" * before + SECRET.encode()) for before in range(4)),
    ],
)
def test_a_secret_is_found_under_every_spelling(written: bytes) -> None:
    """Plain, escaped, quoted, in base64 and in the middle of something longer."""
    assert traces({"it": SECRET}, b"before " + written + b" after")
    assert not traces({"it": SECRET}, b"before after Pass word")
