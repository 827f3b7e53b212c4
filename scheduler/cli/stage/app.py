"""The screen's application: the terminal's own colours, and what happens when the connection is lost."""

from __future__ import annotations

import asyncio
import os
import signal

from textual.app import App

from scheduler.cli.stage.board import Board
from scheduler.cli.stage.composer import Composer
from scheduler.cli.stage.drafts import Drafts
from scheduler.desk.hall import Hall


class StageApp(App[None]):
    """`by` is who acts, for the record."""

    CSS_PATH = "stage.tcss"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, hall: Hall, by: str, drafts: Drafts) -> None:
        super().__init__()
        self._hall, self._by, self._drafts = hall, by, drafts
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (72, "-wide")]
        self.VERTICAL_BREAKPOINTS = [(0, "-short"), (26, "-tall")]
        self.theme = "ansi-dark"  # the terminal's own colours, be it light or dark

    def on_mount(self) -> None:
        if not self.is_headless:
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGHUP, self._hung_up)
            loop.add_signal_handler(signal.SIGTERM, self._told_to_end)
        self.push_screen(Board(self._hall, self._by, self._drafts))

    def keep(self) -> None:
        """Whatever is being written is on the disk after this."""
        for screen in self.screen_stack:
            if isinstance(screen, Composer) and screen.is_mounted:
                screen.keep()

    async def action_quit(self) -> None:
        self._told_to_end()

    @property
    def fault(self) -> Exception | None:
        """What ended it, if anything did that should not have."""
        return self._exception

    def _print_error_renderables(self) -> None:
        """Nothing: whoever runs it tells the fault in a sentence, as every command does."""
        self._exit_renderables.clear()

    def _hung_up(self) -> None:
        """There is no terminal any more: end at once, as any program does."""
        self.keep()
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGHUP)

    def _told_to_end(self) -> None:
        self.keep()
        self.exit()
