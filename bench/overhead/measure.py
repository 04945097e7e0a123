"""Asks every target every kind of question, in turns, so that what disturbs the machine disturbs all alike."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from bench.overhead.programs import Load, Surroundings
from bench.overhead.report import Row
from bench.overhead.scenarios import ALL, MISS, Scenario
from bench.overhead.targets import Started, Target

RUNS = 3
WARM_SECONDS = 1.0
FIRST_STEP = 10_000_000
"""Numbers of one load do not meet those of another."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One load on one target; milliseconds as p50, p95, p99."""

    target: str
    scenario: str
    run: int
    answers: int
    wrong: int
    """Of another status than wanted."""
    per_second: float
    cpu_ms: float | None
    """Per request; None for what is nobody's process."""
    whole_ms: tuple[float, float, float]
    first_ms: tuple[float, float, float]
    resident_mib: float | None

    def as_row(self) -> Row:
        """For the file of results."""
        return Row(
            target=self.target,
            scenario=self.scenario,
            run=self.run,
            answers=self.answers,
            wrong=self.wrong,
            per_second=self.per_second,
            cpu_ms=self.cpu_ms,
            whole_ms=[*self.whole_ms],
            first_ms=[*self.first_ms],
            resident_mib=self.resident_mib,
        )


def measured(around: Surroundings, targets: Sequence[Target], seconds: float) -> Iterator[Sample]:
    """Every target is started once and stands still while another one is asked; one that does not start is skipped."""
    firsts = itertools.count(FIRST_STEP, FIRST_STEP)
    with ExitStack() as stack:
        ready: list[tuple[Target, Started]] = []
        for target in targets:
            try:
                started = stack.enter_context(target.start(around))
                around.load(started.endpoint, MISS, WARM_SECONDS, next(firsts))
            except (RuntimeError, OSError, ValueError) as error:
                print(f"{target.title}: left out, {error}", file=sys.stderr)
                continue
            _pause(started)
            ready.append((target, started))
        for run in range(1, RUNS + 1):
            for target, started in ready:
                if started.program:
                    started.program.resume()
                for scenario in target.scenarios:
                    yield _sample(around, (target, started, scenario), (run, next(firsts)), seconds)
                _pause(started)


def _pause(started: Started) -> None:
    if started.program:
        started.program.pause()


def _sample(
    around: Surroundings, asked: tuple[Target, Started, Scenario], numbered: tuple[int, int], seconds: float
) -> Sample:
    target, started, scenario = asked
    program = started.program
    before = program.cpu_seconds if program else 0.0
    load = around.load(started.endpoint, scenario, seconds, numbered[1])
    used = program.cpu_seconds - before if program else 0.0
    answers = sum(load["statuses"].values())
    good = load["statuses"].get(str(scenario.status), 0)
    return Sample(
        target=target.name,
        scenario=scenario.name,
        run=numbered[0],
        answers=answers,
        wrong=answers - good,
        per_second=good / load["seconds"],
        cpu_ms=used * 1000 / max(1, answers) if program else None,
        whole_ms=_milliseconds(load, "whole"),
        first_ms=_milliseconds(load, "first"),
        resident_mib=program.resident_mib if program else None,
    )


def _milliseconds(load: Load, name: str) -> tuple[float, float, float]:
    p50, p95, p99 = load["whole"] if name == "whole" else load["first"]
    return p50 / 1000, p95 / 1000, p99 / 1000


def named(names: Sequence[str], targets: Sequence[Target]) -> list[Target]:
    """Those targets, all where none is named. Raises ValueError for a name nobody has."""
    known = {target.name: target for target in targets}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"no target {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in names] or list(targets)


SCENARIO_ORDER = tuple(scenario.name for scenario in ALL)
