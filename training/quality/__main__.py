"""`python -m training.quality DATA…` judges policies on files of outcomes per prompt and writes the quality table.

Prints, for each study and policy, what is lost and saved at a loss of at most 1 %: on prompts left out, and on sources
left out. `--dry` writes nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import orjson

from lib.ai.router.quality import FILE, read_quality
from training.logistic import Whole
from training.outcomes import Study, folds, study
from training.quality.policies import POLICIES, Outcome, Seen, judged
from training.quality.table import table


def by_source(given: Study) -> list[Whole]:
    """The rows of each source."""
    sources = np.array(given.sources)
    return [np.flatnonzero(sources == source) for source in sorted(set(given.sources))]


def line(name: str, outcome: Outcome) -> str:
    """One line of figures."""
    (lost, saved), (of_loss, of_saving) = outcome.told(), outcome.intervals()
    trades = ", ".join(f"{trade:.3f}" for trade in outcome.trades)
    return (
        f"  {name:16} lost {lost:6.2%} ({of_loss[0]:.2%} to {of_loss[1]:.2%})  "
        f"saved {saved:6.1%} ({of_saving[0]:.1%} to {of_saving[1]:.1%})  λ {trades}"
    )


def main(arguments: Sequence[str]) -> int:
    """Judge, print, write."""
    parser = argparse.ArgumentParser(prog="python -m training.quality", description=__doc__)
    parser.add_argument("data", nargs="+", type=Path, help="files of outcomes per prompt")
    parser.add_argument("--dry", action="store_true", help="print figures, write nothing")
    given = parser.parse_args(arguments)
    studies, trades = [study(path) for path in given.data], list[float]()
    for one in studies:
        seen = Seen.of(one)
        best = one.models[int(one.scores.mean(axis=0).argmax())]
        print(f"{one.name}: {len(one.prompts)} prompts, {len(one.models)} models, best alone {best}")
        for how, parts in (("prompts", folds(len(one.prompts), seed=1)), ("sources", by_source(one))):
            print(f" {how} left out ({len(parts)} parts)")
            for name, policy in POLICIES.items():
                outcome = judged(seen, policy, parts)
                print(line(name, outcome), flush=True)
                if (how, name) == ("prompts", "class × length"):
                    trades.append(float(np.median(outcome.trades)))
    data = orjson.dumps(table(studies, min(trades)))
    read = read_quality(data)
    print(f"{read.version}: λ {read.trade}")
    for task, row in read.tiers.items():
        print(f"  {task.value:20} " + "  ".join(f"{bucket} {row[bucket]}" for bucket in row))
    if not given.dry:
        FILE.write_bytes(data + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
