"""Troubles of the desk itself, each told once for as long as it lasts. In memory: they may be about the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

AWAY = 600.0
"""Seconds for which a trouble must be gone to be told again when it comes back."""
LASTING = 20.0
"""Seconds after which it is told: many a trouble is over by then, and a supervisor that restarts the desk because of it
waits for a minute."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with the desk now. `key` names it for as long as it lasts; `text` is plain words, with the remedy."""

    key: str
    text: str


@dataclass(slots=True)
class Episode:
    """`name` tells it from an earlier one of the same key; `began` and `seen` are ticks; `told` are addresses."""

    name: str
    text: str
    began: float
    seen: float
    told: set[str] = field(default_factory=set)


class Episodes:
    def __init__(self) -> None:
        self._known: dict[str, Episode] = {}
        self._tick = 0.0

    def note(self, troubles: Iterable[Trouble], tick: float, moment: str) -> None:
        """Those that there are at this tick; `moment` is what the clock says, for the names of new ones."""
        self._tick = tick
        self._known = {key: one for key, one in self._known.items() if tick - one.seen <= AWAY}
        for one in troubles:
            known = self._known.setdefault(one.key, Episode(f"{one.key} {moment}", one.text, tick, tick))
            known.text, known.seen = one.text, tick

    def due(self, address: str) -> Sequence[Episode]:
        """Those that are still there and that this receiver has not heard of."""
        return [
            one
            for one in self._known.values()
            if one.seen == self._tick and one.seen - one.began >= LASTING and address not in one.told
        ]
