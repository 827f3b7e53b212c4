"""OAuth 2: codes with a proof (PKCE), access tokens that end, and refresh tokens that are good for one use (RFC 6749, 7636)."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

from tests.mocks.x.accounts import Account, Accounts, Caller
from tests.mocks.x.exchange import Call, Reply

SCOPES = frozenset({"tweet.read", "tweet.write", "users.read", "media.write", "offline.access"})
"""Those that a desk may want. X knows more."""
APP_TOKEN = "app-alone"
"""A token of the app alone, without a user: good for reading what is public."""
_CODE_LASTS = timedelta(seconds=30)
_NEVER = datetime.min.replace(tzinfo=UTC)
_MADE_UP = re.compile(r"(.*)-client_id")
_ALLOWED = {
    "authorization_code": {"grant_type", "code", "redirect_uri", "code_verifier", "client_id"},
    "refresh_token": {"grant_type", "refresh_token", "client_id", "scope"},
}


@dataclass
class Grant:
    """What a person agreed to, and every token that came of it."""

    account: Account
    client: str
    scopes: frozenset[str]
    redirect_uri: str = ""
    challenge: str = ""
    until: datetime = _NEVER
    revoked: bool = False


class OAuth2:
    """The token endpoint and what it issued.

    `expires_in`: seconds for which an access token is good. `grace`: for how long a used refresh token still is (X: not at
    all). `refusal`: what a refused code or token is called ("invalid_grant" by the standard; X was also seen to say
    "invalid_request"). `tokens` and `refreshes` are all that was issued and is good.
    """

    def __init__(
        self,
        accounts: Accounts,
        clients: Mapping[str, str | None] | None,
        now: Callable[[], datetime],
        expires_in: int,
    ) -> None:
        self.expires_in, self.grace, self.refusal = expires_in, timedelta(0), "invalid_grant"
        self.issued: list[str] = []
        """Every code and token ever handed out: none of them may stand in a log."""
        self.tokens: dict[str, tuple[Grant, datetime]] = {}
        self.refreshes: dict[str, tuple[Grant, datetime | None]] = {}
        """Refresh token → what it is for, and until when it is good, once it was used."""
        self._codes: dict[str, Grant] = {}
        self._accounts, self._clients, self._now = accounts, clients, now
        self._lock = threading.Lock()

    def knows(self, client: str) -> bool:
        return bool(_MADE_UP.fullmatch(client)) if self._clients is None else client in self._clients

    def code(self, grant: Grant) -> str:
        """The code for an agreement; good once, for half a minute."""
        code = self._fresh("code")
        grant.until = self._now() + _CODE_LASTS
        self._codes[code] = grant
        return code

    def caller(self, token: str) -> Caller | None:
        """Whose token it is; None where it is none, has ended or was revoked."""
        if token == APP_TOKEN:
            return Caller(None, frozenset())
        grant, until = self.tokens.get(token, (None, None))
        if grant is None or until is None or grant.revoked or self._now() >= until:
            return None
        return Caller(grant.account, grant.scopes)

    def expire(self) -> None:
        """All access tokens have ended as of now."""
        self.tokens = {token: (grant, self._now()) for token, (grant, _) in self.tokens.items()}

    def violations(self, call: Call) -> list[str]:
        """What a request for tokens says that it may not, or lacks."""
        if call.media_type != "application/x-www-form-urlencoded":
            return [f"{call.method} {call.path}: a body of the type {call.media_type!r}"]
        if call.path.endswith("/revoke"):
            wrong = set(call.form) - {"token", "token_type_hint", "client_id"}
        else:
            wrong = set(call.form) - _ALLOWED.get(call.form.get("grant_type", ""), set())
        return [f"{call.method} {call.path}: no field {name} is known" for name in sorted(wrong)]

    def token(self, call: Call) -> Reply:
        """`POST /2/oauth2/token`."""
        with self._lock:
            client = self._client(call)
            if client is None:
                return refused("unauthorized_client", "Missing valid authorization header", 401)
            if call.form.get("grant_type") == "authorization_code":
                return self._exchange(client, call.form)
            return self._refresh(client, call.form)

    def revoke(self, call: Call) -> Reply:
        """`POST /2/oauth2/revoke`: ends everything that came of the same agreement."""
        client, token = self._client(call), call.form.get("token", "")
        if client is None:
            return refused("unauthorized_client", "Missing valid authorization header", 401)
        known = self.tokens.get(token) or self.refreshes.get(token)
        if known and known[0].client == client:
            known[0].revoked = True
        return Reply(200, {"revoked": True})

    def _exchange(self, client: str, form: Mapping[str, str]) -> Reply:
        grant = self._codes.pop(form.get("code", ""), None)
        if grant is None or (grant.client, grant.redirect_uri) != (client, form.get("redirect_uri")):
            return refused(self.refusal, "Value passed for the authorization code was invalid.")
        if self._now() >= grant.until or grant.challenge != challenge(form.get("code_verifier", "")):
            return refused(self.refusal, "Value passed for the authorization code was invalid.")
        return Reply(200, self.issue(grant))

    def _refresh(self, client: str, form: Mapping[str, str]) -> Reply:
        old = form.get("refresh_token", "")
        grant, until = self.refreshes.get(old, (None, None))
        ended = grant is None or grant.revoked or (until is not None and self._now() >= until)
        if grant is None or ended or grant.client != client:
            return refused(self.refusal, "Value passed for the token was invalid.")
        self.refreshes[old] = (grant, until or self._now() + self.grace)
        return Reply(200, self.issue(grant))

    def issue(self, grant: Grant) -> dict[str, Any]:
        """Fresh tokens for an agreement: what the token endpoint says when all is well."""
        access = self._fresh("access")
        self.tokens[access] = (grant, self._now() + timedelta(seconds=self.expires_in))
        told: dict[str, Any] = {
            "token_type": "bearer",
            "expires_in": self.expires_in,
            "access_token": access,
            "scope": " ".join(sorted(grant.scopes)),
        }
        if "offline.access" in grant.scopes:
            told["refresh_token"] = self._fresh("refresh")
            self.refreshes[told["refresh_token"]] = (grant, None)
        return told

    def _client(self, call: Call) -> str | None:
        """Who asks: by a password of its own (Basic), or, where it is a public client, by its name alone."""
        name, secret = _basic(call.headers.get("Authorization"))
        if name and self.knows(name):
            return name if secret == self._secret(name) else None
        client = call.form.get("client_id", "")
        public = self._clients is None or self._clients.get(client) is None
        return client if self.knows(client) and public and not name else None

    def _secret(self, client: str) -> str | None:
        return client.removesuffix("_id") + "_secret" if self._clients is None else self._clients[client]

    def _fresh(self, kind: str) -> str:
        self.issued.append(f"{kind}-{secrets.token_urlsafe(24)}")
        return self.issued[-1]


def challenge(verifier: str) -> str:
    """What a verifier must hash to (S256); one that is too short or has odd signs fits nothing."""
    if not re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", verifier):
        return "-"
    return base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def refused(error: str, description: str, status: int = 400) -> Reply:
    """An error in the form of OAuth 2."""
    return Reply(status, {"error": error, "error_description": description})


def _basic(header: str) -> tuple[str, str]:
    if not header.startswith("Basic "):
        return "", ""
    try:
        name, _, secret = base64.b64decode(header[6:], validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "?", ""
    return unquote(name), unquote(secret)
