"""What happens in a round, all of it drawn from the seed beforehand: moments, faults, pieces, changes."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from tests.mocks.x.server import FAULTS
from tests.torture.manuscript import Form

Moment = Literal[
    "asked, not accepted",
    "accepted, before the answer",
    "answered",
    "between two posts of a thread",
    "reading back",
    "mail being written",
    "mail written",
    "site build",
    "feed build",
    "outbox",
    "attempt open",
    "start and scan",
    "any time",
]
Change = Literal["edit", "rename", "delete", "none"]
STORM = "429 storm"
STALE = -3 * 3600
"""Due so many seconds from now: more than a piece may be late here, so it is to be held."""
READ_FAULTS = ("503 on reading back", "429 on reading back")

_MOMENTS: dict[Moment, int] = {
    "asked, not accepted": 3,
    "accepted, before the answer": 6,
    "answered": 3,
    "between two posts of a thread": 5,
    "mail being written": 4,
    "mail written": 3,
    "site build": 5,
    "feed build": 4,
    "outbox": 3,
    "attempt open": 6,
    "start and scan": 4,
    "any time": 6,
}
_LEAVES_OPEN = ("asked, not accepted", "accepted, before the answer")
_TAKES_FAULTS = ("any time", "attempt open", "mail being written", "mail written", "site build", "feed build", "outbox")
_WANTS: dict[Moment, Form] = {"between two posts of a thread": "thread", "mail being written": "plain"}
_CALM_END = 0.85
"""After this share of a round no more faults of the remote: what they delay should be over soon after the last kill."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A piece to write. `ahead`: seconds until it is due; `early`: before the start, else while the desk runs."""

    form: Form
    posts: int
    ahead: int
    early: bool


@dataclass(frozen=True, slots=True)
class Cycle:
    """From one start of the daemon to its kill. `delay` (0 to 1) is where within the moment; `pick` chooses a piece."""

    moment: Moment
    delay: float
    skip: int
    pieces: tuple[Newcomer, ...]
    fault: str
    change: Change
    pick: float


@dataclass(frozen=True, slots=True)
class Script:
    """One round. `lag` in seconds; `edition`: there is a collected edition, too."""

    number: int
    seed: int
    lag: float
    edition: bool
    cycles: tuple[Cycle, ...]


def script(seed: int, number: int, kills: int) -> Script:
    """The same for the same arguments, on every machine."""
    chance = random.Random(f"{seed}/{number}")
    lag = chance.choice((0.0, 0.4, 1.2))
    restless = chance.random() < 0.6
    cycles: list[Cycle] = []
    for n in range(kills):
        before = cycles[-1].moment if cycles else "any time"
        calm = n >= kills * _CALM_END
        cycles.append(_cycle(chance, before, calm=calm, restless=restless))
    return Script(number, seed, lag, kills >= 40 and number % 3 == 1, tuple(cycles))


def _cycle(chance: random.Random, before: Moment, *, calm: bool, restless: bool) -> Cycle:
    moment = chance.choices(list(_MOMENTS), list(_MOMENTS.values()))[0]
    if before in _LEAVES_OPEN and chance.random() < 0.4:
        moment = "reading back"
    fault = "" if calm else _fault(chance, moment)
    return Cycle(
        moment,
        chance.random(),
        chance.choice((0, 0, 0, 1)),
        tuple(_newcomers(chance, moment)),
        fault,
        chance.choice(("edit", "edit", "rename", "delete", "none", "none")) if restless else "none",
        chance.random(),
    )


def _newcomers(chance: random.Random, moment: Moment) -> list[Newcomer]:
    forms: list[Form] = ["plain", "plain", "own", "own", "thread", "event"]
    chosen = [chance.choice(forms) for _ in range(chance.choice((1, 1, 2)))]
    if moment in _WANTS:
        chosen[0] = _WANTS[moment]
    return [Newcomer(form, chance.choice((3, 4)), _ahead(chance), chance.random() < 0.8) for form in chosen]


def _ahead(chance: random.Random) -> int:
    return STALE if chance.random() < 0.03 else chance.choice((0, 0, 0, 2, 5))


def _fault(chance: random.Random, moment: Moment) -> str:
    if moment == "reading back":
        return chance.choice(("", "", "", *READ_FAULTS))
    if moment not in _TAKES_FAULTS or chance.random() < 0.35:
        return ""
    return chance.choice((*FAULTS, *(fault for fault in FAULTS if fault.startswith("accepted")), STORM, STORM))
