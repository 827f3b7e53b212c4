"""`config/` while the desk runs: a change is told, and read anew when somebody asks for it (SIGHUP)."""

from __future__ import annotations

import structlog

from scheduler.workspace import BadSettings, Workspace, load, settings_stamp

log = structlog.get_logger("julki.daemon")

_HOW = "systemctl reload julki (or kill -HUP its process), or stop it and start it again."


class Reload:
    """`bad` is what is wrong with the settings as they stand in the files now; "" where they can be used."""

    def __init__(self, workspace: Workspace) -> None:
        self.bad = ""
        self._workspace = workspace
        self._stamp = settings_stamp(workspace.root)

    def heed(self) -> None:
        """A running desk keeps the settings that it began with; whoever changes them should not have to guess that."""
        now = settings_stamp(self._workspace.root)
        if now != self._stamp:
            self._stamp = now
            if self._loaded() is not None:
                log.warning("config/ has changed; it counts once it is read anew", remedy=_HOW)

    def read(self) -> Workspace | None:
        """The workspace with the settings as they are now; None, and told, where the desk can't go on with them."""
        found = self._loaded()
        if found is not None and found.settings.database != self._workspace.settings.database:
            log.warning(
                "[database] has changed; that counts from the next start on", remedy="Stop it and start it again."
            )
            return None
        return found

    def _loaded(self) -> Workspace | None:
        try:
            found = load(self._workspace.root)
        except BadSettings as error:
            self.bad = str(error)
            log.warning("config/ has changed and can't be used as it is", faults=[str(fault) for fault in error.faults])
            return None
        self.bad = ""
        return found
