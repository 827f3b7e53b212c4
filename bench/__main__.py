"""All measurements, one after another: `python bench`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

RUNS = (["latency.py"], ["latency.py", "--spread", "30"], ["size.py"])


def main() -> None:
    for name, *options in RUNS:
        print(f"\n{name} {' '.join(options)}".rstrip(), flush=True)
        subprocess.run([sys.executable, Path(__file__).with_name(name), *options], check=True)


if __name__ == "__main__":
    main()
