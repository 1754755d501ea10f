"""Write the golden sample of every message type that has none yet. Existing ones are never touched."""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "unit")]

from test_events import golden, message  # noqa: E402

from support import samples  # noqa: E402 - found by the path set above
from tieout.events.envelope import encode  # noqa: E402


def main() -> int:
    """Print what was written."""
    for payload in samples.ALL:
        path = golden(payload)
        if path.exists():
            continue
        headers, value = encode(message(payload))
        kept = {"headers": [[name, text.decode()] for name, text in headers], "value": value.decode()}
        path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
