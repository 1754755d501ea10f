"""What the command line does with secrets: it reads them, sends them, and shows them nowhere."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieout_cli.client import ControlPlane, Refused, control_plane
from tieout_cli.output import CliError
from tieout_cli.secret import parsed

HIDDEN = st.text(
    alphabet=st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp", "Zs"), blacklist_characters='{}"#:'),
    min_size=6,
    max_size=30,
).map(lambda text: f"Xq9{text}")


@pytest.fixture
def refusing() -> Iterator[tuple[str, list[str]]]:
    """A server that refuses everything with what it was sent, as a badly behaved proxy would; and what it saw."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append(f"{self.headers['Authorization']} {body.decode()}")
            self.send_response(502)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            del format, args

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    thread.join(10)
    server.server_close()


def test_an_answer_that_repeats_a_secret_is_not_shown(refusing: tuple[str, list[str]]) -> None:
    """A proxy's page is not control-plane's word: only its status is told."""
    url, seen = refusing
    api = ControlPlane(url, "the-token-of-somebody-else")
    with pytest.raises(Refused) as caught:
        api.call("PUT", "/v1/connections/c/secrets/bill", {"values": {"password": "hunter2-hunter2"}})
    assert "hunter2-hunter2" in seen[0]
    assert caught.value.message == "HTTP 502 without control-plane's own words"
    assert "hunter2" not in repr(caught.value) + "".join(caught.value.lines)
    assert "the-token" not in repr(api)


def test_loopback_is_called_without_the_companys_proxy(
    refusing: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy of the environment neither sees the token nor breaks the demo."""
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    url, seen = refusing
    with pytest.raises(Refused):
        ControlPlane(url, "t").call("PUT", "/", {})
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("environment", "option", "expected"),
    [
        ({"TIEOUT_API_TOKEN": "from-variable"}, False, "from-variable"),
        ({"TIEOUT_API_TOKEN_FILE": "FILE"}, False, "from-file"),
        ({"TIEOUT_API_TOKEN": "from-variable"}, True, "from-file"),
        ({"TIEOUT_API_TOKEN": "from-variable", "TIEOUT_API_TOKEN_FILE": "/nowhere"}, False, "from-variable"),
    ],
)
def test_where_the_token_comes_from(
    tmp_path: Path, environment: dict[str, str], *, option: bool, expected: str
) -> None:
    """The option first, then the variable, then the file that a variable names."""
    file = tmp_path / "token"
    file.write_text("from-file\n")
    known = {name: str(file) if value == "FILE" else value for name, value in environment.items()}
    assert control_plane("http://h", file if option else None, known).token == expected


@pytest.mark.parametrize(
    "text",
    [
        '{"user": "u", "password": "p: with colon"}',
        "user: u\npassword: p: with colon\n",
        "# from the vault\n\n  user :u  \n password: p: with colon",
    ],
)
def test_credentials_are_json_or_lines(text: str) -> None:
    """A value may hold colons; blanks around it do not count."""
    assert parsed(text) == {"user": "u", "password": "p: with colon"}


@given(
    secret=HIDDEN,
    place=st.sampled_from(["{}", "{{ {}", '{{"password": {}', '{{"{}"', "a: b\n{}", "x: 1\nx: {}", "[{}]"]),
)
def test_no_error_repeats_credentials_that_cannot_be_read(secret: str, place: str) -> None:
    """A file in the wrong form is told by its line, never by its text."""
    with pytest.raises(CliError) as caught:
        parsed(place.format(secret))
    error = caught.value
    assert secret not in f"{error} {error!r} {error.cure} {error.lines} {json.dumps(error.problems)}"
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
