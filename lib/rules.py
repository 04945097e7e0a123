"""From the settings to the rules that each part goes by. Pure."""

from __future__ import annotations

from lib.ai.attempt import Waits
from lib.ai.away import AwayRules
from lib.ai.booking import BookingRules
from lib.ai.door import DoorRules
from lib.ai.retry import BreakerPolicy, RetryPolicy
from lib.kv.cache import ClassSeconds
from lib.kv.deduplication import Windows
from lib.kv.pipeline import KvLimits
from lib.settings import Settings
from lib.tiers import LimitTable


def kv_limits(settings: Settings) -> KvLimits:
    """How long the KV is waited for, and when it is no longer asked."""
    kv = settings.kv
    return KvLimits(
        connect_seconds=kv.connect_timeout_seconds,
        total_seconds=kv.timeout_seconds,
        circuit_failures=kv.circuit_failures,
        circuit_open_seconds=kv.circuit_open_seconds,
    )


def windows(settings: Settings) -> Windows:
    """How long finished requests are recognised."""
    return Windows(settings.dedup.window_seconds * 1000, settings.dedup.idempotency_seconds * 1000)


def away_rules(settings: Settings, table: LimitTable) -> AwayRules:
    """What holds while the KV is away."""
    kv = settings.kv
    return AwayRules(
        closed_tiers=frozenset(tier.name for tier in table.tiers if kv.fails_closed(tier.name)),
        budget_percent=kv.away_budget_percent,
        windows=windows(settings),
    )


def door_rules(settings: Settings) -> DoorRules:
    """Steps 1 to 3."""
    return DoorRules(
        lease_ms=settings.dedup.lease_seconds * 1000,
        cache_enabled=settings.cache.enabled,
        shared_cache=settings.cache.scope == "shared",
        dedup_enabled=settings.dedup.enabled,
    )


def breaker_policy(settings: Settings) -> BreakerPolicy:
    """When a model is no longer asked."""
    return BreakerPolicy(settings.retry.breaker_failures, settings.retry.breaker_open_seconds)


def retry_policy(settings: Settings) -> RetryPolicy:
    """How often a model is asked again, and after how long."""
    return RetryPolicy(settings.retry.max_attempts, settings.retry.base_seconds, settings.retry.max_seconds)


def waits(settings: Settings) -> Waits:
    """How long providers are waited for."""
    given = settings.timeouts
    return Waits(
        connect=given.connect_seconds,
        first_token=given.first_token_seconds,
        between=given.idle_seconds,
        reasoning_first_token=given.reasoning_first_token_seconds,
        reasoning_between=given.reasoning_idle_seconds,
        whole=given.whole_seconds,
        reasoning_whole=given.reasoning_whole_seconds,
    )


def booking_rules(settings: Settings) -> BookingRules:
    """Steps 7 and 8."""
    cache = settings.cache
    return BookingRules(
        windows=windows(settings),
        lease_ms=settings.dedup.lease_seconds * 1000,
        max_entry_bytes=cache.max_entry_bytes,
        classes=ClassSeconds(cache.time_sensitive_seconds, cache.general_seconds, cache.factual_seconds),
        log_prompts=settings.diagnostics.log_prompts,
    )
