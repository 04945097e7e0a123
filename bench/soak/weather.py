"""Faults that come and go while the load runs: of the store, of the provider, and the death of one instance."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bench.soak.deployment import MORTAL, Deployment
from bench.soak.faults import STORE
from bench.soak.ledger import Span

FAIR_SHARE: Final = 0.05
"""Of the provider's calls that meet a fault in good times."""
STORM_SHARE: Final = 0.5
KILLS: Final = (0.2, 0.45, 0.7)
"""Shares of the run after which an instance is killed."""
SAMPLE_SECONDS: Final = 5.0


@dataclass
class Weather:
    """What was wrong when."""

    site: Deployment
    chance: random.Random
    store_faults: list[Span] = field(default_factory=list[Span])
    names: list[str] = field(default_factory=list[str])
    storms: int = 0
    kills: list[Span] = field(default_factory=list[Span])
    stale: list[Span] = field(default_factory=list[Span])
    """Times of stale reads. Unlike the store's other faults they excuse nothing."""
    stale_reads: tuple[int, int] = (0, 0)
    """From the replica, and those of them that the primary contradicted."""

    async def of_the_store(self) -> None:
        """One fault after another, with good times between, until cancelled; ends well."""
        try:
            while True:
                await asyncio.sleep(self.chance.uniform(12, 30))
                fault = self.chance.choice(STORE)
                begin = time.time()
                span = Span(begin, begin + 3_600)
                self.store_faults.append(span)
                self.names.append(fault)
                await self.site.switch_store(fault)
                await asyncio.sleep(self.chance.uniform(0.5, 7))
                await self._clear(begin)
        except asyncio.CancelledError:
            if self.store_faults and self.store_faults[-1].end > time.time():
                await self._clear(self.store_faults[-1].begin)
            raise

    async def _clear(self, begin: float) -> None:
        await self.site.switch_store("")
        self.store_faults[-1] = Span(begin, time.time())

    async def of_the_replica(self) -> None:
        """Stale reads now and then, whatever else is wrong with the store, until cancelled; ends well."""
        try:
            while True:
                await asyncio.sleep(self.chance.uniform(10, 30))
                self.site.let_reads_be_stale(stale=True)
                self.stale.append(Span(time.time(), time.time() + 3_600))
                await asyncio.sleep(self.chance.uniform(3, 12))
                self._up_to_date()
        finally:
            self._up_to_date()

    def _up_to_date(self) -> None:
        self.site.let_reads_be_stale(stale=False)
        if self.stale and self.stale[-1].end > time.time():
            self.stale[-1] = Span(self.stale[-1].begin, time.time())

    async def of_the_provider(self) -> None:
        """Storms and absences over a steady share of faults, until cancelled; ends well."""
        tell = self.site.upstream.tell
        try:
            tell(share=FAIR_SHARE, away=[])
            while True:
                await asyncio.sleep(self.chance.uniform(15, 40))
                self.storms += 1
                away: Sequence[str] = self.chance.choice(([], [], ["openai"], ["anthropic"], ["openai", "anthropic"]))
                tell(share=FAIR_SHARE if away else STORM_SHARE, away=list(away))
                await asyncio.sleep(self.chance.uniform(3, 12))
                tell(share=FAIR_SHARE, away=[])
        finally:
            tell(share=0.0, away=[])

    async def of_the_instances(self, seconds: float) -> None:
        """Kill one at certain moments of a run of `seconds`, and start it again a little later."""
        child, passed = self.site.instances[MORTAL], 0.0
        for share in KILLS:
            await asyncio.sleep(share * seconds - passed)
            begin = time.time()
            self.kills.append(Span(begin, begin + 3_600, MORTAL))
            await child.kill()
            pause = self.chance.uniform(1, 5)
            await asyncio.sleep(pause)
            await child.start()
            self.kills[-1] = Span(begin, time.time(), MORTAL)
            passed = share * seconds + pause

    async def watch(self) -> None:
        """Measure all processes from time to time, until cancelled."""
        while True:
            for child in self.site.children:
                child.measure()
            await asyncio.sleep(SAMPLE_SECONDS)
