"""Hits of a stream of requests, and how many of them were wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.semantic_cache.data import Asked
from bench.semantic_cache.tiers import Tier


@dataclass(slots=True)
class Played:
    """What came of a stream."""

    requests: int = 0
    possible: int = 0
    """Requests whose answer had been given before: what a cache that understands everything would serve."""
    exact: int = 0
    exact_wrong: int = 0
    near: int = 0
    near_wrong: int = 0

    def __str__(self) -> str:
        hits, near_wrong = self.exact + self.near, 100 * self.near_wrong / max(1, self.near)
        return (
            f"{self._percent(hits)} hits of {self._percent(self.possible)} possible ({self.requests} requests); "
            f"exact {self._percent(self.exact)}, {self.exact_wrong} wrong; "
            f"near {self._percent(self.near)}, {self.near_wrong} wrong ({near_wrong:.2f} % of near hits)"
        )

    def _percent(self, part: int) -> str:
        return f"{100 * part / max(1, self.requests):.2f} %"


async def played(stream: Sequence[Asked], tier: Tier) -> Played:
    """The requests one after another; an answer is its request's meaning."""
    counted, given = Played(), set[str]()
    for asked in stream:
        counted.requests += 1
        counted.possible += asked.meaning in given
        given.add(asked.meaning)
        served = await tier.ask(asked.text)
        if served is not None:
            wrong = served.answer != asked.meaning
            counted.near += served.near
            counted.near_wrong += served.near and wrong
            counted.exact += not served.near
            counted.exact_wrong += not served.near and wrong
        if served is None or served.checked:
            await tier.store(asked.text, asked.meaning)
    return counted
