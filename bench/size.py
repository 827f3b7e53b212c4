"""What a large calendar costs: memory of the daemon and the time of a pass, with 10,000 pieces and with none.

    python bench/size.py [--pieces N]

The pieces lie ahead, on four channels. A pass stats every file, reads the stored rows and compares.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

from latency import CONFIG

FOLDERS = 50


def workspace(root: Path, pieces: int) -> None:
    (root / "config").mkdir(parents=True)
    (root / "config" / "julki.toml").write_text(CONFIG)
    for number in range(pieces):
        at = datetime(2030, 1, 1, 9) + timedelta(minutes=7 * number)  # noqa: DTZ001  wall time, as a writer gives it
        path = root / "content" / "news" / f"{number % FOLDERS:02}" / f"piece-{number:05}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        head = f"title: Piece {number}\npublish_at: {at:%Y-%m-%d %H:%M}\ntags: [a, b{number % 30}]\n"
        path.write_text(f"---\n{head}---\n" + "Some words in a row. " * 150)
    (root / "content").mkdir(exist_ok=True)


def peak(root: Path, seconds: float) -> int:
    """The daemon's largest resident memory in MB, over that long."""
    julki = Path(sys.executable).with_name("julki")
    with (root / "log").open("wb") as log:
        desk = subprocess.Popen([julki, "--workspace", root, "run"], stdout=log, stderr=log)
    try:
        time.sleep(seconds)
        status = Path(f"/proc/{desk.pid}/status").read_text()
    finally:
        desk.terminate()
        desk.wait(15)
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


def passes(root: Path, changed: int) -> list[float]:
    """Seconds of five passes, each after that many files were touched."""
    from scheduler import workspace as workspaces
    from scheduler.desk.assemble import assemble

    desk = assemble(workspaces.load(root))
    files = sorted((root / "content").rglob("*.md"))
    found = []
    for _ in range(6):
        for path in files[:changed]:
            path.write_text(path.read_text() + "\nMore.\n")
        time.sleep(0.6)
        start = time.perf_counter()
        desk.refresh.run(desk.clock())
        found.append(time.perf_counter() - start)
    desk.close()
    return found[1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pieces", type=int, default=10_000)
    pieces = parser.parse_args().pieces
    with tempfile.TemporaryDirectory() as folder:
        empty, full = Path(folder, "empty"), Path(folder, "full")
        workspace(empty, 0)
        workspace(full, pieces)
        own, large = peak(empty, 10), peak(full, 40)
        print(f"daemon's peak: {own} MB with no piece, {large} MB with {pieces}: {large - own} MB more")
        for changed in (0, 10):
            times = sorted(passes(full, changed))
            print(f"a pass with {changed:2} files changed: median {times[2]:.3f} s, slowest {times[-1]:.3f} s")


if __name__ == "__main__":
    main()
