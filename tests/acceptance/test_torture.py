"""A short torture: nothing lost, nothing doubled; and one that tries again blindly, whose doubles must be seen."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLOSING = r"kills (\d+), deliveries (\d+), lost (\d+), duplicated (\d+), held (\d+)"


def torture(*told: str) -> tuple[int, list[str]]:
    """Its exit code, and what it printed."""
    seed = str(random.SystemRandom().randrange(10**6))
    command = [sys.executable, "-m", "tests.torture", "--seed", seed, *told]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=220)
    print(done.stdout, done.stderr[-3000:])
    return done.returncode, done.stdout.splitlines()


@pytest.mark.timeout(240)
def test_nothing_is_lost_and_nothing_doubled_wherever_it_is_killed() -> None:
    code, lines = torture("--kills", "30", "--per-round", "15", "--beside", "2")
    closing = re.fullmatch(CLOSING, lines[-1])
    assert closing, lines[-1]
    kills, deliveries, lost, doubled, _held = map(int, closing.groups())
    assert (kills, lost, doubled, code) == (30, 0, 0, 0)
    assert deliveries > 100
    amid = next(re.search(r"with an attempt open: (\d+) of 30", line) for line in lines if "attempt open:" in line)
    assert amid
    assert int(amid[1]) >= 10


@pytest.mark.timeout(240)
def test_a_blind_retry_is_seen_to_double() -> None:
    code, lines = torture("--kills", "16", "--per-round", "8", "--beside", "2", "--blind-retry")
    closing = re.fullmatch(CLOSING, lines[-1])
    assert closing, lines[-1]
    assert int(closing[4]) > 0
    assert code == 1
