#!/usr/bin/env python3
"""Julki's two first commands, on a machine that has only Python and pip.

    python3 run.py demo [OPTIONS]    set up what is missing, then show Julki at work
    python3 run.py test [OPTIONS]    set up what is missing, then run every test (options go to pytest)
    python3 run.py check             set up what is missing, then check style, types and layers
    python3 run.py setup             set up what is missing for using Julki, and nothing else

Everything is installed into `.venv` beside this file, and nowhere else. Needs nothing but the standard library.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
READY = VENV / "julki-ready"
"""What is installed, one line each: the digest of what was asked for, and the extra."""
UNFINISHED = VENV / "julki-unfinished"
"""There while pip is at work: an environment that was left in the middle is not to be trusted."""
CHECKS = (("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",), ("lint-imports",))


class CannotSetUp(Exception):
    """Something of the machine is missing; the message says what to do."""


def wanted() -> str:
    """Changes when other packages are asked for, or the folder was moved (the scripts in `.venv` name it)."""
    said = hashlib.sha256(str(ROOT).encode())
    for name in ("pyproject.toml", "constraints.txt"):
        said.update((ROOT / name).read_bytes())
    return said.hexdigest()


def ready(extra: str) -> bool:
    if not (sound() and READY.is_file()):
        return False
    return f"{wanted()} {extra}" in READY.read_text("utf-8").splitlines()


def sound() -> bool:
    """Finished, and its Python still there and still the one whose packages it holds."""
    packages = "import os, sys, sysconfig; sys.exit(not os.path.isdir(sysconfig.get_path('purelib')))"
    return not UNFINISHED.exists() and works(PYTHON, "-c", packages)


def works(python: Path, *arguments: str) -> bool:
    try:
        ended = subprocess.run([python, *arguments], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ended.returncode == 0


def set_up(extra: str) -> None:
    """Make `.venv` hold Julki and what it needs. Quick where nothing changed; one process at a time."""
    with Path(__file__).open("rb") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if ready(extra):
            return
        if not sound():
            say("Making Julki's own environment in .venv …")
            call([base(), "-m", "venv", "--without-pip", "--clear", VENV], "the environment could not be made")
        UNFINISHED.touch()
        READY.unlink(missing_ok=True)
        say("Installing what Julki needs; the first time this takes a minute or two …")
        install(extra)
        extras = ("demo", "dev") if extra == "dev" else ("demo",)
        READY.write_text("".join(f"{wanted()} {one}\n" for one in extras), "utf-8")
        UNFINISHED.unlink()
        say("Ready.")


def install(extra: str) -> None:
    """By the pip of the machine: Debian's `venv` can't bring one along, and its pip refuses to install elsewhere."""
    target = f"{ROOT}[dev]" if extra == "dev" else str(ROOT)
    options: list[str | Path] = ["--quiet", "--disable-pip-version-check", "--no-input", "-c", ROOT / "constraints.txt"]
    command: list[str | Path] = [pip(), "-m", "pip", "--python", PYTHON, "install", *options, "-e", target]
    call(command, "the packages could not be installed; is this machine online? Then run this again")


def base() -> Path:
    """The Python that this one was made from, should somebody have `.venv` active."""
    return Path(getattr(sys, "_base_executable", "") or sys.executable)


def pip() -> Path:
    for python in dict.fromkeys((base(), Path(sys.executable))):
        if works(python, "-m", "pip", "--version"):
            return python
    raise CannotSetUp("this Python has no pip. Install it (on Debian: apt install python3-pip), and run this again")


def call(command: list[str | Path], otherwise: str) -> None:
    if subprocess.run(command, check=False).returncode != 0:
        raise CannotSetUp(otherwise)


def say(text: str) -> None:
    print(text, flush=True)


def demo(arguments: list[str]) -> int:
    set_up("demo")
    command = [str(VENV / "bin" / "julki"), "demo", *arguments]
    sys.stdout.flush()
    os.execv(command[0], command)  # noqa: S606  no shell is wanted: Ctrl-C goes straight to the demo


def setup(arguments: list[str]) -> int:
    if arguments:
        raise CannotSetUp("setup takes no options")
    set_up("demo")
    say(f"Julki is {VENV / 'bin' / 'julki'}")
    return 0


def test(arguments: list[str]) -> int:
    set_up("dev")
    return subprocess.run([PYTHON, "-m", "pytest", *arguments], cwd=ROOT, check=False).returncode


def check(arguments: list[str]) -> int:
    """All checks, also when the first one objects."""
    if arguments:
        raise CannotSetUp("check takes no options")
    set_up("dev")
    failed = []
    for name, *rest in CHECKS:
        say(f"$ {' '.join((name, *rest))}")
        if subprocess.run([VENV / "bin" / name, *rest], cwd=ROOT, check=False).returncode:
            failed.append(name)
    say(f"Failed: {', '.join(failed)}." if failed else "Style, types and layers are fine.")
    return 1 if failed else 0


COMMANDS = {"demo": demo, "test": test, "check": check, "setup": setup}


def main(arguments: list[str]) -> int:
    if sys.version_info < (3, 11):  # noqa: UP036  whoever calls this file may have an older one
        say(f"Julki needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
        return 2
    if not arguments or arguments[0] not in COMMANDS:
        say((__doc__ or "").strip())
        return 0 if arguments in (["-h"], ["--help"]) else 2
    try:
        return COMMANDS[arguments[0]](arguments[1:])
    except CannotSetUp as error:
        say(f"That did not work: {error}.")
        return 1
    except KeyboardInterrupt:
        say("\nStopped. Run it again to go on.")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
