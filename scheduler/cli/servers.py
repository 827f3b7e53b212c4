"""The two web servers beside the daemon. A busy port is an alarm; publishing goes on without it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from scheduler.daemon import Daemon
    from scheduler.desk.assemble import Desk
    from scheduler.web import Server

log = structlog.get_logger("julki.run")


@dataclass
class Servers:
    """The site's and the console's. `site` and `console` are addresses, None where there is none."""

    desk: Desk
    daemon: Daemon
    running: list[Server] = field(default_factory=list)
    site: str | None = None
    console: str | None = None

    def start(self) -> None:
        self.site = self._start("public", self._public)
        self.console = self._start("console", self._console)

    def stop(self) -> None:
        """Both at once: a stop has ten seconds in all."""
        threads = [threading.Thread(target=server.stop) for server in self.running]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _public(self) -> Server:
        from scheduler.public.server import serve

        return serve(self.desk)

    def _console(self) -> Server:
        from scheduler.console.server import serve

        return serve(self.desk, self.daemon)

    def _start(self, name: str, make: Callable[[], Server]) -> str | None:
        try:
            server = make()
            server.start()
        except Exception:
            log.exception("a web server did not start; publishing goes on without it", server=name)
            return None
        self.running.append(server)
        return server.address
