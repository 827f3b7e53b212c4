"""How punctual a hall's posts are: an event of forty, moved twice, three fired by hand, the daemon killed twice."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.mocks.hall import Play
from tests.mocks.x.server import MockX


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, MockX() as x:
        played = Play(Path(folder) / "desk", x, apart=2).run()
    late = sorted(played.lateness())
    print(f"{len(played.posts)} posts, {len(late)} of them due while a daemon was at work")
    print(
        f"late by, seconds: median {median(late):.2f}, 95 % under {late[int(len(late) * 0.95)]:.2f}, most {late[-1]:.2f}"
    )


if __name__ == "__main__":
    main()
