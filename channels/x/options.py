"""What `config/julki.toml` may say about an X channel."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from channels.duration import Duration
from channels.registry import Options

KEYS = ("api_key", "api_secret", "access_token", "access_token_secret")
"""The four keys of OAuth 1.0a."""
APP = ("client_id", "client_secret")
"""The app's own names for OAuth 2.0; a public client has no secret."""
SECRETS = (*KEYS, *APP)


CORRECTION = {"fi": "Korjaus:", "sv": "Rättelse:", "en": "Correction:"}


class XOptions(Options):
    """`outbox` is relative to the workspace; `<name>` in it is the channel's name. `settle` is for how long a post
    may be out without X's timeline showing it (in the sandbox: no time at all). `threads`: whether this account may
    answer itself; without it a long text is shortened, and an event's posts stand alone; `numbered` puts 1/5 under each
    post of a text thread. `hashtags`: how many of a piece's tags become hashtags, at most. `timeout` is how long to wait
    between two bytes of X's answer. `budget_usd` is the most that a calendar month may cost; `post_usd`, `link_usd` and
    `read_usd` are X's prices for a post, a post with a link, and a post read back. `correction`: language → the words
    that a correction begins with. `authorize_url` is where a person lets Julki in (`auth = "oauth2"`)."""

    sandbox: bool = True
    api_url: str = "https://api.x.com"
    authorize_url: str = "https://x.com/i/oauth2/authorize"
    auth: Literal["oauth1", "oauth2"] = "oauth1"
    threads: bool = False
    numbered: bool = False
    settle: Duration = timedelta(seconds=60)
    timeout: Duration = Field(default=timedelta(seconds=30), ge=timedelta(seconds=1), le=timedelta(minutes=2))
    outbox: str = "var/outbox/<name>.jsonl"
    hashtags: int = Field(default=3, ge=0, le=10)
    budget_usd: Decimal | None = Field(default=None, ge=0)
    post_usd: Decimal = Field(default=Decimal("0.015"), ge=0)
    link_usd: Decimal = Field(default=Decimal("0.20"), ge=0)
    read_usd: Decimal = Field(default=Decimal("0.001"), ge=0)
    correction: dict[str, str] = Field(default={})

    @field_validator("auth", mode="before")
    @classmethod
    def _known_auth(cls, value: Any) -> Any:
        if value not in ("oauth1", "oauth2"):
            raise ValueError(f'"{value}" is not a way to sign in to X. Write auth = "oauth1" or auth = "oauth2".')
        return value

    @field_validator("api_url", "authorize_url")
    @classmethod
    def _plain_address(cls, value: str) -> str:
        host = urlsplit(value).hostname
        own = value.startswith("http://") and host in ("127.0.0.1", "localhost")
        if not ((value.startswith("https://") and host) or own) or "@" in value:
            shown = "That" if "@" in value else f'"{value}"'
            raise ValueError(f'{shown} is not an address that credentials may go to. Write it like "https://…".')
        return value.rstrip("/")

    def outbox_path(self, root: Path, name: str) -> Path:
        return root / self.outbox.replace("<name>", name)
