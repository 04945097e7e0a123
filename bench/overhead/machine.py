"""Processes on chosen cores, and what they use: CPU and memory of a program and all that it has started."""

from __future__ import annotations

import os
import platform
import signal
import socket
import subprocess
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

HOST: Final = "127.0.0.1"
TICKS: Final = os.sysconf("SC_CLK_TCK")
MEBIBYTE: Final = 1024
"""KiB in one: the unit of /proc/PID/status."""
START_SECONDS: Final = 120
LOOK_SECONDS: Final = 0.05


def cores() -> tuple[int, int]:
    """The core that what is measured runs on, and the one of everything else; the same where there is only one."""
    mine = sorted(os.sched_getaffinity(0))
    return mine[-1], mine[0]


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


class Program:
    """A process started on one core, in a group of its own, with its output in a file."""

    def __init__(self, command: Sequence[str | Path], core: int, log: Path, env: Mapping[str, str]) -> None:
        self._log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [str(part) for part in ("taskset", "-c", str(core), *command)],
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_for(self, port: int) -> None:
        """Until something listens on the port. Raises RuntimeError with the program's last words."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            with suppress(OSError), socket.create_connection((HOST, port), 1):
                return
            time.sleep(LOOK_SECONDS)
        said = self._log.read_text(encoding="utf-8", errors="replace").strip()[-600:]
        raise RuntimeError(f"it does not listen on port {port}: {said}")

    @property
    def cpu_seconds(self) -> float:
        """CPU that the process and its children have used so far, in user mode and in the kernel."""
        return sum(_cpu_ticks(pid) for pid in family(self.process.pid)) / TICKS

    @property
    def spent_ms(self) -> float:
        """The same of the process alone, as finely as the scheduler counts: for what lasts less than a second."""
        threads = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(path.read_text(encoding="ascii").split()[0]) for path in threads) / 1e6

    @property
    def resident_mib(self) -> float:
        """Memory that they hold now."""
        return sum(_resident(pid) for pid in family(self.process.pid)) / MEBIBYTE

    def pause(self) -> None:
        """Keep it from using the core while another one is measured."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGCONT)

    def end(self) -> None:
        """End it and what it has started."""
        self.resume()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@contextmanager
def running(command: Sequence[str | Path], core: int, log: Path, env: Mapping[str, str]) -> Generator[Program]:
    """A program for as long as it is needed."""
    program = Program(command, core, log, env)
    try:
        yield program
    finally:
        program.end()


def family(pid: int) -> Iterator[int]:
    """A process and its living descendants."""
    yield pid
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in path.read_text(encoding="ascii").split():
                yield from family(int(child))


def _cpu_ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[11:15]))  # its own, and that of children it has waited for


def _resident(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0


def described() -> str:
    """The machine in one line."""
    models = (line for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if "model name" in line)
    name = next(models, platform.machine()).partition(":")[2].strip() or platform.machine()
    measured, rest = cores()
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return (
        f"{name}, {os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}; "
        f"measured programs on core {measured}, load, provider and store on core {rest}; load average before: {load}"
    )
