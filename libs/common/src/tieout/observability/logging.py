"""Structured logging: one JSON object a line on standard error.

At most one INFO line per effect, none per unchanged row.
"""

import logging
import sys

import structlog


def configure(service: str, level: str = "INFO") -> None:
    """Set up logging of a process. Client libraries speak at WARNING and above."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")

    def named(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        return {"service": service, **event}

    # Local variables are left out of traces: they hold credentials where a call to the outside fails.
    traces = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    structlog.configure(
        processors=[
            named,
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(traces),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """The logger of one module."""
    return structlog.get_logger(module=name)  # type: ignore[no-any-return]
