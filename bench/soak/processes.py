"""The soak's processes as the driver holds them: started, told, killed, measured."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import linear_regression, median
from typing import Final

from lib.contract import JsonObject

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 15.0
FEWEST_SAMPLES: Final = 10


@dataclass(frozen=True, slots=True)
class Sample:
    """What one process used at one moment."""

    at: float
    pid: int
    megabytes: float
    """Resident memory."""
    files: int
    """Open file descriptors."""


@dataclass
class Child:
    """One process of `python -m <module>`; its standard error goes to `log`."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    samples: list[Sample] = field(default_factory=list[Sample])
    process: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> asyncio.subprocess.Process:
        """The process. RuntimeError when there is none."""
        if self.process is None:
            raise RuntimeError(f"{self.name} does not run")
        return self.process

    async def start(self) -> str:
        """Start it; the first line it says. Raises RuntimeError when it says nothing."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *self.arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=dict(self.environment),
            )
        return await self.line()

    async def line(self) -> str:
        """The next line it says."""
        if self.running.stdout is None:
            raise RuntimeError(f"{self.name} has no output")
        async with asyncio.timeout(START_SECONDS):
            said = (await self.running.stdout.readline()).decode().strip()
        if not said:
            raise RuntimeError(f"{self.name} ended, see {self.log}")
        return said

    def tell(self, **command: object) -> None:
        """Send a command."""
        if self.running.stdin is not None:
            self.running.stdin.write(json.dumps(command).encode() + b"\n")

    async def kill(self) -> None:
        """SIGKILL."""
        with suppress(ProcessLookupError):
            self.running.kill()
        await self.running.wait()

    async def stop(self) -> None:
        """End its stdin and wait; SIGKILL when that does not help."""
        if self.process is None:
            return
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.process.wait()
        except TimeoutError:
            await self.kill()
        self.process = None

    def measure(self) -> None:
        """Note memory and open files, where /proc tells them."""
        pid = self.running.pid
        with suppress(OSError, StopIteration, ValueError):
            status = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
            kilobytes = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
            files = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
            self.samples.append(Sample(time.time(), pid, kilobytes / 1024, files))


def longest_life(samples: list[Sample]) -> list[Sample]:
    """Those of the process that lived longest under this name."""
    by_pid: dict[int, list[Sample]] = {}
    for sample in samples:
        by_pid.setdefault(sample.pid, []).append(sample)
    return max(by_pid.values(), key=lambda life: life[-1].at - life[0].at, default=list[Sample]())


def growth(life: list[Sample]) -> float:
    """Megabytes that the line fitted to the last two thirds rises from their beginning to their end."""
    late = [sample for sample in life if sample.at >= life[0].at + (life[-1].at - life[0].at) / 3]
    if len(late) < FEWEST_SAMPLES:
        return 0.0
    line = linear_regression([s.at - late[0].at for s in late], [s.megabytes for s in late])
    return line.slope * (late[-1].at - late[0].at)


def flatness(samples: list[Sample]) -> JsonObject:
    """Memory and open files after a sixth, half and all of the longest life of a process: medians of a tenth each."""
    life = longest_life(samples)
    if not life:
        return {}
    tenth = max(1, len(life) // 10)
    early, middle, late = (life[at : at + tenth] for at in (len(life) // 6, len(life) // 2, len(life) - tenth))
    return {
        "seconds": round(life[-1].at - life[0].at),
        "megabytes": [round(median(s.megabytes for s in part), 1) for part in (early, middle, late)],
        "most": round(max(s.megabytes for s in life), 1),
        "growth": round(growth(life), 1),
        "files": [round(median(s.files for s in part)) for part in (early, middle, late)],
    }
