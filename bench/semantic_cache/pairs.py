"""Traps served and rewrites served, family by family."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench.semantic_cache.data import Pair
from bench.semantic_cache.tiers import Tier


@dataclass(frozen=True, slots=True)
class Family:
    """Pairs of one kind: how many there are, and for how many the first one's answer is given to the second."""

    name: str
    same: bool
    pairs: int
    served: int

    @property
    def share(self) -> float:
        """Served, in percent."""
        return 100 * self.served / max(1, self.pairs)


async def measured(pairs: Sequence[Pair], make: Callable[[], Tier]) -> list[Family]:
    """Each pair in a cache of its own."""
    count, served = Counter[tuple[str, bool]](), Counter[tuple[str, bool]]()
    for pair in pairs:
        tier, family = make(), (pair.family, pair.same)
        await tier.store(pair.first, "first")
        count[family] += 1
        served[family] += await tier.ask(pair.second) is not None
    return [Family(name, same, n, served[name, same]) for (name, same), n in sorted(count.items())]


def shown(families: Sequence[Family], *, details: bool) -> Iterator[str]:
    """Lines for the reader: traps and rewrites in all, then (`details`) by family."""
    for same, what in ((False, "traps"), (True, "rewrites")):
        chosen = [family for family in families if family.same is same]
        if chosen:
            whole = Family(f"{what} served", same, sum(f.pairs for f in chosen), sum(f.served for f in chosen))
            yield _line(whole)
            yield from (f"    {_line(family)}" for family in chosen if details or (not same and family.served))


def _line(family: Family) -> str:
    return f"{family.share:6.2f} %  {family.served:5} of {family.pairs:5}  {family.name}"
