"""`python -m tests.model --depth 5`: every way that a delivery can go, for each kind of channel."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.model.remote import KINDS
from tests.model.search import report


def main() -> int:
    told = _arguments()
    failed = False
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(told.beside, mp_context=context) as pool:
        started = [pool.submit(report, name, told.depth, told.seconds) for name in told.kind or KINDS]
        for done in as_completed(started):
            found = done.result()
            failed |= isinstance(found, str)
            print(found, flush=True)
    return int(failed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.model", description="Tries every interleaving.")
    parser.add_argument("--depth", type=int, default=4, help="decisions of the environment")
    parser.add_argument("--kind", action="append", choices=list(KINDS))
    parser.add_argument("--seconds", type=float, default=3600, help="at most so long for each kind")
    parser.add_argument("--beside", type=int, default=2, help="kinds side by side")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
