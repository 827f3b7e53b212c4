"""X's official counter, twitter-text 3.1.0, where Node and npm can run it: what Julki's own counter is measured against."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

VERSION = "3.1.0"
_SCRIPT = Path(__file__).with_suffix(".cjs")
_INSTALL = ("install", f"twitter-text@{VERSION}", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0")
_SECONDS = 60


class Missing(Exception):
    """There is no official counter here; the text says why."""


def lengths(texts: Sequence[str]) -> list[int | None]:
    """What the official counter takes the texts for; None where it fails. Raises `Missing`."""
    node = shutil.which("node")
    if node is None:
        raise Missing("Node is not installed")
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    command = [node, str(_SCRIPT), str(_installed())]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=_SECONDS, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def _installed() -> Path:
    """The folder that holds the package; it is installed once, whichever process comes first."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "julki" / f"twitter-text-{VERSION}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _is_there(folder):
                _install(folder)
    except OSError as error:
        raise Missing(f"its folder can't be written: {error}") from error
    return folder


def _is_there(folder: Path) -> bool:
    about = folder / "node_modules" / "twitter-text" / "package.json"
    return (folder / "done").exists() and json.loads(about.read_text())["version"] == VERSION


def _install(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise Missing("npm is not installed")
    try:
        done = subprocess.run(
            [npm, *_INSTALL, "--prefix", str(folder)], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Missing(f"npm did not answer within {_SECONDS} seconds") from error
    if done.returncode:
        raise Missing(f"npm could not install twitter-text: {done.stderr.strip()[-200:]}")
    (folder / "done").touch()
