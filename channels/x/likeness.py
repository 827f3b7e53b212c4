"""Whether a post of the timeline is the message that was sent. Pure.

X shows a post otherwise than it was sent: addresses become t.co links (one more for the pictures, one for a quoted post),
`<&>` are escaped, the text is in NFC. Where X says what its links lead to, the text can be put together again; else, or where that
gives another one, the words are compared without addresses, and the addresses by what is known of them.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit

from channels.message import Message
from channels.urls import Address, addresses
from channels.x.posts import Post, first

_OWN_PLACE = re.compile(r"x\.com/(?:[^/]+|i/web)/status/[0-9]+(?:/(?:photo|video)/[0-9]+)?")
"""A post's own pictures, or the post that it quotes."""
_OWN_PICTURE = re.compile(r"/status/[0-9]+/(?:photo|video)/[0-9]+$")
_SHORT = "://t.co/"
_PROTOCOL = re.compile("https?://")


def words(text: str) -> str:
    """What a text says, without addresses and without what X or a font may change."""
    for address in reversed(addresses(text)):
        text = text[: address.start] + " " + text[address.end :]
    return _visible(text)


def same(message: Message, post: Post) -> bool:
    """Whether the post may be the message: words, addresses, media and what it answers or quotes, as far as X tells them."""
    shown, expanded = _unescaped(str(post.get("text", ""))), _expanded(post)
    return (
        _pictures(post) in (None, len(message.media))
        and (_restored(shown, expanded) == _bare(message.text) or _alike(message.text, shown, expanded))
        and _same_relations(message, post)
    )


def edited(post: Post) -> bool:
    """Whether somebody changed the post at X: then its text says nothing about what was sent."""
    history = first(post, "edit_history_tweet_ids", "edit_history_post_ids")
    return isinstance(history, list) and len(history) > 1


def _unescaped(text: str) -> str:
    # Only these three, and once: an address may hold `&copy` as a word of its own.
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _visible(text: str) -> str:
    text = unicodedata.normalize("NFC", html.unescape(html.unescape(text)))
    return "".join(sign for sign in " ".join(text.split()) if unicodedata.category(sign) not in ("Cc", "Cf"))


def _restored(shown: str, expanded: Mapping[str, str]) -> str:
    """The text with every short address exchanged for what it stands for, as far as X says it."""
    for short, whole in expanded.items():
        own = not whole or _OWN_PICTURE.search(whole)
        if whole != "?":
            shown = shown.replace(short, "" if own else whole)
    return _bare(shown)


def _bare(text: str) -> str:
    """Without protocols, which X adds, and without blanks, which it takes away."""
    return "".join(_PROTOCOL.sub("", _visible(text)).split())


def _alike(sent: str, shown: str, expanded: Mapping[str, str]) -> bool:
    return words(shown) == words(sent) and _same_addresses(sent, shown, expanded)


def _pictures(post: Post) -> int | None:
    """How many pictures a post has; None where the answer does not tell."""
    attachments = post.get("attachments")
    keys = attachments.get("media_keys") if isinstance(attachments, Mapping) else None
    return len(keys) if isinstance(keys, list) else None


def _expanded(post: Post) -> dict[str, str]:
    """Short address → where it leads; "" for that of the post's own pictures."""
    entities = post.get("entities")
    urls = entities.get("urls") if isinstance(entities, Mapping) else None
    told = [url for url in urls if isinstance(url, Mapping)] if isinstance(urls, list) else []
    shorts = [(url.get("url"), "" if url.get("media_key") else str(url.get("expanded_url") or "?")) for url in told]
    return {short: whole for short, whole in shorts if isinstance(short, str) and _SHORT in short}


def _same_addresses(sent: str, shown: str, expanded: Mapping[str, str]) -> bool:
    """False only where X tells of an address that was not sent, or, telling of all, does not tell of one that was."""
    ours = {_plain(sent[one.start : one.end]): _certain(one, sent) for one in addresses(sent)}
    theirs = [_told(shown[one.start : one.end], expanded) for one in addresses(shown)]
    known = {_plain(one) for one in theirs if one not in ("", "?")}
    strangers = {one for one in known - ours.keys() if not _OWN_PLACE.fullmatch(one)}
    missing = {one for one, certain in ours.items() if certain} - known
    return not strangers and (not missing or "?" in theirs)


def _told(shown: str, expanded: Mapping[str, str]) -> str:
    return expanded.get(shown, "?") if _SHORT in shown else shown


def _certain(address: Address, text: str) -> bool:
    return address.sure or text.startswith("http", address.start)


def _plain(address: str) -> str:
    """An address in one form: no protocol, no `www.`, the host as the net writes it, the path without %-escapes."""
    parts = urlsplit(address if "://" in address else f"http://{address}")
    host = parts.netloc.lower().removeprefix("www.")
    with suppress(UnicodeError):
        host = host.encode("idna").decode("ascii")
    host = "x.com" if host in ("twitter.com", "mobile.twitter.com", "mobile.x.com") else host
    rest = unicodedata.normalize("NFC", unquote(parts.path.rstrip("/") + ("?" + parts.query if parts.query else "")))
    return host + rest


def _same_relations(message: Message, post: Post) -> bool:
    """A post that may be a reply may also stand alone, where there was nothing to reply to; what is no reply never is."""
    found = first(post, "referenced_tweets", "referenced_posts")
    related = _by_kind(found if isinstance(found, list) else [])
    if "retweeted" in related:
        return False
    replies, quotes = _relations(message)
    if "replied_to" in related:
        return replies
    if "quoted" in related:
        return quotes in ("any", related["quoted"]) or _links_a_post(message.text)
    return True


def _relations(message: Message) -> tuple[bool, str]:
    """Whether it may be a reply; and which post it may quote: a number, `any`, or "" for none."""
    quoting = message.data.get("answers") == "quote"
    own = message.data.get("quote")
    return bool(message.data.get("reply")) and not quoting, "any" if quoting else str(own or "")


def _by_kind(found: Sequence[Any]) -> dict[str, str]:
    return {str(one.get("type")): str(one.get("id")) for one in found if isinstance(one, Mapping)}


def _links_a_post(text: str) -> bool:
    return any(_OWN_PLACE.fullmatch(_plain(text[one.start : one.end])) for one in addresses(text))
