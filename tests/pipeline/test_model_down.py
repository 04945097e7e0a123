"""While a model is down the next one answers at once, under its own name, and its answer is not kept as the other's."""

from __future__ import annotations

import pytest

from tests.scripted.provider import ANY_MODEL
from tests.scripted.steps import fails
from tests.support.deployment import Deployment, Instance, deployed

AFTER_THE_WINDOW = 6.0
"""Seconds: duplicates are recognised for five."""


async def with_gpt_4o_down(site: Deployment) -> Instance:
    """An instance that has just seen it fail."""
    here = site.instance()
    site.provider.script("gpt-4o", [fails(500)])
    await here.chat()
    site.clock.turn(AFTER_THE_WINDOW)
    return here


async def test_an_answer_of_the_next_model_is_not_cached_for_the_one_that_is_down() -> None:
    async with deployed(RETRY_MAX_ATTEMPTS="1", BREAKER_FAILURES="1") as site:
        here = await with_gpt_4o_down(site)
        while_down = await here.chat()
        site.clock.turn(AFTER_THE_WINDOW)
        again = await here.chat()
        assert while_down.headers["x-ai-model"] != "openai/gpt-4o"
        assert again.headers["x-cache"] == "MISS"


async def test_a_model_that_is_passed_over_for_its_health_counts_as_a_fallback() -> None:
    async with deployed(RETRY_MAX_ATTEMPTS="1", BREAKER_FAILURES="1") as site:
        here = await with_gpt_4o_down(site)
        await here.chat()
        assert (await here.usage())["fallbackRate"] == 1.0


@pytest.mark.parametrize(("asked", "told"), [("7", "7"), ("99999999999", None)])
async def test_callers_are_told_when_to_come_back_unless_the_provider_was_absurd(asked: str, told: str | None) -> None:
    async with deployed(RETRY_MAX_ATTEMPTS="1") as site:
        here = site.instance()
        site.provider.script(ANY_MODEL, [fails(429, "rate_limit_error", retry_after=asked)] * 9)
        failed = await here.chat()
        assert failed.status == 429
        assert failed.headers.get("retry-after") == told
