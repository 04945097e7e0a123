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
from typing import Final

from lib.contract import JsonObject

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 15.0


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


def flatness(samples: list[Sample], warm_seconds: float) -> JsonObject:
    """Median memory after warming up, in the middle and at the end of the longest life of a process."""
    by_pid: dict[int, list[Sample]] = {}
    for sample in samples:
        by_pid.setdefault(sample.pid, []).append(sample)
    lives = by_pid.values() or [list[Sample]()]
    life = max(lives, key=lambda s: s[-1].at - s[0].at if s else 0.0)
    warm = [s for s in life if s.at >= life[0].at + warm_seconds] or life
    third = max(1, len(warm) // 5)
    middle = len(warm) // 2
    return {
        "seconds": round(life[-1].at - life[0].at) if life else 0,
        "start": _median([s.megabytes for s in warm[:third]]),
        "middle": _median([s.megabytes for s in warm[middle : middle + third]]),
        "end": _median([s.megabytes for s in warm[-third:]]),
        "most": round(max((s.megabytes for s in life), default=0.0), 1),
        "files_start": int(_median([s.files for s in warm[:third]])),
        "files_end": int(_median([s.files for s in warm[-third:]])),
    }


def _median(values: list[float] | list[int]) -> float:
    ordered = sorted(values)
    return round(float(ordered[len(ordered) // 2]), 1) if ordered else 0.0
