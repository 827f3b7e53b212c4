"""The tokens of one channel: read, renewed ahead of time by one at a time, and never lost on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock, Thread
from typing import TypeVar

from channels.contract import Locked, Vault
from channels.errors import ChannelError, Unauthorized, Unavailable
from channels.files import unwritable
from channels.x import oauth2, renewal
from channels.x.oauth2 import Answer, Client
from channels.x.tokens import Pending, Tokens, recorded

FOLDER = "var/sign-in"
"""Where locks lie, and for a moment what a renewal got; from the workspace."""
_REST = timedelta(minutes=1)
"""For so long a renewal that failed is not tried again, while the token is still good."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who renews: X's token endpoint, and the app as which the desk asks. `seconds`: how long an answer may take."""

    api_url: str
    client: Client
    seconds: float


def clock() -> datetime:
    return datetime.now(UTC)


class Wallet:
    """It keeps nothing in memory: whoever signs in anew, in whatever process, is heard at the next request."""

    def __init__(
        self, name: str, issuer: Issuer, vault: Vault, root: Path, now: Callable[[], datetime] = clock
    ) -> None:
        self.name, self.issuer = name, issuer
        self._vault, self._now = vault, now
        self._counter = renewal.Counter(root / FOLDER, name, issuer.seconds)
        self._rests_until = datetime.min.replace(tzinfo=UTC)
        self._renewing = Lock()

    def read(self) -> Tokens | None:
        """What is kept; None where nobody has signed in. Raises `Unauthorized` where it can't be read, `Unavailable`."""
        try:
            record = self._vault.read(self.name)
            return None if record is None else recorded(record)
        except Locked as error:
            raise Unauthorized(str(error)) from None
        except ValueError as error:
            raise Unauthorized(f"What is stored for signing in can't be used: {error}.", hint=self.way) from None

    @property
    def way(self) -> str:
        """What a person does where nothing else helps."""
        return f"Sign in again with: julki connect {self.name}"

    def fresh(self) -> Tokens:
        """Tokens that are good now, renewed first where they soon end. Raises `Unauthorized`, `Unavailable`,
        `RateLimited`."""
        tokens, now = self._signed_in(), self._now()
        if tokens.young(now):
            return tokens
        if not tokens.usable(now):
            return self._renewed()
        if now >= self._rests_until and not self._renewing.locked():
            Thread(target=self._renew_beside, name=f"{self.name} signing in", daemon=True).start()
        return tokens

    def _renew_beside(self) -> None:
        """While the old tokens still serve nobody waits for the new ones: least of all a hall. What goes wrong is tried
        again, and told when they end."""
        if not self._renewing.acquire(blocking=False):
            return
        try:
            self._renewed()
        except Exception:  # noqa: BLE001  whatever it is, the next one that needs new tokens asks again and is told
            self._rests_until = self._now() + _REST
        finally:
            self._renewing.release()

    def keep(self, tokens: Tokens) -> None:
        """A person has signed in: these are the tokens from now on. Raises `Unavailable`, `Unauthorized`."""
        self._alone(lambda _: self._write(tokens))

    def refused(self, tokens: Tokens, told: str) -> ChannelError:
        """What follows from X having refused this access token, as `told`: nothing was posted. It is renewed once; where
        X refuses its successor as well, a person must look."""
        try:
            return self._alone(lambda _: self._doubted(tokens, told))
        except ChannelError as error:
            return error

    def took(self, tokens: Tokens) -> None:
        """X has taken the access token that came after a refused one. Whatever happens here, the request went well."""
        try:
            self._alone(lambda _: self._trusted(tokens))
        except ChannelError:
            return

    def _doubted(self, tokens: Tokens, told: str) -> ChannelError:
        current = self._signed_in()
        if current.access != tokens.access:
            return Unavailable(f"{told} The signing in was renewed meanwhile.", hint="It is tried again by itself.")
        if current.trial and not current.usable(self._now()):
            # Two requests had gone out with the same token: this one is the second to be refused.
            return Unavailable(f"{told} The signing in is renewed.", hint="It is tried again by itself.")
        if current.trial or current.lasts_no_longer:
            return Unauthorized(told, hint=f"Is the app still allowed on the account? {self.way}")
        self._write(replace(current, ends_at=self._now(), trial=True))
        return Unavailable(f"{told} The signing in is renewed.", hint="It is tried again by itself.")

    def _trusted(self, tokens: Tokens) -> None:
        current = self._signed_in()
        if current.access == tokens.access:
            self._write(replace(current, trial=False))

    def _signed_in(self) -> Tokens:
        tokens = self.read()
        if tokens is None:
            told = f"Nobody has signed in to X for the channel '{self.name}' yet."
            raise Unauthorized(told, hint=f"Sign in with: julki connect {self.name}")
        return tokens

    def _renewed(self) -> Tokens:
        return self._alone(self._turn)

    def _turn(self, lock: int) -> Tokens:
        """Under the lock: somebody may have renewed them meanwhile, or died doing so."""
        tokens = self._signed_in()
        if tokens.pending and (left := self._counter.left(tokens.pending)):
            tokens, _ = self._settled(tokens, left)
        if tokens.young(self._now()):
            return tokens
        if tokens.lasts_no_longer:
            raise Unauthorized("X does not renew what the desk signs in with any more.", hint=self.way)
        return self._asked(tokens, lock)

    def _asked(self, tokens: Tokens, lock: int) -> Tokens:
        begun = replace(tokens, pending=Pending())
        self._write(begun)
        issuer, pending = self.issuer, begun.pending or Pending()
        self._counter.run(issuer.client, issuer.api_url, begun.refresh, pending, lock)
        left = self._counter.left(pending)
        if left is None:
            raise Unavailable("The signing in could not be renewed.", hint="It is tried again by itself.")
        tokens, error = self._settled(begun, left)
        if error is not None:
            raise error
        return tokens

    def _settled(self, before: Tokens, answer: Answer) -> tuple[Tokens, ChannelError | None]:
        """Bring what a renewal got into the vault, and only then take it off the disk."""
        error = oauth2.refusal(answer)
        if error is None:
            after = oauth2.tokens(answer, before)
        else:
            after = replace(before, pending=None, spent=oauth2.is_spent(answer))
            error = self._told(error, answer)
        self._write(after)
        if before.pending:
            self._counter.clear(before.pending)
        return after, error

    def _told(self, error: ChannelError, answer: Answer) -> ChannelError:
        if oauth2.is_spent(answer):
            error.hint = self.way
        elif oauth2.is_foreign(answer):
            error.hint = f"Look at {variable(self.name, 'client_id')} and {variable(self.name, 'client_secret')}."
        return error

    def _write(self, tokens: Tokens) -> None:
        try:
            self._vault.write(self.name, tokens.record())
        except Locked as error:
            raise Unauthorized(str(error)) from None

    def _alone(self, act: Callable[[int], T]) -> T:
        """Do it under the account's lock: no other thread or process reads, renews and writes meanwhile."""
        try:
            with self._counter.held() as lock:
                return act(lock)
        except renewal.Busy:
            hint = "It is tried again by itself."
            raise Unavailable("The signing in is being renewed by another process.", hint=hint) from None
        except OSError as error:
            raise unwritable(str(self._counter.folder), error) from None


def variable(channel: str, field: str) -> str:
    """The name of a secret, as people set it."""
    return f"JULKI_{channel}_{field}".upper().replace("-", "_")
