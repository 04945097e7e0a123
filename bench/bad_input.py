"""How long the product takes to refuse bad requests and to bear hostile ones: `python -m bench.bad_input`.

The corpus of the tests against the product in this process, each request once, in CPU time; exits 1 above a second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import orjson

from tests.corpus import fields, hostile, json_text, messages, requests, routing
from tests.corpus.case import CHAT
from tests.support.asgi_client import Exchange
from tests.support.sealed import TOKENS, Sealed, sealed

SHOWN: Final = 8
LONGEST_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True, order=True)
class Taken:
    """One request: seconds of CPU time, its status and its name."""

    seconds: float
    status: int
    name: str


def main() -> int:
    """Print how many, the slowest, and the quantiles."""
    slow = False
    for title, taken in asyncio.run(measured()).items():
        taken.sort()
        middle, late = taken[len(taken) // 2].seconds, taken[len(taken) * 99 // 100].seconds
        print(f"{title}: {len(taken)} requests, p50 {middle * 1e3:.2f} ms, p99 {late * 1e3:.1f} ms; the slowest:")
        for one in reversed(taken[-SHOWN:]):
            print(f"  {one.seconds * 1e3:8.1f} ms  {one.status}  {one.name}")
        slow |= taken[-1].seconds > LONGEST_SECONDS
    return int(slow)


async def measured() -> dict[str, list[Taken]]:
    """Both halves of the corpus."""
    site = sealed()
    return {
        "refused": [await timed(name, exchange) for name, exchange in bad(site)],
        "hostile": [await timed(name, exchange) for name, exchange in odd()],
    }


def bad(site: Sealed) -> Iterator[tuple[str, Exchange]]:
    """What must be refused."""
    for module in (fields, messages, json_text, requests, routing):
        for case in module.cases():
            headers = dict(case.headers)
            if case.token is not None:
                headers.setdefault("authorization", f"Bearer {TOKENS[case.token]}")
            app = site.app_at(case.path)
            yield case.name, Exchange(app, case.method, case.path, headers, case.pieces, case.query)


def odd() -> Iterator[tuple[str, Exchange]]:
    """What may be answered, each by a product of its own, so that no limit is met."""
    for case in hostile.cases():
        headers = {**case.headers, "authorization": f"Bearer {TOKENS['service']}"}
        yield case.name, Exchange(sealed().app_at(CHAT), "POST", CHAT, headers, (orjson.dumps(case.document),))


async def timed(name: str, exchange: Exchange) -> Taken:
    """Run it once."""
    started = time.process_time()
    response = await exchange.run()
    return Taken(time.process_time() - started, response.status, name)


if __name__ == "__main__":
    raise SystemExit(main())
