"""The outside worlds: their ledgers, what was asked of them, and people at work in them."""

import http.client
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from tieout_cli.output import CliError
from tieout_devstack.certificates import Authority

# The ledger of the whole company is some megabytes of JSON, made while the machine is busy.
SECONDS: Final = 60.0
_PROBE_SECONDS: Final = 2.0


def answers(url: str, *, ca: Authority | None = None) -> bool:
    """Whether a simulator answers."""
    try:
        with _opener(url, ca).open(f"{url}/_sandbox/clock", timeout=_PROBE_SECONDS) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except (OSError, http.client.HTTPException):
        return False


@dataclass(frozen=True)
class World:
    """One simulator; ``ca`` signs its certificate if it speaks TLS."""

    name: str
    url: str
    ca: Authority | None = None

    def ledger(self) -> dict[str, Any]:
        """The ground truth."""
        truth: dict[str, Any] = self.ask("/_sandbox/ledger")
        return truth

    def requests(self, after: int = 0) -> list[dict[str, Any]]:
        """The calls seen since one, in the order of their answers."""
        seen: list[dict[str, Any]] = self.ask(f"/_sandbox/requests?after={after}")
        return seen

    def ask(self, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """The JSON of an answer: of a GET, or of a POST if there is a body. Raises CliError with what was said."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - our own simulator on loopback
            self.url + path, data=data, headers={"Content-Type": "application/json", **(headers or {})}
        )
        try:
            with _opener(self.url, self.ca).open(request, timeout=SECONDS) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                said = error.read(2_000).decode(errors="replace")
            raise CliError(f"{self.name} refused {path}: {error.code} {said}", word="sandbox") from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise CliError(f"{self.name} does not answer {path}: {error}", word="sandbox") from None


def _opener(url: str, ca: Authority | None) -> urllib.request.OpenerDirector:
    # A proxy of the environment has no business with loopback.
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if url.startswith("https"):
        handlers.append(urllib.request.HTTPSHandler(context=None if ca is None else ca.client_context()))
    return urllib.request.build_opener(*handlers)
