"""One round about the alarms: people are told by mail what is held, and the daemon is killed while it mails them.

The mails go by SMTP to a mock that keeps a ledger. Each has its Message-ID once; once more for each kill that came when
it had been taken, and the desk could not know it.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.mocks.desk_process import Fork
from tests.mocks.postbox import Fault, Postbox, postbox
from tests.mocks.x.server import MockX
from tests.torture.desk import KEYS, Desk
from tests.torture.manuscript import Manuscript
from tests.torture.moment import until
from tests.torture.script import STALE
from tests.torture.tally import Tally
from tests.torture.verdict import judge

KILLS: tuple[tuple[str, Fault], ...] = (
    ("alarm offered", "hang"),
    ("alarm taken, before the answer", "cut after"),
    ("alarm taken and answered", ""),
)
"""Each kill's moment, and what the mail server does then."""
_PATIENCE = 110.0
"""Seconds: the desk waits for a quiet minute before it writes, so that a burst is one mail."""
_PEACE = 20.0
"""Seconds that the last run goes on: several passes over what is to be told."""
_PIECES = 4
_CONFIG = """
[mail]
sandbox = false
smtp_url = "{url}"
from = "Desk <desk@example.org>"

[alarms]
to = ["toimitus@example.org"]
"""


def play() -> Tally:
    """The whole round. Its workspace is kept where something is wrong, and named."""
    root = Path(tempfile.mkdtemp(prefix="torture-letters-"))
    with MockX(refuses_duplicates=False) as x, postbox() as box:
        tally = _Round(root / "desk", x, box).run()
    if tally.sound:
        shutil.rmtree(root)
    else:
        print(f"the round about alarms: its workspace is kept in {root}", flush=True)
    return tally


class _Round:
    def __init__(self, root: Path, x: MockX, box: Postbox) -> None:
        self.x, self.box, self.desk = x, box, Desk(root)
        self.tally = Tally()
        self.pieces: list[Manuscript] = []
        self._unanswered: Counter[str] = Counter()

    def run(self) -> Tally:
        self.desk.found(self.x.url, _CONFIG.format(url=self.box.url))
        self._begin()
        for moment, fault in KILLS:
            self._cycle(moment, fault)
        self._peace()
        judge(self.desk, self.pieces, self.x.ledger, datetime.now(UTC), self.tally)
        self._compare()
        return self.tally

    def _begin(self) -> None:
        """A desk mails what happens from its first start on; then come pieces that it must hold."""
        daemon = Fork(self.desk.root, KEYS)
        until(lambda: bool(self.desk.rows("SELECT 1 FROM mark WHERE value LIKE '%seen%'")), 10)
        at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=STALE)
        for number in range(_PIECES):
            self.pieces.append(Manuscript(number, "plain", at))
            self.pieces[-1].write(self.desk.root, in_place=False)
        until(lambda: len(self.desk.rows("SELECT 1 FROM delivery WHERE state = 'held'")) >= _PIECES, 10)
        daemon.kill()
        self.tally.kills += 1
        self.tally.moments["alarm due"] += 1

    def _cycle(self, moment: str, fault: Fault) -> None:
        self.box.fault = fault
        tries, taken = self.box.tries, len(self.box.ledger)
        daemon = Fork(self.desk.root, KEYS)
        came = until(lambda: (self.box.tries > tries) if fault == "hang" else len(self.box.ledger) > taken, _PATIENCE)
        daemon.kill()
        daemon.code(5)
        if not came:
            self.tally.problems.append(f"no alarm was mailed ({moment})")
        self._unanswered.update({one.key for one in self.box.ledger[taken:]})
        self.tally.kills += 1
        self.tally.moments[moment] += 1

    def _peace(self) -> None:
        self.box.fault = ""
        daemon = Fork(self.desk.root, KEYS)
        time.sleep(_PEACE)
        daemon.terminate()
        if (code := daemon.code(15)) != 0:
            self.tally.problems.append(f"the stop ended with {code}")
            daemon.kill()

    def _compare(self) -> None:
        """Every held piece is told of, in one mail and no other; that mail came as often as kills can explain."""
        self.tally.mails += len(self.box.ledger)
        counts = Counter(one.key for one in self.box.ledger)
        for key, count in counts.items():
            if count > 1 + self._unanswered[key]:
                self.tally.problems.append(f"the alarm {key} came {count} times")
        for piece in self.pieces:
            keys = {one.key for one in self.box.ledger if piece.mark in one.text}
            if len(keys) != 1:
                self.tally.problems.append(f"{piece.mark} is told of in {len(keys)} different alarms")
