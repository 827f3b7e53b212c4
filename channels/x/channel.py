"""The channel: one face, behind it the sandbox or the real X."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from channels.contract import Measurement, Part, Receipt
from channels.message import Message, Problem
from channels.piece import Piece
from channels.urls import has_address
from channels.view import View
from channels.x import correction, post
from channels.x.options import XOptions
from channels.x.reach import METRICS


class Remote(Protocol):
    """Where posts go."""

    def publish(self, message: Message, key: str, parent: Receipt | None, /) -> Receipt: ...

    def find(self, message: Message, key: str, since: datetime, /) -> Receipt | None: ...

    def withdraw(self, receipt: Receipt, key: str, /) -> None: ...

    def measure(self, receipts: Sequence[Receipt], now: datetime, /) -> list[Measurement]: ...

    def close(self) -> None: ...

    @property
    def look(self) -> str: ...

    @property
    def read(self) -> int: ...


class X:
    """Posts of one account. Not idempotent: X has no keys, and the sandbox is as forgetful."""

    idempotent = False
    metrics = METRICS

    def __init__(self, name: str, options: XOptions, remote: Remote) -> None:
        self.name = name
        self.settle = timedelta(0) if options.sandbox else options.settle
        self.paid = not options.sandbox
        self.budget = options.budget_usd
        self.read_price = options.read_usd
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

    def measure(self, receipts: Sequence[Receipt], now: datetime) -> list[Measurement]:
        return self._remote.measure(receipts, now)

    @property
    def read(self) -> int:
        return self._remote.read

    def cost(self, message: Message) -> Decimal:
        """X charges more for a post with an address in it (docs.x.com, pay-per-use, November 2026)."""
        return self._options.link_usd if has_address(message.text) else self._options.post_usd

    def correction(self, message: Message, part: str, lang: str) -> Message:
        return correction.of(message, part, lang, self._options)

    @property
    def look(self) -> str:
        """Where a person sees what is out."""
        return self._remote.look

    def close(self) -> None:
        self._remote.close()
