"""Questions in front of the screen. An act is asked about once, and its press has one name from the question on: however
often Enter arrives, it counts once."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import ClassVar
from uuid import uuid4

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from scheduler.cli.stage.keys import Keys
from scheduler.cli.stage.pulse import Answer

Act = Callable[[str], Answer]
"""Does it, under the name of the press; in a thread, and never raises."""
_LONGEST = 7 * 24 * 60


class Ask(ModalScreen[Answer | None]):
    """A question; Enter does it, and the answer comes back. None: it was not wanted. For a moment after it was asked
    nothing counts: the second tap of a shaky thumb is no answer."""

    UNHEARD: ClassVar[float] = 0.7
    """Seconds for which no key is heard."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,y", "yes", show=False),
        Binding("escape,n,q", "no", show=False),
    ]

    def __init__(self, question: str, act: Act) -> None:
        super().__init__()
        self._question, self._act = question, act
        self._tap = uuid4().hex
        self._busy = False
        self._asked = float("inf")

    def on_mount(self) -> None:
        self._asked = time.monotonic()

    def compose(self) -> ComposeResult:
        with Vertical(classes="sheet"):
            yield Static(self._question, markup=False, classes="question")
            yield Static("", markup=False, classes="trouble")
            yield Keys([("Enter", "Yes", "yes"), ("Esc", "No", "no")])

    def action_yes(self) -> None:
        if not self._busy and time.monotonic() >= self._asked + self.UNHEARD:
            self._busy = True
            self.query_one(".trouble", Static).update("…")
            self.run_worker(self._run, thread=True)

    def action_no(self) -> None:
        if not self._busy:
            self.dismiss(None)

    def _run(self) -> None:
        answer = self._act(self._tap)
        self.app.call_from_thread(self._done, answer)

    def _done(self, answer: Answer) -> None:
        self._busy = False
        if answer.end == "unsettled":
            self.query_one(".trouble", Static).update(f"{answer.told} Enter tries again.")
        else:
            self.dismiss(answer)


class Choose(ModalScreen[str]):
    """Keys to choose from; what is chosen comes back as the word of its action, Esc as ""."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "choose('')", show=False)]

    def __init__(self, question: str, choices: dict[str, tuple[str, str]]) -> None:
        """`choices`: word → the key as Textual calls it, and what it does."""
        super().__init__()
        self._question, self._choices = question, choices

    def compose(self) -> ComposeResult:
        with Vertical(classes="sheet"):
            yield Static(self._question, markup=False, classes="question")
            shown = [(_shown(key), told, f"choose('{word}')") for word, (key, told) in self._choices.items()]
            yield Keys(shown)

    def on_mount(self) -> None:
        for word, (key, _) in self._choices.items():
            self._bindings.bind(key, f"choose('{word}')", show=False)

    def action_choose(self, word: str) -> None:
        self.dismiss(word)


def _shown(key: str) -> str:
    return {"escape": "Esc", "enter": "Enter"}.get(key, key)


class Late(ModalScreen[timedelta | None]):
    """By how much the hall runs late; None: never mind."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "never", show=False)]

    def compose(self) -> ComposeResult:
        with Vertical(classes="sheet"):
            yield Static("How many minutes later? With a minus: earlier.", markup=False, classes="question")
            yield Input(placeholder="minutes", restrict=r"[+-]?[0-9]{0,5}", compact=True, id="minutes")
            yield Static("", markup=False, classes="trouble")
            yield Keys(
                [
                    *((str(by), "min", f"by({by})") for by in (5, 10, 20, 30)),
                    ("Enter", "Go", "go"),
                    ("Esc", "No", "never"),
                ]
            )

    def on_input_submitted(self) -> None:
        self.action_go()

    def action_go(self) -> None:
        told = self.query_one(Input).value
        minutes = int(told) if told.lstrip("+-") else 0
        if not minutes or abs(minutes) > _LONGEST:
            self.query_one(".trouble", Static).update("Write a number of minutes, like 20 or -5; a week at most.")
        else:
            self.action_by(minutes)

    def action_by(self, minutes: int) -> None:
        self.dismiss(timedelta(minutes=minutes))

    def action_never(self) -> None:
        self.dismiss(None)


class Page(ModalScreen[None]):
    """Something to read."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,q,question_mark", "away", show=False)]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        with Vertical(classes="sheet tall"):
            with VerticalScroll():
                yield Static(self._text, markup=False)
            yield Keys([("Esc", "Back", "away")])

    def action_away(self) -> None:
        self.dismiss(None)
