"""Makes the small data files of this bench: `python -m bench.claims.extract TASKS LLMROUTER TRACE`.

TASKS has lines of `prompt, task, src, lic`; the study `prompt, bench, m: {model: [score, …]}`; TRACE is a CSV of
`t_s,in_tokens,out_tokens`. Studied models stand for capability tiers as `training/quality/studied.py` says.
`python -m bench.claims.extract NAME=STUDY OUT` makes a mix of another study, for `--prompts`.
"""

from __future__ import annotations

import gzip
import random
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Final

import orjson

from bench.claims.questions import MIX, NATURAL, PROMPTS, TRACE
from lib.contract import JsonObject
from training.quality.studied import STUDIED

PER_TASK: Final = 40
PER_STUDY: Final = 500
LONGEST: Final = 1_500
LONGEST_STUDIED: Final = 2_700
TRACE_ROWS: Final = 4_000
LEFT_OUT: Final = ("CNN/DM (templated)", "WMT22 (templated)")
"""Sources whose own licence is not plain."""


def natural(path: Path, chance: random.Random) -> Iterator[JsonObject]:
    """Prompts of every class of work of the mix."""
    rows = [row for row in _lines(path) if row["src"] not in LEFT_OUT and len(str(row["prompt"])) <= LONGEST]
    for task in MIX:
        fit = [row for row in rows if row["task"] == task]
        for row in chance.sample(fit, min(PER_TASK, len(fit))):
            yield {"mix": NATURAL, "prompt": row["prompt"], "task": task, "src": row["src"], "lic": row["lic"]}


def studied(path: Path, mix: str, chance: random.Random) -> Iterator[JsonObject]:
    """Prompts of a study with the mean score of each tier."""
    rows = [row for row in _lines(path) if len(str(row["prompt"])) <= LONGEST_STUDIED]
    for row in chance.sample(rows, min(PER_STUDY, len(rows))):
        yield {
            "mix": mix,
            "prompt": row["prompt"],
            "task": row["bench"],
            "src": row["src"],
            "tiers": {str(tier): round(score, 3) for tier, score in _by_tier(row).items()},
        }


def _by_tier(row: JsonObject) -> dict[int, float]:
    found: defaultdict[int, list[float]] = defaultdict(list)
    outcomes = row["m"]
    if not isinstance(outcomes, dict):
        raise TypeError("a row has no outcomes")
    for model, outcome in outcomes.items():
        if isinstance(outcome, list) and isinstance(outcome[0], int | float) and STUDIED[model].tier:
            found[STUDIED[model].tier].append(float(outcome[0]))
    return {tier: fmean(scores) for tier, scores in sorted(found.items())}


def gaps(path: Path) -> Iterator[str]:
    """The trace's first rows, with seconds since the row before."""
    before = 0.0
    for row in gzip.decompress(path.read_bytes()).decode().splitlines()[1 : TRACE_ROWS + 1]:
        at, given, made = row.split(",")
        yield f"{float(at) - before:.4f},{given},{made}"
        before = float(at)


def main(arguments: Sequence[str]) -> int:
    """Write both files."""
    chance = random.Random(8)
    if len(arguments) == 2:
        mix, _, path = arguments[0].partition("=")
        _write(Path(arguments[1]), _encoded(studied(Path(path), mix, chance)))
        return 0
    tasks, study, requests = map(Path, arguments)
    _write(PROMPTS, _encoded([*natural(tasks, chance), *studied(study, "llmrouter", chance)]))
    _write(TRACE, ["gap_s,in_tokens,out_tokens", *gaps(requests)])
    return 0


def _encoded(rows: Iterable[JsonObject]) -> list[str]:
    return [orjson.dumps(row).decode() for row in rows]


def _write(path: Path, lines: Sequence[str]) -> None:
    path.write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))


def _lines(path: Path) -> list[JsonObject]:
    return [orjson.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
