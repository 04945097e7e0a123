"""Under concurrency and hang-ups at any moment, no answer, no stored entry and no record gets to another request."""

from __future__ import annotations

from typing import Final

from dev.reconcile.command import reconcile
from tests.support.cross_talk import busy_site, talk

REQUESTS: Final = 2_000


async def test_every_answer_belongs_to_its_request_and_every_request_is_booked_once() -> None:
    async with busy_site() as (site, instances):
        tally = await talk(instances, seed=1, goes_on=lambda number: number < REQUESTS)
        assert tally.wrong == []
        assert all(tally.outcomes[name] > REQUESTS // 50 for name in ("answered", "cut", "hung up")), tally.outcomes
        await site.provider.until(lambda p: p.in_flight == 0)
        assert (await instances[0].usage())["totalRequests"] == REQUESTS
        site.clock.turn(3_600)
        said = await reconcile(instances[0].gateway)
        assert [line for line in said if line.startswith(("lost", "differs"))] == []
