"""When a post was made: X writes it into the post's number, and says it as `created_at`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

_EPOCH = datetime(2010, 11, 4, 1, 42, 54, 657000, UTC)
_SHIFT = 22
"""Below are the machine's number and a counter ("Announcing Snowflake", Twitter engineering, 2010)."""


def time_of(remote_id: str) -> datetime:
    """When the post of that number was made. `remote_id` is all digits."""
    return _EPOCH + timedelta(milliseconds=int(remote_id) >> _SHIFT)


def made_at(post: Mapping[str, Any]) -> datetime:
    """When X says that the post was made; else what its number says."""
    return moment(post.get("created_at")) or time_of(str(post.get("id")))


def moment(text: object) -> datetime | None:
    """A time as X writes it, aware; None where it is none."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo else None
