"""A post as X shows it when it is read back: links rewritten, signs escaped, its names of either generation."""

from __future__ import annotations

import html
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any

from tests.mocks.x import length
from tests.mocks.x.accounts import Caller
from tests.mocks.x.ledger import Post
from tests.mocks.x.world import World

_PRIVATE = timedelta(days=30)
"""For so long after a post X tells its author more than the public."""
_PUBLIC = ("impression_count", "like_count", "repost_count", "reply_count", "quote_count", "bookmark_count")
_OWN = {
    "non_public_metrics": ("impression_count", "url_link_clicks", "user_profile_clicks", "engagements"),
    "organic_metrics": (
        "impression_count",
        "like_count",
        "repost_count",
        "reply_count",
        "url_link_clicks",
        "user_profile_clicks",
    ),
}
_OLD = {
    "repost_count": "retweet_count",
    "referenced_posts": "referenced_tweets",
    "edit_history_post_ids": "edit_history_tweet_ids",
}
NEW = {old: new for new, old in _OLD.items()}
"""Old names of fields → new ones."""


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def text_of(post: Post) -> tuple[str, list[dict[str, Any]]]:
    """The text, with every address exchanged for a short one, `<&>` escaped, and one more address for the media;
    and the list of those addresses (`start` and `end` count characters of that text)."""
    told, links, last = "", [], 0
    for start, end in length.addresses(post.text):
        told += html.escape(post.text[last:start], quote=False)
        links.append(_link(len(told), post.text[start:end]))
        told += links[-1]["url"]
        last = end
    told += html.escape(post.text[last:], quote=False)
    if post.media_ids:
        told += " " if told else ""
        links.append(_link(len(told), f"https://x.com/i/status/{post.id}/photo/1"))
        told += links[-1]["url"]
    return told, links


def shown(world: World, post: Post, fields: Collection[str], caller: Caller) -> Any:
    """The post with these fields of the new names, and always its number, its text, and its versions."""
    text, links = text_of(post)
    parts: dict[str, Callable[[], Any]] = {
        "attachments": lambda: {"media_keys": [_key(world, one) for one in post.media_ids]} if post.media_ids else None,
        "author_id": lambda: post.author,
        "conversation_id": lambda: _root(world, post),
        "created_at": lambda: stamp(post.created_at),
        "entities": lambda: {"urls": links} if links else None,
        "in_reply_to_user_id": lambda: _author(world, post.reply_to),
        "referenced_posts": lambda: _related(post) or None,
        "public_metrics": lambda: _figures(world, post, _PUBLIC),
        "lang": lambda: "und",
        **{name: partial(_own_figures, world, post, caller, figures) for name, figures in _OWN.items()},
    }
    told = {name: parts[name]() for name in parts if name in fields}
    told = {name: value for name, value in told.items() if value is not None}
    return _named(world, {"id": post.id, "text": text, "edit_history_post_ids": [post.id], **told})


def private(world: World, post: Post, caller: Caller) -> bool:
    """Whether the caller may see the figures that are not public."""
    own = caller.account is not None and caller.account.id == post.author
    return own and world.now() - post.created_at < _PRIVATE


def refused_fields(world: World, post: Post, fields: Collection[str], caller: Caller) -> list[dict[str, Any]]:
    """What stands under `errors` for figures that the caller may not see: one for each."""
    if private(world, post, caller):
        return []
    wanted = [f"{name}.{figure}" for name, figures in _OWN.items() if name in fields for figure in figures]
    return [_refusal(post, _old_figure(field) if world.names == "old" else field) for field in wanted]


def _refusal(post: Post, field: str) -> dict[str, Any]:
    return {
        "resource_id": post.id,
        "parameter": "ids",
        "resource_type": "tweet",
        "section": "data",
        "title": "Field Authorization Error",
        "value": post.id,
        "detail": f"Sorry, you are not authorized to access '{field}' on the Tweet with ids : [{post.id}].",
        "field": field,
        "type": "https://api.x.com/2/problems/not-authorized-for-field",
    }


def _own_figures(world: World, post: Post, caller: Caller, names: tuple[str, ...]) -> dict[str, int] | None:
    return _figures(world, post, names) if private(world, post, caller) else None


def _figures(world: World, post: Post, names: tuple[str, ...]) -> dict[str, int]:
    """What a test set, by either name; else what the ledger can count; else 0."""
    told = {NEW.get(name, name): value for name, value in world.ledger.metrics.get(post.id, {}).items()}
    live = world.ledger.live()
    counted = {
        "reply_count": sum(one.reply_to == post.id for one in live),
        "quote_count": sum(one.quotes == post.id for one in live),
    }
    return {name: told.get(name, counted.get(name, 0)) for name in names}


def _named(world: World, data: Any) -> Any:
    """With the old names, where the mock speaks those."""
    if world.names == "new" or not isinstance(data, dict):
        return data
    return {_OLD.get(name, name): _named(world, value) for name, value in data.items()}


def _old_figure(field: str) -> str:
    name, _, figure = field.partition(".")
    return f"{name}.{_OLD.get(figure, figure)}"


def _related(post: Post) -> list[dict[str, str]]:
    pairs = (("replied_to", post.reply_to), ("quoted", post.quotes))
    return [{"type": kind, "id": other} for kind, other in pairs if other]


def _root(world: World, post: Post) -> str:
    parent = world.ledger.post(post.reply_to) if post.reply_to else None
    return _root(world, parent) if parent else post.id


def _author(world: World, post_id: str | None) -> str | None:
    parent = world.ledger.post(post_id) if post_id else None
    return parent.author if parent else None


def _key(world: World, media_id: str) -> str:
    upload = world.ledger.uploads.get(media_id)
    return upload.key if upload else f"3_{media_id}"


def _link(start: int, address: str) -> dict[str, Any]:
    url = "https://t.co/" + sha256(address.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    whole = address if address.startswith("http") else f"http://{address}"
    shown_as = address.split("://")[-1][:30]
    return {"start": start, "end": start + len(url), "url": url, "expanded_url": whole, "display_url": shown_as}
