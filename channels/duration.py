"""Durations as people write them: `90s`, `45m`, `2h`, `1h30m`, `3d`, `2w`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator

_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_SHAPE = re.compile(r"(?:(\d{1,4})w)?(?:(\d{1,5})d)?(?:(\d{1,6})h)?(?:(\d{1,7})m)?(?:(\d{1,9})s)?", re.ASCII)
_LONGEST = timedelta(days=3660)


def parse_duration(text: str) -> timedelta:
    """The duration that `text` writes. Raises `ValueError` with the remedy."""
    match = _SHAPE.fullmatch(text.strip().lower().replace(" ", ""))
    if not match or not any(match.groups()):
        raise ValueError(f"'{text}' is not a duration. Write it like 45m, 2h, 1h30m or 3d.")
    values = {unit: int(value) for unit, value in zip(_UNITS.values(), match.groups(), strict=True) if value}
    duration = timedelta(**values)
    if duration > _LONGEST:
        raise ValueError(f"'{text}' is longer than ten years.")
    return duration


def format_duration(duration: timedelta) -> str:
    """The shortest way to write it: `1h30m`. Parts of a second are dropped; zero is `0s`."""
    rest = int(duration.total_seconds())
    out = ""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            out += f"{count}{unit}"
    return out or "0s"


def _typed(value: Any) -> Any:
    return parse_duration(value) if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_typed)]
"""A pydantic field that takes a written duration."""
