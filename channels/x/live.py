"""The real X, through tweepy and API v2."""

from __future__ import annotations

import base64
import html
import logging
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from channels.contract import Measurement, Receipt
from channels.errors import CannotTell, ChannelError, Rejected, Unauthorized, Unavailable, Uncertain
from channels.message import Media, Message
from channels.urls import addresses
from channels.x.access import Access

LOOK = "https://x.com/home"
"""Where the account's owner sees its posts."""
_PAGES = 5
_SKEW = timedelta(minutes=2)
_CATEGORIES = {".gif": "tweet_gif"}
# tweepy and the signing libraries write the Authorization header into their debug logs.
_TALKATIVE = ("tweepy", "tweepy.client", "requests_oauthlib", "requests_oauthlib.oauth1_auth", "oauthlib")


class Live:
    """One account. `media` is the folder with the desk's copies of the pictures.
    `timeout` is the longest wait between two bytes of an answer."""

    look = LOOK

    def __init__(self, api_url: str, access: Access, media: Path, timeout: timedelta = timedelta(seconds=30)) -> None:
        self._api_url = api_url
        self._timeout = timeout
        self._access = access
        self._media = media

    @cached_property
    def _session(self) -> Any:
        from channels.x.session import Session

        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        return Session(self._api_url, self._timeout)

    @cached_property
    def _me(self) -> str:
        return str(_data(self._ask("GET", "/2/users/me")).get("id", ""))

    def publish(self, message: Message, _key: str, parent: Receipt | None) -> Receipt:
        pictures = [self._upload(media) for media in message.media]
        body: dict[str, Any] = {"text": message.text}
        if pictures:
            body["media"] = {"media_ids": pictures}
        if parent:
            body["reply"] = {"in_reply_to_tweet_id": parent.remote_id}
        remote_id = _data(self._send("POST", "/2/tweets", json=body)).get("id")
        if not isinstance(remote_id, str) or not remote_id.isdigit():
            raise Uncertain(
                "X answered without the number of the post.", hint="The post may be out: look at the timeline."
            )
        return Receipt(remote_id, f"https://x.com/i/status/{remote_id}")

    def find(self, message: Message, _key: str, since: datetime) -> Receipt | None:
        wanted = _normal(message.text)
        if not wanted:
            raise CannotTell("The post has no words by which it could be recognised.", look=LOOK)
        try:
            for post in self._timeline(since - _SKEW):
                if _normal(str(post.get("text", ""))) == wanted and _pictures(post) in (None, len(message.media)):
                    return Receipt(str(post["id"]), f"https://x.com/i/status/{post['id']}")
        except (Unauthorized, Rejected) as error:
            raise CannotTell(f"The timeline can't be read. {error}", look=LOOK) from None
        return None

    def withdraw(self, receipt: Receipt, _key: str) -> None:
        """Delete the post. Nothing is wrong where it is gone already."""
        try:
            answer = _data(self._ask("DELETE", f"/2/tweets/{receipt.remote_id}"))
        except Rejected as error:
            if "answered 404" in str(error):
                return
            raise
        if not answer.get("deleted"):
            raise Unavailable("X did not confirm that the post is deleted.")

    def measure(self, receipts: Sequence[Receipt], now: datetime) -> list[Measurement]:
        raise NotImplementedError

    def close(self) -> None:
        if "_session" in self.__dict__:
            self._session.close()

    def _timeline(self, since: datetime) -> Iterator[Mapping[str, Any]]:
        """The account's own posts since then, newest first."""
        params = {
            "max_results": "100",
            "start_time": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "tweet.fields": "created_at,attachments",
        }
        if not self._me:
            raise CannotTell("X did not say whose keys these are.", look=LOOK)
        for _ in range(_PAGES):
            answer = self._ask("GET", f"/2/users/{self._me}/tweets", params=params)
            posts = answer.get("data", []) if isinstance(answer, Mapping) else []
            yield from (post for post in posts if isinstance(post, Mapping) and "id" in post)
            following = answer.get("meta", {}).get("next_token") if isinstance(answer, Mapping) else None
            if not following:
                return
            params["pagination_token"] = str(following)
        raise CannotTell("There are too many posts since then to look through.", look=LOOK)

    def _upload(self, media: Media) -> str:
        try:
            content = (self._media / media.name).read_bytes()
        except OSError as error:
            raise Rejected(f"The picture {media.src or media.name} can't be read ({error.strerror}).") from error
        body = {
            "media": base64.b64encode(content).decode("ascii"),
            "media_category": _CATEGORIES.get(media.suffix.lower(), "tweet_image"),
        }
        uploaded = _data(self._ask("POST", "/2/media/upload", json=body))
        _processed(uploaded, media)
        media_id = str(uploaded["id"])
        if media.alt:
            alt = {"id": media_id, "metadata": {"alt_text": {"text": media.alt}}}
            self._ask("POST", "/2/media/metadata", json=alt)
        return media_id

    def _ask(self, method: str, route: str, **kwargs: Any) -> Any:
        """A call that posts nothing: whatever became of it, it may be repeated."""
        try:
            return self._send(method, route, **kwargs)
        except Uncertain as error:
            raise Unavailable(str(error)) from None

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


def _data(answer: Any) -> Mapping[str, Any]:
    data = answer.get("data") if isinstance(answer, Mapping) else None
    return data if isinstance(data, Mapping) else {}


def _processed(uploaded: Mapping[str, Any], media: Media) -> None:
    """Raises unless X has the picture ready."""
    info = uploaded.get("processing_info")
    state = info.get("state", "succeeded") if isinstance(info, Mapping) else "succeeded"
    if state == "failed":
        raise Rejected(
            f"X can't use the picture {media.src or media.name}.", hint="Save it anew as a JPEG or PNG file."
        )
    if state != "succeeded" or "id" not in uploaded:
        raise Unavailable(f"X has not taken in the picture {media.src or media.name} yet.")


def _normal(text: str) -> str:
    """Text by which a post is known again: X rewrites addresses, escapes `<&>`, and appends one for the pictures."""
    text = unicodedata.normalize("NFC", html.unescape(text))
    for address in reversed(addresses(text)):
        text = text[: address.start] + " " + text[address.end :]
    return " ".join(text.split())


def _pictures(post: Mapping[str, Any]) -> int | None:
    """How many pictures a post has; None where the answer does not tell."""
    attachments = post.get("attachments")
    keys = attachments.get("media_keys") if isinstance(attachments, Mapping) else None
    return len(keys) if isinstance(keys, list) else None
