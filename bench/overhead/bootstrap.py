"""Starts a built function under Vercel's own bootstrap and keeps it running."""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.overhead.machine import START_SECONDS, Program, cores, running
from scripts.deploy_check.bundle import Bundle, read_output
from scripts.deploy_check.start import BOOT


class NotBuilt(Exception):
    """There is no such function in the build, or no Python to run it."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A function laid out as in /var/task, with the Python that runs it."""

    task: Path
    python: str
    handler: str
    declared: Mapping[str, str]


def unpacked(tree: Path, path: str, folder: Path) -> Unpacked:
    """Lay out the function at `path` of a build. Raises NotBuilt."""
    bundle = next((each for each in read_output(tree).bundles if each.path == path), None)
    if bundle is None:
        raise NotBuilt(f"{tree} holds no build of {path}")
    python = shutil.which(f"python{bundle.python}")
    if python is None:
        raise NotBuilt(f"no python{bundle.python} on this machine")
    bundle.unpack(folder)
    return Unpacked(folder, python, str(bundle.config.get("handler", "")), _declared(bundle))


def _declared(bundle: Bundle) -> dict[str, str]:
    own = bundle.config.get("environment")
    return {name: str(value) for name, value in own.items()} if isinstance(own, dict) else {}


@contextmanager
def bootstrapped(tree: Path, path: str, folder: Path, env: Mapping[str, str]) -> Generator[tuple[Program, int]]:
    """The function at `path` of a build and its port, until left. Raises NotBuilt, RuntimeError."""
    with served(unpacked(tree, path, folder / "task"), folder, env) as started:
        yield started


@contextmanager
def served(function: Unpacked, folder: Path, env: Mapping[str, str]) -> Generator[tuple[Program, int]]:
    """An unpacked function and its port, until left."""
    address = folder / "ipc.sock"
    address.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as platform:
        platform.bind(str(address))
        platform.listen()
        platform.settimeout(START_SECONDS)
        platform_sets = {
            "VERCEL": "1",
            "VERCEL_ENV": "production",
            "LAMBDA_TASK_ROOT": str(function.task),
            "VERCEL_IPC_PATH": str(address),
            "_HANDLER": function.handler,
            "PYTHONPATH": "",
        }
        command = ("env", "-C", function.task, function.python, "-c", BOOT)
        surrounding = {**platform_sets, **function.declared, **env}
        with running(command, cores()[0], folder / "printed", surrounding) as program, platform.accept()[0] as line:
            port = _announced(line)
            reader = threading.Thread(target=_drained, args=(line,), daemon=True)
            reader.start()
            yield program, port


def _announced(line: socket.socket) -> int:
    """The port on which the function serves."""
    received = b""
    while data := line.recv(65536):
        *messages, received = (received + data).split(b"\0")
        for message in filter(None, messages):
            said = json.loads(message)
            if said["type"] == "server-started":
                port: int = said["payload"]["httpPort"]
                return port
    raise RuntimeError("the function ended before it served")


def _drained(line: socket.socket) -> None:
    """The bootstrap tells of every invocation; unread, it would come to wait."""
    os.sched_setaffinity(0, {cores()[1]})
    with suppress(OSError):
        while line.recv(1 << 20):
            pass
