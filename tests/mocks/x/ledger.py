"""What the mock X holds: accounts' posts, pictures, and what went over the wire."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.mocks.x.accounts import USER

_DAY = timedelta(days=1)
_EPOCH = 1_288_834_974_657
"""Milliseconds of Unix time at which the numbers begin."""


@dataclass
class Post:
    id: str
    text: str
    media_ids: list[str]
    reply_to: str | None
    created_at: datetime
    deleted: bool = False
    author: str = USER
    """The number of the account."""
    quotes: str | None = None
    mentions: frozenset[str] = frozenset()
    """Names behind an @, in small letters."""


@dataclass
class Upload:
    """A picture or video on its way, or there. `state` is one of X's, or `uploading`."""

    id: str
    owner: str
    category: str
    media_type: str = ""
    total_bytes: int = 0
    segments: dict[int, bytes] = field(default_factory=dict)
    state: str = "uploading"
    polls: int = 0
    """How often its state was asked for."""
    size: tuple[int, int] | None = None
    """Width and height in pixels."""

    @property
    def content(self) -> bytes:
        return b"".join(self.segments[index] for index in sorted(self.segments))

    @property
    def key(self) -> str:
        """X puts the sort of the media before the number."""
        sort = {"tweet_video": 7, "amplify_video": 13, "tweet_gif": 16}.get(self.category, 3)
        return f"{sort}_{self.id}"


@dataclass
class Ledger:
    """Everything that the mock accepted. Assert on this, not on what the adapter says of itself."""

    posts: list[Post] = field(default_factory=list)
    media: dict[str, bytes] = field(default_factory=dict)
    """What was taken in whole, byte for byte."""
    alt: dict[str, str] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    metrics: dict[str, dict[str, int]] = field(default_factory=dict)
    """Set by tests: number of a post → figures by X's names, of either generation. What isn't set is counted, or 0."""
    requests: list[tuple[str, str]] = field(default_factory=list)
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    lock: threading.Lock = field(default_factory=threading.Lock)
    _last: int = 0

    def next_id(self) -> str:
        """Numbers that tell the time, as X's do: milliseconds since its epoch, then 22 bits; always higher than the last."""
        milliseconds = int(self.now().timestamp() * 1000) - _EPOCH
        self._last = max(self._last + 1, milliseconds << 22)
        return str(self._last)

    def live(self, author: str | None = None) -> list[Post]:
        """What is not deleted, oldest first; of one account, if asked."""
        return [post for post in self.posts if not post.deleted and author in (None, post.author)]

    def shown(self, lag: timedelta, author: str | None = None) -> list[Post]:
        """What the timeline shows by now, newest first: a post comes up only when it is that old."""
        before = self.now() - lag
        return [post for post in reversed(self.live(author)) if post.created_at <= before]

    def post(self, post_id: str) -> Post | None:
        return next((post for post in self.live() if post.id == post_id), None)

    def accept(
        self, text: str, media_ids: list[str], reply_to: str | None, author: str = USER, quotes: str | None = None
    ) -> Post:
        mentions = frozenset(word[1:].rstrip(".,:;!?)").lower() for word in text.split() if word.startswith("@"))
        post = Post(self.next_id(), text, media_ids, reply_to, self.now(), False, author, quotes, mentions)
        self.posts.append(post)
        return post

    def is_duplicate(self, text: str, author: str = USER) -> bool:
        """Whether the account said the same within a day, and it stands still."""
        since = self.now() - _DAY
        return any(post.text == text and post.created_at > since for post in self.live(author))
