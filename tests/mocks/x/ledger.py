"""What the mock X holds: accounts' posts, pictures, and what went over the wire."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

USER = "2244994945"


@dataclass
class Post:
    id: str
    text: str
    media_ids: list[str]
    reply_to: str | None
    created_at: datetime
    deleted: bool = False


@dataclass
class Ledger:
    """Everything that the mock accepted. Assert on this, not on what the adapter says of itself."""

    posts: list[Post] = field(default_factory=list)
    media: dict[str, bytes] = field(default_factory=dict)
    alt: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    _ids: Any = field(default_factory=lambda: itertools.count(1_990_000_000_000_000_001))

    def next_id(self) -> str:
        return str(next(self._ids))

    def live(self) -> list[Post]:
        return [post for post in self.posts if not post.deleted]

    def shown(self, lag: timedelta) -> list[Post]:
        """What the timeline shows by now, newest first: a post comes up only when it is that old."""
        before = datetime.now(UTC) - lag
        return [post for post in reversed(self.live()) if post.created_at <= before]

    def accept(self, text: str, media_ids: list[str], reply_to: str | None) -> Post:
        post = Post(self.next_id(), text, media_ids, reply_to, datetime.now(UTC))
        self.posts.append(post)
        return post

    def is_duplicate(self, text: str) -> bool:
        return any(post.text == text for post in self.live())
