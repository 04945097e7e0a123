"""Every setting, by the part that reads it: one row is a variable, its type, its default and its line in the README."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lib.settings.alerts import Alerts
from lib.settings.batches import Batches
from lib.settings.budgets import Budgets
from lib.settings.embeddings import Embeddings
from lib.settings.identity import Jwt, OwnKeys, Subscriptions
from lib.settings.rollout import RolloutSettings
from lib.settings.shadow import GivenShadow, shadow
from lib.settings.telemetry import Telemetry
from lib.settings.usage import UsageSettings
from lib.settings.variables import (
    Group,
    choice,
    flag,
    number,
    optional_number,
    optional_price,
    pairs,
    price,
    secret,
    secrets,
    switch,
    text,
    whole,
    words,
)
from lib.tiers import ADDRESS_LIMIT


class Environment(Group):
    """Where this runs. The VERCEL variables are set by the platform."""

    gateway: str = choice(
        "GATEWAY_ENV", ("production", "development"), "Overrides the guess: production on Vercel, development elsewhere"
    )
    vercel_stage: str = text("VERCEL_ENV", "", "Set by Vercel: production, preview or development")
    on_vercel: bool = flag(
        "VERCEL", "Set by Vercel; only then are its client-address headers trusted", production=False
    )
    version: str = text("VERCEL_GIT_COMMIT_SHA", "", "Set by Vercel; the version that health shows")

    @property
    def production(self) -> bool:
        """Whether strangers can reach this: a preview deployment counts."""
        if self.gateway:
            return self.gateway == "production"
        return self.on_vercel and self.vercel_stage != "development"


class Access(Group):
    """Who may call. An unset secret closes its endpoints."""

    service_token: str | None = secret(
        "GATEWAY_SERVICE_TOKEN", "Bearer token of your own servers, which may name `userId` and tier"
    )
    admin_token: str | None = secret("GATEWAY_ADMIN_TOKEN", "Bearer token for stats and administration")
    cron_secret: str | None = secret("CRON_SECRET", "Bearer token that Vercel's cron jobs send")
    allow_anonymous: bool = flag(
        "ALLOW_ANONYMOUS", "Lets callers without a token in, on the free tier", production=False, development=True
    )
    cors_origins: tuple[str, ...] = words("CORS_ORIGINS", "Origins of browsers that may call, or `*`")


class Kv(Group):
    """The store. Its address and token are read by the store's client (`UPSTASH_REDIS_REST_*` or `KV_REST_API_*`)."""

    namespace: str = text("KV_NAMESPACE", "aig", "Prefix of every key, so that deployments can share a database")
    hash_secret: str | None = secret(
        "GATEWAY_HASH_SECRET", "Keys the hashes of user ids and addresses in the store, and seals API keys"
    )
    encryption_keys: tuple[str, ...] = secrets(
        "ENCRYPTION_KEYS",
        "Seal texts of users in the store: the first key seals, all open (docs/privacy.md)",
        shortest=32,
    )
    connect_timeout_seconds: float = number(
        "KV_CONNECT_TIMEOUT_SECONDS", 1.0, "Longest wait for a connection", low=0.01
    )
    timeout_seconds: float = number("KV_TIMEOUT_SECONDS", 1.5, "Longest wait for one call", low=0.01)
    circuit_failures: int = whole(
        "KV_CIRCUIT_FAILURES",
        3,
        "Failed calls in a row after which the store is left alone; one timeout is enough",
        low=1,
    )
    circuit_open_seconds: float = number("KV_CIRCUIT_OPEN_SECONDS", 5.0, "How long it is left alone")
    fail_mode: str = choice(
        "KV_FAIL_MODE",
        ("open", "closed"),
        "Without the store: `open` answers under per-instance limits, `closed` refuses",
        default="open",
    )
    fail_closed_tiers: tuple[str, ...] = words("KV_FAIL_CLOSED_TIERS", "Tiers refused without the store in any mode")

    away_budget_percent: int = whole(
        "KV_AWAY_BUDGET_PERCENT",
        10,
        "Share of the daily budget that one instance lets a user spend without the store",
        high=100,
    )

    def fails_closed(self, tier: str) -> bool:
        """Whether callers of `tier` are refused while the store is away."""
        return self.fail_mode == "closed" or tier in self.fail_closed_tiers


def _limit(given: str) -> int:
    if int(given) < 1:
        raise ValueError(given)
    return int(given)


def _limit_and_lockout(given: str) -> tuple[int, int]:
    limit, _, lockout = given.partition("/")
    numbers = int(limit), int(lockout or "0")
    if numbers[0] < 1 or numbers[1] < 0:
        raise ValueError(given)
    return numbers


class Providers(Group):
    """Who can answer. A provider without its key is not there."""

    demo: bool | None = switch(
        "DEMO_PROVIDER",
        "Answers of the built-in demo, without a network",
        "on in development without any key, else off",
    )
    models: str = text("GATEWAY_MODELS", "", "Further providers and models: JSON, or the path of a JSON file")
    crowelogic_price: tuple[float, float] | None = optional_price("CROWELOGIC_PRICE", "Price of crowelogic/mini")


class Limits(Group):
    """Limits, where they differ from the defaults of `lib.tiers`."""

    at_once: int = whole(
        "MAX_CONCURRENT_REQUESTS", 400, "Chats one instance carries at a time; further ones get `503` at once", low=1
    )
    address_per_minute: int = whole("IP_LIMIT_PER_MINUTE", ADDRESS_LIMIT, "Requests per minute from one address", low=1)
    tiers: Mapping[str, tuple[int, int]] = pairs(
        "TIER_LIMITS",
        "Requests per minute and lockout seconds by tier",
        "tier=requests/lockout-seconds,… such as free=10/300,pro=50/60",
        _limit_and_lockout,
    )
    classes: Mapping[str, int] = pairs(
        "MODEL_CLASS_LIMITS", "Requests per minute and user by model class", "class=requests,… such as o1=5", _limit
    )


class Retry(Group):
    """Trying again, and when to stop trying."""

    max_attempts: int = whole("RETRY_MAX_ATTEMPTS", 3, "Tries at one model", low=1, high=10)
    base_seconds: float = number("RETRY_BASE_SECONDS", 1.0, "Longest wait before the second try; doubles each time")
    max_seconds: float = number("RETRY_MAX_SECONDS", 30.0, "Longest wait before any try")
    budget_percent: int = whole(
        "RETRY_BUDGET_PERCENT", 20, "Retries allowed per hundred requests of an instance", high=100
    )
    breaker_failures: int = whole(
        "BREAKER_FAILURES", 5, "Failures in a row that stop calls to a model", low=1, high=1000
    )
    breaker_open_seconds: float = number("BREAKER_OPEN_SECONDS", 60.0, "How long they stay stopped, then one probe")


class RequestTimeouts(Group):
    """Bounds on waiting for providers; the reasoning ones hold for models that think first."""

    total_seconds: float = number("REQUEST_TIMEOUT_SECONDS", 120.0, "A whole request, all tries included", low=0.1)
    connect_seconds: float = number("CONNECT_TIMEOUT_SECONDS", 5.0, "A connection to a provider", low=0.01)
    first_token_seconds: float = number("FIRST_TOKEN_TIMEOUT_SECONDS", 30.0, "The first token", low=0.01)
    reasoning_first_token_seconds: float = number(
        "REASONING_FIRST_TOKEN_TIMEOUT_SECONDS", 90.0, "The first token of a reasoning model", low=0.01
    )
    idle_seconds: float = number("IDLE_TIMEOUT_SECONDS", 20.0, "Silence within an answer", low=0.01)
    reasoning_idle_seconds: float = number(
        "REASONING_IDLE_TIMEOUT_SECONDS", 60.0, "Silence within a reasoning model's answer", low=0.01
    )
    whole_seconds: float = number(
        "WHOLE_ANSWER_TIMEOUT_SECONDS", 75.0, "An answer that is not streamed, until the next model is asked", low=0.01
    )
    reasoning_whole_seconds: float = number(
        "REASONING_WHOLE_ANSWER_TIMEOUT_SECONDS", 100.0, "The same of a reasoning model", low=0.01
    )


class Streams(Group):
    """How much of a stream is held back at first, and asking a second model when the first is late."""

    commit_tokens: int = whole(
        "STREAM_COMMIT_TOKENS", 0, "Tokens held back before a stream is shown: a failure within them goes unseen"
    )
    commit_seconds: float = number(
        "STREAM_COMMIT_SECONDS", 0.0, "Longest time they are held back, from the first on; 0 for no bound"
    )
    resume: bool = flag(
        "STREAM_RESUME", "UI streams are answered to the end without their caller, who can come back", production=True
    )
    hedge_percent: int = whole(
        "HEDGE_PERCENT", 0, "Requests per hundred that may ask a second model when the first is late", high=5
    )


class Cache(Group):
    """Keeping answers."""

    enabled: bool = flag("CACHE_ENABLED", "Answers repeated questions from the store", production=True)
    scope: str = choice(
        "CACHE_SCOPE", ("user", "shared"), "Who may get an answer: the same user, or anyone", default="user"
    )
    time_sensitive_seconds: int = whole("CACHE_TTL_TIME_SENSITIVE_SECONDS", 300, "Lifetime of what changes by the hour")
    general_seconds: int = whole("CACHE_TTL_GENERAL_SECONDS", 1_800, "Lifetime of everything else")
    factual_seconds: int = whole("CACHE_TTL_FACTUAL_SECONDS", 86_400, "Lifetime of lasting facts")
    ttl_rules: str = text(
        "CACHE_TTL_RULES", "", "JSON, or the path of a file of it: lifetime rules of your own (docs/cache.md)"
    )
    mode: str = choice(
        "CACHE_MODE",
        ("exact", "shadow", "near"),
        "What is a hit: the same question; with `near` also one that means the same, once such hits are certified; "
        "`shadow` only measures them (docs/cache.md)",
        default="exact",
    )
    near_max_wrong_percent: float = number(
        "CACHE_NEAR_MAX_WRONG_PERCENT", 1.0, "Near hits that may be wrong, of a hundred", low=0.1, high=10.0
    )
    near_pool: str = choice(
        "CACHE_NEAR_POOL",
        ("deployment", "scope"),
        "Whose comparisons certify near hits: all users' together, or those of one user, model and instructions alone",
        default="deployment",
    )
    near_judge: str = text(
        "CACHE_NEAR_JUDGE_MODEL",
        "",
        "A model that compares two answers where words do not show whether they are the same; without one that counts "
        "against near hits",
    )
    experiments: bool = flag(
        "CACHE_EXPERIMENTS", "Splits users into arms with different caches (docs/cache.md)", production=False
    )
    max_entry_bytes: int = whole("CACHE_MAX_ENTRY_BYTES", 262_144, "Longer answers are not kept", low=1_024)


class Dedup(Group):
    """Recognising the same request twice."""

    enabled: bool = flag("DEDUP_ENABLED", "Identical requests share one provider call", production=True)
    window_seconds: int = whole(
        "DEDUP_WINDOW_SECONDS", 5, "How long after its answer a request is still recognised", low=1
    )
    lease_seconds: int = whole(
        "DEDUP_LEASE_SECONDS", 10, "After this without a sign of life an original counts as dead", low=1
    )
    idempotency_seconds: int = whole("IDEMPOTENCY_SECONDS", 86_400, "How long an Idempotency-Key is remembered", low=1)


class Routing(Group):
    """Choosing models, and what they cost."""

    default_model: str = text("DEFAULT_MODEL", "auto", "Serves requests that name none; `auto` lets the router choose")
    baseline_model: str = text("BASELINE_MODEL", "openai/gpt-4o", "Savings are counted against this model")
    max_usd_per_million: float | None = optional_number(
        "MAX_USD_PER_MILLION", "Ceiling on the blended price of models the router chooses"
    )
    policy: str = choice(
        "ROUTING_POLICY",
        ("document", "measured"),
        "How `auto` weighs models: by the preferred models and least tiers of each class of work, or by measured "
        "quality against cost alone (docs/routing.md)",
        default="document",
    )
    quality: str = text("ROUTING_QUALITY", "", "A quality table in the place of the shipped one: JSON, or its file")
    learning: bool = flag("ROUTING_LEARNING", "Votes move what the router thinks of models", production=True)
    exploration_percent: float = number(
        "ROUTING_EXPLORATION_PERCENT",
        5.0,
        "`auto` requests that may try another model than the first, where users vote (docs/routing.md)",
        high=20.0,
    )
    shadow: GivenShadow | None = shadow(
        "ROUTING_SHADOW", "A policy that is compared with the one in force on `auto` requests, without serving any"
    )
    price_ceiling: tuple[float, float] = price(
        "PRICE_CEILING", (75.0, 150.0), "Billed for a model whose price nobody knows"
    )


class Diagnostics(Group):
    """What helps to look inside."""

    test_endpoints: bool = flag(
        "TEST_ENDPOINTS", "Serves /api/ai/test-rate-limit and /api/ai/test-cache", production=False, development=True
    )
    log_prompts: bool = flag("LOG_PROMPTS", "Writes prompts and answers to the log", production=False)
    api_docs: bool = flag("API_DOCS", "Serves the description of all routes at /api/ai/openapi.json", production=True)


GROUPS: Final[tuple[type[Group], ...]] = (
    Environment,
    Access,
    Kv,
    Providers,
    Limits,
    Budgets,
    Retry,
    RequestTimeouts,
    Streams,
    Cache,
    Embeddings,
    Dedup,
    Routing,
    Diagnostics,
    Batches,
    Jwt,
    Subscriptions,
    OwnKeys,
    RolloutSettings,
    UsageSettings,
    Telemetry,
    Alerts,
)
"""In the order of the README."""
