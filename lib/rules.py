"""From the settings to the rules that each part goes by. Pure."""

from __future__ import annotations

from lib.ai.attempt import Waits
from lib.ai.away import AwayRules
from lib.ai.booking import BookingRules
from lib.ai.door import DoorRules
from lib.ai.near.tier import NearRules
from lib.ai.plan import ShadowPolicy
from lib.ai.retry import BreakerPolicy, RetryPolicy
from lib.ai.router.judgement import Judgement
from lib.ai.router.quality import read_quality
from lib.ai.router.shadow import WEIGHT_NAMES
from lib.errors import SettingsError
from lib.kv.cache import ClassSeconds, Lifetimes
from lib.kv.cache.ttl_given import rules_from_json
from lib.kv.deduplication import Windows
from lib.kv.pipeline import KvLimits
from lib.settings import Settings, json_text
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


def near_rules(settings: Settings) -> NearRules | None:
    """Hits on questions that mean the same; None where there are none."""
    cache = settings.cache
    if not cache.enabled or (cache.mode == "exact" and not cache.experiments):
        return None
    return NearRules(
        mode=cache.mode,
        max_wrong=cache.near_max_wrong_percent / 100,
        per_scope=cache.near_pool == "scope",
        shared=cache.scope == "shared",
        judged=bool(cache.near_judge),
    )


def judgement(settings: Settings) -> Judgement:
    """How models are weighed. Raises SettingsError for a quality table that is none."""
    routing = settings.routing
    if not routing.quality:
        return Judgement(routing.policy)
    try:
        table = read_quality(json_text("ROUTING_QUALITY", routing.quality).encode())
    except (ValueError, TypeError, KeyError) as error:
        raise SettingsError(f"ROUTING_QUALITY must be a quality table (docs/routing.md): {error}") from error
    return Judgement(routing.policy, table)


def shadow_policy(settings: Settings) -> ShadowPolicy | None:
    """The policy that is compared with the one in force. Raises SettingsError for a weight that is none."""
    given = settings.routing.shadow
    if given is None:
        return None
    if unknown := sorted(given.weights.keys() - set(WEIGHT_NAMES)):
        raise SettingsError(f"ROUTING_SHADOW: weights are {', '.join(WEIGHT_NAMES)}, not {', '.join(unknown)}")
    return ShadowPolicy(given.kind, given.weights)


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


def lifetimes(settings: Settings) -> Lifetimes:
    """How long answers are kept. Raises SettingsError."""
    cache = settings.cache
    return Lifetimes(
        ClassSeconds(cache.time_sensitive_seconds, cache.general_seconds, cache.factual_seconds),
        rules_from_json(json_text("CACHE_TTL_RULES", cache.ttl_rules)) if cache.ttl_rules else (),
    )


def booking_rules(settings: Settings) -> BookingRules:
    """Steps 7 and 8."""
    cache = settings.cache
    return BookingRules(
        windows=windows(settings),
        lease_ms=settings.dedup.lease_seconds * 1000,
        max_entry_bytes=cache.max_entry_bytes,
        lifetimes=lifetimes(settings),
        log_prompts=settings.diagnostics.log_prompts,
    )
