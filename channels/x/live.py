"""The real X, through tweepy and API v2."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from threading import Event
from typing import Any

from channels.contract import Measurement, Receipt
from channels.errors import CannotTell, ChannelError, Rejected, Unauthorized, Unavailable, Uncertain
from channels.message import Message
from channels.x import media, reach, timeline
from channels.x.access import Access
from channels.x.ask import data_of, number_of
from channels.x.posts import Reader
from channels.x.snowflake import made_at
from channels.x.verdict import answered

LOOK = timeline.LOOK
ATTEMPT = timedelta(minutes=4, seconds=40)
"""So long a publication may take in all: the desk leases an attempt for five minutes."""
READING = timedelta(minutes=2)
"""So long looking through the timeline, or asking for figures, may take."""


class Live:
    """One account. `media` is the folder with the desk's copies of the pictures.
    `timeout` is the longest wait between two bytes of an answer. One call at a time, but for `close`."""

    look = LOOK

    def __init__(self, api_url: str, access: Access, media: Path, timeout: timedelta = timedelta(seconds=30)) -> None:
        self._api_url = api_url
        self._timeout = timeout
        self._access = access
        self._media = media
        self._stop = Event()
        self._known: tuple[frozenset[str], str] | None = None

    @cached_property
    def _session(self) -> Any:
        from channels.x.session import Session

        return Session(self._api_url, self._timeout)

    def _me(self) -> str:
        """The account's number, asked for once a sign-in: a desk that is running may be given another account."""
        keys = frozenset(self._access.secrets())
        if self._known is None or self._known[0] != keys:
            me = number_of(self._ask("GET", "/2/users/me"))
            if not me:
                raise Unavailable("X did not say whose keys these are.", hint="It is asked again by itself.")
            self._known = (frozenset(self._access.secrets()), me)
        return self._known[1]

    @cached_property
    def _reader(self) -> Reader:
        return Reader(self._ask)

    def publish(self, message: Message, _key: str, parent: Receipt | None) -> Receipt:
        body = _body(message, parent)
        if message.media:
            body["media"] = {"media_ids": self._upload(message)}
        remote_id = number_of(self._send("POST", "/2/tweets", json=body))
        if not remote_id:
            raise Uncertain(
                "X answered without the number of the post.", hint="The post may be out: look at the timeline."
            )
        return _receipt(remote_id, datetime.now(UTC))

    @property
    def read(self) -> int:
        return self._reader.seen

    def find(self, message: Message, _key: str, since: datetime) -> Receipt | None:
        try:
            with self._within(READING):
                post = self._found(message, since)
        except (Unauthorized, Rejected) as error:
            raise CannotTell(f"The timeline can't be read. {error}", look=LOOK) from None
        return _receipt(str(post["id"]), made_at(post)) if post else None

    def _found(self, message: Message, since: datetime) -> Any:
        """`since` is by this machine's clock, the posts' times are by X's: how far they are apart, its answers tell."""
        known = self._session.ahead
        post = timeline.find(message, since - known, self._me, self._reader)
        told = self._session.ahead
        if post is None and abs(told - known) > timeline.SKEW / 2:
            post = timeline.find(message, since - told, self._me, self._reader)
        return post

    def withdraw(self, receipt: Receipt, _key: str) -> None:
        """Delete the post. Nothing is wrong where it is gone already."""
        try:
            answer = data_of(self._ask("DELETE", f"/2/tweets/{receipt.remote_id}"))
        except Rejected as error:
            if answered(error, 404):
                return
            raise
        if not answer.get("deleted"):
            raise Unavailable("X did not confirm that the post is deleted.")

    def measure(self, receipts: Sequence[Receipt], now: datetime) -> list[Measurement]:
        with self._within(READING):
            return reach.measure(receipts, now, self._reader)

    def close(self) -> None:
        """Also from another thread: what is on its way to X before a post is broken off."""
        self._stop.set()
        if "_session" in self.__dict__:
            self._session.close()

    def _upload(self, message: Message) -> list[str]:
        """Whatever is to stand under the post: first all of it is made ready, then all of it is sent."""
        loads = media.prepare(message.media, self._media)
        # The post itself still has to have the time of a whole call.
        before = time.monotonic() + (ATTEMPT - self._session.whole).total_seconds()
        with self._session.until(before):
            return [media.upload(load, self._ask, before, self._stop) for load in loads]

    def _within(self, most: timedelta) -> AbstractContextManager[None]:
        found: AbstractContextManager[None] = self._session.until(time.monotonic() + most.total_seconds())
        return found

    def _ask(self, method: str, route: str, **kwargs: Any) -> Mapping[str, Any]:
        """A call that posts nothing: whatever became of it, it may be repeated."""
        try:
            answer = self._send(method, route, **kwargs)
        except Uncertain as error:
            raise Unavailable(str(error), hint="It is tried again by itself.") from None
        if not isinstance(answer, Mapping):
            raise Unavailable("X's answer can't be read.", hint="It is tried again by itself.")
        return answer

    def _send(self, method: str, route: str, **kwargs: Any) -> Any:
        from channels.x.session import json_of

        try:
            client = self._access.client()
            client.session = self._session
            return json_of(client.request(method, route, user_auth=self._access.user_auth, **kwargs))
        except ChannelError as error:
            error.args = (self._redacted(str(error)),)
            raise

    def _redacted(self, text: str) -> str:
        """The remote may repeat what it was sent: no key of ours may reach a log by that way."""
        for secret in self._access.secrets():
            text = text.replace(secret, "…")
        return text


def _body(message: Message, parent: Receipt | None) -> dict[str, Any]:
    body: dict[str, Any] = {"text": message.text}
    quoted = message.data.get("quote")
    if parent and message.data.get("answers", "reply") == "quote":
        quoted = parent.remote_id
    elif parent:
        body["reply"] = {"in_reply_to_tweet_id": parent.remote_id}
    if quoted:
        body["quote_tweet_id"] = str(quoted)
    return body


def _receipt(remote_id: str, at: datetime) -> Receipt:
    """`data["at"]` is when it went out: for so long X tells more of it than later."""
    stamp = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Receipt(remote_id, f"https://x.com/i/status/{remote_id}", {"at": stamp})
