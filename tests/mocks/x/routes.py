"""Which call does what, who may make it, and in which order it is judged."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.mocks.x import consent, media, page, posts, reading
from tests.mocks.x.accounts import Account, Caller
from tests.mocks.x.bodies import APP_ONLY, TOKEN, invalid, told
from tests.mocks.x.exchange import CUT, Call, Reply, problem
from tests.mocks.x.faults import POST, TIMELINE, UPLOAD, Fault, accepts, played
from tests.mocks.x.world import World

UserHandle = Callable[[World, Call, Account], Reply]
CallerHandle = Callable[[World, Call, Caller], Reply]
_READS = frozenset({"tweet.read", "users.read"})
_WRITES = _READS | {"tweet.write"}
_MEDIA = frozenset({"media.write"})


@dataclass(frozen=True)
class Route:
    """One operation of the API. `places`: where faults may be put. `limit`: the one of `Limits` that it counts in."""

    method: str
    path: str
    handle: CallerHandle
    places: tuple[str, ...]
    limit: str
    scopes: frozenset[str]
    for_app: bool = False
    """Whether a token of the app alone will do."""

    def matches(self, call: Call) -> bool:
        pattern = re.sub(r"\{id\}", r"[^/]+", self.path)
        return call.method == self.method and re.fullmatch(pattern, call.path) is not None


def _user(handle: UserHandle) -> CallerHandle:
    """For what only a user can do."""

    def handled(world: World, call: Call, caller: Caller) -> Reply:
        return handle(world, call, caller.account or world.accounts.first)

    return handled


ROUTES = (
    Route("POST", "/2/tweets", _user(posts.create), (POST,), "posts", _WRITES),
    Route("DELETE", "/2/tweets/{id}", _user(posts.delete), ("delete",), "deletes", _WRITES),
    Route("GET", "/2/tweets", reading.lookup, ("lookup",), "reads", _READS, for_app=True),
    Route("GET", "/2/users/me", reading.me, ("me",), "me", _READS),
    Route("GET", "/2/users/{id}/tweets", reading.timeline, (TIMELINE,), "reads", _READS, for_app=True),
    Route("POST", "/2/media/upload", _user(media.one_shot), (UPLOAD, "one-shot"), "media", _MEDIA),
    Route("GET", "/2/media/upload", _user(media.status), (UPLOAD, "status"), "media", _MEDIA),
    Route("POST", "/2/media/upload/initialize", _user(media.initialize), (UPLOAD, "initialize"), "media", _MEDIA),
    Route("POST", "/2/media/upload/{id}/append", _user(media.append), (UPLOAD, "append"), "media", _MEDIA),
    Route("POST", "/2/media/upload/{id}/finalize", _user(media.finalize), (UPLOAD, "finalize"), "media", _MEDIA),
    Route("POST", "/2/media/metadata", _user(media.describe), ("metadata",), "media", _MEDIA),
)


def answer(world: World, call: Call) -> Reply:
    """The answer to any request."""
    if call.path in ("/i/oauth2/authorize", "/2/oauth2/authorize"):
        return consent.authorize(world, call)
    if call.method == "POST" and call.path in ("/2/oauth2/token", "/2/oauth2/revoke"):
        return _tokens(world, call)
    if call.method == "GET" and not call.path.startswith("/2/"):
        return page.show(world, call)
    route = next((one for one in ROUTES if one.matches(call)), None)
    if route is None:
        world.note(f"{call.method} {call.path}: the mock knows no such call")
        return problem(404, "Not Found", "Not Found")
    return _judged(world, call, route)


def _judged(world: World, call: Call, route: Route) -> Reply:
    """Who is it, may they, is it well formed; then what was asked for."""
    caller = _caller(world, call)
    refused = _refused(route, caller)
    if caller is None or refused is not None:
        return refused or told(TOKEN)
    wrong = world.schema.violations(call) if world.schema else []
    if wrong:
        world.note(*wrong)
        return invalid(wrong[0])
    if foreign := _foreign_name(world, call):
        return invalid(f"The query parameter [{foreign}] is unknown.", **{foreign: call.query[foreign]})
    return _served(world, call, route, caller)


def _foreign_name(world: World, call: Call) -> str:
    """A parameter of the generation that this mock does not speak, where it is strict about that."""
    name = "tweet.fields" if world.names == "new" else "post.fields"
    return name if world.refuses_other_names and name in call.query else ""


def _served(world: World, call: Call, route: Route, caller: Caller) -> Reply:
    """A fault says nothing of limits, as an answer of X's outer gates does; every other answer does."""
    if route.path == "/2/tweets" and route.method == "POST" and not world.on_ask(call.data.get("text", "")):
        return Reply(CUT)
    if route.places == (TIMELINE,):
        world.on_read()
    fault = _fault(world, route)
    if fault is not None and not accepts(fault):
        return played(fault)
    account = caller.account or world.accounts.first
    reply = world.limits.admit(route.limit, account.id, world.now()) or route.handle(world, call, caller)
    if fault is not None and reply.good:
        return replace(played(fault), then=reply.then)
    return replace(reply, headers=world.limits.headers(route.limit, account.id, world.now()))


def _fault(world: World, route: Route) -> Fault | None:
    storm = world.stormy() if route.limit == "posts" else None
    if storm is not None:
        world.faults.count(storm, POST)
    return storm or world.faults.take(*route.places)


def _caller(world: World, call: Call) -> Caller | None:
    header = call.headers.get("Authorization")
    if header.startswith("Bearer "):
        return world.oauth2.caller(header.removeprefix("Bearer "))
    account = world.signatures.verify(call) if header.startswith("OAuth ") else None
    return Caller(account) if account else None


def _refused(route: Route, caller: Caller | None) -> Reply | None:
    if caller is None:
        return told(TOKEN)
    if caller.account is None:
        return None if route.for_app else told(APP_ONLY)
    if caller.scopes is not None and not route.scopes <= caller.scopes:
        return problem(403, "Forbidden", "Forbidden")
    return None


def _tokens(world: World, call: Call) -> Reply:
    """The token endpoint: its faults strike after the tokens were changed, or before, as named."""
    revoking = call.path.endswith("/revoke")
    world.note(*world.oauth2.violations(call))
    fault = world.faults.take("revoke" if revoking else "token")
    if not revoking:
        world.on_token_ask()
    if fault is not None and not accepts(fault):
        return played(fault)
    reply = world.oauth2.revoke(call) if revoking else world.oauth2.token(call)
    if reply.good and not revoking:
        world.on_token()
    return played(fault) if fault is not None and reply.good else reply
