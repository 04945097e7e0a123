"""The soak: `python -m bench.soak --minutes 30 --seed 1`. Needs redis-server; exits 1 when a promise was broken."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from bench.soak.deployment import deployed
from bench.soak.run import Length, driven
from bench.soak.verdict import checks, seen, summary


def main() -> int:
    """Run, check, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="of load")
    parser.add_argument("--quiet", type=float, default=100.0, help="seconds of quiet after it")
    parser.add_argument("--rate", type=float, default=25.0, help="requests per second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for logs and ledgers; a temporary one where none is given")
    given = parser.parse_args()
    length = Length(given.minutes * 60, given.quiet, given.rate)
    if given.keep:
        given.keep.mkdir(parents=True, exist_ok=True)
        return asyncio.run(soak(given.keep, length, given.seed))
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        return asyncio.run(soak(Path(folder), length, given.seed))


async def soak(folder: Path, length: Length, seed: int) -> int:
    """One run; 1 when anything was violated."""
    async with deployed(folder, seed) as site:
        run = await driven(site, length, seed)
        found = await seen(run, folder)
    done = checks(found)
    print(summary(found, done), flush=True)
    return int(any(check.violations for check in done))


if __name__ == "__main__":
    raise SystemExit(main())
