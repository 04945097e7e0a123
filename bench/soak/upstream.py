"""The provider's process: echoes each prompt with the number of the call, or does what a fault says.

Every call leaves a line in the ledger file: which prompt and model, which fault, when it began and ended.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import time
from pathlib import Path
from typing import Final, TextIO

from bench.soak.child import commands, say
from bench.soak.faults import RARE, UPSTREAM, Said, fault_step
from lib.contract import JsonObject
from lib.messages import last_user_text
from tests.scripted.provider import ScriptedProvider
from tests.scripted.steps import Received, Step

SILENCE_SECONDS: Final = 4.0
"""Silent replies go on at the next multiple of this: some in time, some too late."""
MARKER: Final = re.compile(r"\bitem (\S+)")


class Upstream(ScriptedProvider):
    """`share` of the calls meet a fault; those of a provider in `away` all fail."""

    def __init__(self, chance: random.Random, ledger: TextIO) -> None:
        super().__init__()
        self.share = 0.0
        self.away: frozenset[str] = frozenset()
        self._chance = chance
        self._ledger = ledger
        self._numbers = 0
        self._under_way: dict[int, JsonObject] = {}

    def _next_step(self, request: Received) -> Step:
        self._numbers += 1
        prompt, fault = prompt_of(request), self._draw(request)
        found = MARKER.search(prompt)
        self._under_way[id(request)] = {
            "call": self._numbers,
            "marker": found[1] if found else "",
            "model": request.model,
            "fault": fault,
        }
        said = Said(f"echo: {prompt} #{self._numbers}")
        return fault_step(fault, said) if fault else said.whole

    def _draw(self, request: Received) -> str:
        if ("anthropic" if request.is_anthropic else "openai") in self.away:
            return "503"
        if self._chance.random() >= self.share:
            return ""
        fault = self._chance.choice(UPSTREAM)
        return fault if fault not in RARE or self._chance.random() < 1 / 20 else "500"

    async def _answer(
        self, connection: asyncio.StreamReaderProtocol, request: Received, writer: asyncio.StreamWriter
    ) -> bool:
        began, kept = time.time(), False
        try:
            kept = await super()._answer(connection, request, writer)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        finally:
            self.requests.clear()
            line = self._under_way.pop(id(request), {}) | {"began": began, "ended": time.time()}
            self._ledger.write(json.dumps(line) + "\n")
        return kept


def prompt_of(request: Received) -> str:
    """The last user message."""
    messages = request.body.get("messages")
    return last_user_text([m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else [])


async def serve(seed: int, ledger: Path) -> None:
    """Serve until stdin ends."""
    with ledger.open("a", buffering=1, encoding="utf-8") as file:
        async with Upstream(random.Random(seed), file) as provider:
            ticking = asyncio.create_task(release_from_time_to_time(provider))
            say(provider.base_url)
            async for told in commands():
                share, away = told.get("share"), told.get("away")
                provider.share = float(share) if isinstance(share, int | float) else provider.share
                provider.away = frozenset(map(str, away)) if isinstance(away, list) else provider.away
            ticking.cancel()


async def release_from_time_to_time(provider: ScriptedProvider) -> None:
    """Ends every silence sooner or later."""
    while True:
        await asyncio.sleep(SILENCE_SECONDS)
        provider.release()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
