"""The log: lines for people on a terminal, JSON elsewhere, on stderr; no secret in either."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, TextIO
from urllib.parse import quote

import structlog
import typer

LEVELS = ("debug", "info", "warning", "error")
HIDDEN = "[hidden]"
_SECRET_KEY = re.compile(r"token|secret|password|passwd|authorization|api_?key|cookie", re.IGNORECASE)
_QUIET = ("apscheduler", "tweepy", "requests", "requests_oauthlib", "oauthlib", "urllib3", "watchfiles", "alembic")
"""Libraries that are heard only when something is wrong: some print headers with credentials when asked for more."""


def set_up(level: str, secrets: Sequence[str] = (), stream: TextIO | None = None) -> None:
    """Send structlog and the standard library's logging the same way. `JULKI_LOG` overrides `level`."""
    stream = stream or sys.stderr
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redactor(secrets),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(stream)],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(_level(level).upper())
    _hush()


def _level(default: str) -> str:
    wanted = os.environ.get("JULKI_LOG", default).lower()
    if wanted not in LEVELS:
        raise typer.BadParameter(f"JULKI_LOG is '{wanted}'. Set it to one of {', '.join(LEVELS)}.")
    return wanted


def _hush() -> None:
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.access", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
        logger.setLevel(logging.WARNING)


def _renderer(stream: TextIO) -> Any:
    if not stream.isatty():
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    colours = not os.environ.get("NO_COLOR")
    return structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)


def redactor(secrets: Sequence[str]) -> Callable[[Any, str, Any], Any]:
    """A processor that hides the values themselves, and whatever stands under a key that sounds like a secret."""
    values = sorted({form for value in secrets if value for form in (value, quote(value, safe=""))}, key=len)[::-1]

    def hide(value: Any) -> Any:
        if isinstance(value, str):
            for secret in values:
                value = value.replace(secret, HIDDEN)
            return value
        if isinstance(value, dict):
            return {key: HIDDEN if _SECRET_KEY.search(str(key)) else hide(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [hide(one) for one in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return hide(str(value))

    def process(_logger: Any, _method: str, event: Any) -> Any:
        kept = {key: value for key, value in event.items() if key.startswith("_")}
        return {**hide({key: value for key, value in event.items() if key not in kept}), **kept}

    return process
