"""Signing in: what an adapter whose remote has accounts offers beside its channels.

`Adapter.account` opens it. The desk asks it how the channel stands with its account, and `connect` signs in with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from channels.errors import Rejected


@dataclass(frozen=True, slots=True)
class Standing:
    """How a channel stands with its account. `name` is the account's, as people write it ("@desk"), "" where the remote
    has not said it. `lapses_at`: when a person must sign in again, if nothing happens; None: never. `trouble`: why the
    channel can't publish, or soon can't, with the remedy; "" where it can."""

    name: str = ""
    since: datetime | None = None
    renewed_at: datetime | None = None
    lapses_at: datetime | None = None
    trouble: str = ""


class Stray(Rejected):
    """What came back is no answer to this invitation: another tab, a half-copied address, or somebody else. The right one
    may still come."""


class Invitation(Protocol):
    """A person is asked to let the desk in, once."""

    address: str
    """Where the person does so, in a browser."""

    def accept(self, answer: Mapping[str, str]) -> str:
        """Take what the remote sent the browser back with (the fields of the address), and keep what comes of it. The
        account's name. Raises a `ChannelError`; then everything is as before."""
        ...


class Account(Protocol):
    """A channel's account at its remote. Opening it does no network."""

    def standing(self, now: datetime) -> Standing:
        """No network."""
        ...

    def name(self) -> str:
        """Whose account it is, asked of the remote now. Raises a `ChannelError`."""
        ...

    def invite(self, back: str) -> Invitation | None:
        """`back` is the address to which the browser is sent. None: a person signs in by the channel's secrets alone.
        Raises `Unauthorized` where a secret is missing that it takes."""
        ...
