"""/api/ai/v2/batch, and the durable jobs below it."""

from __future__ import annotations

import logging
from typing import Final

from lib.ai.batch.inline import InlineBatches
from lib.endpoints.batch_worker import JobShop
from lib.endpoints.chat import chat_rules
from lib.errors import StoreError
from lib.kv.batch_job import BatchHead, BatchState
from lib.site import Site
from lib.web.asgi import Call
from lib.web.batch_job_route import PATH, BatchJobEndpoint, JobParts
from lib.web.batch_route import BatchEndpoint, BatchParts, BatchRules
from lib.web.shell import Route

LOG: Final = logging.getLogger(__name__)


def routes(site: Site) -> tuple[Route, ...]:
    """Batches. A job is begun, and helped on, after the response: that keeps the function alive as long as it takes."""
    gateway, shop = site.gateway, JobShop(site)

    async def work(job: str) -> None:
        try:
            await shop.work(job)
        except StoreError as error:
            LOG.warning("batch %s is left for later: %s", job, error)

    async def begin(call: Call, job: str) -> None:
        if not await shop.begin(job):
            call.afterwards.append(lambda: work(job))

    def help_on(call: Call, head: BatchHead, state: BatchState) -> None:
        if shop.helps(head, state):
            call.afterwards.append(lambda: work(head.job))

    inline = InlineBatches(gateway.pipeline, gateway.world.clock)
    rules = BatchRules(chat=chat_rules(site), ends=shop.ends, ids=site.ids)
    parts = BatchParts(inline.run, shop.store, begin)
    jobs = JobParts(shop.store, gateway.keys.person, help_on)
    return (
        Route(PATH, BatchEndpoint(site.access, parts, gateway.keys, gateway.world.clock, rules)),
        Route(PATH, BatchJobEndpoint(site.access, jobs, site.ids, site.cors), below=True),
    )
