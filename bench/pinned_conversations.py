"""`python -m bench.pinned_conversations TRACE PROMPTS` prints how much of a provider's kept input survives routing.

TRACE has requests with tokens in and out and how many were kept from before (`prefix_cached_tokens`, in blocks of 512);
PROMPTS are labelled prompts, one JSON object a line. A trace has no texts, so they are drawn: a conversation begins
with any prompt, and each later message is of another class of work with the chance shown. The product's own router
decides each turn. What is kept counts as long as the model stays; a change loses all of that
turn's. A change is forced where the conversation has outgrown its model.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from lib.ai.plan import Plan, RouteFacts, Task
from lib.ai.router import Router
from lib.ai.router.policy import AUTO
from lib.catalog import Catalog, PriceBook
from lib.catalog.providers import DEMO
from lib.contract import ChatRequest, JsonObject
from training.tasks.data import read

BLOCK: Final = 512
CHANGES: Final = (0.0, 0.05, 0.1, 0.25, 0.5, 1.0)
NOW: Final = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()
CHARACTERS_PER_TOKEN: Final = 4


@dataclass(slots=True)
class Conversation:
    """Requests that continue each other: tokens in, out, and kept from the one before."""

    turns: list[tuple[int, int, int]] = field(default_factory=list[tuple[int, int, int]])


def conversations(path: Path) -> list[Conversation]:
    """Those of the trace with more than one turn.

    A request continues the latest one whose whole blocks, of its input or with its answer, are what was kept.
    """
    rows = csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode()))
    found: list[Conversation] = []
    ends: dict[int, list[Conversation]] = defaultdict(list)
    for row in rows:
        size, answer, kept = int(row["in_tokens"]), int(row["out_tokens"]), int(row["prefix_cached_tokens"])
        open_ = next((ends[blocks] for blocks in (kept, kept - BLOCK, kept + BLOCK) if ends[blocks]), None)
        continued = open_.pop() if open_ and kept > 2 * BLOCK else Conversation()
        if not continued.turns:
            found.append(continued)
        continued.turns.append((size, answer, kept if continued.turns else 0))
        for blocks in {size // BLOCK * BLOCK, (size + answer) // BLOCK * BLOCK}:
            ends[blocks].append(continued)
    return [one for one in found if len(one.turns) > 1]


class Talk:
    """One conversation as the product sees it, turn by turn."""

    def __init__(self, router: Router, facts: RouteFacts) -> None:
        self._router = router
        self._facts = facts
        self._messages: list[JsonObject] = []

    def asks(self, prompt: str) -> tuple[Plan, Plan]:
        """The plans for this message: with its history, and on its own."""
        self._messages.append({"role": "user", "content": prompt})
        return self._plan(self._messages), self._plan(self._messages[-1:])

    def hears(self, tokens: int) -> None:
        """An answer, and whatever else the trace's next request holds more."""
        self._messages.append({"role": "assistant", "content": "x" * CHARACTERS_PER_TOKEN * max(1, tokens)})

    def _plan(self, messages: Sequence[JsonObject]) -> Plan:
        return self._router.route(ChatRequest(model=AUTO, messages=tuple(messages)), self._facts)


def kept_shares(
    talks: Sequence[Conversation], prompts: dict[Task, list[str]], change: float, seen: tuple[Router, RouteFacts]
) -> tuple[float, float, float]:
    """The shares of kept tokens that stay so, pinned and without; and of those that are forced out."""
    chance = random.Random(f"{change}")
    whole, pinned, alone, forced = 0, 0, 0, 0
    for talk in talks:
        speaker, before = Talk(*seen), ("", "")
        for (size, _, kept), prompt in zip(talk.turns, _drawn(prompts, change, chance), strict=False):
            plan, single = speaker.asks(prompt)
            whole += kept
            pinned += kept * (plan.model.id == before[0])
            alone += kept * (single.model.id == before[1])
            forced += kept * any(dropped.model == before[0] for dropped in plan.dropped)
            before = plan.model.id, single.model.id
            speaker.hears(size - len(prompt) // CHARACTERS_PER_TOKEN)
    return pinned / whole, alone / whole, forced / whole


def _drawn(prompts: dict[Task, list[str]], change: float, chance: random.Random) -> Iterator[str]:
    tasks = sorted(prompts)
    task = chance.choice(tasks)
    while True:
        yield chance.choice(prompts[task])
        if chance.random() < change:
            task = chance.choice([other for other in tasks if other is not task])


def main(arguments: Sequence[str]) -> int:
    """Print a line for each chance of a change."""
    parser = argparse.ArgumentParser(prog="python -m bench.pinned_conversations", description=__doc__)
    parser.add_argument("trace", type=Path)
    parser.add_argument("prompts", nargs="+", type=Path)
    parser.add_argument("--most", type=int, default=400, help="conversations")
    parser.add_argument("--without", default="", help="a provider that has no key")
    given = parser.parse_args(arguments)
    talks = conversations(given.trace)
    some = random.Random(1).sample(talks, min(given.most, len(talks)))
    prompts: dict[Task, list[str]] = defaultdict(list)
    for path in given.prompts:
        for prompt in read(path):
            prompts[prompt.task].append(prompt.text)
    turns = sum(len(talk.turns) for talk in some)
    print(f"{len(talks)} conversations of the trace have several turns; {len(some)} are played, {turns} turns")
    catalog = Catalog.build()
    providers = frozenset(row.id for row in catalog.providers if row.id not in (DEMO, given.without))
    router, facts = Router(catalog, PriceBook()), RouteFacts(providers, "free", NOW)
    for change in CHANGES:
        pinned, alone, forced = kept_shares(some, prompts, change, (router, facts))
        told = f"kept {pinned:.1%} pinned ({forced:.1%} forced out), {alone:.1%} without"
        print(f"another class of work in {change:4.0%} of later messages: {told}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
