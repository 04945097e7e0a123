"""The document's claims in a simulation: `python -m bench.claims [--requests N] [--seed S] [--runs 3] [--jobs 2]`.

Each run plays N of the million requests of a month at the month's rate, so 5,000 stand for 3.6 hours and 1,000,000
for all of it; what lasts minutes (outages, lifetimes, repeats) keeps its length. The same seed gives the same tables.
`--prompts FILE` adds mixes that `bench.claims.extract` made of other studies.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

from bench.claims.figures import Tally, tallied
from bench.claims.layers import LAYERS, LEVELS, judged
from bench.claims.questions import PROMPTS, prompts
from bench.claims.simulation import Run, Scenario, simulated
from bench.claims.tables import report

REQUESTS: Final = 5_000


def played(scenario: Scenario, files: Sequence[Path], run: Run) -> Tally:
    """One scenario with one seed."""
    logging.disable(logging.CRITICAL)  # a line for each request
    return tallied(simulated(scenario, prompts(*files)[scenario.mix], run))


def tables(files: Sequence[Path], runs: Sequence[Run], jobs: int) -> list[str]:
    """The lines of all tables."""
    quality = judged(prompts(*files))
    scenarios = {row.name: row for row in (*LAYERS, *(row for _, row in LEVELS), *quality)}
    with ProcessPoolExecutor(max_workers=jobs) as pool:
        coming = {name: [pool.submit(played, row, files, run) for run in runs] for name, row in scenarios.items()}
        found: Mapping[str, Sequence[Tally]] = {name: [each.result() for each in row] for name, row in coming.items()}
    return list(report(found, quality))


def main(arguments: Sequence[str]) -> int:
    """Play and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.claims", description=__doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS, help="of each run")
    parser.add_argument("--seed", type=int, default=1, help="of the first run; the others follow")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time")
    parser.add_argument("--prompts", type=Path, action="append", default=[], metavar="FILE", help="further mixes")
    given = parser.parse_args(arguments)
    runs = [Run(given.requests, given.seed + number) for number in range(given.runs)]
    print("\n".join(tables((PROMPTS, *given.prompts), runs, given.jobs)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
