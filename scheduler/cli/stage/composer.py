"""A fresh post: its text, its photos, and how long it is while it is typed. No word of it is lost before it is out."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Input, Static, TextArea

from scheduler.cli.stage import counting, pulse
from scheduler.cli.stage.ask import Choose
from scheduler.cli.stage.counting import Count
from scheduler.cli.stage.drafts import Draft, Drafts
from scheduler.cli.stage.keys import Keys
from scheduler.cli.stage.pulse import Answer
from scheduler.cli.words import clean
from scheduler.delivery.acts import Person
from scheduler.desk.hall import Hall

PHOTOS = 4
_PAUSE = 0.15
"""Seconds without a key, until what was typed is counted and kept."""
_LEAVING = {
    "keep": ("enter", "Keep it"),
    "": ("escape", "Go on writing"),
    "drop": ("d", "Throw it away"),
}


class Composer(Screen[Answer | None]):
    """Comes back with what was said when it was sent; None: it was not."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "send", show=False, priority=True),
        Binding("escape", "leave", show=False, priority=True),
    ]

    def __init__(self, hall: Hall, draft: Draft, drafts: Drafts) -> None:
        super().__init__()
        self._hall, self._draft, self._drafts = hall, draft, drafts
        self._kept = draft
        self._sending = False
        self._asks = 0

    def compose(self) -> ComposeResult:
        yield Static(f"New post on {self._where()}", markup=False, classes="title")
        with VerticalScroll(can_focus=False):
            yield TextArea(clean(self._draft.text), soft_wrap=True, tab_behavior="focus", compact=True, id="post")
            yield Static("", markup=False, id="count")
            yield Static("", markup=False, id="trouble", classes="trouble")
            yield Static("", markup=False, id="answer", classes="trouble")
            for number in range(PHOTOS):
                path, alt = (*self._draft.photos, *[("", "")] * PHOTOS)[number]
                yield Input(path, placeholder=f"Photo {number + 1}: its file", compact=True, classes="path")
                yield Input(alt, placeholder="What is to be seen in it", compact=True, classes="alt")
        yield Keys([("Ctrl+S", "Send now", "send"), ("Esc", "Close", "leave")])

    def on_mount(self) -> None:
        self._timer = self.set_timer(_PAUSE, self._pause)
        text = self.query_one(TextArea)
        text.move_cursor(text.document.end)
        text.focus()
        self._show_photos()

    def on_text_area_changed(self) -> None:
        self._typed()

    def on_input_changed(self) -> None:
        self._show_photos()
        self._typed()

    def on_input_submitted(self) -> None:
        self.focus_next()

    def _where(self) -> str:
        tables = self._hall.desk.settings.channels
        return ", ".join(f"{name} (sandbox)" if tables[name].sandbox else name for name in self._hall.channels)

    def now(self) -> Draft:
        """As it stands in the fields."""
        paths = [one.value for one in self.query(".path").results(Input)]
        alts = [one.value for one in self.query(".alt").results(Input)]
        photos = [(path, alt) for path, alt in zip(paths, alts, strict=True) if path or alt]
        return replace(self._draft, text=self.query_one(TextArea).text, photos=tuple(photos))

    def keep(self) -> str:
        """Write the draft to the disk, unless it says the same; what keeps it from being written, or ""."""
        draft = self.now()
        if draft == self._kept:
            return ""
        why = self._drafts.keep(draft)
        self._kept = self._kept if why else draft
        return why

    def _show_photos(self) -> None:
        """One more place than there are photos."""
        shown = len(self.now().photos) + 1
        for at, (path, alt) in enumerate(zip(self.query(".path"), self.query(".alt"), strict=True)):
            path.display = alt.display = at < shown

    def _typed(self) -> None:
        if not self._sending:
            self._tell("")
        self._timer.stop()
        self._timer = self.set_timer(_PAUSE, self._pause)

    def _pause(self) -> None:
        why = self.keep()
        self._asks += 1
        draft, asked = self.now(), self._asks
        self.run_worker(lambda: self._count(draft, asked, why), thread=True, group="count")

    def _count(self, draft: Draft, asked: int, why: str) -> None:
        try:
            found = counting.count(self._hall, draft.text, draft.photos)
        except Exception as error:  # noqa: BLE001  counting is a courtesy: the text can be sent without
            found = Count(problems=(pulse.explained(self._hall, error),))
        if why:
            found = replace(found, problems=(why, *found.problems))
        self.app.call_from_thread(self._counted, found, asked, draft.empty and not why)

    def _counted(self, found: Count, asked: int, empty: bool) -> None:
        if asked == self._asks and self.is_mounted:
            self.query_one("#count", Static).update("\n".join(found.lengths))
            self.query_one("#trouble", Static).update("" if empty else clean("\n".join(found.problems)))

    def _tell(self, text: str) -> None:
        """What came of sending it; it stands until something else is typed."""
        self.query_one("#answer", Static).update(clean(text))

    def action_send(self) -> None:
        """While one press is under way, others are the same press."""
        if self._sending or self.app.screen is not self:
            return
        draft = self.now()
        if draft.empty:
            self._tell("There is nothing to send yet. Write a sentence.")
            return
        self.keep()
        self._sending = True
        self._tell("Sending …")
        self.run_worker(lambda: self._send(draft), thread=True, group="send")

    def _send(self, draft: Draft) -> None:
        def say() -> str:
            person = Person(draft.by, self._hall.desk.clock())
            return self._hall.say(draft.text, person, draft.tap, counting.images(self._hall, draft.photos))

        answer = pulse.attempt(self._hall, say)
        if answer.end == "done":
            self._drafts.drop(draft)
        self.app.call_from_thread(self._sent, answer)

    def _sent(self, answer: Answer) -> None:
        self._sending = False
        if answer.end == "done":
            self._timer.stop()
            self.dismiss(answer)
        else:
            known = clean(answer.told) in str(self.query_one("#trouble", Static).content)
            why = "It was not sent." if known else answer.told
            self._tell(f"{why} Your text is kept; Ctrl+S sends it again.")

    def action_leave(self) -> None:
        if self._sending:
            return
        if self.now().empty:
            self._away()
        elif self.app.screen is self:
            self.app.push_screen(Choose("This post has not been sent.", _LEAVING), self._left)

    def _left(self, word: str | None) -> None:
        if word == "keep":
            why = self.keep()
            self._tell(why) if why else self._away()
        elif word == "drop":
            self._drafts.drop(self._draft)
            self._away()

    def _away(self) -> None:
        self._timer.stop()
        if self.now().empty:
            self._drafts.drop(self._draft)
        self.dismiss(None)
