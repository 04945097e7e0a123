"""A minute of concurrent requests that are hung up on at random: whether any answer got to another request.

python -m bench.cross_talk [SECONDS]
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time

from tests.support.cross_talk import Tally, busy_site, talk


async def measure(seconds: float) -> Tally:
    """Talk for so long."""
    until = time.monotonic() + seconds
    async with busy_site() as (_, instances):
        return await talk(instances, seed=int(until), goes_on=lambda _: time.monotonic() < until)


def main() -> int:
    """Print the counts; 1 when an answer was wrong."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    logging.getLogger("lib").setLevel(logging.ERROR)
    tally = asyncio.run(measure(seconds))
    counts = ", ".join(f"{name} {count}" for name, count in sorted(tally.outcomes.items()))
    print(
        f"{tally.outcomes.total()} requests in {seconds:g} s: {counts}; answers of another request: {len(tally.wrong)}"
    )
    for line in tally.wrong[:10]:
        print(line)
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
