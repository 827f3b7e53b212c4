"""Who answers what nobody can know beforehand: as scripted, and beyond the script always the kindest answer.

Whatever the environment may do is asked for at the moment at which it matters, so one run tells which questions there
were, and with them every other run that differs from it in one answer. So all of them are tried, and none in vain.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

Script = tuple[int, ...]
"""Which answer to each question, in the order of asking; 0 is the kindest."""


@dataclass
class Oracle:
    script: Script = ()
    picks: list[int] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    """The unkind answers given, in words."""
    _sizes: list[int] = field(default_factory=list)

    def ask(self, what: str, answers: Sequence[str]) -> str:
        """One of the answers."""
        place = len(self.picks)
        pick = self.script[place] if place < len(self.script) else 0
        self.picks.append(pick)
        self._sizes.append(len(answers))
        if pick:
            self.told.append(f"{what}: {answers[pick]}")
        return answers[pick]

    @property
    def cost(self) -> int:
        """How many unkind answers it took."""
        return sum(pick > 0 for pick in self.picks)

    def others(self) -> Iterator[Script]:
        """The scripts that differ from this run in one of the answers that were not scripted."""
        for place in range(len(self.script), len(self.picks)):
            for pick in range(1, self._sizes[place]):
                yield (*self.picks[:place], pick)
