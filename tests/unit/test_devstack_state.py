"""What the dev stack publishes beside its servers."""

import json
import stat
from pathlib import Path

import pytest

from tieout_devstack import certificates
from tieout_devstack.stack import Stack


def stack(folder: Path) -> Stack:
    """A stack as ``up`` makes it, without servers."""
    made = certificates.Authority(folder / "ca.pem", folder / "ca.key")
    return Stack(folder, "127.0.0.1:9092", "maven", "postgresql://u:p@127.0.0.1:5432/t", "wheel", made)


def test_what_runs_on_the_stack_is_published_and_survives_another_up(tmp_path: Path) -> None:
    """`tieout records show` finds the demo's control-plane, also after `tieout dev up` was run once more."""
    one = stack(tmp_path)
    one._publish()
    one.announce("control_plane", {"url": "http://127.0.0.1:1", "token": "t"})
    stack(tmp_path)._publish()
    state = json.loads((tmp_path / "state.json").read_text())
    assert state["control_plane"] == {"url": "http://127.0.0.1:1", "token": "t"}
    assert state["kafka"]["address"] == "127.0.0.1:9092"
    assert stat.S_IMODE((tmp_path / "state.json").stat().st_mode) == 0o600
    one.announce("control_plane", None)
    assert "control_plane" not in json.loads((tmp_path / "state.json").read_text())
    assert Stack.at(tmp_path) == one


def test_the_stacks_own_addresses_cannot_be_announced(tmp_path: Path) -> None:
    """Nobody replaces the broker's address by mistake."""
    with pytest.raises(ValueError, match="kafka"):
        stack(tmp_path).announce("kafka", {"address": "elsewhere"})
