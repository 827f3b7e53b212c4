"""What `config/julki.toml` may say about an X channel."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from channels.duration import Duration
from channels.registry import Options

SECRETS = ("api_key", "api_secret", "access_token", "access_token_secret")


class XOptions(Options):
    """`outbox` is relative to the workspace; `<name>` in it is the channel's name. `settle` is for how long a post
    may be out without X's timeline showing it (in the sandbox: no time at all). `threads`: whether this account may
    answer itself; without it a long text is shortened, and an event's posts stand alone. `hashtags`: how many of a
    piece's tags become hashtags, at most. `timeout` is how long to wait between two bytes of X's answer."""

    sandbox: bool = True
    api_url: str = "https://api.x.com"
    auth: str = "oauth1"
    threads: bool = False
    settle: Duration = timedelta(seconds=60)
    timeout: Duration = Field(default=timedelta(seconds=30), ge=timedelta(seconds=1), le=timedelta(minutes=2))
    outbox: str = "var/outbox/<name>.jsonl"
    hashtags: int = Field(default=3, ge=0, le=10)

    @field_validator("auth", mode="before")
    @classmethod
    def _known_auth(cls, value: Any) -> Any:
        if value == "oauth2":
            raise ValueError('this version signs in to X with auth = "oauth1" only; "oauth2" is not there yet.')
        if value != "oauth1":
            raise ValueError(f'"{value}" is not a way to sign in to X. Write auth = "oauth1".')
        return value

    @field_validator("api_url")
    @classmethod
    def _plain_address(cls, value: str) -> str:
        if not value.startswith(("https://", "http://127.0.0.1", "http://localhost")) or "@" in value:
            raise ValueError(f'"{value}" is not an address that credentials may go to. Write api_url = "https://…".')
        return value.rstrip("/")

    def outbox_path(self, root: Path, name: str) -> Path:
        return root / self.outbox.replace("<name>", name)
