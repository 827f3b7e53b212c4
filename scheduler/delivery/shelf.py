"""What delivery needs from the rest of the desk, and gets handed in."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Protocol

from channels.message import Media
from channels.piece import Piece
from channels.view import View


class Shelf(Protocol):
    """Where pieces come from."""

    @property
    def view(self) -> View:
        """What rendering may know."""
        ...

    def version(self, row: Any) -> Hashable | None:
        """Equal as long as rendering the row's piece gives the same; None where its file is ahead of the last scan."""
        ...

    def piece(self, row: Any) -> Piece | None:
        """The piece of a due row (`path`, `name`, `uid`); None where its file is no longer as the last scan saw it."""
        ...

    def keep(self, media: Sequence[Media]) -> None:
        """Copy the files into the media folder, durably, before the message that names them is claimed."""
        ...
