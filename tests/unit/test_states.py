"""The table of states and transitions, in itself."""

from __future__ import annotations

from typing import get_args

import pytest

from scheduler.delivery.states import STATES, TRANSITIONS, Actor, sources
from scheduler.store.tables import State


def test_every_state_that_may_be_stored_is_explained() -> None:
    assert set(STATES) == set(get_args(State))
    assert all(STATES.values())


def test_a_transition_leads_from_a_state_to_another_and_stands_once() -> None:
    pairs = [(move.source, move.target) for move in TRANSITIONS]
    assert len(pairs) == len(set(pairs))
    assert all({move.source, move.target} <= set(STATES) and move.source != move.target for move in TRANSITIONS)
    assert all(move.by and set(move.by) <= set(get_args(Actor)) and move.when for move in TRANSITIONS)


def test_every_state_can_be_reached_from_planned() -> None:
    reached = {"planned"}
    for _ in STATES:
        reached |= {move.target for move in TRANSITIONS if move.source in reached}
    assert reached == set(STATES)


def test_what_is_out_goes_out_again_only_after_it_was_taken_back() -> None:
    """The promise of the whole table: from `published` no way leads to another attempt to publish."""
    reached = {"published"}
    for _ in STATES:
        reached |= {move.target for move in TRANSITIONS if move.source in reached}
    assert reached == {"published", "withdrawn"}


def test_only_the_lane_claims_and_settles() -> None:
    touching = [move for move in TRANSITIONS if "publishing" in (move.source, move.target)]
    assert touching
    assert all(move.by == ("lane",) for move in touching)


def test_nobody_is_stuck_for_ever_without_a_way_out() -> None:
    ends = set(STATES) - {move.source for move in TRANSITIONS}
    assert ends == {"withdrawn"}
    by_person = {move.source for move in TRANSITIONS if "person" in move.by}
    assert {"held", "failed", "skipped"} <= by_person


@pytest.mark.parametrize(
    ("target", "by", "expected"),
    [
        ("planned", "person", {"held", "failed", "skipped"}),
        ("skipped", "person", {"planned", "retrying", "held", "failed"}),
        ("published", "person", {"held"}),
        ("published", "calendar", set()),
        ("cancelled", "calendar", {"planned", "retrying", "held"}),
        ("publishing", "lane", {"planned", "retrying"}),
    ],
)
def test_who_may_move_what(target: State, by: Actor, expected: set[str]) -> None:
    assert set(sources(target, by)) == expected
