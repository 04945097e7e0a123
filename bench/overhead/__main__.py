"""`python -m bench.overhead` measures what is installed here and prints Markdown; other gateways by their options."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType

from bench.overhead.cold import cold_starts
from bench.overhead.machine import cores, described
from bench.overhead.measure import Sample, measured, named
from bench.overhead.programs import missing, surroundings
from bench.overhead.report import Row, report
from bench.overhead.rivals import litellm, portkey, tensorzero
from bench.overhead.targets import DELAYS_MS, ROOT, TARGETS, Target, built

COLD = "cold"
"""Among the names of targets, the cold starts."""


def arguments() -> argparse.Namespace:
    """What can be said on the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.overhead")
    parser.add_argument("--only", default="", help="names of targets, or `cold`, separated by commas")
    parser.add_argument("--seconds", type=float, default=1.5, help="of each load")
    parser.add_argument("--built", type=Path, metavar="FOLDER", help="a tree with .vercel/output in it")
    parser.add_argument("--litellm", type=Path, metavar="VENV", help="where litellm[proxy] is installed")
    parser.add_argument("--portkey", type=Path, metavar="NODE_MODULES", help="where @portkey-ai/gateway is installed")
    parser.add_argument("--tensorzero", type=Path, metavar="VENV", help="where tensorzero is installed")
    parser.add_argument("--results", type=Path, default=ROOT / ".cache/overhead.json", help="what earlier runs found")
    return parser.parse_args()


def targets(given: argparse.Namespace) -> list[Target]:
    """Our own, and those of the options."""
    made = ((given.built, built), (given.litellm, litellm), (given.portkey, portkey), (given.tensorzero, tensorzero))
    return [*TARGETS, *(make(path.resolve()) for path, make in made if path)]


def ended(_signal: int, _frame: FrameType | None) -> None:
    """So that what was started is ended as well."""
    sys.exit(1)


def main() -> int:
    """1 where the machine lacks a program."""
    given = arguments()
    if lacking := missing():
        print(f"skipped: this needs {', '.join(lacking)}")
        return 1
    names = [name for name in given.only.split(",") if name]
    known = targets(given)
    chosen = named([name for name in names if name != COLD], known) if names != [COLD] else []
    machine = described()
    os.sched_setaffinity(0, {cores()[1]})
    signal.signal(signal.SIGTERM, ended)
    text = given.results.read_text(encoding="utf-8") if given.results.exists() else "[]"
    earlier: list[Row] = json.loads(text)
    kept = [row for row in earlier if row["target"] not in {target.name for target in chosen}]
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory(prefix="overhead-") as folder, surroundings(Path(folder), DELAYS_MS) as around:
        for sample in measured(around, chosen, given.seconds):
            samples.append(sample)
            print(f"{sample.run} {sample.target}: {sample.scenario}: {sample.per_second:,.0f}/s", file=sys.stderr)
        cold = list(cold_starts(around, given.built)) if COLD in names or not names else []
    rows = [*kept, *(sample.as_row() for sample in samples)]
    given.results.parent.mkdir(exist_ok=True)
    given.results.write_text(json.dumps(rows), encoding="utf-8")
    print(report(rows, {target.name: target.title for target in known}, machine))
    print("\n".join(cold))
    return 0


sys.exit(main())
