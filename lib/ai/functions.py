"""The product's functions for use from Python, under the names its users know.

Each is a method of `Functions`, which `lib.app` builds; nothing here holds state of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from lib.ai.answering import answer_of
from lib.ai.batch.inline import InlineBatches
from lib.ai.orchestrator import Orchestrator
from lib.ai.plan import Plan
from lib.ai.router import Router
from lib.answer import Done
from lib.catalog import Catalog
from lib.clock import Clock
from lib.contract import Caller, CallerKind, Job
from lib.errors import GatewayError
from lib.kv.admission import Admitted, Ask, Gate
from lib.kv.keys import Keys
from lib.kv.rate_limit import Refusal, limits_for
from lib.tiers import LimitTable

NOBODY: Final = "-"
"""Owner of nothing: a bare check claims and holds nothing."""


@dataclass(frozen=True, slots=True)
class RateLimitResult:
    """Whether one more request may run now. `retry_after` is seconds; None when it may."""

    allowed: bool
    limit_name: str
    limit: int
    remaining: int
    retry_after: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Functions:
    """Everything a Python caller may want of the product, beside `Stats`."""

    pipeline: Orchestrator
    router: Router
    catalog: Catalog
    gate: Gate
    table: LimitTable
    keys: Keys
    clock: Clock

    async def generate_ai_response(self, job: Job) -> Done:
        """One answer through all eight steps. Raises GatewayError."""
        return await answer_of(self.pipeline, job)

    async def batch_generate(self, jobs: Sequence[Job], concurrency: int = 5) -> list[Done | GatewayError]:
        """Answers to many jobs, at most `concurrency` at once, each item's error in its place."""
        drafts = [lambda job=job: job for job in jobs]
        async with aclosing(InlineBatches(self.pipeline, self.clock).run(drafts, at_once=concurrency)) as ended:
            outcomes = {index: outcome async for index, outcome in ended}
        return [outcomes[index] for index in range(len(jobs))]

    async def check_rate_limit(self, user_id: str, tier: str, model_id: str) -> RateLimitResult:
        """Count one request against the user's limits for this model; a refused one consumes nothing.

        Raises InvalidRequest for an unknown tier or model, StoreError when the KV cannot say.
        """
        model = self.catalog.resolve(model_id, datetime.fromtimestamp(self.clock.now(), UTC).date()).model
        limits = limits_for(self.table, tier, model.limit_class, by_address=False)
        verdict, _ = await self.gate.admit(Ask(person=self.keys.person(user_id), token=NOBODY, limits=limits))
        if isinstance(verdict, Refusal):
            return RateLimitResult(
                allowed=False, limit_name=verdict.limit.name, limit=verdict.limit.maximum, remaining=0,
                retry_after=verdict.wait_ms / 1000,
            )  # fmt: skip
        state = verdict.limit if isinstance(verdict, Admitted) else None
        remaining = state.remaining if state else limits[0].maximum
        return RateLimitResult(
            allowed=True, limit_name=limits[0].name, limit=limits[0].maximum, remaining=remaining, retry_after=None
        )

    def route_to_optimal_model(
        self, prompt: str, *, max_cost_per_1m_tokens: float | None = None, prioritize_speed: bool = False
    ) -> Plan:
        """Which model would serve `prompt`, and why, without calling one."""
        facts = self.pipeline.facts(Caller(NOBODY, self.table.tiers[-1].name, CallerKind.SERVICE))
        return self.router.route_to_optimal_model(
            prompt, max_cost_per_1m_tokens=max_cost_per_1m_tokens, prioritize_speed=prioritize_speed, facts=facts
        )
