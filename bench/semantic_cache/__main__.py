"""`python -m bench.semantic_cache FILE…` runs pairs, streams and lifetimes through the cache's own code.

Without files the rewrites of our own are run, the families nobody looked at while the rules were written apart.
Exits 1 when a trap is served by the exact tier.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from bench.semantic_cache import lifetimes, pairs, streams
from bench.semantic_cache.data import Aging, Asked, Pair, Row, read
from bench.semantic_cache.near import NearCache
from bench.semantic_cache.tiers import EXACT, TierRow
from tests.corpus.rewrites import FAMILIES, pairs_of
from tests.corpus.traps import TRAPS

TIERS: Final = (
    EXACT,
    TierRow("near at 1 %", partial(NearCache, 0.01), pairs=False),
    TierRow("near at 2 %", partial(NearCache, 0.02), pairs=False),
    *(TierRow(f"near from {cut}", partial(NearCache, served_from=cut), streams=False) for cut in (0.9, 0.95, 0.97)),
)
"""Certified by the stream itself; or for pairs, which certify nothing, from some scores on."""


def own() -> Iterator[tuple[str, list[Row]]]:
    """Our own pairs: families that the rules were written with, families held out, and traps."""
    for name, held_out in (("own rewrites", False), ("own rewrites, held out", True)):
        chosen = [family for family in FAMILIES if family.held_out is held_out]
        yield name, [Pair(*pair, same=True, family=family.name) for family in chosen for pair in pairs_of(family)]
    yield "own traps", [Pair(*trap, same=False, family="trap") for trap in TRAPS]


async def report(name: str, rows: Sequence[Row], tier: TierRow, *, details: bool) -> int:
    """Print one file's figures; how many traps were served."""
    asked = [row for row in rows if isinstance(row, Asked) and tier.streams]
    families = await pairs.measured([row for row in rows if isinstance(row, Pair) and tier.pairs], tier.make)
    lines = [str(await streams.played(asked, tier.make()))] if asked else []
    lines += pairs.shown(families, details=details)
    if tier is EXACT:
        lines += lifetimes.shown([row for row in rows if isinstance(row, Aging)])
    if lines:
        print(f"== {name}, {tier.name}", *lines, sep="\n")
    return sum(family.served for family in families if not family.same)


async def main(arguments: Sequence[str]) -> int:
    """Run every file through every tier chosen."""
    parser = argparse.ArgumentParser(prog="python -m bench.semantic_cache", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--tier", choices=[row.name for row in TIERS], help="only this one")
    parser.add_argument("--details", action="store_true", help="every family, also where all is well")
    given = parser.parse_args(arguments)
    exact_traps = 0
    for tier in TIERS:
        if given.tier in (None, tier.name):
            for name, rows in ((path.name, read(path)) for path in given.files) if given.files else own():
                traps = await report(name, rows, tier, details=given.details)
                exact_traps += traps if tier.name == "exact" else 0
    return 1 if exact_traps else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
