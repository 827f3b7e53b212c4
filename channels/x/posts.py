"""Posts read back from X, in whichever generation of names the server speaks.

X renames what it reads (document 2.167: `tweet.fields` → `post.fields`, `referenced_tweets` → `referenced_posts`,
`retweet_count` → `repost_count`), and its servers follow in their own time. The old names are tried first; the answer
says whether they were understood, and what was understood is remembered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from channels.errors import Rejected, Unavailable
from channels.x.ask import Ask, is_number
from channels.x.verdict import answered

Post = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Names:
    """One generation. `expanded`: fields that are not asked for as such, but come with an expansion."""

    parameter: str
    expanded: frozenset[str] = frozenset()
    field_names: Mapping[str, str] | None = None

    def params(self, fields: Sequence[str]) -> dict[str, str]:
        named = [(self.field_names or {}).get(field, field) for field in fields]
        plain = [field for field in named if field not in self.expanded]
        more = [field for field in named if field in self.expanded]
        return {self.parameter: ",".join(plain)} | ({"expansions": ",".join(more)} if more else {})


OLD = Names("tweet.fields", field_names={"referenced_posts": "referenced_tweets"})
NEW = Names("post.fields", expanded=frozenset({"referenced_posts"}))


class Reader:
    """Asks for posts. Every question asks for `created_at`: an answer without it did not understand the names."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self.seen = 0
        """How many posts were told: X charges for each."""
        self._order = [OLD, NEW]

    def read(self, route: str, fields: Sequence[str], **params: str) -> tuple[list[Post], Mapping[str, Any]]:
        """The posts, and the whole answer. Raises a `ChannelError`, never `Uncertain`; `Unavailable` where the answer
        can't be read for certain."""
        first, second = self._order
        try:
            found = self._asked(first, route, fields, params)
        except Rejected as error:
            if not answered(error, 400):
                raise
            found = self._second(second, route, fields, params, error)
        else:
            if _understood(found[0]):
                return found
            found = self._second(second, route, fields, params, None) or found
        return found

    def _second(
        self, names: Names, route: str, fields: Sequence[str], params: Mapping[str, str], first: Rejected | None
    ) -> Any:
        """The other generation; what the first one said stands where this one is no better."""
        try:
            found = self._asked(names, route, fields, params)
        except Rejected:
            if first:
                raise first from None
            return None
        if _understood(found[0]):
            self._order.sort(key=lambda one: one is not names)
        return found

    def _asked(
        self, names: Names, route: str, fields: Sequence[str], params: Mapping[str, str]
    ) -> tuple[list[Post], Mapping[str, Any]]:
        answer = self._ask("GET", route, params={**params, **names.params(["created_at", *fields])})
        posts = list(_posts(answer))
        self.seen += len(posts)
        return posts, answer


def first(post: Post, *names: str) -> Any:
    """The field under the first of its names that is there; None where it is not told."""
    return next((post[name] for name in names if post.get(name) is not None), None)


def _posts(answer: Mapping[str, Any]) -> Iterator[Post]:
    data = answer.get("data", [])
    if not isinstance(data, list):
        raise _unreadable()
    for post in data:
        if not isinstance(post, Mapping) or not is_number(str(post.get("id", ""))):
            raise _unreadable()
        yield post


def _understood(posts: Sequence[Post]) -> bool:
    return not posts or any("created_at" in post for post in posts)


def _unreadable() -> Unavailable:
    return Unavailable("X's answer can't be read.", hint="It is asked again by itself.")
