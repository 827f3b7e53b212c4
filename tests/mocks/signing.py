"""What signing in to the mock X takes: somebody at a browser, and a vault in memory."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path
from typing import IO, Any

from channels.account import Account
from channels.contract import Channel, Vault
from channels.samples import CANARY, context
from channels.x import ADAPTER
from channels.x.tokens import Tokens, recorded
from scheduler.desk.callback import fields

BACK = "http://127.0.0.1:8022/callback"


class MemoryVault:
    """Keeps JSON, as the real one does. `writes` are all that was ever written, in order."""

    def __init__(self) -> None:
        self.writes: list[str] = []
        self.failures: list[Exception] = []
        """Raised by the next writings."""

    def read(self, _channel: str) -> Mapping[str, Any] | None:
        return json.loads(self.writes[-1]) if self.writes else None

    def write(self, _channel: str, token: Mapping[str, Any]) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.writes.append(json.dumps(token))


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        return None


def visit(address: str) -> str:
    """Open the consent page as a person; the address that the browser is sent to."""
    try:
        urllib.request.build_opener(_Stay).open(address, timeout=10)
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.headers["Location"] or answer.read().decode()
    raise AssertionError("the browser was sent nowhere")


def opened(
    url: str, root: Path, vault: Vault | None, *, public: bool = False, secrets: Mapping[str, str] | None = None
) -> tuple[Channel, Account]:
    """A live channel `x` with OAuth 2, and its account. `public`: the app has no secret."""
    fields_ = ("client_id",) if public else ("client_id", "client_secret")
    given = {field: f"{CANARY}-{field}" for field in fields_} if secrets is None else secrets
    options = ADAPTER.options(sandbox=False, auth="oauth2", api_url=url, authorize_url=f"{url}/i/oauth2/authorize")
    life = replace(context(root, secrets=given), vault=vault)
    assert ADAPTER.account
    account = ADAPTER.account("x", options, life)
    assert account
    return ADAPTER.open("x", options, life), account


def sign_in(account: Account) -> str:
    """Go all the way; the account's name."""
    invitation = account.invite(BACK)
    assert invitation
    return invitation.accept(fields(visit(invitation.address)))


def held(vault: Vault, channel: str = "x") -> Tokens:
    record = vault.read(channel)
    assert record is not None
    return recorded(record)


def age(vault: Vault, ends_in: timedelta, channel: str = "x", **changes: Any) -> Tokens:
    """Let the access token be good for only so long from now."""
    aged = replace(held(vault, channel), ends_at=datetime.now(UTC) + ends_in, **changes)
    vault.write(channel, aged.record())
    return aged
