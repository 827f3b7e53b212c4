"""What an answer of X means. Pure: status, headers and body in, an error (or none) out.

The bodies were gathered from X's documentation and from public reports; X changes their wording, so the status decides
wherever it can.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from channels.errors import ChannelError, RateLimited, Rejected, Unauthorized, Unavailable, Uncertain
from channels.text import clean
from channels.x import limits

_DUPLICATE = 187
_ACCOUNT = {32, 64, 89, 135, 215, 226, 261, 326, 416, 453}
"""Codes of X's older error table that concern the account, the keys or the app, not the post."""

_OF_THE_ACCOUNT = (
    "authenticat",
    "app permissions",
    "client-not-enrolled",
    "not enrolled",
    "suspended",
    "locked",
    "not permitted to perform this action",
    "oauth1-permissions",
)
"""Words of a refusal that concerns the account or the app, not the post."""
_NOT_X = "That is not X's own answer: a proxy or a wrong api_url may be in between. It is tried again by itself."
_DAY = timedelta(days=1)


def verdict(status: int, headers: Mapping[str, str], body: Any, now: datetime) -> ChannelError | None:
    """The error that an answer amounts to; None for a 2xx. `body` is the parsed JSON, None where it was none.

    `headers` must not mind upper and lower case. Whether a 2xx holds what was asked for, the caller sees.
    """
    if 200 <= status < 300:
        return None
    told = _told(status, body)
    if status == 429:
        return _not_now(headers, body, now, told)
    if status == 401:
        return Unauthorized(
            told, hint="Check the four X keys: all of one app, not revoked, and the server's clock right."
        )
    if status == 402:
        return Unauthorized(
            told, hint="The X account has no credits left. Buy some in X's developer console, then resume."
        )
    if status == 403 and _is_xs(body):
        return _forbidden(body, told)
    if 400 <= status < 500 and status not in (408, 425) and not _is_xs(body):
        return Unavailable(told, hint=_NOT_X)
    if "media ids are invalid" in _words(body):
        return Unavailable(told, hint="The pictures are sent again with the next try.")
    if 400 <= status < 500 and status not in (408, 425):
        return Rejected(told, hint="X does not take this post as it is. Change it, then retry.")
    return Uncertain(told, hint="Look at the account's timeline: the post may be out.")


def _forbidden(body: Any, told: str) -> ChannelError:
    codes, words = _codes(body), _words(body)
    if _DUPLICATE in codes or "duplicate" in words:
        # Perhaps it is our own post whose answer was lost; looking it up tells.
        hint = "A post with the same text is already out: confirm that one, or change the text."
        return Uncertain(told, hint=hint, twin=True)
    if codes & _ACCOUNT or any(sign in words for sign in _OF_THE_ACCOUNT):
        return Unauthorized(
            told, hint="Check in X's developer console that the app may write, and that the keys belong to it."
        )
    if "reply" in words:
        return Rejected(
            told, hint="X lets this account answer only where it was mentioned. Set threads = false for the channel."
        )
    return Rejected(told, hint="X forbids this post. Change it, then retry.")


def _not_now(headers: Mapping[str, str], body: Any, now: datetime, told: str) -> RateLimited:
    if "usagecapexceeded" in _words(body).replace(" ", "") or "usage-capped" in _words(body):
        hint = "The X account's monthly allowance is used up. Raise it in X's developer console."
        return RateLimited(told, retry_after=_DAY, hint=hint)
    return RateLimited(told, retry_after=limits.asked(headers, now))


def answered(error: ChannelError, *statuses: int) -> bool:
    """Whether the error is X's answer with one of these statuses."""
    return any(str(error).startswith(f"X answered {status}") for status in statuses)


def _is_xs(body: Any) -> bool:
    """Whether it is one of X's own problems, rather than a page of something in between. An empty body may be X's."""
    return isinstance(body, Mapping) and (
        not body or any(name in body for name in ("title", "detail", "errors", "type"))
    )


def _errors(body: Any) -> list[Mapping[str, Any]]:
    errors = body.get("errors") if isinstance(body, Mapping) else None
    return [error for error in errors if isinstance(error, Mapping)] if isinstance(errors, list) else []


def _codes(body: Any) -> set[int]:
    return {error["code"] for error in _errors(body) if isinstance(error.get("code"), int)}


def _sentences(body: Any) -> list[str]:
    told = body if isinstance(body, Mapping) else {}
    inner = [error.get(name) for error in _errors(body) for name in ("message", "detail")]
    found = [*inner, told.get("detail"), told.get("title"), told.get("type"), told.get("reason")]
    return [sentence for sentence in found if isinstance(sentence, str)]


def _words(body: Any) -> str:
    return " ".join(_sentences(body)).casefold()


def _told(status: int, body: Any) -> str:
    """What X said, in one short line fit for a person."""
    sentences = [sentence for sentence in _sentences(body) if not sentence.startswith(("http", "about:"))]
    said = " ".join(clean(sentences[0][:400]).split())[:200] if sentences else ""
    return f"X answered {status}" + (f": {said}" if said else ".")
