"""HTTP as tweepy lacks it: an end in time, an address of our own, and answers read before tweepy stumbles over them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from channels.errors import ChannelError, RateLimited, Unavailable, Uncertain
from channels.x import limits
from channels.x.guard import POOLS, Guard
from channels.x.verdict import verdict

TIMEOUT = (5.0, 120.0)
"""The most seconds to connect, and between two bytes of the answer; a channel's own `timeout` may be shorter."""
WHOLE = timedelta(seconds=30)
"""So much longer than a channel's `timeout` a whole call may take, from the first byte sent to the last one read."""
MOST_BYTES = 4_000_000
"""A longer answer is not read: a hundred posts with all that Julki asks for are a tenth of that."""
_NUMBER = re.compile(r"(?<=/)[0-9]+(?=/|$)")


class Session(requests.Session):
    """A session that sends every request to `base`, and raises a `ChannelError` for whatever is not a 2xx.

    tweepy writes its host into every call; OAuth 1.0a signs the address, so it is exchanged before the signing.
    `timeout` is the longest wait between two bytes of an answer. One call at a time.
    """

    def __init__(self, base: str, timeout: timedelta) -> None:
        super().__init__()
        # What signs a request is what it was given: without this a password of ~/.netrc would take its place.
        self.auth = _as_it_is
        self.whole = timeout + WHOLE
        self.ahead = timedelta(0)
        """By how much this machine's clock is ahead of X's, as its last answer told."""
        self._base = base
        self._memory = limits.Memory()
        self._deadline: float | None = None
        self._adapter = Adapter(timeout)
        self.mount(base, self._adapter)

    @contextmanager
    def until(self, deadline: float) -> Iterator[None]:
        """Inside, every call ends by then at the latest; `deadline` is by `time.monotonic`."""
        before, self._deadline = self._deadline, deadline
        try:
            yield
        finally:
            self._deadline = before

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        path = urlsplit(str(url)).path
        route = f"{method!s} {_NUMBER.sub('N', path)}"
        if wait := self._memory.left(route):
            raise RateLimited("X said that its limit is used up for now.", retry_after=wait)
        self._adapter.seconds = self._seconds()
        response = super().request(method, self._base + path, *args, **{**kwargs, "allow_redirects": False})
        now = datetime.now(UTC)
        self.ahead = _ahead(response.headers.get("Date", ""), now, self.ahead)
        refused = response.status_code == 429
        self._memory.note(route, (limits.asked if refused else limits.used_up)(response.headers, now))
        if error := verdict(response.status_code, response.headers, json_of(response), now):
            raise error
        return response

    def _seconds(self) -> float:
        whole = self.whole.total_seconds()
        if self._deadline is None:
            return whole
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise Unavailable("There is no time left to ask X.", hint="It is tried again by itself.")
        return min(whole, left)


class Adapter(HTTPAdapter):
    """One call at a time, over within `seconds`, whatever the other side does."""

    def __init__(self, timeout: timedelta) -> None:
        super().__init__()
        self.seconds = 0.0
        self._timeout = timeout.total_seconds()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = POOLS
        return manager

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        timeout = tuple(min(most, self._timeout, self.seconds) for most in TIMEOUT)
        with Guard(self.seconds) as guard:
            try:
                response = super().send(request, *args, **{**kwargs, "timeout": timeout, "stream": True})
                # Reading is a part of sending here: an answer cut short is an answer lost.
                return _whole(response, guard)
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError):
                raise _failure(guard) from None
            finally:
                # A connection kept for later may be cut just while a post goes out, and then nobody knows.
                self.close()


def _as_it_is(request: Any) -> Any:
    return request


def _ahead(date: str, now: datetime, before: timedelta) -> timedelta:
    try:
        return now - parsedate_to_datetime(date).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return before


def json_of(response: requests.Response) -> Any:
    """The body as JSON; an empty one as `{}`; None where it is none."""
    if not response.content:
        return {}
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None


def _whole(response: requests.Response, guard: Guard) -> requests.Response:
    with closing(response.raw) as raw:
        body = raw.read(MOST_BYTES + 1, decode_content=True)
    if guard.expired:
        raise TimeoutError
    if len(body) > MOST_BYTES:
        raise Uncertain("X's answer is too long to be one.", hint="The post may be out: look at the timeline.")
    response.raw = BytesIO(body)
    return response


def _failure(guard: Guard) -> ChannelError:
    if not guard.connected:
        hint = "It is tried again by itself. If it lasts: is the network up, and api_url right?"
        return Unavailable("X could not be reached.", hint=hint)
    told = "X took too long to answer." if guard.expired else "The connection to X broke off before it answered."
    return Uncertain(told, hint="The post may be out: look at the timeline.")
