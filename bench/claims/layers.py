"""What is compared, as rows: the baseline, each layer on top of those before, the product under other demands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from bench.claims.questions import NATURAL
from bench.claims.simulation import ALONE, Scenario

ONE_MODEL: Final = ALONE[0]
RARE, MIDDLE, OFTEN = 0.2, 0.5, 0.8
"""Shares of requests that were asked before within half an hour; at the middle one about 35 % are exact hits."""
_NO_CACHE: Final = (("CACHE_ENABLED", "off"),)
_NO_TWINS: Final = (*_NO_CACHE, ("DEDUP_ENABLED", "off"))
_ONCE: Final = (*_NO_TWINS, ("RETRY_MAX_ATTEMPTS", "1"), ("BREAKER_FAILURES", "1000"))
_MEASURED: Final = (("ROUTING_POLICY", "measured"),)
PRODUCT: Final = Scenario(name="+ routing: the product", repeats=MIDDLE)

LAYERS: Final = (
    Scenario(name="one model", repeats=MIDDLE, model=ONE_MODEL, fallback=False, env=_ONCE),
    Scenario(name="+ retries, circuit", repeats=MIDDLE, model=ONE_MODEL, fallback=False, env=_NO_TWINS),
    Scenario(name="+ fallback", repeats=MIDDLE, model=ONE_MODEL, env=_NO_TWINS),
    Scenario(name="+ de-duplication", repeats=MIDDLE, model=ONE_MODEL, env=_NO_CACHE),
    Scenario(name="+ cache", repeats=MIDDLE, model=ONE_MODEL),
    PRODUCT,
    Scenario(name="the same, `ROUTING_POLICY=measured`", repeats=MIDDLE, env=_MEASURED),
)
LEVELS: Final = (
    (f"{RARE * 100:.0f} %", Scenario(name="rare repeats", repeats=RARE)),
    (f"{MIDDLE * 100:.0f} %", PRODUCT),
    (f"{OFTEN * 100:.0f} %", Scenario(name="many repeats", repeats=OFTEN)),
    (
        f"{MIDDLE * 100:.0f} %, answers of each user's own",
        Scenario(name="own answers", repeats=MIDDLE, env=(("CACHE_SCOPE", "user"),)),
    ),
)
"""By the share of requests that were asked before."""


def judged(mixes: Iterable[str]) -> tuple[Scenario, ...]:
    """Mixes whose prompts have outcomes, under both policies."""
    return tuple(
        Scenario(name=f"{mix}, `{policy}`", mix=mix, repeats=MIDDLE, env=(("ROUTING_POLICY", policy),))
        for mix in mixes
        if mix != NATURAL
        for policy in ("document", "measured")
    )
