"""OAuth 2.0 with PKCE (RFC 6749, 7636), as X speaks it: what is sent, and what an answer means.

X's answers to a code or token that it does not take are `invalid_request`, not `invalid_grant`, as its developers' reports
show; both are understood. What X says in words is never repeated: it may hold what it was sent.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from channels.errors import ChannelError, RateLimited, Unauthorized, Unavailable, Uncertain
from channels.message import Json
from channels.x.tokens import DISUSE, Hidden, Tokens

SCOPES = ("tweet.read", "tweet.write", "users.read", "media.write", "offline.access")
TOKEN_PATH = "/2/oauth2/token"  # noqa: S105  an address
UNREACHED, LOST = 0, -1
"""Statuses of an answer that never came: the request was not sent, or may have been."""
_LASTS = 7200
_LONGEST_WAIT = 86_400
_CLIENT = {"invalid_client", "unauthorized_client"}


@dataclass(frozen=True, slots=True)
class Client:
    """The app's names at X. A public client has no secret."""

    id: str
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Proof:
    """By which the answer is known to belong to the question: `state` comes back, `verifier` is shown at the end."""

    state: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(64), repr=False)

    @property
    def challenge(self) -> str:
        """S256 of RFC 7636, 4.2."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the token endpoint said. `body` is its JSON, empty where it was none; `retry_after` in seconds."""

    status: int
    asked_at: datetime
    body: Mapping[str, Json] = field(default_factory=Hidden, repr=False)
    retry_after: int = 0

    def record(self) -> Hidden:
        return Hidden(
            status=self.status,
            asked_at=self.asked_at.isoformat(),
            body=self.body,
            retry_after=self.retry_after,
        )


def answer(record: Mapping[str, Json]) -> Answer:
    """What `Answer.record` wrote."""
    at = datetime.fromisoformat(record["asked_at"])
    return Answer(int(record["status"]), at, Hidden(record["body"]), int(record["retry_after"]))


def address(authorize_url: str, client: Client, back: str, proof: Proof) -> str:
    """Where a person lets the desk in."""
    fields = {
        "response_type": "code",
        "client_id": client.id,
        "redirect_uri": back,
        "scope": " ".join(SCOPES),
        "state": proof.state,
        "code_challenge": proof.challenge,
        "code_challenge_method": "S256",
    }
    return f"{authorize_url}?{urlencode(fields, quote_via=quote)}"


def exchange(client: Client, code: str, back: str, proof: Proof) -> Hidden:
    """The form that turns a code into tokens."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": proof.verifier}
    return Hidden(form if client.secret else {**form, "client_id": client.id})


def refresh(client: Client, token: str) -> Hidden:
    """The form that turns a refresh token into new tokens."""
    form = {"grant_type": "refresh_token", "refresh_token": token}
    return Hidden(form if client.secret else {**form, "client_id": client.id})


def ask(api_url: str, client: Client, form: Mapping[str, str], seconds: float) -> Answer:
    """Ask the token endpoint, once, for at most so long. It never raises: whatever happens is an answer."""
    import requests

    from channels.x.session import Adapter, json_of

    adapter = Adapter(timedelta(seconds=seconds))
    adapter.seconds = seconds
    asked_at = datetime.now(UTC)
    with requests.Session() as session:
        session.mount(api_url, adapter)
        # Something must stand here: where nothing does, requests looks for a password in the user's .netrc.
        auth = (quote(client.id, safe=""), quote(client.secret, safe="")) if client.secret else _unsigned
        try:
            response = session.post(api_url + TOKEN_PATH, data=form, auth=auth, allow_redirects=False)
        except Uncertain:
            return Answer(LOST, asked_at)
        except ChannelError:
            return Answer(UNREACHED, asked_at)
    body = json_of(response)
    wait = response.headers.get("retry-after", "")
    seconds_to_wait = min(int(wait), _LONGEST_WAIT) if wait.isascii() and wait.isdigit() and len(wait) < 9 else 0
    found = Hidden(body) if isinstance(body, Mapping) else Hidden()
    return Answer(response.status_code, asked_at, found, seconds_to_wait)


def _unsigned(request: Any) -> Any:
    return request


_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")
"""What may stand in a header (RFC 6750, 2.1)."""


def refusal(answer: Answer) -> ChannelError | None:
    """Why there are no tokens in it; None: there are. Nothing was posted, whatever it is."""
    again = "It is tried again by itself."
    if answer.status == UNREACHED:
        return Unavailable("X could not be reached to renew the signing in.", hint=f"{again} Is the network up?")
    if answer.status == LOST:
        return Unavailable("The connection to X broke off while the signing in was renewed.", hint=again)
    if answer.status == 429:
        wait = timedelta(seconds=answer.retry_after) if answer.retry_after else None
        return RateLimited("X puts off renewing the signing in.", retry_after=wait)
    if is_spent(answer):
        return Unauthorized("X does not take what the desk signs in with any more.")
    if is_foreign(answer):
        return Unauthorized(f"X does not know the app by its client id and secret ({answer.status}).")
    if not (200 <= answer.status < 300) or not _TOKEN.fullmatch(_text(answer, "access_token")):
        return Unavailable(f"X could not renew the signing in (it answered {answer.status}).", hint=again)
    return None


def is_spent(answer: Answer) -> bool:
    """The code or the refresh token is not taken: used, ended or taken back."""
    if answer.status != 400:
        return False
    said = _text(answer, "error_description").casefold()
    unfit = "invalid" in said and ("token" in said or "code" in said)
    return answer.body.get("error") == "invalid_grant" or (answer.body.get("error") == "invalid_request" and unfit)


def is_foreign(answer: Answer) -> bool:
    """The app itself is not known by what it says of itself."""
    known = answer.body.get("error") in _CLIENT
    return answer.status == 401 or (answer.status in (400, 403) and known)


def tokens(answer: Answer, before: Tokens | None = None) -> Tokens:
    """The tokens of a good answer. `before`: those they come after, whose account and refresh token stay where the
    answer does not give others (RFC 6749, 6)."""
    at = answer.asked_at
    renewal = _text(answer, "refresh_token") or (before.refresh if before else "")
    ends_at = at + timedelta(seconds=_seconds(answer.body.get("expires_in")) or _LASTS)
    lasts = _seconds(answer.body.get("refresh_token_expires_in"))
    lapses_at = at + (timedelta(seconds=lasts) if lasts else DISUSE) if renewal else ends_at
    return Tokens(
        access=_text(answer, "access_token"),
        refresh=renewal,
        ends_at=ends_at,
        connected_at=before.connected_at if before else at,
        renewed_at=at,
        lapses_at=lapses_at,
        account=before.account if before else "",
        username=before.username if before else "",
        scopes=_text(answer, "scope") or (before.scopes if before else ""),
        trial=bool(before and before.trial),
    )


def _text(answer: Answer, name: str) -> str:
    value = answer.body.get(name)
    return value if isinstance(value, str) else ""


def _seconds(value: object) -> int:
    return value if isinstance(value, int) and 0 < value < 10**9 else 0
