"""What learning from votes is worth: outcomes of several models per prompt, replayed through the router's own learning.

    python -m bench.router_feedback OUTCOMES.jsonl.gz [--requests 20000] [--seeds 5] [--price MODEL=DOLLARS …]

OUTCOMES has a line per prompt: `prompt`, and `m` with `[score from 0 to 1, dollars or null]` by model. Three tenths of
the prompts make the table that is shipped; the others are asked, again and again. A user votes on one answer in ten, up
as often as it is good. Regret is the value (quality less a tenth of the price, as shares of the dearest's)
that is lost against the best model of each class of work and length in hindsight, in points; by quarters of the run.
"""

from __future__ import annotations

import argparse
import gzip
import random
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

import orjson

from lib.ai.feedback import HALVED_ABOVE
from lib.ai.lessons import NO_VOTES, Belief, Cell, Lessons, Votes, belief, bucket_of
from lib.ai.router.exploring import Arm, Trial, trial
from lib.ai.router.sample import Sample
from lib.ai.router.tasks import classify
from lib.ai.router.trying import ARMS, TIMES_AS_DEAR, WORSE_AT_MOST
from lib.contract import Json

TRADE: Final = 0.1
"""Quality that the dearest model has to be better by."""
SHIPPED: Final = 0.3
SMOOTHING: Final = 20
QUARTERS: Final = 4
WORSENED: Final = 0.4
"""What is left of the quality of a model that gets worse."""

Context: TypeAlias = tuple[str, str]
"""Class of work and bucket of length."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt and how good each model's answer to it was."""

    context: Context
    scores: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Everything that is known of some models; prices are shares of the dearest one's."""

    models: tuple[str, ...]
    prices: tuple[float, ...]
    shipped: tuple[Asked, ...]
    live: tuple[Asked, ...]

    def table(self, asked: Sequence[Asked], smoothing: int = SMOOTHING) -> dict[Context, tuple[float, ...]]:
        """Mean scores by context, drawn to those of all contexts where there are few."""
        of_all = [statistics.fmean(scores) for scores in zip(*(each.scores for each in asked), strict=True)]
        rows: dict[Context, list[Asked]] = defaultdict(list)
        for each in asked:
            rows[each.context].append(each)
        contexts = {each.context for each in (*self.shipped, *self.live)}
        return {
            context: tuple(
                (sum(each.scores[at] for each in rows[context]) + smoothing * mean) / (len(rows[context]) + smoothing)
                for at, mean in enumerate(of_all)
            )
            for context in contexts
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What users are like, and what happens meanwhile."""

    name: str
    learns: bool = True
    exploration: float = 0.05
    voting: float = 0.1
    flipped: float = 0.0
    """Votes that say the opposite of what they mean."""
    sour: float = 0.0
    """Good answers that are voted down all the same."""
    worsens: bool = False
    """The model that is asked most gets worse half-way."""
    rough: float = 0.0
    """Each model's quality in the table is off by up to this, as where it was measured on other models or prompts."""


SCENARIOS: Final = (
    Scenario(name="table", learns=False),
    Scenario(name="learning"),
    Scenario(name="learning, no trials", exploration=0.0),
    Scenario(name="learning, every answer voted on", voting=1.0),
    Scenario(name="learning, 10 % of votes flipped", flipped=0.1),
    Scenario(name="learning, 20 % of votes flipped", flipped=0.2),
    Scenario(name="learning, 30 % of votes flipped", flipped=0.3),
    Scenario(name="learning, 40 % of good answers voted down", sour=0.4),
    Scenario(name="rough table", learns=False, rough=0.15),
    Scenario(name="rough table: learning", rough=0.15),
    Scenario(name="rough table: learning, no trials", rough=0.15, exploration=0.0),
    Scenario(name="drift: table", learns=False, worsens=True),
    Scenario(name="drift: learning", worsens=True),
    Scenario(name="drift: learning, no trials", worsens=True, exploration=0.0),
    Scenario(name="drift: learning, 20 % of votes flipped", worsens=True, flipped=0.2),
)


@dataclass(slots=True)
class Learner:
    """The router's learning over some models, and counts as the vote script keeps them."""

    outcomes: Outcomes
    scenario: Scenario
    table: dict[Context, tuple[float, ...]]
    counts: dict[str, dict[Cell, Votes]] = field(default_factory=lambda: defaultdict(dict))
    _known: dict[Context, tuple[tuple[int, ...], tuple[Arm, ...]]] = field(
        default_factory=dict[Context, tuple[tuple[int, ...], tuple[Arm, ...]]]
    )

    def choice(self, context: Context, draw: tuple[float, float]) -> int:
        """The model to ask."""
        if context not in self._known:
            self._known[context] = self._arms(context)
        places, arms = self._known[context]
        found: Trial = trial(arms, self.scenario.exploration, draw)
        return places[found.arm]

    def _arms(self, context: Context) -> tuple[tuple[int, ...], tuple[Arm, ...]]:
        beliefs = self._beliefs(context)
        worths = [each.mean - TRADE * price for each, price in zip(beliefs, self.outcomes.prices, strict=True)]
        first, *others = sorted(range(len(worths)), key=lambda at: -worths[at])
        prices = self.outcomes.prices
        safe = [
            at
            for at in others
            if prices[at] <= TIMES_AS_DEAR * prices[first] and beliefs[at].mean >= beliefs[first].mean - WORSE_AT_MOST
        ]
        places = (first, *safe)[:ARMS]
        return places, tuple(Arm(worths[at], beliefs[at].deviation) for at in places)

    def _beliefs(self, context: Context) -> list[Belief]:
        task, bucket = context
        lessons = Lessons(self.counts[task])
        places = {model: at for at, model in enumerate(self.outcomes.models)}

        def prior(of_bucket: str, model: str) -> float:
            return self.table[task, of_bucket][places[model]]

        return [
            belief(prior(bucket, model), lessons.votes(bucket, model), lessons.leaning(model, prior))
            for model in self.outcomes.models
        ]

    def vote(self, context: Context, model: int, *, up: bool) -> None:
        """Count a vote."""
        task, bucket = context
        cell = bucket, self.outcomes.models[model]
        votes = self.counts[task].get(cell, NO_VOTES) + (Votes(up=1) if up else Votes(down=1))
        halved = votes.up + votes.down > HALVED_ABOVE
        self.counts[task][cell] = Votes(votes.up // 2, votes.down // 2) if halved else votes
        for known in [each for each in self._known if each[0] == task]:
            del self._known[known]


def replay(outcomes: Outcomes, scenario: Scenario, requests: int, seed: int) -> list[float]:
    """Regret by quarters. The same seed asks the same prompts, and lets the same of them be voted on."""
    asking, voting, drawing = (random.Random(f"{seed} {what}") for what in ("ask", "vote", "draw"))
    learner = Learner(outcomes, scenario, roughened(outcomes, scenario.rough, seed))
    best = outcomes.table(outcomes.live, smoothing=1)
    ill = most_asked(outcomes) if scenario.worsens else -1
    lost = [0.0] * QUARTERS
    for number in range(requests):
        asked = outcomes.live[asking.randrange(len(outcomes.live))]
        worsened = number >= requests // 2
        scores = [score * (WORSENED if worsened and at == ill else 1.0) for at, score in enumerate(asked.scores)]
        model = learner.choice(asked.context, (drawing.random(), drawing.random()))
        expected = [
            mean * (WORSENED if worsened and at == ill else 1.0) - TRADE * outcomes.prices[at]
            for at, mean in enumerate(best[asked.context])
        ]
        lost[number * QUARTERS // requests] += max(expected) - expected[model]
        votes, good, sour, flipped = (voting.random() for _ in range(4))
        if scenario.learns and votes < scenario.voting:
            up = good < scores[model] and sour >= scenario.sour
            learner.vote(asked.context, model, up=up != (flipped < scenario.flipped))
    return [100 * each * QUARTERS / requests for each in lost]


def roughened(outcomes: Outcomes, rough: float, seed: int) -> dict[Context, tuple[float, ...]]:
    """The shipped table, off by as much for each model."""
    chance, table = random.Random(f"{seed} rough"), outcomes.table(outcomes.shipped)
    off = [chance.uniform(-rough, rough) for _ in outcomes.models]
    return {
        context: tuple(min(0.99, max(0.01, mean + by)) for mean, by in zip(row, off, strict=True))
        for context, row in table.items()
    }


def most_asked(outcomes: Outcomes) -> int:
    """The model that the table sends most prompts to."""
    table = outcomes.table(outcomes.shipped)
    firsts = [
        max(range(len(outcomes.models)), key=lambda at: table[each.context][at] - TRADE * outcomes.prices[at])
        for each in outcomes.live
    ]
    return statistics.mode(firsts)


def read(path: Path, prices: Mapping[str, float], seed: int = 3) -> Outcomes:
    """The file's outcomes; models that some prompts lack are left out, unknown prices are the middle one."""
    rows = [*_rows(path)]
    models = sorted(name for name in rows[0][1] if all(name in table for _, table in rows))
    costs = {name: [cost for _, table in rows if (cost := table[name][1]) is not None] for name in models}
    means = {name: statistics.fmean(found) for name, found in costs.items() if found} | dict(prices)
    middle = statistics.median(means.values()) if means else 1.0
    dearest = max([*means.values(), middle])
    nothing, chance = Sample.of(""), random.Random(seed)
    parts: tuple[list[Asked], list[Asked]] = ([], [])
    for prompt, table in rows:
        context = classify(Sample.of(prompt), nothing).task.value, bucket_of(len(prompt))
        parts[chance.random() >= SHIPPED].append(Asked(context, tuple(table[name][0] for name in models)))
    shares = tuple(means.get(name, middle) / dearest for name in models)
    return Outcomes(tuple(models), shares, tuple(parts[0]), tuple(parts[1]))


def _rows(path: Path) -> Iterator[tuple[str, dict[str, tuple[float, float | None]]]]:
    with gzip.open(path) as lines:
        for line in lines:
            value: Json = orjson.loads(line)
            if not isinstance(value, dict) or not isinstance(models := value.get("m"), dict):
                continue
            found: dict[str, tuple[float, float | None]] = {}
            for name, outcome in models.items():
                match outcome:
                    case [int() | float() as score, int() | float() | None as cost]:
                        found[name] = (float(score), cost)
                    case _:
                        continue
            yield str(value.get("prompt", "")), found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.router_feedback", description=__doc__)
    parser.add_argument("outcomes", type=Path)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--price", nargs="*", default=[], help="of models, where the file has none: MODEL=DOLLARS")
    given = parser.parse_args()
    prices = {name: float(dollars) for name, _, dollars in (each.rpartition("=") for each in given.price)}
    outcomes = read(given.outcomes, prices)
    print(f"{len(outcomes.models)} models, {len(outcomes.shipped)} prompts in the table, {len(outcomes.live)} asked")
    print(f"regret in points, {given.requests} requests, {given.seeds} seeds: quarters, all, deviation between seeds")
    for scenario in SCENARIOS:
        runs = [replay(outcomes, scenario, given.requests, seed) for seed in range(given.seeds)]
        quarters = [statistics.fmean(column) for column in zip(*runs, strict=True)]
        spread = statistics.stdev(statistics.fmean(run) for run in runs) if len(runs) > 1 else 0.0
        shown = " ".join(f"{each:6.2f}" for each in quarters)
        print(f"{scenario.name:44} {shown} | {statistics.fmean(quarters):6.2f} ± {spread:.2f}", flush=True)


if __name__ == "__main__":
    main()
