"""What an instance weighs that carries many requests at once: resident memory with none, with N held, and afterwards.

    python -m bench.crowd [N]

The provider keeps every request unanswered until all are there. Provider and store run in a process of their own.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Final

from lib.contract import JsonObject
from tests.support.processes import site

ROUNDS: Final = 3


def resident(process_id: int) -> float:
    """MiB of a process, from Linux' /proc."""
    for line in Path(f"/proc/{process_id}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ValueError(process_id)


async def measure(requests: int) -> None:
    """Print the table."""
    crowd = str(requests)
    async with site(TIER_LIMITS="pro=1000000", MAX_CONCURRENT_REQUESTS=crowd, CONNECT_TIMEOUT_SECONDS="60") as place:
        running = await place.process()
        print(f"{'':14} {'MiB':>8} {'KiB/request':>12}")
        await running.chat(question("warm"))
        idle = resident(running.process.pid)
        print(f"{'idle':14} {idle:8.1f}")
        for turn in range(ROUNDS):
            running.transport = place.roomy(requests)  # kept connections may be closed by the time of the next round
            place.provider.hold()
            asking = [asyncio.create_task(running.chat(question(f"{turn} {n}"))) for n in range(requests)]
            await place.provider.until(lambda p: p.in_flight == requests)
            held = resident(running.process.pid)
            print(f"{f'{requests} held':14} {held:8.1f} {(held - idle) * 1024 / requests:12.1f}")
            turned_away, _ = await running.chat(question("one more"))
            place.provider.release()
            statuses = [status for status, _ in await asyncio.gather(*asking)]
            after = resident(running.process.pid)
            print(f"{'answered':14} {after:8.1f}   200: {statuses.count(200)}, one more: {turned_away}")


def question(words: str) -> JsonObject:
    """A chat."""
    return {"model": "gpt-6-luna", "messages": [{"role": "user", "content": words}]}


def main() -> None:
    """Measure."""
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000))


if __name__ == "__main__":
    main()
