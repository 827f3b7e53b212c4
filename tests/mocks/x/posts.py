"""Making a post and deleting one, with the rules by which X refuses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.mocks.x import length, limits
from tests.mocks.x.accounts import Account
from tests.mocks.x.bodies import DUPLICATE, REPLY, invalid, missing, told
from tests.mocks.x.exchange import Call, Reply, problem
from tests.mocks.x.ledger import Post
from tests.mocks.x.shown import text_of
from tests.mocks.x.world import World

_READY = "succeeded"
_PHOTOS = 4


def create(world: World, call: Call, account: Account) -> Reply:
    """`POST /2/tweets`."""
    body = call.data
    with world.ledger.lock:
        refused = next(_refusals(world, body, account), None)
        if refused is not None:
            return refused
        post = _accept(world, body, account)
    world.on_accept(post)
    return Reply(201, {"data": _told(world, post)}, then=lambda: world.on_answer(post))


def delete(world: World, call: Call, account: Account) -> Reply:
    """`DELETE /2/tweets/{id}`."""
    post = world.ledger.post(call.path.rsplit("/", 1)[1])
    if post is None:
        return problem(404, "Not Found Error", "Could not find tweet.")
    if post.author != account.id:
        return problem(403, "Forbidden", "You are not authorized to delete this Tweet.")
    post.deleted = True
    return Reply(200, {"data": {"deleted": True}})


def _accept(world: World, body: dict[str, Any], account: Account) -> Post:
    text = body.get("text", "")
    media = body.get("media", {}).get("media_ids", [])
    world.limits.posted(account.id, world.now(), has_url=bool(length.addresses(text)))
    parent = body.get("reply", {}).get("in_reply_to_tweet_id")
    return world.ledger.accept(text, media, parent, account.id, body.get("quote_tweet_id"))


def _told(world: World, post: Post) -> dict[str, Any]:
    history = "edit_history_tweet_ids" if world.names == "old" else "edit_history_post_ids"
    return {"id": post.id, "text": text_of(post)[0], history: [post.id]}


def _refusals(world: World, body: dict[str, Any], account: Account) -> Iterator[Reply]:
    """What speaks against a post, the first first."""
    text, media = body.get("text", ""), body.get("media", {}).get("media_ids", [])
    cost = limits.POST_WITH_URL if length.addresses(text) else limits.POST
    yield from filter(None, [world.unpaid(cost)])
    if not text.strip() and not media:
        yield invalid("A post needs a text or media.", text=text)
    if length.weight(text) > length.LIMIT:
        # X's version 1 called this error 186; the wording under version 2 was not seen.
        yield problem(403, "Forbidden", "Tweet needs to be a bit shorter.")
    if length.cashtags(text) > 1:
        yield problem(403, "Forbidden", "A post may have no more than one cashtag.")
    if world.refuses_duplicates and world.ledger.is_duplicate(text, account.id):
        yield told(DUPLICATE)
    yield from _media_refusals(world, media, account)
    yield from _relation_refusals(world, body, account)


def _media_refusals(world: World, media: list[str], account: Account) -> Iterator[Reply]:
    known = [world.ledger.uploads.get(media_id) for media_id in media]
    usable = [one for one in known if one and one.owner == account.id and one.state == _READY]
    photos = sum(one.category == "tweet_image" for one in usable)
    mixed = len(usable) > 1 and photos != len(usable)
    if len(usable) != len(media) or len(set(media)) != len(media) or mixed or photos > _PHOTOS:
        yield invalid("Your media IDs are invalid.", **{"media.media_ids": media})


def _relation_refusals(world: World, body: dict[str, Any], account: Account) -> Iterator[Reply]:
    parent_id, quoted_id = body.get("reply", {}).get("in_reply_to_tweet_id"), body.get("quote_tweet_id")
    parent = world.ledger.post(parent_id) if parent_id else None
    if parent_id and parent is None:
        yield problem(403, "Forbidden", "You attempted to reply to a Tweet that is deleted or not visible to you.")
    if parent and world.replies == "summoned" and account.username not in parent.mentions:
        yield told(REPLY)
    if quoted_id and world.ledger.post(quoted_id) is None:
        gone = problem(403, "Forbidden", "You attempted to quote a Tweet that is deleted or not visible to you.")
        yield replace(gone, body=gone.body | {"errors": [missing("tweet", quoted_id, "quote_tweet_id")]})
