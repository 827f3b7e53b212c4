"""How far posts reached, as X tells it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from channels.contract import GONE, Measurement, Receipt
from channels.errors import Rejected, Unauthorized, Unavailable
from channels.x.ask import is_number
from channels.x.posts import Post, Reader
from channels.x.snowflake import moment, time_of

METRICS = (
    "impressions",
    "likes",
    "reposts",
    "replies",
    "quotes",
    "bookmarks",
    "link_clicks",
    "profile_clicks",
)
"""The figures there may be. The last two are told for one's own posts of the last 30 days only."""

PRIVATE = frozenset({"link_clicks", "profile_clicks"})
PRIVATE_FOR = timedelta(days=30)
AT_ONCE = 100
_PUBLIC_FIELDS, _PRIVATE_FIELDS = ("public_metrics",), ("public_metrics", "non_public_metrics", "organic_metrics")
_NAMES = {
    "impressions": ("impression_count",),
    "likes": ("like_count",),
    "reposts": ("repost_count", "retweet_count"),
    "replies": ("reply_count",),
    "quotes": ("quote_count",),
    "bookmarks": ("bookmark_count",),
    "link_clicks": ("url_link_clicks",),
    "profile_clicks": ("user_profile_clicks",),
}
"""Metric → the names by which either generation calls it."""

_UNSEEN = "X does not show this post to this account."
_SILENT = "X said nothing about this post."
_NO_NUMBER = "This post's number is not one of X."
_OLD = "X tells this only for posts of the last 30 days."
_REFUSED = "X does not tell this account."
_NO_LINK = "X told none; it counts these only where a post has a link."
_NOT_TOLD = "X did not tell it."


def measure(receipts: Sequence[Receipt], now: datetime, reader: Reader) -> list[Measurement]:
    """Every metric of every receipt. Raises a `ChannelError` where nothing was learnt."""
    ids = {one.remote_id: one for one in receipts if is_number(one.remote_id)}
    answers: dict[str, Post] = {}
    whys: dict[str, str] = {}
    for some in _lots(list(ids.values())):
        _ask(some, now, reader, answers, whys)
    return [
        _one(receipt, metric, answers.get(receipt.remote_id), whys, now) for receipt in receipts for metric in METRICS
    ]


def _ask(
    receipts: Sequence[Receipt], now: datetime, reader: Reader, answers: dict[str, Post], whys: dict[str, str]
) -> None:
    """The young ones with what only their author is told; what does not come that way is asked for without it."""
    young = [one.remote_id for one in receipts if now - _made(one) < PRIVATE_FOR]
    if young:
        # Perhaps it is only the private figures that are refused: the next question shows it.
        with suppress(Rejected, Unauthorized):
            _lookup(young, _PRIVATE_FIELDS, reader, answers, whys)
    rest = [one.remote_id for one in receipts if one.remote_id not in answers and whys.get(one.remote_id) != GONE]
    if rest:
        _lookup(rest, _PUBLIC_FIELDS, reader, answers, whys)


def _lookup(
    ids: Sequence[str], fields: Sequence[str], reader: Reader, answers: dict[str, Post], whys: dict[str, str]
) -> None:
    posts, answer = reader.read("/2/tweets", fields, ids=",".join(ids))
    found = {str(post["id"]): post for post in posts if post["id"] in ids}
    told = dict(_refusals(answer, ids))
    if not found and not told:
        raise Unavailable("X's answer tells of none of the posts.", hint="It is asked again later.")
    answers.update(found)
    whys.update(told)


def _refusals(answer: Mapping[str, Any], ids: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Number of a post → why X does not tell of it."""
    errors = answer.get("errors")
    for error in errors if isinstance(errors, list) else []:
        about = (error.get("resource_id"), error.get("value")) if isinstance(error, Mapping) else ()
        for remote_id in ids:
            if remote_id in about:
                yield remote_id, GONE if "not-found" in str(error.get("type")) else _UNSEEN


def _one(receipt: Receipt, metric: str, post: Post | None, whys: Mapping[str, str], now: datetime) -> Measurement:
    value = _value(post, metric) if post else None
    why = "" if value is not None else _why(receipt, metric, post, whys, now)
    return Measurement(receipt.remote_id, metric, value, now, why)


def _why(receipt: Receipt, metric: str, post: Post | None, whys: Mapping[str, str], now: datetime) -> str:
    if not is_number(receipt.remote_id):
        return _NO_NUMBER
    if post is None:
        return whys.get(receipt.remote_id, _SILENT)
    if metric not in PRIVATE:
        return _NOT_TOLD
    if now - _made(receipt) >= PRIVATE_FOR:
        return _OLD
    if not any(isinstance(post.get(field), Mapping) for field in _PRIVATE_FIELDS[1:]):
        return _REFUSED
    return _NO_LINK if metric == "link_clicks" else _NOT_TOLD


def _value(post: Post, metric: str) -> int | None:
    groups = (post.get(field) for field in _PRIVATE_FIELDS)
    told = (group.get(name) for group in groups if isinstance(group, Mapping) for name in _NAMES[metric])
    return next((one for one in told if isinstance(one, int) and not isinstance(one, bool) and 0 <= one < 2**63), None)


def _made(receipt: Receipt) -> datetime:
    """When it went out: as the receipt says; a person may have confirmed it, then as the post's number says."""
    return moment(receipt.data.get("at")) or time_of(receipt.remote_id)


def _lots(receipts: Sequence[Receipt]) -> Iterable[Sequence[Receipt]]:
    return (receipts[at : at + AT_ONCE] for at in range(0, len(receipts), AT_ONCE))
