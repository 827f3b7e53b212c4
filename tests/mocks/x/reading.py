"""Reading back: the timeline, posts by their numbers, and whose account it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from tests.mocks.x import limits
from tests.mocks.x.accounts import Caller
from tests.mocks.x.bodies import invalid, missing
from tests.mocks.x.exchange import Call, Reply
from tests.mocks.x.ledger import Post
from tests.mocks.x.shown import NEW, refused_fields, shown
from tests.mocks.x.world import World


def me(world: World, _call: Call, caller: Caller) -> Reply:
    """`GET /2/users/me`."""
    account = caller.account or world.accounts.first
    return Reply(200, {"data": {"id": account.id, "name": account.name, "username": account.username}})


def timeline(world: World, call: Call, caller: Caller) -> Reply:
    """`GET /2/users/{id}/tweets`: newest first, page by page."""
    account = world.accounts.by_id(call.path.split("/")[3])
    if account is None:
        return Reply(200, {"errors": [missing("user", call.path.split("/")[3])]})
    wanted = [post for post in world.ledger.shown(world.lag, account.id) if _within(post, call.query)]
    start, size = _page(call.query)
    if start is None:
        return invalid("The pagination token is unknown.", pagination_token=call.query["pagination_token"])
    page = wanted[start : start + size]
    if refused := world.unpaid(limits.READ * len(page)):
        return refused
    meta: dict[str, Any] = {"result_count": len(page)}
    if page:
        meta |= {"newest_id": page[0].id, "oldest_id": page[-1].id}
    if start + size < len(wanted):
        meta["next_token"] = f"after{start + size}"
    return _answer(world, page, call, caller, [], meta)


def lookup(world: World, call: Call, caller: Caller) -> Reply:
    """`GET /2/tweets`: up to a hundred posts by their numbers."""
    ids = call.query.get("ids", "").split(",")
    found = {post.id: post for post in world.ledger.live() if post.id in set(ids)}
    if refused := world.unpaid(limits.READ * len(found)):
        return refused
    errors = [missing("tweet", post_id, "ids") for post_id in ids if post_id not in found]
    return _answer(world, [found[post_id] for post_id in ids if post_id in found], call, caller, errors, {})


def _answer(
    world: World, posts: list[Post], call: Call, caller: Caller, errors: list[dict[str, Any]], meta: dict[str, Any]
) -> Reply:
    """A post with a field that is refused does not come at all, as was seen of X; `errors` says why."""
    world.limits.read(len(posts))
    fields = _fields(call.query)
    data = []
    for post in posts:
        refused = refused_fields(world, post, fields, caller)
        errors = errors + refused
        if not refused:
            data.append(shown(world, post, fields, caller))
    parts = {"data": data, "errors": errors, "meta": meta}
    return Reply(200, {name: part for name, part in parts.items() if part})


def _fields(query: dict[str, str]) -> set[str]:
    asked = [field for name in ("tweet.fields", "post.fields") for field in query.get(name, "").split(",")]
    return {NEW.get(field, field) for field in asked} | set(_expanded(query))


def _expanded(query: dict[str, str]) -> Iterator[str]:
    """What an expansion brings along in the post itself."""
    for name in query.get("expansions", "").split(","):
        field = name.partition(".")[0]
        yield NEW.get(field, field)


def _within(post: Post, query: dict[str, str]) -> bool:
    at = post.created_at.replace(microsecond=0)
    return (
        ("start_time" not in query or at >= datetime.fromisoformat(query["start_time"]))
        and ("end_time" not in query or at < datetime.fromisoformat(query["end_time"]))
        and int(post.id) > int(query.get("since_id", 0))
        and int(post.id) < int(query.get("until_id", 2**63))
        and not (post.reply_to and "replies" in query.get("exclude", "").split(","))
    )


def _page(query: dict[str, str]) -> tuple[int | None, int]:
    """Where the page begins, and how long it is; no beginning for a token that was not handed out."""
    token = query.get("pagination_token", "after0").removeprefix("after")
    return int(token) if token.isdigit() else None, int(query.get("max_results", 10))
