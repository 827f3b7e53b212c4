"""The channel: one face, behind it the sandbox or the real X."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NoReturn, Protocol

from channels.contract import Context, Part, Receipt
from channels.errors import CannotTell, Unauthorized
from channels.message import Message, Problem
from channels.piece import Piece
from channels.view import View
from channels.x import post
from channels.x.live import LOOK, Live
from channels.x.options import SECRETS, XOptions
from channels.x.outbox import Outbox


class Remote(Protocol):
    """Where posts go."""

    def publish(self, message: Message, key: str, parent: Receipt | None, /) -> Receipt: ...

    def find(self, message: Message, key: str, since: datetime, /) -> Receipt | None: ...

    def withdraw(self, receipt: Receipt, key: str, /) -> None: ...

    def close(self) -> None: ...

    @property
    def look(self) -> str: ...


class X:
    """Posts of one account. Not idempotent: X has no keys, and the sandbox is as forgetful."""

    idempotent = False

    def __init__(self, name: str, options: XOptions, remote: Remote) -> None:
        self.name = name
        self.settle = timedelta(0) if options.sandbox else options.settle
        self._options = options
        self._remote = remote

    def check(self, piece: Piece, view: View) -> list[Problem]:
        found = [problem for message in self.render(piece, view) for problem in message.problems]
        if piece.event and piece.event.thread and not self._options.threads:
            text = f"The channel '{self.name}' has threads off: the event's posts go out one by one."
            found.append(Problem("threads-off", text, "warning", "thread"))
        return list(dict.fromkeys(found))

    def render(self, piece: Piece, view: View) -> list[Message]:
        return post.messages(piece, view, self.name, self._options)

    def parts(self, piece: Piece, view: View) -> list[Part]:
        return post.parts(piece, view, self.name, self._options)

    def publish(self, message: Message, key: str, parent: Receipt | None) -> Receipt:
        return self._remote.publish(message, key, parent)

    def find(self, message: Message, key: str, since: datetime) -> Receipt | None:
        return self._remote.find(message, key, since)

    def withdraw(self, receipt: Receipt, key: str) -> None:
        self._remote.withdraw(receipt, key)

    @property
    def look(self) -> str:
        """Where a person sees what is out."""
        return self._remote.look

    def close(self) -> None:
        self._remote.close()


class Unset:
    """The real X without its keys: rendering and checking work, nothing goes out."""

    look = LOOK

    def __init__(self, name: str, missing: list[str]) -> None:
        prefix = "JULKI_" + name.upper().replace("-", "_") + "_"
        self._told = (
            f"The channel '{name}' has no keys for X: {', '.join(prefix + field.upper() for field in missing)}."
        )

    def publish(self, *_: object) -> NoReturn:
        hint = "Set them in the environment or in the file that JULKI_SECRETS names, or set sandbox = true."
        raise Unauthorized(self._told, hint=hint)

    withdraw = publish

    def find(self, *_: object) -> NoReturn:
        raise CannotTell(self._told)

    def close(self) -> None:
        """Nothing was opened."""


def open_channel(name: str, options: XOptions, context: Context) -> X:
    return X(name, options, _remote(name, options, context))


def _remote(name: str, options: XOptions, context: Context) -> Remote:
    if options.sandbox:
        return Outbox(options.outbox_path(context.root, name), name)
    missing = [field for field in SECRETS if not context.secrets.get(field)]
    if missing:
        return Unset(name, missing)
    return Live(options.api_url, context.secrets, context.media, options.timeout)
