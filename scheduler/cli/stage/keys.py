"""The keys at the foot of a screen: what they do, and something to tap for who has no such key."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Grid
from textual.content import Content
from textual.widget import Widget

Told = tuple[str, str, str]
"""The key as it is shown, its word, and the action of the screen that it stands for."""


class Key(Widget):
    """One key."""

    def __init__(self, key: str, word: str, action: str) -> None:
        super().__init__()
        self._told = Content.assemble((key, "bold"), " ", word)
        self._action = action

    def render(self) -> Content:
        """As wide as its place, so that all of it is seen to be the key."""
        line = self._told.center(self.size.width, ellipsis=True)
        blank = Content(" " * self.size.width)
        above = (self.size.height - 1) // 2
        return Content("\n").join([*[blank] * above, line, *[blank] * (self.size.height - 1 - above)])

    def on_resize(self) -> None:
        self.refresh()

    async def on_click(self) -> None:
        await self.screen.run_action(self._action)


class Keys(Grid):
    """All of them, as wide as the screen allows; tall enough for a thumb where there is room."""

    def __init__(self, told: Sequence[Told]) -> None:
        super().__init__()
        self._told = told
        self.add_class(f"of-{len(told)}")

    def compose(self) -> ComposeResult:
        for key, word, action in self._told:
            yield Key(key, word, action)
