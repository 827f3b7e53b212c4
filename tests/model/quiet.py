"""A log that says nothing: thousands of runs would fill it, and writing it takes longer than the runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

_FATAL = 50
"""The log's highest level, which nothing has here."""


@contextmanager
def quiet() -> Iterator[None]:
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(_FATAL))
    try:
        yield
    finally:
        structlog.configure(**before)
