"""``tieout records``: one record with its story, or a list of them."""

from collections.abc import Iterator
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import typer

from tieout_cli.choosing import ConnectionOption, chosen
from tieout_cli.client import ControlPlane, TokenFileOption, UrlOption, control_plane, path_of
from tieout_cli.output import OUT, JsonOption

app = typer.Typer(
    help="One record with its story, or a list of them.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)

# Pages of a timeline that are read for one record: ten thousand entries, more than anybody reads.
MOST_PAGES: Final = 20


@app.command(epilog="Example: tieout records show 108001")
def show(
    ref: Annotated[str, typer.Argument(metavar="REF", help="An ERP number, an id of either side, or a link.")],
    connection: ConnectionOption = "",
    as_json: JsonOption = False,  # noqa: FBT002 - typer declares options so
    url: UrlOption = "",
    token_file: TokenFileOption = None,
) -> None:
    """One record: where it stands, what holds it, what belongs to it, and everything that happened to it."""
    OUT.json = as_json
    api = control_plane(url, token_file)
    name = chosen(api, connection)
    answer = api.call("GET", path_of(name, "records", ref))
    answer["timeline"] = list(_steps(api, name, answer["record"]["link"]))
    OUT.show(answer, lambda: _tell(answer))


@app.command(name="list", epilog="Example: tieout records list --kind bill --phase held")
def list_(
    kind: Annotated[str, typer.Option(help="Only these: bill, vendor, account, dimension, payment, …")] = "",
    phase: Annotated[str, typer.Option(help="Only these: linked, held, waiting, requested, …")] = "",
    text: Annotated[str, typer.Option(help="Words in number, name or an id of either side.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 100,
    connection: ConnectionOption = "",
    as_json: JsonOption = False,  # noqa: FBT002
    url: UrlOption = "",
    token_file: TokenFileOption = None,
) -> None:
    """Records by kind, phase and words."""
    OUT.json = as_json
    api = control_plane(url, token_file)
    query = {"kind": kind, "phase": phase, "text": text, "limit": str(limit)}
    path = path_of(chosen(api, connection), "records") + "?" + urlencode({k: v for k, v in query.items() if v})
    answer = api.call("GET", path)
    columns = ["link", "number", "name", "phase", "since", "amount", "on the other side"]
    rows = [
        [each["link"], each["number"], each["title"], each["phase"], moment(each["since"]), money(each), each["target"]]
        for each in answer["records"]
    ]
    OUT.show(answer, lambda: OUT.table(columns, rows))


def moment(text: str) -> str:
    """A time to the second."""
    return text[:19].replace("T", " ")


def money(line: dict[str, Any]) -> str:
    """An amount with its currency, ``""`` if none is known."""
    return f"{line['amount']} {line['currency']}".strip() if line["amount"] is not None else ""


def story(step: dict[str, Any]) -> str:
    """What one step did, on one line."""
    fact = step["fact"] or {}
    sums = [money(entry) for entry in step["entries"] if entry["amount"] is not None]
    said = [", ".join(step["what"])]
    said += sums[-1:]
    if step["kind"] == "outcome":
        told = " ".join(str(fact[field]) for field in ("target", "code", "message") if fact.get(field))
        # A step may stand here for what the record waited for: then it says whose answer it was.
        other = "" if fact["link"] in {entry["link"] for entry in step["entries"]} else f"{fact['link']} "
        said.append(f"[{other}{fact['result']}{f': {told}' if told else ''}]")
    elif step["kind"] == "seen":
        said.append(f"[seen: {fact['subject']} in {fact['raw']}]")
    elif step["kind"] == "release":
        said.append(f"[released by {fact['person']}: {fact['text']}]")
    reasons = dict.fromkeys(entry["why"] for entry in step["entries"] if entry["why"])
    return " · ".join([*said, *reasons])


def _steps(api: ControlPlane, connection: str, link: str) -> Iterator[dict[str, Any]]:
    after: int | None = -1
    for _page in range(MOST_PAGES):
        page = api.call("GET", f"{path_of(connection, 'records', link, 'timeline')}?after={after}")
        yield from page["steps"]
        after = page["next"]
        if after is None:
            return


def _tell(answer: dict[str, Any]) -> None:
    record = answer["record"]
    typer.echo(f"{record['link']}  {record['number']}  {record['title']}".rstrip())
    typer.echo(f"  {record['phase']} since {moment(record['since'])} UTC")
    if record["target"]:
        typer.echo(f"  on the other side: {record['target']}")
    if record["amount"] is not None:
        rest = "" if record["open"] is None else f", open in the ERP {record['open']}"
        typer.echo(f"  amount: {money(record)}{rest}")
    if answer["hold"]:
        typer.echo(f"  HELD ({answer['hold']['reason']}): {answer['hold']['sentence']}")
        typer.echo(f"    cure: {answer['hold']['cure']} ({answer['hold']['who']}; {answer['hold']['where']})")
    if answer["task"]:
        task = answer["task"]
        typer.echo(f"  TO DO ({task['why']}): {task['action']} ({task['page']}; until {task['until']})")
    for paid in answer["payments"]:
        typer.echo(f"  paid {paid['amount']} on {paid['process_date']} by {paid['link']} ({paid['stage']})")
    for other in answer["related"]:
        typer.echo(f"  with {other['link']} {other['number']}: {other['phase']}")
    typer.echo("timeline (UTC)")
    own = record["link"]
    for step in answer["timeline"]:
        links = list(dict.fromkeys(entry["link"] for entry in step["entries"] if entry["link"] != own))
        where = f"{', '.join(links)}: " if links else ""
        typer.echo(f"  {moment(step['time'])}  {where}{story(step)}")
