"""HTTP as tweepy lacks it: time-outs, an address of our own, and answers read before tweepy stumbles over them."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import MaxRetryError, NewConnectionError

from channels.errors import ChannelError, Unavailable, Uncertain
from channels.x.verdict import verdict

TIMEOUT = (5.0, 120.0)
"""The most seconds to connect, and between two bytes of the answer; a channel's own `timeout` may be shorter."""


class Session(requests.Session):
    """A session that sends every request to `base`, and raises a `ChannelError` for whatever is not a 2xx.

    tweepy writes its host into every call; OAuth 1.0a signs the address, so it is exchanged before the signing.
    """

    def __init__(self, base: str, timeout: timedelta) -> None:
        super().__init__()
        self._base = base
        self.mount(base, _Adapter(timeout))

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        address = self._base + urlsplit(str(url)).path
        return super().request(method, address, *args, **{**kwargs, "allow_redirects": False})


class _Adapter(HTTPAdapter):
    def __init__(self, timeout: timedelta) -> None:
        super().__init__()
        self._timeout = timeout.total_seconds()

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        try:
            timeout = tuple(min(most, self._timeout) for most in TIMEOUT)
            response = super().send(request, *args, **{**kwargs, "timeout": timeout, "stream": False})
            # Reading is a part of sending here: an answer cut short is an answer lost.
            response.content  # noqa: B018 - read for its effect
        except requests.RequestException as failure:
            raise _failure(failure) from None
        finally:
            # A connection kept for later may be cut just while a post goes out, and then nobody knows.
            self.close()
        if error := verdict(response.status_code, response.headers, json_of(response), datetime.now(UTC)):
            raise error
        return response


def json_of(response: requests.Response) -> Any:
    """The body as JSON; None where it is none."""
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None


def _failure(error: requests.RequestException) -> ChannelError:
    if isinstance(error, requests.ConnectTimeout) or _never_connected(error):
        hint = "It is tried again by itself. If it lasts: is the network up, and api_url right?"
        return Unavailable("X could not be reached.", hint=hint)
    return Uncertain(
        "The connection to X broke off before it answered.", hint="The post may be out: look at the timeline."
    )


def _never_connected(error: requests.RequestException) -> bool:
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    refused = isinstance(reason, NewConnectionError)
    distrusted = any(isinstance(arg, ssl.SSLCertVerificationError) for arg in getattr(reason, "args", ()))
    return refused or distrusted
