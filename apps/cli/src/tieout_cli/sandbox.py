"""``tieout sandbox``: the simulators of outside systems."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from tieout_cli.output import OUT, WRONG_USE, CliError, JsonOption
from tieout_sandbox.run import serve as serve_system

app = typer.Typer(
    help="Serve the simulator of an outside system.", no_args_is_help=True, rich_markup_mode=None, add_completion=False
)


@app.callback()
def sandbox() -> None:
    """Serve the simulator of an outside system."""


@app.command(epilog="Example: tieout sandbox serve bill --port 8080 --world world.json")
def serve(
    system: Annotated[str, typer.Argument(metavar="SYSTEM", help="bill, entra, business-central, …")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    world: Annotated[Path | None, typer.Option(help="JSON file with the state to start from.")] = None,
    tls_certificate: Annotated[Path | None, typer.Option(help="PEM file; with the key, it serves https.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM file.")] = None,
    ca_file: Annotated[Path | None, typer.Option(help="PEM file of authorities that it trusts itself.")] = None,
    as_json: JsonOption = False,  # noqa: FBT002 - typer declares options so
) -> None:
    """Serve a simulator on loopback until Ctrl-C; its address is printed once it answers."""
    OUT.json = as_json
    if (tls_certificate is None) != (tls_key is None):
        raise CliError("a certificate needs its key, and a key its certificate", code=WRONG_USE, word="wrong_use")
    tls = None if tls_certificate is None or tls_key is None else (str(tls_certificate), str(tls_key))
    try:
        asyncio.run(
            serve_system(
                system,
                port=port,
                world=_world(world),
                tls=tls,
                ca_file=None if ca_file is None else str(ca_file),
                announce=lambda url: OUT.show({"system": system, "url": url}, f"{system} answers at {url}"),
            )
        )
    except ValueError as error:
        raise CliError(str(error), code=WRONG_USE, word="wrong_use") from None
    except OSError as error:
        raise CliError(f"cannot serve {system}: {error}", cure="Take another port.", word="cannot_serve") from None


def _world(file: Path | None) -> dict[str, Any] | None:
    if file is None:
        return None
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise CliError(f"{file} cannot be read: {error.strerror}", code=WRONG_USE, word="no_file") from None
    except ValueError as error:
        raise CliError(f"{file} is not JSON: {error}", code=WRONG_USE, word="no_file") from None
    if not isinstance(content, dict):
        raise CliError(f"{file} holds no JSON object", code=WRONG_USE, word="no_file")
    return content
