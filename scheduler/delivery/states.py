"""The states of a delivery, and who may move it from which to which. docs/states.md shows the same table."""

from __future__ import annotations

from typing import Literal, NamedTuple

from scheduler.store.tables import State

Actor = Literal["lane", "calendar", "person"]
"""`lane`: the delivering itself. `calendar`: a change in the writer's file. `person`: a command."""

STATES: dict[State, str] = {
    "planned": "waits for its time",
    "publishing": "an attempt is open: it is on its way, or nobody knows yet whether it went out",
    "retrying": "did not go out, and will be tried again",
    "published": "is out",
    "held": "waits for a person; the reason says why",
    "failed": "was refused for good",
    "skipped": "a person decided that it does not go out",
    "cancelled": "the file is gone, is a draft, or no longer asks for it",
    "withdrawn": "was out and has been taken back",
}


SHAPES: dict[str, str] = {
    "planned": "○",
    "publishing": "◐",
    "retrying": "↻",
    "published": "●",
    "held": "▲",
    "failed": "✕",
    "skipped": "–",
    "cancelled": "·",
    "withdrawn": "◁",
}
"""A state is told by its word and a shape, and only then by a colour, wherever people see it."""


class Transition(NamedTuple):
    source: State
    target: State
    by: tuple[Actor, ...]
    when: str


TRANSITIONS: tuple[Transition, ...] = (
    Transition("planned", "publishing", ("lane",), "claimed when due"),
    Transition("retrying", "publishing", ("lane",), "claimed again, the same message under the same key"),
    Transition("publishing", "published", ("lane",), "the remote gave a receipt, or reading back found it"),
    Transition("publishing", "retrying", ("lane",), "provably not out; or the channel may be asked twice"),
    Transition("publishing", "failed", ("lane",), "refused for good, or tried too often"),
    Transition("publishing", "held", ("lane",), "credentials refused, or nobody can tell whether it is out"),
    Transition("planned", "held", ("lane", "person"), "too late, paused, a backlog, a broken file, a person"),
    Transition("retrying", "held", ("lane", "person"), "too late, paused, a backlog, a broken file, a person"),
    Transition("planned", "cancelled", ("calendar",), "the file is gone or no longer asks for it"),
    Transition("retrying", "cancelled", ("calendar",), "the file is gone or no longer asks for it"),
    Transition("held", "cancelled", ("calendar",), "the file is gone or no longer asks for it"),
    Transition("cancelled", "planned", ("calendar",), "the file asks for it again"),
    Transition("held", "planned", ("calendar", "person", "lane"), "the file was mended or given a new date; or retry"),
    Transition("failed", "planned", ("person",), "retry"),
    Transition("skipped", "planned", ("person",), "retry"),
    Transition("planned", "skipped", ("person",), "skip"),
    Transition("retrying", "skipped", ("person",), "skip"),
    Transition("held", "skipped", ("person",), "skip"),
    Transition("failed", "skipped", ("person",), "skip"),
    Transition("held", "published", ("person", "lane"), "confirm, with the address; or the edition it is in is out"),
    Transition("published", "withdrawn", ("lane",), "it expired, or a person asked to withdraw it"),
)


def sources(target: State, by: Actor) -> tuple[State, ...]:
    """The states from which that actor may move a delivery to `target`."""
    return tuple(move.source for move in TRANSITIONS if move.target == target and by in move.by)
