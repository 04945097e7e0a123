"""Cold starts: CPU and time of a fresh process up to its first answer, beside those of a function that does nothing.

Under uvicorn anywhere, and under Vercel's own bootstrap where there is a build.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final, TypeAlias

from bench.overhead.bootstrap import served, unpacked
from bench.overhead.machine import HOST, LOOK_SECONDS, Program, cores, free_port, running
from bench.overhead.programs import KEY, Surroundings
from bench.overhead.scenarios import HIT_ALONE
from bench.overhead.targets import CHAT, ROOT, settings

STARTS: Final = 7
HEALTH: Final = "/api/ai/health"
BARE: Final = """
async def app(scope, receive, send):
    if scope["type"] == "http":
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})
"""
"""What every function costs whatever it does."""

Serving: TypeAlias = Callable[[], AbstractContextManager[tuple[Program, int]]]


@dataclass(frozen=True, slots=True)
class First:
    """How a fresh process answered."""

    cpu_ms: float
    wall_ms: float
    resident_mib: float


@dataclass(frozen=True, slots=True)
class Asked:
    """A first question: what serves it, and what is sent."""

    name: str
    serving: Serving
    path: str = CHAT
    prompt: str = ""
    """Nothing: a GET."""


def cold_starts(around: Surroundings, tree: Path | None) -> Iterator[str]:
    """Markdown lines of a table for each server."""
    yield from _table("uvicorn", _under_uvicorn(around))
    if tree is not None:
        yield from _table("Vercel's bootstrap", _under_bootstrap(around, tree))


def _table(server: str, questions: Sequence[Asked]) -> Iterator[str]:
    found: dict[str, list[First]] = {asked.name: [] for asked in questions}
    for number in range(STARTS + 1):
        for asked in questions:
            first = _first_answer(asked, number)
            if number:  # the first start of each writes bytecode
                found[asked.name].append(first)
    bare, *_ = found.values()
    yield from ("", f"**Cold start under {server}** ({STARTS} starts)", "")
    yield "| first request | CPU ms, least | times a bare function's | until the answer ms, median | MiB |"
    yield "|---|---|---|---|---|"
    least = min(each.cpu_ms for each in bare)
    for name, firsts in found.items():
        cpu, wall = min(each.cpu_ms for each in firsts), median(each.wall_ms for each in firsts)
        resident = median(each.resident_mib for each in firsts)
        yield f"| {name} | {cpu:.0f} | {cpu / least:.2f} | {wall:.0f} | {resident:.0f} |"


def _questions(bare: Serving, serve: Callable[[str], Serving]) -> tuple[Asked, ...]:
    return (
        Asked("a bare function", bare),
        Asked("health", serve(HEALTH), HEALTH),
        Asked("exact hit", serve(CHAT), prompt=HIT_ALONE.prompt),
        Asked("miss", serve(CHAT), prompt="What is a circuit breaker, start {n}?"),
    )


def _under_uvicorn(around: Surroundings) -> tuple[Asked, ...]:
    module = around.folder / "bare_function.py"
    module.write_text(BARE, encoding="utf-8")

    def serving(app: str, folder: Path) -> Serving:
        @contextmanager
        def start() -> Generator[tuple[Program, int]]:
            port = free_port()
            options = ("--port", str(port), "--app-dir", folder, "--no-access-log", "--log-level", "warning")
            command = (sys.executable, "-m", "uvicorn", app, *options)
            with running(command, cores()[0], around.folder / "cold.log", settings(around, 0)) as program:
                yield program, port

        return start

    return _questions(
        serving("bare_function:app", around.folder),
        lambda path: serving(f"{path.removeprefix('/').replace('/', '.')}:app", ROOT),
    )


def _under_bootstrap(around: Surroundings, tree: Path) -> tuple[Asked, ...]:
    def serving(path: str, name: str, *, bare: bool = False) -> Serving:
        folder = around.folder / f"cold-{name}"
        folder.mkdir()
        function = unpacked(tree, path, folder / "task")
        if bare:
            source = function.task / f"{path.removeprefix('/')}.py"
            source.unlink()  # a link into the build
            source.write_text(BARE, encoding="utf-8")
            for compiled in (source.parent / "__pycache__").glob(f"{source.stem}.*"):
                compiled.unlink()
        return lambda: served(function, folder, settings(around, 0))

    bare = serving(CHAT, "bare", bare=True)
    return _questions(bare, lambda path: serving(path, f"{len(path)}-{time.monotonic_ns()}"))


def _first_answer(asked: Asked, number: int) -> First:
    began = time.monotonic()
    with asked.serving() as (program, port):
        while not _answered(asked, port, number):
            if program.process.poll() is not None:
                raise RuntimeError(f"{asked.name}: the process ended")
            time.sleep(LOOK_SECONDS / 10)
        wall = time.monotonic() - began
        return First(program.spent_ms, wall * 1000, program.resident_mib)


def _answered(asked: Asked, port: int, number: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    headers = {
        "authorization": f"Bearer {KEY}",
        "x-user-id": HIT_ALONE.user,
        "x-user-tier": HIT_ALONE.tier,
        "x-vercel-internal-invocation-id": "inv-1",
        "x-vercel-internal-request-id": "0",
        "content-type": "application/json",
    }
    try:
        if asked.prompt:
            prompt = asked.prompt.replace("{n}", f"{os.getpid()}-{number}")
            messages = [{"role": "user", "content": prompt}]
            body = json.dumps({"model": "auto", "messages": messages})
            connection.request("POST", asked.path, body, headers)
        else:
            connection.request("GET", asked.path, headers=headers)
        response = connection.getresponse()
        response.read()
    except ConnectionRefusedError:
        return False
    finally:
        connection.close()
    if response.status != 200:
        raise RuntimeError(f"{asked.name}: answered {response.status}")
    return True
