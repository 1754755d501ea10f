"""``tieout compare``: the tie-out of both ledgers, and every difference by name."""

import sys
from typing import Annotated, Any, Final

import typer

from tieout_cli.client import TIMEOUT, TokenFileOption, UrlOption, control_plane, path_of
from tieout_cli.output import FOUND, OUT, JsonOption

app = typer.Typer(rich_markup_mode=None, add_completion=False)
MARKS: Final = {"equal": "ok  ", "explained": "ok  ", "differs": "DIFF", "unknown": "????"}
# Differences that are printed; all of them stand in the JSON.
MOST_SHOWN: Final = 200


@app.command(epilog="Example: tieout compare cronus-us --as-of 2026-05-31")
def compare(
    connection: Annotated[str, typer.Argument(metavar="CONNECTION", help="The connection's name.")],
    fresh: Annotated[bool, typer.Option("--fresh", help="Read both sides anew, today.")] = False,  # noqa: FBT002
    as_of: Annotated[str, typer.Option("--as-of", metavar="DATE", help="The stored run of a day, as 2026-05-31.")] = "",
    seconds: Annotated[float, typer.Option(min=5, max=900, help="How long to wait for both sides.")] = 240.0,
    as_json: JsonOption = False,  # noqa: FBT002 - typer declares options so
    url: UrlOption = "",
    token_file: TokenFileOption = None,
) -> None:
    """Compare both ledgers with three equations; every difference has a class, its documents and its amount.

    Exit code 0 if nothing is unexplained, 1 if something is, or an equation could not be compared. A day that is asked
    for again gives the same bytes; without --fresh today's run is made once.
    """
    OUT.json = as_json
    api = control_plane(url, token_file)
    body: dict[str, Any] = {"fresh": fresh, "seconds": seconds}
    if as_of:
        body["as_of"] = as_of
    answer = api.call("POST", path_of(connection, "tie-outs"), body, timeout=2 * seconds + TIMEOUT)
    OUT.show(answer, lambda: _tell(answer))
    if not answer["clean"]:
        sys.exit(FOUND)


def _tell(answer: dict[str, Any]) -> None:
    result = answer["result"]
    typer.echo(f"{answer['connection']} as of {answer['as_of']} (taken {result['taken'][:19].replace('T', ' ')} UTC)")
    for line in equations(result):
        typer.echo(line)
    found = result["differences"]
    for title, expected in (("differences to be explained", False), ("known and on their way", True)):
        of_title = [each for each in found if each["expected"] is expected]
        if of_title:
            typer.echo(f"{title}: {len(of_title)}")
        for each in of_title[:MOST_SHOWN]:
            _difference(each)
        if len(of_title) > MOST_SHOWN:
            typer.echo(f"  … and {len(of_title) - MOST_SHOWN} more, in --json")
    for each in result["out_of_scope"]:
        typer.echo(f"not compared: {each['count']} {each['why']}, {each['amount']} {each['currency']}".rstrip())
    since = answer["since"]
    if since["run"] and (since["appeared"] or since["gone"]):
        typer.echo(f"since the run before: {len(since['appeared'])} new, {len(since['gone'])} gone")
    typer.echo(
        "both ledgers agree" if answer["clean"] else "the ledgers do not agree, or it is not proved that they do"
    )


def equations(result: dict[str, Any]) -> list[str]:
    """The three equations, one or more lines each."""
    subledger, bill, clearing = result["subledger"], result["bill"], result["clearing"]
    lines = [f"{MARKS[subledger['status']]} (a) vendors = control accounts"]
    if subledger["control"] is not None:
        lines[0] += f": {subledger['subledger']} = {subledger['control']} {subledger['currency']}"
    lines.append(f"{MARKS[bill['status']]} (b) open in the ERP = due in BILL")
    lines += [
        f"       {one['currency']}: {one['erp']} = {one['bill']} in {one['documents']} documents"
        for one in bill["currencies"]
    ]
    lines.append(f"{MARKS[clearing['status']]} (c) clearing = payments less transfers less refunds due")
    if clearing["balance"] is not None:
        lines[-1] += f": {clearing['balance']} {clearing['currency']}"
        lines.append(
            f"       {clearing['opening']} before - {clearing['payments_posted']} posted"
            f" + {clearing['transfers_booked']} transferred + {clearing['refunds_due']} refunds due"
        )
    lines += [f"       {each['problem']}" for each in (subledger, bill, clearing) if each["problem"]]
    return lines


def _difference(each: dict[str, Any]) -> None:
    amount = "?" if each["amount"] is None else each["amount"]
    documents = ", ".join(each["documents"]) or "no document"
    typer.echo(f"  ({each['equation']}) {each['class']}: {amount} {each['currency']} · {documents}")
    typer.echo(f"      {each['text']}")
    if not each["expected"]:
        typer.echo(f"      cure: {each['cure']}")
