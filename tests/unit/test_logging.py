"""What a service says about itself."""

import json
import subprocess
import sys

PROGRAM = """
from tieout.observability.logging import configure, logger
configure("demo-service")
log = logger("demo")
def call(password):
    raise ValueError("the outside refused")
try:
    call("hunter2-hunter2")
except ValueError:
    log.exception("failed")
"""


def test_a_trace_shows_where_it_failed_and_no_local_variable() -> None:
    """A password in a frame of the trace never reaches the log."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=30, check=True)
    line = json.loads(done.stderr)
    assert (line["service"], line["event"], line["level"]) == ("demo-service", "failed", "error")
    assert "the outside refused" in done.stderr
    assert "hunter2" not in done.stderr
