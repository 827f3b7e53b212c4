"""Every way that the world can go, breadth first, up to so many decisions of the environment.

What people, files and time do next is one decision, and so is every answer that is not the kindest; the desk's own passes
are free. States that cannot be told apart are
looked into once.
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from pathlib import Path

from scheduler.delivery.lane import Lane
from tests.model import verdict
from tests.model.oracle import Oracle, Script
from tests.model.quiet import quiet
from tests.model.remote import KINDS, Kind
from tests.model.verdict import Broken
from tests.model.world import OWN, Scene, World

_MEMORY = Path("/dev/shm")


@dataclass
class Tally:
    """What was explored. `dared`: states in which a person's own retry in doubt made it two."""

    kind: str
    depth: int
    states: int = 0
    transitions: int = 0
    deaths: int = 0
    dared: int = 0
    whole: bool = True
    seconds: float = 0.0

    def __str__(self) -> str:
        left = "" if self.whole else ", NOT FINISHED in the time"
        return (
            f"{self.kind}: {self.depth} decisions, {self.states} states, {self.transitions} transitions, "
            f"{self.deaths} of them a death of the desk, {self.dared} states with a double that a person dared, "
            f"{self.seconds:.0f} s{left}"
        )


@dataclass
class Search:
    """`depth` bounds the decisions, `until` (of the monotonic clock) the time."""

    world: World
    depth: int
    until: float
    tally: Tally
    seen: dict[bytes, tuple[bytes, str]] = field(default_factory=dict)
    """The mark of a state → that of the one before, and what led there."""
    ending_well: set[bytes] = field(default_factory=set)
    waiting: dict[int, deque[tuple[bytes, Scene]]] = field(default_factory=lambda: defaultdict(deque))

    def run(self) -> Tally:
        self._reached(b"", 0, "the start")
        for cost in range(self.depth + 1):
            while self.waiting[cost]:
                mark, scene = self.waiting[cost].popleft()
                for step in self._steps(scene):
                    self._all_answers(mark, scene, step, cost + (step not in OWN))
                if time.monotonic() > self.until:
                    self.tally.whole = False
                    return self.tally
        return self.tally

    def _steps(self, scene: Scene) -> list[str]:
        self.world.put_back(scene)
        return self.world.steps()

    def _all_answers(self, mark: bytes, scene: Scene, step: str, cost: int) -> None:
        scripts: list[Script] = [()] if cost <= self.depth else []
        while scripts:
            script = scripts.pop()
            self.world.put_back(scene)
            oracle = self._told(mark, step, script)
            self.tally.transitions += 1
            self.tally.deaths += any("dies" in told for told in oracle.told)
            self._reached(mark, cost + oracle.cost, ", ".join([step, *oracle.told]))
            if cost + oracle.cost < self.depth:
                scripts += oracle.others()

    def _told(self, mark: bytes, step: str, script: Script) -> Oracle:
        """An error of the code itself is told with the way that led to it."""
        try:
            return self.world.play(step, script)
        except Exception as error:
            raise Broken(f"{error!r}\n{self._way(mark)}\n  {step} {script}") from error

    def _reached(self, before: bytes, cost: int, how: str) -> None:
        mark = self.world.mark()
        try:
            verdict.judge(self.world)
            if mark in self.seen:
                return
            self.seen[mark] = (before, how)
            self.tally.states += 1
            self.tally.dared += any(len(self.world.out(part)) > 1 for part in self.world.kind.parts)
            scene = self.world.keep()
            self.waiting[cost].append((mark, scene))
            verdict.ends_well(self.world, self.ending_well)
        except Broken as error:
            raise Broken(f"{error}\n{self._way(before)}\n  {how}") from error

    def _way(self, mark: bytes) -> str:
        steps: list[str] = []
        while mark:
            mark, how = self.seen[mark]
            steps.insert(0, f"  {how}")
        return "\n".join(steps)


def explore(kind: Kind, depth: int, seconds: float = 3600, lane: type[Lane] = Lane, *, wide: bool = True) -> Tally:
    """All of it for one kind of channel. Raises `Broken`, with the shortest way there, where a promise is not kept."""
    tally, begun = Tally(kind.name, depth), time.monotonic()
    with quiet(), tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        world = World(kind, Path(folder) / "ws", lane, wide=wide)
        try:
            Search(world, depth, begun + seconds, tally).run()
        finally:
            world.close()
    tally.seconds = time.monotonic() - begun
    return tally


def report(name: str, depth: int, seconds: float) -> Tally | str:
    """For a process of its own: a promise that is not kept comes back as text."""
    try:
        return explore(KINDS[name], depth, seconds)
    except Broken as error:
        return f"{name}: BROKEN: {error}"
