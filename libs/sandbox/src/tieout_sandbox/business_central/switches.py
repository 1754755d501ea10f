"""Behaviours that differ between installations or over time, with their usual values."""

from typing import Any

PAGE_SIZE = 20_000


class Switches(dict[str, Any]):
    """The switches of one simulator; a value must be of its default's kind."""

    def __init__(self) -> None:
        super().__init__(_defaults())

    def update(self, wanted: dict[str, Any]) -> None:  # type: ignore[override]
        """Turn all of ``wanted`` or, with a ValueError, none."""
        usual = _defaults()
        for name, value in wanted.items():
            if name not in usual:
                raise ValueError(f"no switch {name!r}; there are: {', '.join(sorted(usual))}")
            if not _fits(value, usual[name]):
                raise ValueError(f"switch {name!r} cannot be {value!r}; it usually is {usual[name]!r}")
        super().update(wanted)


def _fits(value: Any, usual: Any) -> bool:
    if usual is None:
        return value is None or (isinstance(value, int) and not isinstance(value, bool))
    if isinstance(usual, bool) or isinstance(value, bool):
        return isinstance(usual, bool) and isinstance(value, bool)
    if isinstance(usual, int):
        return isinstance(value, int | float) and value >= 0
    return isinstance(value, type(usual))


def _defaults() -> dict[str, Any]:
    return {
        # Largest page a list answers with.
        "page_size": PAGE_SIZE,
        # Version of the server: 18 to 28 hide payment lines without an application, 29 shows them.
        "version": 29,
        # Whether an administrator has published page 29 as a web service, and under which name.
        "ledger_page_published": True,
        "ledger_page_name": "VendorLedgerEntries",
        # Posting of journals goes to the job queue: 204 first, the posting so many seconds later, if it works.
        "post_with_job_queue": False,
        "job_queue_delay_seconds": 30,
        # The app user's language; Accept-Language goes before it.
        "language": "en-US",
        # Writes carry a stamp so many seconds older than the moment they become visible.
        "commit_lag_seconds": 0,
        # A PATCH changes the ETag and leaves lastModifiedDateTime.
        "patch_keeps_stamp": False,
        # Every skip token is refused, as after an update of the server.
        "skiptokens_expired": False,
        # Tables the app may not read or write, by the names of refusals, such as "G/L Entry".
        "denied_tables": [],
        # Limits, per user.
        "rate_limit": 6000,
        "rate_window_seconds": 300,
        "concurrent": 5,
        "queue": 95,
        "queue_seconds": 480,
        "latency_ms": 0,
        # Seconds in Retry-After of a 429; None is the usual answer without one. 503 always has one.
        "retry_after_on_429": None,
        # Errors inside a batch carry the code Unknown.
        "batch_hides_codes": False,
        # Tokens end by the machine's clock ("wall") or by the simulated one ("simulated").
        "token_clock": "wall",
        # Webhooks.
        "webhook_delay_seconds": 30,
        "webhook_collection_threshold": 1000,
        "webhook_retry_minutes": [1, 1, 10, 100, 1000],
        "webhook_timeout_seconds": 30,
        "handshake_timeout_seconds": 5,
        "subscription_days": 3,
        "subscription_limit": 200,
    }
