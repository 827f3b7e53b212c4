"""What a torture has come to, added up over its rounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

_FEW = 25


@dataclass
class Tally:
    """`open`: kills that left an attempt open behind; `begun`: those that left one open which the same run had begun. `late`: kills whose moment did not come in time, so that they
    fell at any time. `problems`: whatever else is wrong, in words. `lost` and `doubled` name the deliveries; `examples` tells of held ones
    the reason, and what the desk says to people."""

    kills: int = 0
    open: int = 0
    begun: int = 0
    late: int = 0
    deliveries: int = 0
    recalled: int = 0
    mails: int = 0
    left: Counter[str] = field(default_factory=Counter)
    moments: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    examples: list[tuple[str, str]] = field(default_factory=list)
    rewritten: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    seconds: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        for name in self.__dataclass_fields__:
            mine, more = getattr(self, name), getattr(other, name)
            setattr(self, name, mine + more)

    @property
    def sound(self) -> bool:
        return not (self.lost or self.doubled or self.problems)

    def lines(self) -> Iterator[str]:
        """For people; the last line is the sum of it all."""
        yield from _named("lost", self.lost)
        yield from _named("duplicated", self.doubled)
        yield from _named("wrong", self.problems)
        yield from (f"held, for one ({reason}): {told}" for reason, told in dict(reversed(self.examples)).items())
        yield f"kills by moment: {_counted(self.moments)}; of these, {self.late} whose moment did not come"
        share = 100 * self.open // max(self.kills, 1)
        fresh = f"{self.begun} of them with one that the same run had begun"
        yield f"kills with an attempt open: {self.open} of {self.kills} ({share} %), {fresh}"
        yield f"kills that left behind: {_counted(self.left)}"
        yield f"faults of the remote: {_counted(self.faults)}"
        yield f"changes by the writers: {_counted(self.changes)}; deliveries taken back with their files: {self.recalled}"
        if self.mails:
            yield f"alarms that the mail server took: {self.mails}"
        if self.rewritten:
            yield f"open attempts rewritten to planned: {self.rewritten}"
        yield f"held, by reason: {_counted(self.held)}"
        yield (
            f"kills {self.kills}, deliveries {self.deliveries}, lost {len(self.lost)}, "
            f"duplicated {len(self.doubled)}, held {self.held.total()}"
        )


def _named(what: str, items: list[str]) -> Iterator[str]:
    yield from (f"{what}: {item}" for item in items[:_FEW])
    if len(items) > _FEW:
        yield f"{what}: and {len(items) - _FEW} more"


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.most_common()) or "none"
