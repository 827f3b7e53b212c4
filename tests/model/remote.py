"""Remotes whose answers are chosen one by one, of each kind that a channel can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from channels.contract import Receipt
from channels.errors import CannotTell, RateLimited, Rejected, Unauthorized, Unavailable, Uncertain
from channels.message import Message
from tests.mocks.stage import Board, Crash, Fault, Stage
from tests.mocks.stand import Hands

Ask = Callable[[str, Sequence[str]], str]

NAME = "remote"
SETTLE = timedelta(seconds=60)


def _faults() -> dict[str, Fault]:
    """What a call may end with. The kindest comes first."""
    return {
        "accepted": Fault(None),
        "accepted, and the reply is lost": Fault(Uncertain("No answer."), accepted=True),
        "accepted, and the desk dies": Fault(Crash(), accepted=True),
        "not accepted, and nothing is told": Fault(Uncertain("No answer.")),
        "not accepted, and the desk dies": Fault(Crash()),
        "provably refused": Fault(Unavailable("Connection refused.")),
        "not now": Fault(RateLimited("Later.", retry_after=timedelta(seconds=30))),
        "rejected": Fault(Rejected("No.")),
        "who are you?": Fault(Unauthorized("Who are you?")),
    }


_LOOKS = ("it answers", "it lags behind", "it can't tell", "it fails", "not now")


class Post(Stage):
    """One at a time. Reading back, it shows a post at the latest when `settle` is over."""

    def __init__(self, clock: Hands, ask: Ask, *, idempotent: bool = False, readable: bool = True) -> None:
        super().__init__(NAME, clock, idempotent=idempotent, settle=SETTLE)
        self.ask, self._looks = ask, _LOOKS if readable else ("it can't tell",)

    def _fault(self) -> Fault:
        faults = _faults()
        return faults[self.ask("the remote", list(faults))]

    def find(self, message: Message, key: str, since: datetime) -> Receipt | None:
        self.during("find")
        match self.ask("reading back", self._looks):
            case "it can't tell":
                raise CannotTell("It can't be read.")
            case "it fails":
                raise Unavailable("Down.")
            case "not now":
                raise RateLimited("Later.", retry_after=timedelta(seconds=30))
            case "it lags behind":
                self.lag = SETTLE
            case _:
                self.lag = timedelta()
        return super().find(message, key, since)


_OF_ONE = ("one is rejected", "nothing is told of one")


class Pages(Board):
    """Many pages, one build."""

    def __init__(self, clock: Hands, ask: Ask) -> None:
        super().__init__(NAME, clock)
        self.ask = ask

    def _fault(self) -> Fault:
        faults = _faults()
        answer = self.ask("the build", [*faults, *_OF_ONE])
        self.refuse = {"a": Rejected("No.")} if answer == "one is rejected" else {}
        self.silent = {"a"} if answer == "nothing is told of one" else set()
        return faults.get(answer, Fault(None))


@dataclass(frozen=True)
class Kind:
    """One kind of channel, and the piece that goes out there."""

    name: str
    remote: Callable[[Hands, Ask], Stage]
    parts: tuple[str, ...] = ("main",)
    withdraws: bool = False

    @property
    def body(self) -> str:
        return "\n\n***\n\n".join(f"Teksti {part}." for part in self.parts)


KINDS = {
    kind.name: kind
    for kind in (
        Kind("readable", Post),
        Kind("mute", lambda clock, ask: Post(clock, ask, readable=False)),
        Kind("idempotent", lambda clock, ask: Post(clock, ask, idempotent=True)),
        Kind("pages", Pages, withdraws=True),
        Kind("thread", Post, ("1", "2")),
    )
}
