"""`python -m training.ttl [FILE…]` trains the lifetime model from questions of our own and licensed files.

Rows of files (`q, label, source`) train only where `LICENSED` names their source; all are measured: sources that may
train by cross-validation, the others by a model that has seen none of them. `--dry` writes nothing.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final
from zlib import compress

import numpy as np
import orjson

from bench.semantic_cache.lifetimes import ASKED_AT
from lib.kv.cache.ttl import Lifetimes, ttl_for
from lib.kv.cache.ttl_model import FILE, MIDDLE, SIZE, TtlModel, features, read_model
from training.logistic import Floats, Rows, fit
from training.ttl.questions import KINDS, Question, authored, read

LICENSED: Final = ("own", "freshqa")
"""Sources whose rows may shape weights that ship (FreshQA: Apache-2.0)."""
GAIN: Final = 3.0
PENALTY: Final = 0.05
FOLDS: Final = 5
STEP: Final = 8
"""Weights are rounded to multiples of it: 32 levels say what there is to say, in half the bytes."""
WEIGHT: Final = 4.0
"""Of a question somebody asked, beside one from a template."""


def trained(questions: Sequence[Question]) -> bytes:
    """The model file for these examples; every class weighs the same."""
    rows = Rows.of([features(q.text) for q in questions], [[0.0]] * len(questions), SIZE, GAIN)
    labels = np.array([KINDS.index(q.kind) for q in questions], dtype=np.int64)
    weights = np.array([1.0 if q.source == "own" else WEIGHT for q in questions])
    shares = np.bincount(labels, weights, minlength=len(KINDS))
    importance = weights * (weights.sum() / len(KINDS) / shares)[labels]
    return written(fit(rows, labels, importance, PENALTY))


def written(weights: Floats) -> bytes:
    """The model file."""
    sparse = weights[:, :SIZE]
    scale = float(np.abs(sparse).max()) / (MIDDLE - STEP)
    packed = (np.rint(sparse / scale / STEP) * STEP + MIDDLE).astype(np.uint8)
    head = {"scale": scale * GAIN, "bias": np.round(weights[:, -1], 4).tolist()}
    return orjson.dumps(head) + b"\n" + compress(packed.tobytes(), 9)


def folds(questions: Sequence[Question]) -> list[int]:
    """A fold for each, the same every time."""
    chance = random.Random(3)
    return [chance.randrange(FOLDS) for _ in questions]


def judged(model: TtlModel, question: Question) -> str:
    """The class of the product's rules with this model."""
    return ttl_for(question.text, "", now=ASKED_AT, lifetimes=Lifetimes(model=lambda: model)).kind.value


def table(name: str, questions: Sequence[Question], judge: Callable[[Question], str]) -> None:
    """Shares of each class by label."""
    found = Counter((q.label, judge(q)) for q in questions)
    for label, count in sorted(Counter(q.label for q in questions).items()):
        shares = "  ".join(
            f"{k} {100 * found[label, k] / count:5.1f} %" for k in ("time_sensitive", "general", "factual")
        )
        print(f"{name:24} {label:16} {count:5}  {shares}")


def main(arguments: Sequence[str]) -> int:
    """Measure, train on all that may, write."""
    parser = argparse.ArgumentParser(prog="python -m training.ttl", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--dry", action="store_true", help="print figures, write nothing")
    given = parser.parse_args(arguments)
    own = authored()
    others = [question for path in given.files for question in read(path)]
    licensed = [question for question in others if question.source in LICENSED]
    foreign = [question for question in others if question.source not in LICENSED]
    alone = read_model(trained(own))
    if licensed:
        table("own alone", licensed, lambda question: judged(alone, question))
        place = dict(zip(licensed, folds(licensed), strict=True))
        models = [read_model(trained([*own, *(q for q in licensed if place[q] != fold)])) for fold in range(FOLDS)]
        table("cross-validated", licensed, lambda question: judged(models[place[question]], question))
    data = trained([*own, *licensed])
    model = read_model(data)
    if foreign:
        table("never trained on", foreign, lambda question: judged(model, question))
    print(f"{len(own)} questions of our own, {len(licensed)} licensed; {len(data)} bytes")
    if not given.dry:
        FILE.write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
