"""What many tests share: a clock that stands still, and a desk with scripted channels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from channels.contract import Channel
from tests.mocks.newsroom import Newsroom
from tests.mocks.stage import Board, Slate, Stage
from tests.mocks.stand import Hands, Stand
from tests.mocks.x.server import MockX


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


@pytest.fixture
def x() -> Iterator[MockX]:
    """X, as far as it can be had here."""
    with MockX() as mock:
        yield mock


@pytest.fixture
def newsroom(tmp_path: Path, x: MockX) -> Iterator[Callable[..., Newsroom]]:
    """Puts a whole desk together whose X is `x`; see `Newsroom`."""
    made: list[Newsroom] = []

    def room(options: str = "", **told: Any) -> Newsroom:
        made.append(Newsroom(tmp_path / f"room-{len(made)}", x, options, **told))
        return made[-1]

    yield room
    for one in made:
        one.close()
