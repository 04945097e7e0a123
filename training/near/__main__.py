"""`python -m training.near terms|verifier|families DATA…`: the near tier's two files from pairs, streams and prompts.

`terms` comes first: the verifier weighs words by it. `families` writes nothing: it prints how many traps and rewrites
pass at several cuts, by family of pairs, each family left out of training.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import orjson

from lib.contract import JsonObject
from lib.kv.cache.near import read
from lib.kv.cache.near.features import DIRECTIONS, NAMES, features
from lib.kv.cache.near.terms import FILE as TERMS_FILE
from lib.kv.cache.near.verifier import FILE, Tree, Verifier, matched
from training.near.authored import Pair, authored
from training.near.boosting import Table, boost
from training.near.data import pairs, prompts, rows, stream_pairs
from training.near.frequency import frequent_terms

TREES: Final = 150
SEED: Final = 1
ROUNDS: Final = 4
MOST_OF_A_SOURCE: Final = 400
"""Questions of one source from which pairs are authored."""
WEIGHTS: Final = {"authored": 1.0, "guard": 1.0, "checklist": 0.5, "gptcache_mock": 0.5, "banking77": 0.1}
GENERAL_SHARE: Final = 0.3
"""With more, fewer traps at a cut; with less, more hits where all questions are of one field (0.5: 24 % of BANKING77 at
2 % wrong, 0.3: 33 %)."""
FOLDS: Final = 5
CUTS: Final = (0.5, 0.8, 0.85, 0.9, 0.93, 0.95)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.near", description=__doc__)
    parser.add_argument("what", choices=("terms", "verifier", "families"))
    parser.add_argument("data", nargs="+", type=Path)
    options = parser.parse_args(arguments)
    found = [list(rows(path)) for path in options.data]
    if options.what == "terms":
        text = frequent_terms(_texts(found))
        TERMS_FILE.write_text(text, encoding="utf-8")
        print(f"{len(text.split())} words, {len(text.encode())} bytes")
        return 0
    general, alike = _training_pairs(found)
    if options.what == "families":
        _leave_families_out(general, alike)
        return 0
    data = _file(_fit(general, alike))
    FILE.write_bytes(data)
    print(f"{len(general)} pairs, {len(data)} bytes")
    return 0


def _texts(files: Sequence[Sequence[JsonObject]]) -> dict[str, list[str]]:
    """Texts by source."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for file in files:
        for source, texts in prompts(file).items():
            found[source] += texts
        for pair in (*pairs(file), *stream_pairs(file)):
            found[pair.source] += (pair.one, pair.other)
    return {source: list(dict.fromkeys(texts)) for source, texts in found.items() if texts}


def _training_pairs(files: Sequence[Sequence[JsonObject]]) -> tuple[list[Pair], list[Pair]]:
    """Pairs of every kind, and those of a stream whose rows are like one another."""
    given = [pair for file in files for pair in pairs(file)]
    alike = [pair for file in files for pair in stream_pairs(file)]
    draw, questions = random.Random(SEED), list[str]()
    for _, texts in sorted(_texts(files).items()):
        questions += draw.sample(texts, min(MOST_OF_A_SOURCE, len(texts)))
    return [*authored(questions, ROUNDS, SEED), *given, *alike], alike


def _fit(general: Sequence[Pair], alike: Sequence[Pair]) -> Verifier:
    """The weighted mean of the log-odds of two: trained to tell traps, and on questions of one field."""
    parts = ((_boosted(general, WEIGHTS), GENERAL_SHARE), (_boosted(alike, {}), 1 - GENERAL_SHARE))
    trees = tuple(
        Tree(tree.features, tree.thresholds, tuple(round(leaf * share, 4) for leaf in tree.leaves))
        for part, share in parts
        for tree in part.trees
    )
    return Verifier(sum(part.bias * share for part, share in parts), trees)


def _boosted(found: Sequence[Pair], weights: dict[str, float]) -> Verifier:
    rows_of = [(row, pair) for pair in found if (row := _row(pair)) is not None]
    table = Table.of(
        np.array([row for row, _ in rows_of]),
        np.array([float(pair.same) for _, pair in rows_of]),
        np.array([weights.get(pair.source, 1.0) for _, pair in rows_of]),
        DIRECTIONS,
    )
    bias, trees = boost(table, TREES)
    return Verifier(bias, tuple(Tree(tree.features, tree.thresholds, tree.leaves) for tree in trees))


def _row(pair: Pair) -> list[float] | None:
    """The features of a pair that comes before the verifier, or None."""
    one, other = read(pair.one), read(pair.other)
    found = matched(one, other)
    return None if found is None else features(one, other, found)


def _leave_families_out(general: Sequence[Pair], alike: Sequence[Pair]) -> None:
    """Families of the pairs given in a file, a fifth at a time: traps and rewrites at each cut."""
    families = sorted({(pair.source, pair.kind) for pair in general if pair.source not in ("authored", "banking77")})
    random.Random(SEED).shuffle(families)
    for fold in range(FOLDS):
        left_out = set(families[fold::FOLDS])
        verifier = _fit([pair for pair in general if (pair.source, pair.kind) not in left_out], alike)
        for family in sorted(left_out):
            _print_family(verifier, [pair for pair in general if (pair.source, pair.kind) == family])


def _print_family(verifier: Verifier, found: Sequence[Pair]) -> None:
    odds = [(-np.inf if (row := _row(pair)) is None else verifier.log_odds(row), pair.same) for pair in found]
    name = f"{found[0].source}: {found[0].kind}"[:70]
    for same in {pair.same for pair in found}:
        shown = [value for value, was_same in odds if was_same is same]
        served = [sum(value >= np.log(cut / (1 - cut)) for value in shown) / len(shown) for cut in CUTS]
        what = "rewrites" if same else "traps"
        print(f"{name:70} {what:8} {len(shown):5} " + " ".join(f"{share:7.2%}" for share in served))


def _file(verifier: Verifier) -> bytes:
    trees = [[list(tree.features), list(tree.thresholds), list(tree.leaves)] for tree in verifier.trees]
    return orjson.dumps({"features": list(NAMES), "bias": round(verifier.bias, 4), "trees": trees})


if __name__ == "__main__":
    sys.exit(main())
