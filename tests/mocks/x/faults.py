"""The ways in which the mock fails when asked to, and where."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict

from tests.mocks.x.exchange import CUT, DRIP, HANG, Answer, Reply

Fault = str | Answer
FAULTS = (
    "accepted-then-503",
    "accepted-then-cut",
    "accepted-then-hang",
    "accepted-then-html",
    "503",
    "cut",
    "hang",
    "html",
)
"""Those that have names. After all of them nobody knows whether the post is out."""
MORE = ("accepted-then-errors", "accepted-then-drip", "errors", "drip")
"""The same of a 2xx that holds nothing but errors, and of an answer that comes byte by byte and never ends."""

POST, TIMELINE, UPLOAD, TOKEN = "post", "timeline", "upload", "token"
_SUFFIX = {POST: "", TIMELINE: " on reading back"}
_ACCEPTED = "accepted-then-"
_NAMED = {
    "503": Reply(503, [{"message": "over capacity"}]),
    "html": Reply(200, "<html>Something went wrong</html>", {"Content-Type": "text/html"}),
    "errors": Reply(200, {"errors": [{"title": "Something went wrong", "type": "about:blank"}]}),
    "hang": Reply(HANG),
    "drip": Reply(DRIP),
    "cut": Reply(CUT),
}


class Faults:
    """What is to go wrong next, by place. A route has several places: `upload` is every step of one, `append` only that."""

    def __init__(self) -> None:
        self.served: Counter[str] = Counter()
        self._waiting: defaultdict[str, list[Fault]] = defaultdict(list)
        self._lock = threading.Lock()

    def add(self, place: str, fault: Fault) -> None:
        if isinstance(fault, str) and fault not in (*FAULTS, *MORE):
            raise ValueError(f"there is no fault {fault!r}")
        self._waiting[place].append(fault)

    def take(self, *places: str) -> Fault | None:
        """The next fault of these places, counted as served."""
        with self._lock:
            for place in places:
                if self._waiting[place]:
                    fault = self._waiting[place].pop(0)
                    self.count(fault, place)
                    return fault
        return None

    def count(self, fault: Fault, place: str) -> None:
        name = str(fault[0]) if isinstance(fault, tuple) else fault
        self.served[name + _SUFFIX.get(place, f" on {place}")] += 1


def accepts(fault: Fault | None) -> bool:
    """Whether the call has its effect all the same."""
    return fault is None or (isinstance(fault, str) and fault.startswith(_ACCEPTED))


def played(fault: Fault) -> Reply:
    """What the client gets to see of a fault."""
    if isinstance(fault, tuple):
        status, headers, body = fault
        return Reply(status, body, headers)
    return _NAMED[fault.removeprefix(_ACCEPTED)]
