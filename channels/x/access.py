"""How requests to X are signed: who the desk is there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from functools import cache, cached_property
from typing import Any, Protocol

from channels.errors import ChannelError, Unauthorized
from channels.x.tokens import Hidden, Tokens
from channels.x.verdict import answered
from channels.x.wallet import Wallet

_TALKATIVE = ("tweepy", "tweepy.client", "requests_oauthlib", "requests_oauthlib.oauth1_auth", "oauthlib")
"""They write the Authorization header into their debug logs."""
_KNOWN = 8
"""So many tokens are remembered for hiding them: those of the last four renewals."""


class Access(Protocol):
    """The account's credentials."""

    user_auth: bool
    """Whether tweepy is to sign with OAuth 1.0a; else with the bearer token that the client was made with."""

    def client(self) -> Any:
        """A tweepy client whose credentials hold now, without a session. Raises `Unauthorized`, `Unavailable`. What its
        requests raise holds no secret, in its text or in the frames it came through."""
        ...

    def secrets(self) -> Collection[str]:
        """What may never be shown."""
        ...


class Keys:
    """OAuth 1.0a: four keys, which never expire."""

    user_auth = True

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = Hidden(secrets)

    def client(self) -> Any:
        return self._client

    @cached_property
    def _client(self) -> Any:
        return _client(
            self._judged,
            _nothing,
            consumer_key=self._secrets["api_key"],
            consumer_secret=self._secrets["api_secret"],
            access_token=self._secrets["access_token"],
            access_token_secret=self._secrets["access_token_secret"],
        )

    def _judged(self, error: ChannelError) -> ChannelError:
        return redacted(error, self.secrets())

    def secrets(self) -> Collection[str]:
        return [secret for secret in self._secrets.values() if secret]


class Token:
    """OAuth 2.0: an access token for two hours, renewed by the wallet."""

    user_auth = False

    def __init__(self, wallet: Wallet) -> None:
        self._wallet = wallet
        self._seen = Hidden()

    def client(self) -> Any:
        return self.client_with(self._wallet.fresh())

    def client_with(self, tokens: Tokens) -> Any:
        """A client with these tokens, whatever the wallet holds."""
        self._seen = Hidden(dict.fromkeys([*self._seen, tokens.access, tokens.refresh][-_KNOWN:]))

        def judged(error: ChannelError) -> ChannelError:
            told = redacted(error, self.secrets())
            if not (isinstance(told, Unauthorized) and answered(told, 401)):
                return told
            return self._wallet.refused(tokens, _sentence(str(told)))

        done = (lambda: self._wallet.took(tokens)) if tokens.trial else _nothing
        return _client(judged, done, bearer_token=tokens.access)

    def secrets(self) -> Collection[str]:
        known = [*self._seen, self._wallet.issuer.client.secret]
        return [secret for secret in known if secret]


def redacted(error: ChannelError, secrets: Collection[str]) -> ChannelError:
    """The remote may repeat what it was sent: nothing of ours may reach a log by that way."""
    text = str(error)
    for secret in secrets:
        text = text.replace(secret, "…")
    error.args = (text,)
    return error


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _nothing() -> None:
    """What most requests have to do afterwards."""


def _client(judged: Callable[[ChannelError], ChannelError], done: Callable[[], None], **credentials: str) -> Any:
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    return _kind()(judged, done, **credentials)


@cache
def _kind() -> Any:
    # tweepy takes a tenth of a second to import: only who posts should wait for it.
    import tweepy

    class Client(tweepy.Client):  # type: ignore[misc]  # tweepy has no types
        """A client whose errors are judged, and have forgotten the frames in which headers lie open."""

        def __init__(
            self, judged: Callable[[ChannelError], ChannelError], done: Callable[[], None], **credentials: str
        ) -> None:
            super().__init__(**credentials)
            self._judged, self._done = judged, done

        def request(self, *args: Any, **kwargs: Any) -> Any:
            try:
                response = super().request(*args, **kwargs)
            except ChannelError as error:
                failure = error
                if answered(error, 400, 402, 403, 404, 429):
                    self._done()  # X knows who asks
            else:
                self._done()
                return response
            failure.__traceback__ = failure.__context__ = failure.__cause__ = None
            raise self._judged(failure)

    return Client
