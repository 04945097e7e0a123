"""A real Redis for tests, where there is a `redis-server` on the machine: own port, own folder, nothing kept."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from tests.support.breakable_server import HOST, closed_port

PROGRAM: Final = "redis-server"
TRIES: Final = 3
"""Another program may take the port that was free a moment ago."""


@contextmanager
def running_redis() -> Generator[str]:
    """Start a server, yield its `redis://` URL, end it. Raises RuntimeError when it does not start."""
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        process, port = _started(folder)
        try:
            yield f"redis://{HOST}:{port}"
        finally:
            process.terminate()
            process.communicate()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The URL of one server for the whole run; tests flush it. Import this fixture into a conftest to use it."""
    if shutil.which(PROGRAM) is None:
        pytest.skip(f"no {PROGRAM} on this machine")
    with running_redis() as url:
        yield url


def _started(folder: str) -> tuple[subprocess.Popen[str], int]:
    said: list[str] = []
    for _ in range(TRIES):
        port = closed_port()
        arguments = [PROGRAM, "--bind", HOST, "--port", str(port), "--dir", folder, "--save", "", "--appendonly", "no"]
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in process.stdout or ():
            said.append(line)
            if "Ready to accept connections" in line:
                return process, port
        process.communicate()
    raise RuntimeError(f"{PROGRAM} does not start:\n{''.join(said)}")
