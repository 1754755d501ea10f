"""Calls to control-plane. The standard library is enough, and loads quickly."""

import http.client
import ipaddress
import json
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote, urlsplit

import typer

from tieout_cli.output import FOUND, WRONG_USE, CliError

URL: Final = "TIEOUT_API_URL"
TOKEN: Final = "TIEOUT_API_TOKEN"  # noqa: S105 - the name of a variable
CA_FILE: Final = "TIEOUT_API_CA_FILE"
DEMO_STACK: Final = "demo/stack"
"""Where ``tieout demo`` has its stack, below the project's folder of state."""
TIMEOUT: Final = 30.0
LARGEST: Final = 64 * 1024 * 1024

UrlOption = Annotated[str, typer.Option("--url", help=f"Address of control-plane; else {URL}, else the dev stack's.")]
TokenFileOption = Annotated[
    Path | None,
    typer.Option("--token-file", help=f"File with the token; else {TOKEN} or {TOKEN}_FILE, else the dev stack's."),
]


@dataclass(frozen=True)
class Refusal:
    """control-plane's own words about a call it did not carry out."""

    status: int
    code: str
    message: str
    cure: str
    problems: list[dict[str, str]]


class Refused(CliError):
    """A call was refused by control-plane."""

    def __init__(self, refusal: Refusal) -> None:
        wrong_input = refusal.status in {404, 409, 413, 422}
        lines = [_line(problem) for problem in refusal.problems]
        super().__init__(
            refusal.message,
            cure=refusal.cure,
            code=WRONG_USE if wrong_input else FOUND,
            word=refusal.code,
            problems=refusal.problems,
            lines=lines,
        )
        self.refusal = refusal


@dataclass(frozen=True)
class ControlPlane:
    """Where control-plane is, and the token to call it with."""

    url: str
    token: str = field(repr=False)
    ca_file: str = ""

    def call(self, method: str, path: str, body: Any = None, *, timeout: float = TIMEOUT) -> Any:
        """The answer's JSON.

        Raises:
            Refused: control-plane says why not.
            CliError: it cannot be reached.
        """
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked
            self.url.rstrip("/") + path,
            data=data,
            method=method,
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        try:
            with self._opener().open(request, timeout=timeout) as answer:
                return json.loads(answer.read(LARGEST))
        except urllib.error.HTTPError as error:
            with error:
                raise Refused(_refusal(error.code, error.read(LARGEST))) from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise CliError(
                f"control-plane does not answer at {self.url}: {reason}",
                cure=f"Is it running and ready? See {self.url.rstrip('/')}/readyz, or give another address by {URL}.",
                word="unreachable",
            ) from None

    def _opener(self) -> urllib.request.OpenerDirector:
        handlers: list[urllib.request.BaseHandler] = []
        parts = urlsplit(self.url)
        if _is_loopback(parts.hostname or ""):
            handlers.append(urllib.request.ProxyHandler({}))
        if parts.scheme == "https":
            handlers.append(
                urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=self.ca_file or None))
            )
        return urllib.request.build_opener(*handlers)


def path_of(connection: str, *parts: str) -> str:
    """The path of a connection, and of what is below it."""
    return "/".join(["/v1/connections", quote(connection, safe=""), *(quote(part, safe="") for part in parts)])


def control_plane(url: str, token_file: Path | None, environment: Mapping[str, str] = os.environ) -> ControlPlane:
    """From options, else the environment, else the dev stack that runs on this machine.

    Raises:
        CliError: no address or no token is known; names the ways to give them.
    """
    known = _dev_stack()
    address = url or environment.get(URL, "") or known.get("url", "")
    if not address:
        raise CliError(
            "no address of control-plane is known",
            cure=f"Give --url or {URL}; a dev stack that runs on this machine is found by itself.",
            code=WRONG_USE,
            word="no_address",
        )
    if urlsplit(address).scheme not in {"http", "https"} or not urlsplit(address).hostname:
        raise CliError("the address of control-plane is not an http address", code=WRONG_USE, word="no_address")
    token = _token(token_file, environment) or (known.get("token", "") if address == known.get("url") else "")
    if not token:
        raise CliError(
            "no token for control-plane is known",
            cure=f"Give --token-file, {TOKEN} or {TOKEN}_FILE.",
            code=WRONG_USE,
            word="no_token",
        )
    return ControlPlane(address, token, environment.get(CA_FILE, ""))


def _token(token_file: Path | None, environment: Mapping[str, str]) -> str:
    file = token_file or (Path(environment[f"{TOKEN}_FILE"]) if environment.get(f"{TOKEN}_FILE") else None)
    if file is None or (token_file is None and environment.get(TOKEN)):
        return environment.get(TOKEN, "")
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not text"
        raise CliError(f"the token file {file} cannot be read: {why}", code=WRONG_USE, word="no_token") from None


def _dev_stack() -> dict[str, str]:
    """What a dev stack that runs, or a demo that was kept running, has published of its control-plane."""
    from tieout_devstack.files import state_folder  # noqa: PLC0415 - where nothing else says the address

    for place in (state_folder(), state_folder() / DEMO_STACK):
        try:
            known = json.loads((place / "state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        found = known.get("control_plane") if isinstance(known, dict) else None
        if isinstance(found, dict):
            return {name: str(value) for name, value in found.items()}
    return {}


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refusal(status: int, body: bytes) -> Refusal:
    try:
        error = json.loads(body)["error"]
        problems = [{str(k): str(v) for k, v in each.items()} for each in error.get("problems", [])]
        return Refusal(status, str(error["code"]), str(error["message"]), str(error.get("cure", "")), problems)
    except (ValueError, KeyError, TypeError, AttributeError):
        cure = "Is that address control-plane's, with nothing else in front of it?"
        return Refusal(status, "no_answer", f"HTTP {status} without control-plane's own words", cure, [])


def _line(problem: Mapping[str, str]) -> str:
    where = ": ".join(part for part in (problem.get("connection", ""), problem.get("field", "")) if part)
    text = f"{where} {problem.get('message', '')}".strip()
    return f"{text}; allowed: {problem['allowed']}" if problem.get("allowed") else text
