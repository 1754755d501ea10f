"""What the documentation says of tie-outs is what the code does."""

import re
from pathlib import Path

from tieout.decide.rows import Phase
from tieout.tie_out.classes import CLASSES

OPERATING = (Path(__file__).parent.parent.parent / "docs" / "operating.md").read_text(encoding="utf-8")


def test_every_class_and_phase_is_documented_and_no_other() -> None:
    """A person who reads a class in a report finds it in the table, told as expected if it is."""
    tables = dict(re.findall(r"^\| `([a-z_]+)` \| (.+) \|$", OPERATING, re.MULTILINE))
    assert set(tables) == {each.value for each in CLASSES} | {each.value for each in Phase}
    assert {name for name, text in tables.items() if text.startswith("*expected*")} == {
        each.value for each, meaning in CLASSES.items() if meaning.expected
    }
