"""`python -m tests.torture --kills 500 --seed 42`: see docs/torture.md."""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.torture import letters
from tests.torture.round import play
from tests.torture.script import script
from tests.torture.tally import Tally

_MANY = 200
"""From so many kills on, the minutes that the alarms take are well spent."""


def main() -> int:
    told = _arguments()
    print(
        f"seed {told.seed}: {told.kills} kills, {told.per_round} a round, {told.beside} rounds side by side", flush=True
    )
    begun, tally = time.monotonic(), Tally()
    for number, one in _rounds(told):
        tally.add(one)
        took = f"{one.seconds['killing']} s of kills, {one.seconds['peace']} s of peace"
        print(f"round {number}: {one.kills} kills, {one.deliveries} deliveries, {took}", flush=True)
    print(f"seed {told.seed}, {time.monotonic() - begun:.0f} s in all")
    print("\n".join(tally.lines()))
    return 0 if tally.sound else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description="Kills the desk, and counts.")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--per-round", type=int, default=50, help="kills a workspace")
    parser.add_argument("--beside", type=int, default=3, help="rounds side by side")
    parser.add_argument("--only", type=int, help="play the round of that number alone")
    parser.add_argument(
        "--blind-retry", action="store_true", help="forget open attempts between kill and start: doubles must be seen"
    )
    parser.add_argument("--keep", action="store_true", help="keep every round's workspace, to look at")
    return parser.parse_args()


def _rounds(told: argparse.Namespace) -> Iterator[tuple[str, Tally]]:
    """Each round's name and tally, as they end. A long run has a round about the alarms among them."""
    with_letters = told.kills >= _MANY and not told.blind_retry and told.only is None
    kills = told.kills - (len(letters.KILLS) + 1 if with_letters else 0)
    sizes = [told.per_round] * (kills // told.per_round)
    sizes += [kills % told.per_round] if kills % told.per_round else []
    scripts = [script(told.seed, number, size) for number, size in enumerate(sizes, 1)]
    chosen = [one for one in scripts if told.only in (None, one.number)]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(told.beside, mp_context=context) as pool:
        started = {pool.submit(letters.play): "about alarms"} if with_letters else {}
        for one in chosen:
            started[pool.submit(play, one, blindly=told.blind_retry, keep=told.keep)] = str(one.number)
        for done in as_completed(started):
            yield started[done], done.result()


if __name__ == "__main__":
    sys.exit(main())
