"""OAuth 1.0a, verified as a server does it (RFC 5849): every secret must be right, and no request comes twice."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from oauthlib.common import Request
from oauthlib.oauth1.rfc5849 import signature

from tests.mocks.x.accounts import Account, Accounts
from tests.mocks.x.exchange import Call

_SKEW = 300
"""X refuses a time stamp that is off by more than five minutes."""
_FORM = "application/x-www-form-urlencoded"
_MADE_UP = re.compile(r"(.*)-(api_key|access_token)")


@dataclass(frozen=True)
class Keys:
    """The four keys of an app and an account, and whose they are."""

    api_key: str
    api_secret: str
    access_token: str
    access_token_secret: str
    username: str = ""


class Signatures:
    """Knows the secrets: those it was given; of nobody's keys those that tests make up, see `made_up`."""

    def __init__(self, accounts: Accounts, keys: Sequence[Keys] | None) -> None:
        self._accounts = accounts
        self._given = None if keys is None else {(one.api_key, one.access_token): one for one in keys}
        self._seen: set[tuple[str, str, str]] = set()

    def verify(self, call: Call) -> Account | None:
        """Whose signature it is; None where it is none, a wrong one, or an old one."""
        # The signature is over the address as the client wrote it, which the Host header tells.
        body = call.body.decode() if call.media_type == _FORM else ""
        headers = {"Authorization": call.headers.get("Authorization")}
        try:
            said = signature.collect_parameters(call.url.partition("?")[2], body, headers, False)
        except ValueError:
            return None
        told = dict(said)
        keys = self._keys(told.get("oauth_consumer_key", ""), told.get("oauth_token", ""))
        if keys is None or not self._holds(call, said, told, keys) or not self._is_fresh(told):
            return None
        return self._accounts.named(keys.username) if keys.username else self._accounts.of_token(keys.access_token)

    def _holds(self, call: Call, said: list[tuple[str, str]], told: dict[str, str], keys: Keys) -> bool:
        if (told.get("oauth_signature_method"), told.get("oauth_version", "1.0")) != ("HMAC-SHA1", "1.0"):
            return False
        request = Request(call.url, call.method)
        request.params = [(name, value) for name, value in said if name != "oauth_signature"]
        request.signature = told.get("oauth_signature", "")
        return bool(signature.verify_hmac_sha1(request, keys.api_secret, keys.access_token_secret))

    def _is_fresh(self, told: dict[str, str]) -> bool:
        """By the real clock, whatever the mock's says: with that the client signs."""
        stamp, nonce = told.get("oauth_timestamp", ""), told.get("oauth_nonce", "")
        if not (stamp.isdigit() and nonce and abs(int(stamp) - time.time()) <= _SKEW):
            return False
        seen = (stamp, nonce, told["oauth_token"])
        fresh = seen not in self._seen
        self._seen.add(seen)
        return fresh

    def _keys(self, api_key: str, token: str) -> Keys | None:
        return made_up(api_key, token) if self._given is None else self._given.get((api_key, token))


def made_up(api_key: str, token: str) -> Keys | None:
    """The secrets to keys that tests made up: `NAME-api_key` has `NAME-api_secret`, `NAME-access_token` has
    `NAME-access_token_secret`, and `fake` has `fake`. None where they follow no such rule."""
    if api_key == token == "fake":
        return Keys("fake", "fake", "fake", "fake")
    app, user = _MADE_UP.fullmatch(api_key), _MADE_UP.fullmatch(token)
    if app is None or user is None or (app[2], user[2]) != ("api_key", "access_token"):
        return None
    return Keys(api_key, f"{app[1]}-api_secret", token, f"{token}_secret")
