"""Starts a built function as Vercel does: its own bootstrap, from its bundle alone, and asks it one question.

The bootstrap (part of the bundle) talks to the platform over a Unix socket in JSON messages ended by NUL bytes;
`server-started` carries the port on which the function then serves HTTP.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.deploy_check.bundle import Bundle

START_SECONDS: Final = 60
ANSWER_SECONDS: Final = 30
STOP_SECONDS: Final = 5
PATIENCE_SECONDS: Final = 0.2
"""Between two looks at whether the function still runs."""
SERVER_ERROR: Final = 500
BOOT: Final = "import os, sys; sys.path[0] = os.getcwd(); __import__(os.environ['_HANDLER'].split('.')[0])"
"""What the platform's launcher does: the bundle comes first on the path, then the handler module takes over."""


class StartError(Exception):
    """The function did not start; the message carries what it printed last."""


@dataclass(frozen=True, slots=True)
class Started:
    """How a function answered its first request."""

    path: str
    status: int
    import_ms: int

    @property
    def complaint(self) -> str | None:
        """A status of 500 and more says that the function is broken; anything else that it runs."""
        return f"{self.path}: answered {self.status}" if self.status >= SERVER_ERROR else None


def start(bundle: Bundle, python: Path, scratch: Path) -> Started:
    """Start the function, request its own path once, and end it.

    Raises:
        StartError: it ended before it served, or did not serve in time.
    """
    task, printed = scratch / "task", scratch / "printed"
    task.mkdir()
    bundle.unpack(task)
    with socket.socket(socket.AF_UNIX) as platform, printed.open("wb") as output:
        platform.bind(str(scratch / "ipc.sock"))
        platform.listen()
        platform.settimeout(PATIENCE_SECONDS)
        process = subprocess.Popen(
            [python, "-c", BOOT],
            cwd=task,
            env=_environment(bundle, task, scratch),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        with _ended(process):
            try:
                with _accepted(platform, process) as line:  # the bootstrap goes on writing to it while it serves
                    port, import_ms = _announced(line, process)
                    return Started(bundle.path, _request(port, bundle.path), import_ms)
            except EOFError as error:
                said = printed.read_text(encoding="utf-8", errors="replace")[-1500:].strip()
                raise StartError(f"{bundle.path}: {error}\n{said}") from error


def _accepted(platform: socket.socket, process: subprocess.Popen[bytes]) -> socket.socket:
    """The bootstrap's connection."""
    end = time.monotonic() + START_SECONDS
    while True:
        _require_running(process, end)
        with suppress(TimeoutError):
            line = platform.accept()[0]
            line.settimeout(PATIENCE_SECONDS)
            return line


def _announced(line: socket.socket, process: subprocess.Popen[bytes]) -> tuple[int, int]:
    """The port of the function and the milliseconds its imports took."""
    end = time.monotonic() + START_SECONDS
    received = b""
    while True:
        _require_running(process, end)
        with suppress(TimeoutError):
            received += line.recv(65536)
        *messages, received = received.split(b"\0")
        for message in filter(None, messages):
            said = json.loads(message)
            if said["type"] == "server-started":
                return said["payload"]["httpPort"], said["payload"].get("userInitDuration") or 0


def _require_running(process: subprocess.Popen[bytes], end: float) -> None:
    """EOFError once the function has ended or `end` has passed."""
    if (code := process.poll()) is not None:
        raise EOFError(f"ended with {code} before it served")
    if time.monotonic() > end:
        raise EOFError(f"did not serve within {START_SECONDS} s")


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Generator[None]:
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _environment(bundle: Bundle, task: Path, scratch: Path) -> dict[str, str]:
    """What a function of a preview deployment sees: no key, no store, nothing of this machine."""
    own = bundle.config.get("environment")
    declared = {name: str(value) for name, value in own.items()} if isinstance(own, dict) else {}
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "VERCEL": "1",
        "VERCEL_ENV": "preview",
        "VERCEL_REGION": "iad1",
        "VERCEL_URL": "localhost",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "2048",
        "LAMBDA_TASK_ROOT": str(task),
        "VERCEL_IPC_PATH": str(scratch / "ipc.sock"),
        "DEMO_PROVIDER": "on",  # without any provider health would rightly answer 503
        "_HANDLER": str(bundle.config.get("handler", "")),
        **declared,
    }


def _request(port: int, path: str) -> int:
    """The status of one GET."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    try:
        headers = {"x-vercel-internal-invocation-id": "inv-1", "x-vercel-internal-request-id": "0"}
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()
