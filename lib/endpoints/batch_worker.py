"""What works durable jobs off, for the functions that do: batch, the queue's hook and the cron job."""

from __future__ import annotations

from typing import Final

from lib.ai.batch.durable import Making, Wording
from lib.ai.batch.queue import Queue
from lib.ai.batch.runner import Runner
from lib.ai.batch.worker import BatchWorker, WorkerRules
from lib.endpoints.deadline import platform_deadline
from lib.kv.batch_job import BatchHead, BatchState
from lib.kv.batch_store import BatchRules, BatchStore
from lib.settings.batches import QSTASH
from lib.site import Site
from lib.web.batch_body import read_item
from lib.web.batch_lines import write_result

HOOK: Final = "/api/ai/hooks/queue"
FUNCTION_SECONDS: Final = 290.0
"""How long a function may take where the platform does not say when it ends: Vercel's 300 s, less what is spare."""
SPARE_SECONDS: Final = 5.0
"""Left before the platform's end."""


def own_url(site: Site) -> str:
    """Where this deployment is reached from outside; empty where nobody has said."""
    given = site.gateway.settings
    return given.batches.public_url(live=given.environment.vercel_stage == "production")


def queue_of(site: Site) -> Queue | None:
    """The queue, where there is one that can reach us."""
    given, url = site.gateway.settings.batches, own_url(site)
    if not (given.queue_token and given.signing_key and url):
        return None
    return Queue(site.gateway.world.side_calls, given.queue_url or QSTASH, url + HOOK, given.queue_token)


class JobShop:
    """The durable jobs of this deployment, and a worker for them."""

    def __init__(self, site: Site) -> None:
        gateway, given = site.gateway, site.gateway.settings
        self.clock = gateway.world.clock
        self.store = BatchStore(
            gateway.store,
            gateway.keys,
            self.clock,
            BatchRules(given.batches.lease_seconds * 1000, given.batches.jobs_per_user),
            gateway.vault,
        )
        self._ids = site.ids
        self._item_seconds = given.timeouts.total_seconds
        self._platform_ends = platform_deadline()
        self._wording = Wording(read_item(given.routing.default_model), write_result)
        rules = WorkerRules(given.batches.lease_seconds, given.batches.slice_seconds, self._item_seconds)
        runner = Runner(gateway.pipeline, self.clock)
        self._worker = BatchWorker(self.store, runner, self.clock, rules, queue_of(site))

    def ends(self, began: float) -> float:
        """When a function that began then has to be done (seconds since the epoch)."""
        limit = self._platform_ends()
        return began + FUNCTION_SECONDS if limit is None else min(began + FUNCTION_SECONDS, limit - SPARE_SECONDS)

    async def work(self, job: str) -> None:
        """A slice of one job. Raises StoreError."""
        await self._worker.work(job, self._wording, self._making())

    async def work_on_some(self) -> int:
        """A slice of some jobs; how many. Raises StoreError."""
        return await self._worker.work_on_some(self._wording, self._making())

    async def begin(self, job: str) -> bool:
        """Leave a new job to the queue; False when that does not take it."""
        return await self._worker.begin(job)

    def helps(self, head: BatchHead, state: BatchState) -> bool:
        """See `BatchWorker.helps`."""
        return self._worker.helps(head, state)

    def _making(self) -> Making:
        return Making(self._ids, self._item_seconds, self.ends(self.clock.now()))
