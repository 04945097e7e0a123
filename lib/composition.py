"""Putting the parts together: every object of the product, built on first use from the settings and the world."""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from lib import rules
from lib.ai.attempt import Access as ProviderAccess
from lib.ai.attempt import Attempts, CommitWindow, Line
from lib.ai.away import Away
from lib.ai.booking import Booking, Bookkeepers, Watcher
from lib.ai.door import Door, Doorkeepers
from lib.ai.experiment_board import ExperimentBoard
from lib.ai.fallback import Fallback
from lib.ai.following import Following
from lib.ai.health import HealthBoard
from lib.ai.hedge import HedgeBudget
from lib.ai.lesson_book import LessonBook
from lib.ai.near.pools import Pools
from lib.ai.near.tier import NearTier
from lib.ai.observability.baseline import Baseline
from lib.ai.observability.log import UsageLog
from lib.ai.observability.stats import Stats
from lib.ai.observability.sweep import OPEN_AT_MOST, Sweep
from lib.ai.orchestrator import Orchestrator, Setting, Steps
from lib.ai.providers.registry import adapters
from lib.ai.replay import Replay
from lib.ai.retry import Retrier, RetryBudget
from lib.ai.router import Router
from lib.catalog import PriceBook
from lib.catalog.models_embedding import EMBEDDING_IDS
from lib.catalog.pricing import from_dollars
from lib.clock import Clock
from lib.contract import JsonObject
from lib.errors import StoreError, StoreUnavailable
from lib.kv.absent import WHY, AbsentStore
from lib.kv.admission import Gate
from lib.kv.budget_book import BudgetBook
from lib.kv.deduplication import Deduplication
from lib.kv.endpoint import KvEndpoint
from lib.kv.keys import Keys
from lib.kv.pipeline import AutoPipeline
from lib.kv.rate_limit import Limit
from lib.kv.retention import Retention
from lib.kv.stream_buffer import StreamBuffer
from lib.kv.vault import Vault
from lib.settings import Settings
from lib.side_calls import SideCalls
from lib.transport import Transport

if TYPE_CHECKING:
    from upstash_ratelimit.asyncio import Ratelimit

    from lib.access.api_keys import ApiKeys
    from lib.access.tier_lookup import TierLookup
    from lib.ai.functions import Functions
    from lib.alerting import Alerting

TEST_LIMIT: Final = Limit("test", 10)


@dataclass(frozen=True, slots=True)
class World:
    """What comes from outside: replaced as a whole in tests."""

    env: Mapping[str, str] = field(repr=False)
    transport: Transport
    kv_transport: Transport
    clock: Clock
    chance: random.Random
    side_calls: SideCalls = field(default_factory=SideCalls)

    async def aclose(self) -> None:
        """Close what the running event loop holds open."""
        await self.transport.aclose()
        await self.side_calls.aclose()


class Gateway:
    """Every part, built on first use from the settings."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.settings = Settings.from_env(world.env)
        self.catalog = self.settings.catalog()
        self.keys = Keys(self.settings.kv.namespace, self.settings.kv.hash_secret or "")
        given = self.settings.provider_keys(self.catalog)
        self.lines = {name: Line(self.catalog.provider(name), key) for name, key in given.items()}
        self.table = self.settings.limit_table()
        self.judgement = rules.judgement(self.settings)

    @cached_property
    def store(self) -> AutoPipeline | AbsentStore:
        """The KV, or what stands in where none is configured.

        The pipeline itself rather than `KV` around it: a chat needs none of upstream's typed commands, whose import
        would cost every cold start a tenth of a second.
        """
        endpoint = KvEndpoint.from_env(self.world.env)
        if endpoint is None:
            return AbsentStore()
        limits = rules.kv_limits(self.settings)
        return AutoPipeline(endpoint, transport=self.world.kv_transport, clock=self.world.clock, limits=limits)

    @property
    def with_keys(self) -> frozenset[str]:
        """The providers that can be called by anyone who has a key."""
        return frozenset(row.id for row in self.catalog.providers if row.base_url and row.key_variable)

    @property
    def kv_configured(self) -> bool:
        """Whether there is a KV at all."""
        return isinstance(self.store, AutoPipeline)

    @cached_property
    def health(self) -> HealthBoard:
        """Recent outcomes by model."""
        return HealthBoard(self.keys, rules.breaker_policy(self.settings))

    @cached_property
    def lessons(self) -> LessonBook:
        """What votes have taught."""
        return LessonBook(self.keys)

    @cached_property
    def prices(self) -> PriceBook:
        """What models cost."""
        return PriceBook(ceiling=from_dollars(self.settings.routing.price_ceiling))

    @cached_property
    def router(self) -> Router:
        """Which model answers."""
        return Router(self.catalog, self.prices, self.judgement)

    @cached_property
    def tiers(self) -> TierLookup | None:
        """What users are entitled to, where that is kept anywhere; otherwise nobody is asked."""
        given = self.settings.subscriptions
        if not (given.in_supabase or given.stripe_secret):
            return None
        from lib.access.supabase import SupabaseTiers
        from lib.access.tier_lookup import TierLookup, TierRules

        names, world = tuple(tier.name for tier in self.table.tiers), self.world
        source = SupabaseTiers(given, world.side_calls, world.clock, names) if given.in_supabase else None
        rules = TierRules(names, given.cache_seconds, given.wait_seconds)
        return TierLookup(self.store, self.keys, world.clock, rules, source)

    @cached_property
    def api_keys(self) -> ApiKeys:
        """Keys that users call with."""
        from lib.access.api_keys import ApiKeys

        return ApiKeys(self.store, self.keys, self.world.clock)

    async def get_user_tier(self, user_id: str) -> str:
        """A user's tier as subscriptions have it, the lowest where none is known."""
        return await self.tiers.tier_of(user_id) if self.tiers else self.table.tiers[0].name

    @cached_property
    def dedup(self) -> Deduplication:
        """Claims on requests in flight."""
        return Deduplication(self.store, self.keys, self.world.clock)

    @cached_property
    def vault(self) -> Vault:
        """What texts are sealed with, where they are."""
        return Vault(self.store, self.keys, self.world.clock, self.settings.kv.encryption_keys)

    @cached_property
    def gate(self) -> Gate:
        """Admission."""
        return Gate(self.store, self.keys, self.world.clock, self.log.retention, self.budgets)

    @cached_property
    def budgets(self) -> BudgetBook:
        """Limits with the budgets that were set at run time."""
        return BudgetBook(self.store, self.keys, self.world.clock, self.table)

    @cached_property
    def log(self) -> UsageLog:
        """Usage records."""
        given = self.settings.usage
        return UsageLog(self.store, self.keys, Retention(given.log_days, given.totals_days))

    @cached_property
    def sweep(self) -> Sweep:
        """The search for requests that were never closed."""
        longest = self.settings.timeouts.total_seconds + OPEN_AT_MOST / 2
        return Sweep(self.store, self.keys, self.log, self.world.clock, max(OPEN_AT_MOST, longest))

    @cached_property
    def stats(self) -> Stats:
        """Usage read back."""
        models = {**dict.fromkeys(EMBEDDING_IDS), **{row.id: row for row in self.catalog.models}}
        return Stats(self.store, self.keys, self.log, self.world.clock, models)

    @cached_property
    def away(self) -> Away:
        """Steps 1 and 2 without the KV."""
        return Away(self.world.clock, rules.away_rules(self.settings, self.table))

    @cached_property
    def near(self) -> NearTier | None:
        """Hits on questions that mean the same."""
        given = rules.near_rules(self.settings)
        return NearTier(self.store, Pools(self.keys, self.world.clock), self.world.chance, given) if given else None

    @cached_property
    def experiments(self) -> ExperimentBoard | None:
        """Experiments with the cache."""
        wanted = self.settings.cache.enabled and self.settings.cache.experiments
        return ExperimentBoard(self.store, self.keys, self.world.clock) if wanted else None

    @cached_property
    def door(self) -> Door:
        """Steps 1 to 3."""
        ask = Doorkeepers(
            *(self.gate, self.health, self.away, self.budgets, self.vault, self.lessons, self.near, self.experiments)
        )
        return Door(ask, self.table, self.keys, self.world.clock, rules.door_rules(self.settings))

    @cached_property
    def fallback(self) -> Fallback:
        """Steps 5 and 6."""
        retry, streams = self.settings.retry, self.settings.streams
        attempts = Attempts(
            access=ProviderAccess(
                self.lines,
                adapters(self.world.transport, self.world.clock),
                {row.id: row for row in self.catalog.providers},
            ),
            health=self.health,
            prices=self.prices,
            clock=self.world.clock,
            waits=rules.waits(self.settings),
            window=CommitWindow(streams.commit_tokens, streams.commit_seconds),
        )
        policy = rules.retry_policy(self.settings)
        retrier = Retrier(policy, RetryBudget(retry.budget_percent), self.world.clock, self.world.chance)
        return Fallback(attempts, retrier, self.store, HedgeBudget(streams.hedge_percent))

    @cached_property
    def watchers(self) -> tuple[Watcher, ...]:
        """Who is told of each finished request."""
        told: tuple[Watcher, ...] = (self.alerts.watcher,) if self.settings.alerts.anyone else ()
        if self.near and self.near.rules.judged:
            from lib.ai.answering import answer_of
            from lib.ai.referee import Asking, Referee, caller_in

            by, model = caller_in(self.table.tiers[-1].name), self.settings.cache.near_judge
            asking = Asking(lambda job: answer_of(self.pipeline, job), by, model)
            told = (Referee(self.near, self.store, self.world.clock, asking), *told)
        given = self.settings.telemetry
        if not given.endpoint:
            return told
        from lib.ai.telemetry.exporter import OtlpExporter, Receiver

        resource = {"service.name": given.service_name, "service.version": self.settings.environment.version}
        receiver = Receiver(given.endpoint, given.headers, resource)
        return (OtlpExporter(self.world.side_calls, receiver, self.world.clock, self.world.chance), *told)

    @cached_property
    def alerts(self) -> Alerting:
        """What is worth an alert, and who is told; imported where there is somebody, or something asks."""
        from lib.ai.alerts.health_watch import Place
        from lib.ai.alerts.patrol import Sources
        from lib.alerting import Around, alerting
        from lib.kv.spending import SpendingBook

        models = tuple(row.id for row in self.catalog.models if row.provider in self.lines)
        spending = SpendingBook(self.store, self.keys, self.world.clock)
        sources = Sources(self.log, models, lambda: spending.of_all(self.budgets))
        around = Around(self.health, sources, self.catalog, self.lines)
        place = Place(self.store, self.keys, self.world.clock)
        return alerting(self.settings, self.world.side_calls, place, around)

    @cached_property
    def booking(self) -> Booking:
        """Steps 7 and 8."""
        baseline = Baseline(self.prices, self.catalog.model(self.settings.routing.baseline_model))
        keep = Bookkeepers(
            *(self.store, self.dedup, self.log, self.health, self.away, self.near, self.watchers, baseline)
        )
        return Booking(keep, self.keys, self.world.clock, self.world.chance, rules.booking_rules(self.settings))

    @cached_property
    def buffer(self) -> StreamBuffer | None:
        """Streams that users can come back to."""
        kept = self.settings.streams.resume and self.kv_configured
        return StreamBuffer(self.store, self.keys, self.world.clock) if kept else None

    @cached_property
    def replay(self) -> Replay | None:
        """The same, read."""
        return Replay(self.buffer, self.keys, self.world.clock, self.vault) if self.buffer else None

    @cached_property
    def pipeline(self) -> Orchestrator:
        """All eight steps."""
        following = Following(self.dedup, self.replay)
        steps = Steps(
            *(self.router, self.door, self.health, self.fallback, self.booking, self.dedup, following, self.buffer)
        )
        routing = self.settings.routing
        setting = Setting(
            frozenset(self.lines),
            self.settings.dedup.lease_seconds * 1000,
            baseline=routing.baseline_model,
            max_usd_per_million=routing.max_usd_per_million,
            downgrade_tiers=frozenset(self.settings.budgets.downgrade_tiers),
            lessons=self.lessons.known if routing.learning else None,
            exploration=routing.exploration_percent / 100,
            shadow=rules.shadow_policy(self.settings),
            top_tier=self.table.tiers[-1].name,
        )
        return Orchestrator(steps, self.keys, self.world.clock, setting)

    @cached_property
    def functions(self) -> Functions:
        """The product from Python."""
        from lib.ai.functions import Functions

        return Functions(
            pipeline=self.pipeline,
            router=self.router,
            catalog=self.catalog,
            gate=self.gate,
            table=self.table,
            keys=self.keys,
            clock=self.world.clock,
        )

    async def store_trouble(self) -> str:
        """What is wrong with the KV right now, found out by asking it; empty when nothing is."""
        try:
            await self.store.run("PING")
        except StoreError as error:
            return str(error)
        return ""

    async def relearn(self, task: str) -> bool:
        """Read what votes have taught about a kind of work, where that is due; whether there is news."""
        if not (read := self.lessons.read_command(task, self.world.clock.now())):
            return False
        try:
            return self.lessons.learn(task, await self.store.run(*read))
        except StoreError as error:
            logging.getLogger(__name__).warning("votes could not be read: %s", error)
            return False

    async def get_all_model_health(self) -> JsonObject:
        """Status, reason, circuit, error rate and latency of every model that can be asked."""
        models = [row.id for row in self.catalog.models if row.provider in self.lines]
        now = self.world.clock.now()
        if read := self.health.read_command(models, now):
            try:
                self.health.learn(models, await self.store.run(*read), now)
            except StoreError as error:
                logging.getLogger(__name__).warning("model health could not be read: %s", error)
        return self.health.describe(models, now)

    def simple_guard(self, limit: Limit = TEST_LIMIT) -> Ratelimit:
        """A limiter for a simple route, ten calls a minute and caller unless said; imported when first used."""
        from upstash_ratelimit.asyncio import Ratelimit

        from lib.kv.client import KV
        from lib.kv.simple_limit import WindowWithLockout

        endpoint = KvEndpoint.from_env(self.world.env)
        if endpoint is None or not isinstance(self.store, AutoPipeline):
            raise StoreUnavailable(WHY)
        redis = KV(endpoint, transport=self.world.kv_transport, clock=self.world.clock, pipeline=self.store)
        return Ratelimit(redis, WindowWithLockout(limit, self.world.clock.now), self.keys.simple_prefix)

    async def try_cache(self) -> JsonObject:
        """Write, read and remove one entry; each step's milliseconds. Raises StoreError."""
        clock, key = self.world.clock, self.keys.answer("test-cache-" + str(self.world.chance.getrandbits(64)))
        steps: JsonObject = {}
        for name, command in (
            ("write", ("SET", key, "ok", "EX", 60)),
            ("read", ("GET", key)),
            ("remove", ("DEL", key)),
        ):
            started = clock.monotonic()
            reply = await self.store.run(*command)
            steps[name] = {"reply": reply if isinstance(reply, str | int) else None, "ms": milliseconds(started, clock)}
        return {"ok": True, "steps": steps}


def milliseconds(started: float, clock: Clock) -> float:
    """Time since `started` on the monotonic clock."""
    return round((clock.monotonic() - started) * 1000, 2)
