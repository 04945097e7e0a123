"""Policies that choose a model per prompt, judged on prompts they have not seen: what they lose, and what they save.

Each predicts the quality of every model; the choice is the most of quality less λ times the cost in shares of what the
best single model costs. λ is the largest that keeps the loss within bounds on predictions made out of fold in training:
picking it where it is judged would flatter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

import numpy as np

from lib.ai.lessons import bucket_of
from lib.ai.router.sample import Sample
from lib.ai.router.tasks import classify
from training.kernel import alike, predicted, rows_of
from training.logistic import Floats, Whole
from training.outcomes import Study, folds

LOSS: Final = 0.01
"""Of the best single model's quality, that may be given up."""
TRADES: Final = (0.0, *(float(trade) for trade in np.geomspace(1e-3, 50, 120)))
SHRINKAGE: Final = 20.0
"""Prompts that the mean of the level above is worth in a cell."""
RESAMPLES: Final = 2_000


@dataclass(frozen=True, slots=True)
class Seen:
    """A study as the policies see it."""

    study: Study
    cells: tuple[tuple[str, str], ...]
    """Class of work and bucket of length of each prompt, as the product tells them."""
    likeness: Floats

    @classmethod
    def of(cls, study: Study) -> Seen:
        """Reads every prompt once."""
        samples = [Sample.of(prompt) for prompt in study.prompts]
        nothing = Sample.of("")
        cells = tuple((classify(one, nothing).task.value, bucket_of(one.full_length)) for one in samples)
        rows = rows_of(study.prompts)
        return cls(study, cells, alike(rows, rows))


Policy: TypeAlias = Callable[[Seen, Whole, Whole], Floats]
"""From the training rows to the qualities predicted for the test rows, a column per model."""


def by_class(seen: Seen, train: Whole, test: Whole) -> Floats:
    """The mean of the prompt's class and length, shrunk to that of its class and of all."""
    scores, cells = seen.study.scores, seen.cells
    overall = scores[train].mean(axis=0)
    kinds = np.array([kind for kind, _ in cells])
    lengths = np.array([length for _, length in cells])
    means: dict[tuple[str, str], Floats] = {}
    for kind, length in {cells[int(place)] for place in test}:
        of_kind = train[kinds[train] == kind]
        whole = shrunk(scores[of_kind], overall)
        means[kind, length] = shrunk(scores[of_kind[lengths[of_kind] == length]], whole)
    return np.array([means[cells[int(place)]] for place in test])


def shrunk(scores: Floats, towards: Floats, weight: float = SHRINKAGE) -> Floats:
    """The mean of the rows, where there are few of them near to `towards`."""
    result: Floats = (scores.sum(axis=0) + weight * towards) / (len(scores) + weight)
    return result


def by_words(seen: Seen, train: Whole, test: Whole) -> Floats:
    """What the words say."""
    return predicted(seen.likeness, train, test, seen.study.scores)


def by_both(seen: Seen, train: Whole, test: Whole) -> Floats:
    """Mostly the words, steadied by class and length."""
    result: Floats = 0.7 * by_words(seen, train, test) + 0.3 * by_class(seen, train, test)
    return result


POLICIES: Final = MappingProxyType[str, Policy]({"class × length": by_class, "words": by_words, "both": by_both})


@dataclass(frozen=True, slots=True)
class Outcome:
    """Per prompt, the quality and cost of what was chosen and of the best single model; and the λ of each fold."""

    chosen: Floats
    best: Floats
    trades: tuple[float, ...]

    def told(self) -> tuple[float, float]:
        """Quality lost and cost saved, in shares of the best single model's."""
        return _told(self.chosen, self.best)

    def intervals(self, seed: int = 1) -> tuple[tuple[float, float], tuple[float, float]]:
        """95 % of the lost and the saved when prompts are drawn again, each with both its outcomes (paired)."""
        chance, count = np.random.default_rng(seed), len(self.chosen)
        draws = [chance.integers(0, count, count) for _ in range(RESAMPLES)]
        drawn = np.array([_told(self.chosen[draw], self.best[draw]) for draw in draws])
        low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
        return (float(low[0]), float(high[0])), (float(low[1]), float(high[1]))


def _told(chosen: Floats, best: Floats) -> tuple[float, float]:
    share = chosen.mean(axis=0) / best.mean(axis=0)
    return float(1 - share[0]), float(1 - share[1])


def judged(seen: Seen, policy: Policy, parts: Sequence[Whole]) -> Outcome:
    """The policy on each part, trained and calibrated on all other parts."""
    study, everything = seen.study, np.arange(len(seen.cells), dtype=np.int64)
    chosen, best, trades = np.zeros((len(everything), 2)), np.zeros((len(everything), 2)), list[float]()
    for part in parts:
        train = np.setdiff1d(everything, part)
        first = int(study.scores[train].mean(axis=0).argmax())
        costs = expected_costs(study, train, first)
        trade = calibrated(seen, policy, train, costs)
        picked = np.argmax(policy(seen, train, part) - trade * costs[part], axis=1)
        chosen[part] = np.stack([study.scores[part, picked], study.costs[part, picked]], axis=1)
        best[part] = np.stack([study.scores[part, first], study.costs[part, first]], axis=1)
        trades.append(trade)
    return Outcome(chosen, best, tuple(trades))


def expected_costs(study: Study, train: Whole, first: int) -> Floats:
    """What each model is expected to cost by the prompt's length, in shares of what the model `first` costs."""
    lengths = study.lengths
    shape = np.stack([np.ones_like(lengths), lengths], axis=1)
    lines = np.asarray(np.linalg.lstsq(shape[train], study.costs[train])[0], dtype=np.float64)
    result: Floats = shape @ lines / study.costs[train, first].mean()
    return result


def calibrated(seen: Seen, policy: Policy, train: Whole, costs: Floats, loss: float = LOSS) -> float:
    """The largest λ that keeps the loss within `loss` on predictions out of fold."""
    scores = seen.study.scores[train]
    guesses = np.zeros_like(scores)
    for part in folds(len(train), seed=0):
        rest = np.setdiff1d(np.arange(len(train)), part)
        guesses[part] = policy(seen, train[rest], train[part])
    enough, rows, found = (1 - loss) * float(scores.mean(axis=0).max()), np.arange(len(train)), 0.0
    for trade in TRADES:
        picked = np.argmax(guesses - trade * costs[train], axis=1)
        if float(scores[rows, picked].mean()) >= enough:
            found = trade
    return found
