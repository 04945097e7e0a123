"""Fuzzes the parsers: `python -m bench.fuzz [TARGET …] [--seconds N]`, all targets and 10 s each where nothing is said.

Guided by coverage where atheris is installed (`pip install atheris`; its wheels are for Linux), blind elsewhere.
Exits 1 when something was found, and says which input shows it.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.fuzz.blind import inputs
from bench.fuzz.grammar import NAMES, WORDS
from bench.fuzz.targets import TARGETS, Target, named

LONGEST_INPUT = 4_096
LONGEST_WORD = 60
"""Of libFuzzer's dictionary."""
SLOWEST_SECONDS = 5
"""An input that takes longer is a finding."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One target's run."""

    target: str
    executions: int
    seconds: float
    coverage: str
    finding: str = ""

    def row(self) -> str:
        """As a line of the table."""
        rate = self.executions / max(self.seconds, 0.001)
        found = "a finding, see above" if self.finding else "nothing found"
        return (
            f"{self.target:<16}{self.executions:>12,}{rate:>10,.0f}/s{self.seconds:>8.0f} s  {self.coverage:<34}{found}"
        )


def main() -> int:
    """Run the targets one after another."""
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(target.name for target in TARGETS))
    parser.add_argument("--seconds", type=int, default=10, help="per target")
    parser.add_argument("--corpus", type=Path, help="folder that keeps inputs between runs, one folder per target")
    given = parser.parse_args()
    guided = importlib.util.find_spec("atheris") is not None
    print("guided by coverage (atheris)" if guided else "blind: `pip install atheris` for a guided run")
    outcomes: list[Outcome] = []
    for target in [named(name) for name in given.targets] or TARGETS:
        outcome = run_guided(target, given.seconds, given.corpus) if guided else run_blind(target, given.seconds)
        if outcome.finding:
            print(outcome.finding)
        print(outcome.row(), flush=True)
        outcomes.append(outcome)
    return int(any(outcome.finding for outcome in outcomes))


def run_blind(target: Target, seconds: int) -> Outcome:
    """Mutations without guidance."""
    started = time.monotonic()
    executions = 0
    for data in inputs(target, seed=1):
        if time.monotonic() - started >= seconds:
            break
        executions += 1
        try:
            target.run(data)
        except Exception as error:  # noqa: BLE001 - whatever a target raises is a finding
            finding = f"{type(error).__name__}: {error}\ninput: {data!r}"
            return Outcome(target.name, executions, time.monotonic() - started, "", finding)
    return Outcome(target.name, executions, time.monotonic() - started, "")


def run_guided(target: Target, seconds: int, kept: Path | None) -> Outcome:
    """Guided by atheris, in a process of its own, which ends with the run."""
    with tempfile.TemporaryDirectory() as scratch:
        corpus = (kept or Path(scratch)) / target.name
        corpus.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(target.seeds):
            (corpus / f"seed-{number}").write_bytes(seed)
        words = Path(scratch) / "words"
        known = (word for word in (*NAMES, *WORDS) if 0 < len(word) <= LONGEST_WORD)
        words.write_text("".join(f'"{escaped(word)}"\n' for word in known), encoding="ascii")
        flags = (
            str(corpus),
            f"-max_total_time={seconds}",
            f"-max_len={LONGEST_INPUT}",
            f"-timeout={SLOWEST_SECONDS}",
            f"-dict={words}",
            f"-artifact_prefix={scratch}/",
            "-rss_limit_mb=1024",
            "-print_final_stats=1",
        )
        started = time.monotonic()
        command = (sys.executable, "-m", "bench.fuzz.guided", target.name, *flags)
        done = subprocess.run(command, capture_output=True, check=False)
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        finding = "" if done.returncode == 0 else f"{said[-4000:]}\n{inputs_found(Path(scratch))}"
        return Outcome(target.name, executed(said), time.monotonic() - started, covered(said), finding)


def escaped(word: str) -> str:
    """A word as libFuzzer's dictionaries spell it."""
    return "".join(f"\\x{byte:02x}" for byte in word.encode())


def executed(said: str) -> int:
    """Executions, by libFuzzer's final statistics or its last line of progress."""
    numbers = re.findall(r"number_of_executed_units: (\d+)", said) or re.findall(r"^#(\d+)\s", said, re.MULTILINE)
    return int(numbers[-1]) if numbers else 0


def covered(said: str) -> str:
    """Its last word on coverage."""
    found = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", said)
    if not found:
        return ""
    edges, features, corpus = found[-1]
    return f"{edges} edges, {features} features, {corpus} kept"


def inputs_found(folder: Path) -> str:
    """The inputs that libFuzzer left as findings."""
    return "\n".join(f"input: {file.read_bytes()!r}" for file in folder.iterdir() if file.name.startswith(FOUND))


FOUND = ("crash-", "timeout-", "oom-", "slow-unit-")

if __name__ == "__main__":
    raise SystemExit(main())
