"""How requests to X are signed: who the desk is there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Any, Protocol


class Access(Protocol):
    """The account's credentials."""

    user_auth: bool
    """Whether tweepy is to sign with OAuth 1.0a; else with the bearer token that the client was made with."""

    def client(self) -> Any:
        """A tweepy client whose credentials hold now, without a session. Raises `Unauthorized`, `Unavailable`."""
        ...

    def secrets(self) -> Collection[str]:
        """What may never be shown."""
        ...


class Keys:
    """OAuth 1.0a: four keys, which never expire."""

    user_auth = True

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = secrets

    def client(self) -> Any:
        return self._client

    @cached_property
    def _client(self) -> Any:
        # tweepy takes a tenth of a second to import: only who posts should wait for it.
        import tweepy

        return tweepy.Client(
            consumer_key=self._secrets["api_key"],
            consumer_secret=self._secrets["api_secret"],
            access_token=self._secrets["access_token"],
            access_token_secret=self._secrets["access_token_secret"],
        )

    def secrets(self) -> Collection[str]:
        return [secret for secret in self._secrets.values() if secret]
