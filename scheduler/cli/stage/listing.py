"""The list of posts: one line each, kept still while it is read anew every second."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from scheduler.cli.stage.telling import PICTURE, Post, clock, standing, steady

_COLOURS = {"published": "$text-success", "failed": "$text-error", "held": "$text-warning", "retrying": "$text-warning"}
_WORD = 11
"""Cells of a state's shape and word."""


class Listing(OptionList):
    """The posts in order. What is chosen stays chosen, whatever comes or goes around it."""

    class Told(Message):
        """Other posts, other words about them, or another one chosen."""

    def __init__(self) -> None:
        super().__init__(compact=True, markup=False)
        self.posts: list[Post] = []
        self._rows: list[Content] = []
        self._shown: list[Content] = []

    @property
    def chosen(self) -> Post | None:
        at = self.highlighted
        return self.posts[at] if at is not None and at < len(self.posts) else None

    def show(self, posts: Sequence[Post], now: datetime, zone: ZoneInfo) -> None:
        chosen, known = self.chosen, [post.part for post in self.posts]
        self.posts, self._rows = list(posts), [_row(post, now, zone) for post in posts]
        if [post.part for post in posts] != known:
            self._refill(chosen)
        self._draw()

    def _refill(self, chosen: Post | None) -> None:
        at = self.scroll_y
        parts = [post.part for post in self.posts]
        self._shown = list(self._rows)
        with self.app.batch_update():
            self.set_options([Option(row) for row in self._rows])
            if chosen is not None and chosen.part in parts:
                self.highlighted = parts.index(chosen.part)
                self.scroll_to(y=at, animate=False)
            elif parts:
                self.highlighted = next((at for at, post in enumerate(self.posts) if post.waits), 0)

    def _draw(self) -> None:
        """Only rows that look otherwise are drawn anew. The chosen one stands in reverse, whatever the colours."""
        width = self.scrollable_content_region.width
        for at, row in enumerate(self._rows):
            cut = row.truncate(width, ellipsis=True, pad=True)
            drawn = cut.stylize("reverse") if at == self.highlighted else cut
            if not drawn.is_same(self._shown[at]):
                self._shown[at] = drawn
                self.replace_option_prompt_at_index(at, drawn)
        self.post_message(self.Told())

    def on_resize(self) -> None:
        self._draw()

    def on_option_list_option_highlighted(self) -> None:
        self._draw()

    def on_click(self, event: events.Click) -> None:
        """The first tap chooses; a second one on the same post does what Enter does."""
        at = event.style.meta.get("option")
        if at is not None and at != self.highlighted:
            event.prevent_default()
            self.highlighted = at


def _row(post: Post, now: datetime, zone: ZoneInfo) -> Content:
    word = standing(post)
    colour = _COLOURS.get(post.worst.state, "")
    mark = f"{PICTURE} " if any(line.pictures for line in post.lines) else ""
    return Content.assemble(
        f"{clock(post.at, now, zone):<5} ",
        (f"{word:<{_WORD}}", colour) if colour else f"{word:<{_WORD}}",
        f"  {mark}{steady(post.label)}",
    )
