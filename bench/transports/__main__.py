"""`python -m bench.transports` compares the HTTP clients on one core and prints a Markdown table (under a minute)."""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Final

from bench.transports.bundle import mebibytes
from bench.transports.clients import BY_NAME, CANDIDATES, Candidate, Post

ROUNDS: Final = 5
CALLS: Final = 600
"""Per round, candidate and concurrency; the order of candidates turns with each round."""
CONCURRENCY: Final = (1, 16)
STARTS: Final = 4
BASELINE: Final = "httpx"


@dataclass(frozen=True, slots=True)
class Speed:
    """One round's result."""

    per_second: float
    cpu_ms: float


def main() -> None:
    """Measure and print; with `--first-answer NAME URL`, be the cold start that is measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.transports")
    parser.add_argument("--first-answer", nargs=2, metavar=("NAME", "URL"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.first_answer:
        name, url = given.first_answer
        asyncio.run(_rate(BY_NAME[name], url, calls=1, concurrency=1))
        return
    with _server() as url:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        cold = {candidate.name: _first_answer(candidate, url) for candidate in CANDIDATES}
        speeds = _speeds(url)
    _print(speeds, cold)


def _speeds(url: str) -> dict[tuple[str, int], list[Speed]]:
    speeds: dict[tuple[str, int], list[Speed]] = {}
    for turn in range(ROUNDS):
        start = turn % len(CANDIDATES)
        for candidate in CANDIDATES[start:] + CANDIDATES[:start]:
            for concurrency in CONCURRENCY:
                speed = asyncio.run(_rate(candidate, url, calls=CALLS, concurrency=concurrency))
                speeds.setdefault((candidate.name, concurrency), []).append(speed)
    return speeds


async def _rate(candidate: Candidate, url: str, *, calls: int, concurrency: int) -> Speed:
    async with candidate.open(url) as post:
        await asyncio.gather(*(post() for _ in range(concurrency)))  # connections stand before the clock runs
        wall, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(_repeat(post, calls // concurrency) for _ in range(concurrency)))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    done = max(1, calls // concurrency * concurrency)
    return Speed(done / wall, cpu / done * 1000)


async def _repeat(post: Post, times: int) -> None:
    for _ in range(times):
        await post()


def _first_answer(candidate: Candidate, url: str) -> float:
    """CPU milliseconds of a fresh interpreter up to the first answer and its end; the best of a few."""
    command = [sys.executable, "-m", "bench.transports", "--first-answer", candidate.name, url]
    spent: list[float] = []
    for _ in range(STARTS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(spent) * 1000


@contextmanager
def _server() -> Generator[str]:
    process = subprocess.Popen([sys.executable, "-m", "bench.transports.server"], stdout=subprocess.PIPE, text=True)
    try:
        port = process.stdout.readline().strip() if process.stdout else ""
        yield f"http://127.0.0.1:{port}/pipeline"
    finally:
        process.terminate()
        process.communicate()


def _print(speeds: dict[tuple[str, int], list[Speed]], cold: dict[str, float]) -> None:
    rate = {key: median(speed.per_second for speed in found) for key, found in speeds.items()}
    cpu = {key: median(speed.cpu_ms for speed in found) for key, found in speeds.items()}
    at_once = CONCURRENCY[-1]
    print("| client | calls/s, 1 at a time | calls/s, 16 at once | ratio | CPU ms per call | cold start CPU ms | MiB |")
    print("|---|---|---|---|---|---|---|")
    for candidate in CANDIDATES:
        alone, many = (candidate.name, 1), (candidate.name, at_once)
        ratio = rate[many] / rate[BASELINE, at_once]
        print(
            f"| {candidate.name} | {rate[alone]:,.0f} | {rate[many]:,.0f} | {ratio:.1f} "
            f"| {cpu[many]:.2f} | {cold[candidate.name]:.0f} | {mebibytes(candidate.package):.1f} |"
        )


main()
