"""`python -m training.tasks DATA…` trains the task model from files of labelled prompts beside the authored ones.

Prints figures with each source left out of training in turn, then writes the weights (`--dry` does not). Figures from
sources that were trained on are not printed: they flatter.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from time import process_time
from typing import Final
from zlib import compress

import numpy as np
import orjson

from lib.ai.plan import Task
from lib.ai.router.sample import Sample
from lib.ai.router.task_model import FILE, MIDDLE, TaskModel, evidence_values, read_model
from lib.ai.router.tasks import evidence
from lib.ai.router.text_features import SIZE, features
from training.logistic import Floats, Rows, Whole, fit, softmax
from training.tasks.authored import Prompt, authored
from training.tasks.data import read, trainable
from training.tasks.report import calibration_error, line, twins

TASKS: Final = tuple(task for task in Task if task is not Task.VISION)
GAIN: Final = 2.0
PENALTY: Final = 0.1
TEMPERATURES: Final = tuple(0.5 * 1.08**step for step in range(28))


def rows_of(prompts: Sequence[Prompt]) -> Rows:
    """The prompts as the model sees them."""
    samples = [Sample.of(prompt.text) for prompt in prompts]
    shown = [evidence_values(evidence(sample), TASKS) for sample in samples]
    return Rows.of([features(sample) for sample in samples], shown, SIZE, GAIN)


def labels_of(prompts: Sequence[Prompt]) -> Whole:
    """Positions in TASKS."""
    return np.array([TASKS.index(prompt.task) for prompt in prompts], dtype=np.int64)


def trained(rows: Rows, labels: Whole) -> Floats:
    """Every class weighs the same: how often each is asked here says nothing about how often it is asked elsewhere."""
    counts = np.bincount(labels, minlength=len(TASKS))
    return fit(rows, labels, (len(labels) / len(TASKS) / np.maximum(counts, 1))[labels], PENALTY)


def left_out(rows: Rows, prompts: Sequence[Prompt], own: int) -> Floats:
    """Scores of the prompts from `own` on, each by a model that has seen nothing of its source."""
    labels = labels_of(prompts)
    sources = np.array([prompt.source for prompt in prompts])
    may_train = lawful(prompts, own)
    scores = np.zeros((len(prompts), len(TASKS)))
    for source in sorted(set(sources[own:])):
        test = np.flatnonzero(sources == source)
        train = np.flatnonzero((sources != source) & may_train)
        scores[test] = rows.pick(test).scores(trained(rows.pick(train), labels[train]))
    return scores[own:]


def lawful(prompts: Sequence[Prompt], own: int) -> Whole:
    """Which prompts may shape weights that ship: the first `own`, and those whose licence allows it."""
    allowed = frozenset(trainable(prompts))
    return np.array([number < own or prompt in allowed for number, prompt in enumerate(prompts)])


def best_temperature(scores: Floats, labels: Whole) -> float:
    """The one with the least calibration error on sources left out."""
    right = scores.argmax(axis=1) == labels
    return min(TEMPERATURES, key=lambda t: calibration_error(softmax(scores / t), right))


def written(weights: Floats, temperature: float) -> bytes:
    """The model file."""
    sparse = weights[:, :SIZE]
    scale = float(np.abs(sparse).max()) / (MIDDLE - 1)
    packed = (np.rint(sparse / scale) + MIDDLE).astype(np.uint8)
    head = {
        "tasks": [task.value for task in TASKS],
        "scale": scale * GAIN,
        "bias": np.round(weights[:, -1], 4).tolist(),
        "evidence": np.round(weights[:, SIZE:-1], 4).tolist(),
        "temperature": round(temperature, 4),
    }
    return orjson.dumps(head) + b"\n" + compress(packed.tobytes(), 9)


def agreement(model: TaskModel, prompts: Sequence[Prompt]) -> float:
    """The share of rewritten twins that are told to be of the same class as the original."""
    chance = random.Random(5)
    same = [
        _told(model, text) == _told(model, prompt.text) for prompt in prompts for text in twins(prompt.text, chance)
    ]
    return sum(same) / len(same)


def _told(model: TaskModel, text: str) -> Task:
    sample = Sample.of(text)
    chances = model.probabilities(features(sample), evidence(sample))
    return max(chances, key=lambda task: chances[task])


def timing(model: TaskModel, prompts: Sequence[Prompt]) -> str:
    """CPU of one decision."""
    spent: list[float] = []
    for prompt in prompts:
        began = process_time()
        _told(model, prompt.text[:8_000])
        spent.append(process_time() - began)
    spent.sort()
    return f"CPU p50 {1e3 * spent[len(spent) // 2]:.2f} ms, p99 {1e3 * spent[len(spent) * 99 // 100]:.2f} ms"


def main(arguments: Sequence[str]) -> int:
    """Train, print, write."""
    parser = argparse.ArgumentParser(prog="python -m training.tasks", description=__doc__)
    parser.add_argument("data", nargs="+", type=Path, help="files of labelled prompts")
    parser.add_argument("--dry", action="store_true", help="print figures, write nothing")
    given = parser.parse_args(arguments)
    own = authored()
    others = [prompt for path in given.data for prompt in read(path)]
    prompts = [*own, *others]
    rows = rows_of(prompts)
    labels = labels_of(others)
    ours = np.arange(len(own))
    alone = rows.pick(np.arange(len(own), len(prompts))).scores(trained(rows.pick(ours), labels_of(own)))
    print(line("authored prompts alone", others, labels, softmax(alone)))
    scores = left_out(rows, prompts, len(own))
    temperature = best_temperature(scores, labels)
    print(line("each source left out", others, labels, softmax(scores / temperature)))
    for source in sorted({prompt.source for prompt in others}):
        which = [number for number, prompt in enumerate(others) if prompt.source == source]
        print(line(f"  {source}", [others[i] for i in which], labels[which], softmax(scores[which] / temperature)))
    allowed = np.flatnonzero(lawful(prompts, len(own)))
    data = written(trained(rows.pick(allowed), labels_of(prompts)[allowed]), temperature)
    model = read_model(data)
    print(f"{len(allowed)} prompts trained, {len(data)} bytes; twins agree {agreement(model, others[::5]):.3f}")
    print(timing(model, others))
    if not given.dry:
        FILE.write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
