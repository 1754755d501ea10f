"""What a script finds that knows only the simulators, beside what Tieout says of the same."""

import json
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from support import recount

OF_CLEARING: Final = ("opening", "balance", "payments_posted", "transfers_booked", "refunds_due")


def recounted(told: Mapping[str, Any]) -> dict[str, Any]:
    """Run the script, with the standard library alone and nothing of this environment."""
    script = [sys.executable, "-I", "-S", recount.__file__, json.dumps(told)]
    done = subprocess.run(script, capture_output=True, text=True, timeout=120, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def counted_totals(totals: Mapping[str, Any]) -> dict[str, Any]:
    """The script's totals of the three equations."""
    return {
        "subledger": Decimal(totals["subledger"]),
        "control": Decimal(totals["control"]),
        "erp": {currency: Decimal(one["erp"]) for currency, one in totals["currencies"].items()},
        "bill": {currency: Decimal(one["bill"]) for currency, one in totals["currencies"].items()},
        "clearing": {name: Decimal(totals["clearing"][name]) for name in OF_CLEARING},
    }


def compared_totals(result: Mapping[str, Any]) -> dict[str, Any]:
    """The same of a tie-out's result."""
    return {
        "subledger": Decimal(result["subledger"]["subledger"]),
        "control": Decimal(result["subledger"]["control"]),
        "erp": {one["currency"]: Decimal(one["erp"]) for one in result["bill"]["currencies"]},
        "bill": {one["currency"]: Decimal(one["bill"]) for one in result["bill"]["currencies"]},
        "clearing": {name: Decimal(result["clearing"][name]) for name in OF_CLEARING},
    }
