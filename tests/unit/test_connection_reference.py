"""docs/connections.md: what a connection's owner reads is what the models take."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, Field

from tieout.connections.yaml import Source, read

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tools"))

import connection_reference  # noqa: E402 - found by the path set above

TEXT = connection_reference.PAGE.read_text(encoding="utf-8")
EXAMPLE = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)[0]


def test_the_page_is_as_the_models_are() -> None:
    """Every field, what it may hold and its default stand on the page: python tools/connection_reference.py --write."""
    assert connection_reference.page(TEXT) == TEXT


def test_the_whole_example_can_be_applied() -> None:
    """Somebody who copies cronus-us.yaml gets no problem; what is written there is what arrives."""
    (document,) = read([Source("cronus-us.yaml", EXAMPLE)])
    arrived = document.settings.model_dump(mode="json")
    differing = [path for path, value in leaves(as_text(EXAMPLE)) if at(arrived, path) != value]
    assert differing == []
    (active,) = read([Source("cronus-us.yaml", EXAMPLE.replace("state: draft", "state: active"))])
    assert active.settings.state == "active"


def as_text(text: str) -> Any:
    """A YAML document with all its scalars as text, as Tieout reads it."""
    return yaml.load(text, yaml.BaseLoader)  # noqa: S506 - it makes nothing but text, lists and mappings


def leaves(value: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], str]]:
    """The values of a document as text, each with its path."""
    if not isinstance(value, dict):
        return [(path, str(value))]
    return [leaf for key, inner in value.items() for leaf in leaves(inner, (*path, key))]


def at(document: Any, path: tuple[str, ...]) -> str:
    """What stands at a path of the settings, spelled as in the file."""
    for key in path:
        document = document[key]
    return str(document).lower() if isinstance(document, bool) else str(document)


def test_the_example_shows_every_part() -> None:
    """The page's example leaves out no part of a connection."""
    parts = {row.path.partition(".")[0] for row in connection_reference.rows()}
    assert set(as_text(EXAMPLE)) == parts


def test_a_new_field_cannot_stay_unsaid(monkeypatch: pytest.MonkeyPatch) -> None:
    """A field without a description or a meaning, and a meaning without a field, are errors and no empty cell."""

    class Silent(BaseModel):
        said: str = Field(description="a word")
        unsaid: str

    with pytest.raises(LookupError, match="unsaid has no description"):
        list(connection_reference.rows(Silent))
    missing = {path: text for path, text in connection_reference.MEANING.items() if path != "policy.approval"}
    monkeypatch.setattr(connection_reference, "MEANING", missing | {"policy.gone": "a field of the past"})
    with pytest.raises(LookupError, match=r"policy\.approval, policy\.gone"):
        connection_reference.tables()
