"""`python -m bench.faults --target URL` plays every fault against a gateway and prints a Markdown table.

The gateway has to be configured first: its provider is `python -m bench.faults.provider` (or `--provider-port`, and it
runs within), it may ask a model twice and must have another model to fall back to. Without a target the product itself
is tried, in this process; `--self` also writes the result to docs/fault-table.md.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from bench.faults.asking import PATHS, Target
from bench.faults.meant import prompt
from bench.faults.own import MODELS, OWN_WAITS, own_product
from bench.faults.provider import FaultyModels, faulty_provider
from bench.faults.table import INTRODUCTION, Cell, summary, table
from bench.faults.verdict import GOOD, Asked, verdict
from lib.clock import SystemClock
from tests.scripted.fault_rows import FAULTS
from tests.scripted.faults import OPENAI

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "fault-table.md"
PATIENCE: Final = 8.0
AT_ONCE: Final = 2


@dataclass(frozen=True)
class Model:
    """A model to ask: the wire its provider is asked on, the provider's name for it, the gateway's."""

    wire: str
    name: str
    alias: str

    @classmethod
    def parse(cls, text: str) -> Model:
        """From `name`, `wire:name` or `wire:name=gateway's name`."""
        wire, colon, rest = text.partition(":")
        name, _, alias = (rest if colon else text).partition("=")
        return cls(wire if colon else OPENAI, name, alias or name)


def questions(models: Sequence[Model], only: Sequence[str]) -> list[Asked]:
    """Every fault that exists, by model and form."""
    return [
        Asked(fault, model.name, model.wire, stream, prompt(fault, secrets.token_hex(6)))
        for fault in FAULTS
        if not only or fault.name in only
        for model in models
        if model.wire in fault.wires
        for stream in (False, True)
        if fault.expected(stream=stream)
    ]


async def play(target: Target, asking: Sequence[Asked], faulty: FaultyModels | None) -> list[Cell]:
    """Ask them all, a few at a time."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(session: aiohttp.ClientSession, asked: Asked) -> Cell:
        async with gate:
            got = await target.ask(session, asked)
        calls = faulty.calls(asked.question) if faulty else None
        return Cell(asked, verdict(asked, got, target.patience), got.seconds, calls)

    async with aiohttp.ClientSession(read_bufsize=1 << 20) as session:
        return list(await asyncio.gather(*(one(session, asked) for asked in asking)))


@asynccontextmanager
async def stage(given: argparse.Namespace) -> AsyncGenerator[tuple[Target, FaultyModels | None, list[Model]]]:
    """The gateway to ask, the provider if it is ours, the models."""
    models = [Model.parse(text) for text in given.model]
    async with AsyncExitStack() as stack:
        faulty = FaultyModels(SystemClock().now) if given.provider_port is not None or not given.target else None
        if faulty:
            provider = await stack.enter_async_context(faulty_provider(faulty, given.provider_port or 0))
            if not given.target:
                target = await stack.enter_async_context(own_product(provider.base_url, given.patience))
                yield target, faulty, models or [Model(wire, name, name) for wire, name in MODELS.items()]
                return
        headers = dict(line.split("=", 1) for line in given.header)
        models = models or [Model.parse("gpt-4o")]
        named = {model.name: model.alias for model in models}
        yield Target(given.target, given.style, given.key, headers, named, given.patience), faulty, models


async def run(given: argparse.Namespace) -> list[Cell]:
    """Play what was asked for on the command line."""
    async with stage(given) as (target, faulty, models):
        return await play(target, questions(models, given.only), faulty)


def main() -> None:
    """Print the table; exit 1 when anything in it must not happen."""
    parser = argparse.ArgumentParser(prog="python -m bench.faults", description=__doc__)
    parser.add_argument("--target", help="base URL of a gateway, to which the style's path is appended")
    parser.add_argument("--style", choices=sorted(PATHS), default="openai")
    parser.add_argument("--key", default="", help="bearer token")
    parser.add_argument("--header", action="append", default=[], metavar="NAME=VALUE", help="sent along; repeatable")
    parser.add_argument("--model", action="append", default=[], metavar="[WIRE:]NAME[=ALIAS]", help="repeatable")
    parser.add_argument("--provider-port", type=int, help="run the provider in this process, on this port")
    parser.add_argument("--patience", type=float, default=PATIENCE, help="seconds a caller waits")
    parser.add_argument("--name", default="the gateway", help="as the page's title has it")
    parser.add_argument("--only", action="append", default=[], metavar="FAULT", help="repeatable")
    parser.add_argument("--self", action="store_true", help="try this product, and write docs/fault-table.md")
    given = parser.parse_args()
    cells = asyncio.run(run(given))
    name = given.name if given.target else "AI Orchestrator"
    arguments = "--self" if not given.target else f"--target {given.target}"
    more = "" if given.target else OWN_WAITS
    heading = INTRODUCTION.format(name=name, arguments=arguments, patience=given.patience, more=more)
    counts = "" if cells[0].calls is None else "\nIn brackets: how often the provider was asked, over all models.\n"
    page = f"{heading}{counts}\n**{summary(cells)}**\n\n{table(cells)}\n"
    print(page)
    if given.self:
        PAGE.write_text(page, encoding="utf-8")
    sys.exit(any(cell.verdict not in GOOD for cell in cells))


if __name__ == "__main__":
    main()
