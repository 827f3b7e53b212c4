"""What many tests share: a clock that stands still, and a desk with scripted channels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from channels.contract import Channel
from tests.mocks.stage import Board, Slate, Stage
from tests.mocks.stand import Hands, Stand


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def make(tmp_path: Path, clock: Hands) -> Iterator[Callable[..., Stand]]:
    """Puts a desk together out of channels; see `Stand`."""
    made: list[Stand] = []

    def stand(*channels: Channel, **told: Any) -> Stand:
        made.append(Stand(tmp_path / "ws", clock, *channels, **told))
        return made[-1]

    yield stand
    for one in made:
        one.close()


@pytest.fixture
def board(clock: Hands) -> Board:
    return Board("web", clock)


@pytest.fixture
def stage(clock: Hands) -> Stage:
    """Like X: not idempotent, can be read back."""
    return Stage("post", clock)


@pytest.fixture
def slate(clock: Hands) -> Slate:
    return Slate("slate", clock)
