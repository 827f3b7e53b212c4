"""What went wrong with a remote, split by what the dispatcher may conclude.

    ChannelError
    ├─ Rejected       it will never be accepted as it is      → failed
    ├─ Unauthorized   the credentials do not hold             → held, the channel is paused
    ├─ RateLimited    not accepted, the remote said "not now" → retrying, no attempt is counted
    ├─ Unavailable    provably not accepted                   → retrying
    └─ Uncertain      it may have been accepted               → the attempt stays open, to be reconciled
    CannotTell        raised by `find` alone                  → held, a person looks

Anything else that an adapter raises is a bug, and is treated as `Uncertain`.
"""

from __future__ import annotations

from datetime import timedelta


class ChannelError(Exception):
    """An expected failure. `hint` tells the person what to do; neither text may hold a secret."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Rejected(ChannelError):
    """The remote refused the message for what it is; sending it again cannot help."""


class Unauthorized(ChannelError):
    """The remote does not accept the credentials; nothing was published, and nothing will be until they are mended."""


class RateLimited(ChannelError):
    """The remote said "not now": nothing was published. `retry_after` is how long it asked to wait, None if it did not say."""

    def __init__(self, message: str, *, retry_after: timedelta | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class Unavailable(ChannelError):
    """Provably not accepted: connection refused, name not resolved, disk full before anything was visible."""


class Uncertain(ChannelError):
    """It may have been accepted: a time-out after sending, a lost reply, a 5xx. Only `find` or a person can tell.

    `twin`: this very call was refused, because the like of it is out already. Perhaps that is our own, sent before; if it
    is not found, asking again can't help."""

    def __init__(self, message: str, *, hint: str = "", twin: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.twin = twin


class CannotTell(Exception):
    """`find` can't read the remote back. `look` is an address where a person can."""

    def __init__(self, message: str, *, look: str = "") -> None:
        super().__init__(message)
        self.look = look
