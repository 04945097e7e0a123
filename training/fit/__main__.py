"""`python -m training.fit LABELS… --weak NAME=MODEL --strong NAME=MODEL --out FILE` fits a quality table to own labels.

NAME is the model in the labels, MODEL the catalogue's; where they are the same, NAME alone. Prints, where prompts have
outcomes of both, how well the table tells who needs the strong model on halves that were not learned from, and what
its λ loses and saves there. ROUTING_QUALITY takes the file.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from lib.catalog import Catalog, PriceBook
from training.fit.gain import apgr
from training.fit.labels import Labelled, labelled
from training.fit.learned import Pair, fitted, gains, written
from training.logistic import Floats, Whole
from training.outcomes import folds
from training.quality.policies import TRADES

HALVES: Final = 5
"""How often the labels are halved anew."""


def both(labels: Sequence[Labelled], pair: Pair) -> list[Labelled]:
    """The prompts that have outcomes of both models."""
    return [each for each in labels if pair.weak in each.scores and pair.strong in each.scores]


def picked(labels: Sequence[Labelled], places: Whole) -> list[Labelled]:
    """Some of them."""
    return [labels[int(place)] for place in places]


def scores(labels: Sequence[Labelled], name: str) -> Floats:
    """Of one model."""
    return np.array([each.scores[name] for each in labels])


def halves(labels: Sequence[Labelled], pair: Pair, count: int) -> None:
    """Print APGR on halves left out: of `count` labels of the other half, of none, and by length alone."""
    found: list[tuple[float, float, float]] = []
    for seed in range(HALVES):
        one, other = (picked(labels, part) for part in folds(len(labels), seed, 2))
        chance = np.random.default_rng(seed)
        some = picked(one, chance.permutation(len(one))[:count])
        marks = scores(other, pair.weak), scores(other, pair.strong)
        by_length = np.array([float(len(each.prompt)) for each in other])
        told = [gains(fitted(known, pair, 0.0), other, pair) for known in (some, [])]
        found.append((apgr(told[0], *marks), apgr(told[1], *marks), apgr(by_length, *marks)))
    for name, column in zip((f"{count} labels", "no labels", "length alone"), zip(*found, strict=True), strict=True):
        print(f"APGR {name:14} {np.mean(column):.3f} ({min(column):.3f} to {max(column):.3f})")


def calibrated(labels: Sequence[Labelled], pair: Pair, prices: tuple[float, float], loss: float) -> float:
    """λ, on predictions out of fold: the largest that loses at most `loss` of the strong model's quality.

    `prices` are those of the weak and the strong model in shares of the baseline's.
    """
    guesses = np.zeros(len(labels))
    for part in folds(len(labels), seed=0):
        rest = np.setdiff1d(np.arange(len(labels)), part)
        table = fitted(picked(labels, rest), pair, 0.0)
        guesses[part] = gains(table, picked(labels, part), pair)
    weak, strong = scores(labels, pair.weak), scores(labels, pair.strong)
    step, found = prices[1] - prices[0], (0.0, 0.0, 1.0)
    for trade in TRADES:
        asked = guesses > trade * step
        quality = float(np.where(asked, strong, weak).mean())
        if quality >= (1 - loss) * float(strong.mean()):
            found = trade, 1 - quality / float(strong.mean()), float(asked.mean())
    trade, lost, share = found
    saved = 1 - (share + (1 - share) * prices[0] / prices[1])
    told = f"{share:.1%} to the strong model, {lost:.2%} lost, {saved:.1%} of its cost saved"
    print(f"λ {trade:.4f}: {told} (out of fold)")
    return trade


def pair_of(weak: str, strong: str, catalog: Catalog) -> Pair:
    """Raises KeyError for a model that the catalogue does not have, ValueError for one that is not stronger."""
    (weak_name, _, weak_id), (strong_name, _, strong_id) = weak.partition("="), strong.partition("=")
    pair = Pair(weak_name, catalog.model(weak_id or weak_name), strong_name, catalog.model(strong_id or strong_name))
    if pair.weak_row.quality >= pair.strong_row.quality:
        raise ValueError(f"{pair.strong_row.id} is of no higher capability tier than {pair.weak_row.id}")
    return pair


def main(arguments: Sequence[str]) -> int:
    """Fit, print, write."""
    parser = argparse.ArgumentParser(prog="python -m training.fit", description=__doc__)
    parser.add_argument("labels", nargs="+", type=Path)
    parser.add_argument("--weak", required=True, help="NAME or NAME=MODEL")
    parser.add_argument("--strong", required=True, help="NAME or NAME=MODEL")
    parser.add_argument("--baseline", default="openai/gpt-4o", help="as BASELINE_MODEL")
    parser.add_argument("--loss", type=float, default=0.01, help="share of the strong model's quality to give up")
    parser.add_argument("--count", type=int, default=1_500, help="labels learned from when halves are judged")
    parser.add_argument("--out", type=Path, help="where the table is written")
    given = parser.parse_args(arguments)
    catalog, prices = Catalog.build(), PriceBook()
    pair = pair_of(given.weak, given.strong, catalog)
    labels = [each for path in given.labels for each in labelled(path)]
    paired = both(labels, pair)
    print(f"{len(labels)} prompts, {len(paired)} with outcomes of both models")
    trade = 0.0
    if len(paired) >= 2 * HALVES:
        halves(paired, pair, given.count)
        costs = [
            prices.estimate(row, 500, 500, time.time())
            for row in (pair.weak_row, pair.strong_row, catalog.model(given.baseline))
        ]
        trade = calibrated(paired, pair, (costs[0] / costs[2], costs[1] / costs[2]), given.loss)
    if given.out:
        given.out.write_bytes(written(labels, pair, trade) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
