"""What is known of one request while it runs: filled in step by step, read when it is reported and booked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from lib.ai.collect import AnswerBuilder
from lib.ai.near.look import Look
from lib.ai.plan import Plan
from lib.ai.router import summary
from lib.ai.shown import Shown
from lib.answer import Answer, Attempt, CacheKind, LimitState, Report, Usage
from lib.catalog.rows import ModelRow
from lib.contract import Job
from lib.errors import GatewayError
from lib.experiment import Assigned
from lib.kv.admission import SharedBudget
from lib.kv.cache import Entry
from lib.kv.seal import PLAIN, Seal
from lib.kv.spending import Standing


@dataclass(slots=True)
class Run:
    """Mutable on purpose, and owned by one request alone."""

    job: Job
    person: str
    """The user's hash."""
    started: float
    """Monotonic seconds."""
    plan: Plan | None = None
    task: str = ""
    """The kind of work, where no plan says it."""
    asked_model: str = ""
    """The model the keys are made for; the plan's first may be another one since, for its health."""
    answer_digest: str = ""
    duplicate_digest: str = ""
    body_digest: str = ""
    seal: Seal | None = PLAIN
    """For what is kept of the user's texts; None where it is not known, and nothing can be kept."""
    answer_seal: Seal | None = PLAIN
    """For the cached answer, which may belong to all."""
    variant: Assigned | None = None
    """The arm of an experiment with the cache."""
    look: Look | None = None
    """The search for an answer to a question that means the same; None where there is none."""
    misread: bool = False
    """What admission took for a stored answer could not be read: its hit is to be taken back."""
    admitted: bool = False
    unheard: Callable[[], Awaitable[None]] | None = None
    """Takes in what admission says, where the caller hung up before it did."""
    claim: str = ""
    """The de-duplication record while it is ours; empty otherwise."""
    local_claim: str = ""
    """This instance's own record of the same, while it is ours."""
    perhaps_admitted: bool = False
    """The KV did not say how admission ended: `claim` and the hold may be there, or not."""
    hold_micro_usd: int = 0
    budgets: tuple[SharedBudget, ...] = ()
    """What it draws on: its user's budget, then those it shares."""
    crossed: tuple[Standing, ...] = ()
    """The budgets that its settlement has brought over a mark."""
    limit: LimitState | None = None
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    builder: AnswerBuilder = field(default_factory=AnswerBuilder)
    serving: ModelRow | None = None
    """The model that answers, once one does."""
    dropped_params: tuple[str, ...] = ()
    degraded: set[str] = field(default_factory=set[str])
    first_token_ms: int | None = None
    answer: Answer | None = None
    """The whole answer, once there is one."""
    replayed: CacheKind | None = None
    followed: bool = False
    """This request has met an identical one in flight, and is counted."""
    shown: Shown | None = None
    """What the caller was shown of the other one's answer while it was being written."""
    stored: Entry | None = None
    """That answer, once it is whole."""
    log_length: int = 0
    """Of the usage log, where the admission script has written to it."""
    replay_booked: bool = False
    """True when the admission script has already written this hit's usage record."""
    stored_cost_micro_usd: int = 0
    entry: str = ""
    """The answer as it is stored for the cache and for duplicates, once encoded."""
    entry_ttl: int = 0
    age_seconds: int = 0
    ttl_class: str = ""
    wasted: Usage | None = None
    """What a cut answer had used, which the provider bills all the same."""
    wasted_micro_usd: int = 0
    error: GatewayError | None = None
    failure: str = ""
    """The kind of an error for the record, or empty."""
    booked: bool = False

    @property
    def own_keys(self) -> bool:
        """Whether the caller brought provider keys. Such a run has its own money and its own luck: it takes nothing
        from the operator's budgets, and neither heeds nor adds to what is known of the models' health.
        """
        return bool(self.job.provider_keys)

    @property
    def perhaps_hit(self) -> bool:
        """Whether admission has, or may have, booked a hit that was none."""
        return self.perhaps_admitted or self.misread

    @property
    def input_tokens(self) -> int:
        """Estimated tokens of the request."""
        return self.plan.input_tokens if self.plan else 0

    @property
    def fallback(self) -> bool:
        """Whether another model serves than the one that was asked for or chosen, were all of them well."""
        return self.serving is not None and bool(self.asked_model) and self.serving.id != self.asked_model

    @property
    def model_used(self) -> str:
        """The model that answers or has answered; empty while none does."""
        if self.answer:
            return self.answer.model
        return self.serving.id if self.serving else ""

    @property
    def cost_micro_usd(self) -> int:
        """What this request cost: its answer, or what a cut one had used."""
        return (self.answer.cost_micro_usd if self.answer and not self.replayed else 0) + self.wasted_micro_usd

    @property
    def tokens(self) -> int:
        """What it took, input and output, as `cost_micro_usd`."""
        answered = self.answer.usage.total_tokens if self.answer and not self.replayed else 0
        return answered + (self.wasted.total_tokens if self.wasted else 0)

    @property
    def saved_micro_usd(self) -> int:
        """What the same answer would have cost."""
        return self.stored_cost_micro_usd if self.replayed else 0


def report_of(run: Run, latency_ms: int, health: str) -> Report:
    """What is known so far, as the caller is told it."""
    model, plan = run.model_used, run.plan
    bypass = "MISS" if run.answer_digest else "BYPASS"
    hit = run.replayed.value if run.replayed else ""
    return Report(
        request_id=run.job.request_id,
        model_requested=run.job.request.model,
        model_used=model,
        provider=model.partition("/")[0],
        cached=run.replayed,
        cache_status=f"HIT ({hit})" if hit else bypass,
        age_seconds=run.age_seconds,
        ttl_class=run.ttl_class,
        cost_micro_usd=run.cost_micro_usd,
        saved_micro_usd=run.saved_micro_usd,
        latency_ms=latency_ms,
        first_token_ms=run.first_token_ms,
        attempts=tuple(run.attempts),
        degraded=tuple(sorted(run.degraded)),
        dropped_params=run.dropped_params,
        limit=run.limit,
        health=health,
        routing=summary(plan) if plan else {},
        own_keys=run.own_keys,
    )
