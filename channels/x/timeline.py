"""Did it go out after all? The account's own timeline tells, as far as it can."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from channels.errors import CannotTell, Unavailable
from channels.message import Message
from channels.x import likeness
from channels.x.posts import Post, Reader
from channels.x.snowflake import made_at

LOOK = "https://x.com/home"
"""Where the account's owner sees its posts."""
SKEW = timedelta(minutes=2)
"""So much may the desk's clock and X's differ."""
_FIELDS = ("attachments", "entities", "referenced_posts")
_PAGES = 5


def find(message: Message, since: datetime, me: Callable[[], str], reader: Reader) -> Post | None:
    """The post that is the message; None where it is not there. `me` tells the account's number.

    Of several that look the same, the oldest that is not older than `since` is taken, for X shows what is tried twice in
    this order; else the newest of those before, which only a difference of the clocks can explain. A post that somebody
    deleted is not there. Where one was edited, and no other is the message, it can't be told: `CannotTell`.
    """
    if not likeness.words(message.text):
        raise CannotTell("The post has no words by which it could be recognised.", look=LOOK)
    posts = [post for post in _timeline(since - SKEW, me(), reader) if made_at(post) >= since - SKEW]
    alike = sorted((post for post in posts if likeness.same(message, post)), key=made_at)
    if not alike and any(likeness.edited(post) for post in posts):
        raise CannotTell("A post was edited at X in the meantime; it may have been this one.", look=LOOK)
    later = [post for post in alike if made_at(post) >= since.replace(microsecond=0)]
    return later[0] if later else alike[-1] if alike else None


def _timeline(since: datetime, me: str, reader: Reader) -> Iterator[Post]:
    """The account's own posts since then, newest first."""
    params = {"max_results": "100", "start_time": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    for _ in range(_PAGES):
        posts, answer = reader.read(f"/2/users/{me}/tweets", _FIELDS, **params)
        meta = answer.get("meta")
        meta = meta if isinstance(meta, dict) else {}
        # An answer that says nothing is not one that says "nothing".
        if not posts and (meta.get("result_count") != 0 or answer.get("errors")):
            raise Unavailable("X's answer does not tell what is on the timeline.", hint="It is asked again by itself.")
        if not all(isinstance(post.get("text"), str) for post in posts):
            raise Unavailable("X does not tell what the posts say.", hint="It is asked again by itself.")
        yield from posts
        following = meta.get("next_token")
        if not following:
            return
        params["pagination_token"] = str(following)
    raise CannotTell("There are too many posts since then to look through.", look=LOOK)
