"""Scripted channels: each writes what it accepted into a ledger that outlives desks and crashes. Assert on the ledger.

`Stage` posts one message at a time and forgets nothing; `Slate` can also revise and withdraw; `Board` publishes in
batches, as a website does; `Paper` collects editions. What goes wrong is told beforehand: `stage.next(Rejected("no"))`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from channels.contract import Item, Part, Period, Receipt
from channels.errors import ChannelError
from channels.message import Message, Problem
from channels.newsletter.edition import parse_edition
from channels.piece import MAIN, LivePost, Piece
from channels.view import View

Clock = Callable[[], datetime]


class Crash(BaseException):
    """The process ends here: nothing that catches `Exception` may go on."""


@dataclass(frozen=True)
class Fault:
    """What one call does: `accepted` says whether the message is out before `error` is raised (None: it succeeds)."""

    error: BaseException | None
    accepted: bool = False


@dataclass
class Entry:
    """One effect on the remote."""

    key: str
    remote_id: str
    text: str
    message: Message
    at: datetime
    parent: str = ""
    withdrawn: bool = False


@dataclass
class Ledger:
    """What the remote accepted, and every call that reached it."""

    entries: list[Entry] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    """(`publish`, `revise`, `withdraw`, `find` or `build`, key) in order."""

    @property
    def texts(self) -> list[str]:
        return [entry.text for entry in self.entries if not entry.withdrawn]

    def count(self, what: str) -> int:
        return sum(name == what for name, _ in self.calls)

    def by_key(self, key: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.key == key), None)

    def by_id(self, remote_id: str) -> Entry:
        return next(entry for entry in self.entries if entry.remote_id == remote_id)


class Stage:
    """One post at a time; not idempotent unless said. A piece's body split at `***` is a thread; live events have their posts."""

    def __init__(
        self,
        name: str,
        clock: Clock,
        *,
        idempotent: bool = False,
        links_page: bool = False,
        settle: timedelta = timedelta(seconds=60),
        lag: timedelta = timedelta(0),
    ) -> None:
        self.name, self.clock, self.idempotent, self.links_page = name, clock, idempotent, links_page
        self.settle, self.lag = settle, lag
        self.ledger = Ledger()
        self.faults: deque[Fault] = deque()
        self.finds: deque[Exception] = deque()
        self.objections: dict[str, str] = {}
        self.during: Callable[[str], None] = lambda _what: None
        """Called with `publish`, `revise`, `withdraw` or `build` while the remote works."""

    def next(self, error: BaseException, *, accepted: bool = False, times: int = 1) -> None:
        self.faults.extend([Fault(error, accepted)] * times)

    def check(self, piece: Piece, view: View) -> list[Problem]:
        why = self.objections.get(piece.slug)
        if why == "bug":
            raise RuntimeError("the adapter trips over this piece")
        return [Problem("objection", why)] if why else []

    def parts(self, piece: Piece, view: View) -> list[Part]:
        posts = _posts(piece)
        if piece.event and piece.event.live:
            return [Part(MAIN), *(Part(one.part, one.at, by_hand=one.at is None) for one in piece.event.posts)]
        return [Part(str(number)) for number in range(1, len(posts) + 1)] if len(posts) > 1 else [Part(MAIN)]

    def render(self, piece: Piece, view: View) -> list[Message]:
        posts = _posts(piece)
        if piece.event and piece.event.live:
            return [self.message(piece, MAIN, piece.body), *(self._live(piece, one) for one in piece.event.posts)]
        names = [str(number) for number in range(1, len(posts) + 1)] if len(posts) > 1 else [MAIN]
        return [self.message(piece, part, text) for part, text in zip(names, posts, strict=True)]

    def message(self, piece: Piece, part: str, text: str) -> Message:
        own = piece.override(self.name).text
        card = {"uid": piece.uid, "id": piece.id, "kind": piece.kind, "date": ""}
        shown = own or f"{piece.title}: {text}"
        return Message(self.name, piece.id, part, text=shown, card=card, links_page=self.links_page)

    def _live(self, piece: Piece, post: LivePost) -> Message:
        data = {"reply": True} if piece.event and piece.event.thread else {}
        return replace(self.message(piece, post.part, post.text), data=data)

    def publish(self, message: Message, key: str, parent: Receipt | None) -> Receipt:
        self.ledger.calls.append(("publish", key))
        self.during("publish")
        fault = self._fault()
        if fault.error and not fault.accepted:
            raise fault.error
        entry = self.accept(message, key, parent.remote_id if parent else "")
        if fault.error:
            raise fault.error
        return self.receipt(entry)

    def find(self, message: Message, key: str, since: datetime) -> Receipt | None:
        self.ledger.calls.append(("find", key))
        if self.finds:
            raise self.finds.popleft()
        entry = self.ledger.by_key(key)
        return self.receipt(entry) if entry and entry.at + self.lag <= self.clock() else None

    def close(self) -> None:
        """Nothing is kept open."""

    def accept(self, message: Message, key: str, parent: str = "") -> Entry:
        known = self.ledger.by_key(key) if self.idempotent else None
        if known:
            known.text, known.message = message.text, message
            return known
        number = f"{self.name}-{len(self.ledger.entries) + 1}"
        entry = Entry(key, number, message.text, message, self.clock(), parent)
        self.ledger.entries.append(entry)
        return entry

    def receipt(self, entry: Entry) -> Receipt:
        return Receipt(entry.remote_id, f"https://stage.example/{entry.remote_id}")

    def _fault(self) -> Fault:
        return self.faults.popleft() if self.faults else Fault(None)


class Slate(Stage):
    """What is out can be replaced and taken back."""

    def revise(self, message: Message, key: str, receipt: Receipt) -> Receipt:
        self.ledger.calls.append(("revise", key))
        self.during("revise")
        fault = self._fault()
        if fault.error and not fault.accepted:
            raise fault.error
        entry = self.ledger.by_id(receipt.remote_id)
        entry.text, entry.message = message.text, message
        if fault.error:
            raise fault.error
        return receipt

    def withdraw(self, receipt: Receipt, key: str) -> None:
        self.ledger.calls.append(("withdraw", key))
        self.during("withdraw")
        fault = self._fault()
        if fault.error:
            raise fault.error
        self.ledger.by_id(receipt.remote_id).withdrawn = True


class Board(Stage):
    """Many pages, one build; idempotent: a page is its piece's, whatever the key. `refuse`: slug → that item's error."""

    def __init__(self, name: str, clock: Clock) -> None:
        super().__init__(name, clock, idempotent=True, settle=timedelta(0))
        self.refuse: dict[str, ChannelError] = {}
        self.silent: set[str] = set()

    def parts(self, piece: Piece, view: View) -> list[Part]:
        return [Part(MAIN)]

    def render(self, piece: Piece, view: View) -> list[Message]:
        return [self.message(piece, MAIN, piece.body)]

    def publish_all(self, items: Sequence[Item]) -> Mapping[str, Receipt | ChannelError]:
        self.ledger.calls.append(("build", ",".join(item.key for item in items)))
        self.during("build")
        fault = self._fault()
        if fault.error and not fault.accepted:
            raise fault.error
        results = {item.key: self._put(item) for item in items if _slug(item) not in self.silent}
        if fault.error:
            raise fault.error
        return results

    def _put(self, item: Item) -> Receipt | ChannelError:
        if _slug(item) in self.refuse:
            return self.refuse[_slug(item)]
        self.ledger.calls.append((item.purpose, item.key))
        uid = item.message.card["uid"]
        entry = next((one for one in self.ledger.entries if one.message.card["uid"] == uid), None)
        entry = entry or self.accept(item.message, item.key)
        entry.text, entry.message, entry.withdrawn = item.message.text, item.message, item.purpose == "withdraw"
        return self.receipt(entry)


class Paper(Stage):
    """Editions: one message for all the pieces of a period, idempotent by its key, as a Maildir is."""

    def __init__(
        self, name: str, clock: Clock, edition: str = "weekly mon 09:00", zone: str = "Europe/Helsinki", **told: bool
    ) -> None:
        super().__init__(name, clock, **{"idempotent": True, "links_page": True, **told})  # type: ignore[arg-type]  # flags only
        self._edition, self._zone = parse_edition(edition), ZoneInfo(zone)

    def period(self, at: datetime) -> Period | None:
        return self._edition.period(at, self._zone) if self._edition else None

    def collect(self, period: Period, pieces: Sequence[Piece], view: View) -> list[Message]:
        ids = sorted(piece.id for piece in pieces)
        text = " | ".join(sorted(f"{piece.title}: {piece.body}" for piece in pieces))
        data = {"pieces": ids, "period": period.key}
        return [Message(self.name, "", text=text, data=data, links_page=True)]


def _posts(piece: Piece) -> list[str]:
    return [post.strip() for post in piece.body.split("***")]


def _slug(item: Item) -> str:
    return item.message.piece.partition("/")[2]
