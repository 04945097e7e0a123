"""All settings, read from the environment once, and what follows from them: limits, catalogue, providers with a key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from lib.catalog.catalog import Catalog
from lib.catalog.providers import DEMO
from lib.catalog.rows import Protocol, ProviderRow
from lib.errors import SettingsError
from lib.settings.alerts import Alerts
from lib.settings.batches import Batches
from lib.settings.budgets import Budgets
from lib.settings.embeddings import Embeddings
from lib.settings.groups import (
    Access,
    Cache,
    Dedup,
    Diagnostics,
    Environment,
    Kv,
    Limits,
    Providers,
    RequestTimeouts,
    Retry,
    Routing,
    Streams,
)
from lib.settings.identity import Jwt, OwnKeys, Subscriptions
from lib.settings.rollout import RolloutSettings
from lib.settings.telemetry import Telemetry
from lib.settings.usage import UsageSettings
from lib.tiers import CLASS_LIMITS, TIERS, LimitTable, Tier

OTHER_KEY_VARIABLES: Final = {
    "GEMINI_API_KEY": ("GOOGLE_GENERATIVE_AI_API_KEY", "GOOGLE_API_KEY"),
    "AI_GATEWAY_API_KEY": ("VERCEL_OIDC_TOKEN",),
}
"""Other names under which vendors' own tools look for the same key."""
CROWELOGIC_MODEL: Final = "crowelogic/mini"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything configurable; no secret shows in its repr."""

    environment: Environment
    access: Access
    kv: Kv
    providers: Providers
    limits: Limits
    budgets: Budgets
    retry: Retry
    timeouts: RequestTimeouts
    streams: Streams
    cache: Cache
    embeddings: Embeddings
    dedup: Dedup
    routing: Routing
    diagnostics: Diagnostics
    batches: Batches
    jwt: Jwt
    subscriptions: Subscriptions
    own_keys: OwnKeys
    rollout: RolloutSettings
    usage: UsageSettings
    telemetry: Telemetry
    alerts: Alerts
    _env: Mapping[str, str] = field(repr=False)

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read all variables; empty ones count as unset. Raises SettingsError naming the variable and what it takes."""
        environment = Environment.from_env(env, production=True)
        production = environment.production
        return cls(
            environment=environment,
            access=Access.from_env(env, production=production),
            kv=Kv.from_env(env, production=production),
            providers=Providers.from_env(env, production=production),
            limits=Limits.from_env(env, production=production),
            budgets=Budgets.from_env(env, production=production),
            retry=Retry.from_env(env, production=production),
            timeouts=RequestTimeouts.from_env(env, production=production),
            streams=Streams.from_env(env, production=production),
            cache=Cache.from_env(env, production=production),
            embeddings=Embeddings.from_env(env, production=production),
            dedup=Dedup.from_env(env, production=production),
            routing=Routing.from_env(env, production=production),
            diagnostics=Diagnostics.from_env(env, production=production),
            batches=Batches.from_env(env, production=production),
            jwt=Jwt.from_env(env, production=production),
            subscriptions=Subscriptions.from_env(env, production=production),
            own_keys=OwnKeys.from_env(env, production=production),
            rollout=RolloutSettings.from_env(env, production=production),
            usage=UsageSettings.from_env(env, production=production),
            telemetry=Telemetry.from_env(env, production=production),
            alerts=Alerts.from_env(env, production=production),
            _env=env,
        )

    def limit_table(self) -> LimitTable:
        """The limits in force. Raises SettingsError for a tier or class that does not exist."""
        given = self.limits
        tiers, classes = [tier.name for tier in TIERS], [row.name for row in CLASS_LIMITS]
        for variable, names, known in (
            ("TIER_LIMITS", given.tiers, tiers),
            *((variable, names, tiers) for variable, names in self.budgets.by_tier),
            ("KV_FAIL_CLOSED_TIERS", self.kv.fail_closed_tiers, tiers),
            ("BYOK_ALLOWED_TIERS", self.own_keys.tiers, tiers),
            ("STRIPE_PRICE_TIERS", tuple(self.subscriptions.stripe_tiers.values()), tiers),
            ("MODEL_CLASS_LIMITS", given.classes, classes),
        ):
            if strange := [name for name in names if name not in known]:
                raise SettingsError(f"{variable} must name some of {', '.join(known)}, not {strange[0]}")
        return LimitTable(
            tiers=tuple(self._tier(tier) for tier in TIERS),
            classes=tuple(replace(row, limit=given.classes.get(row.name, row.limit)) for row in CLASS_LIMITS),
            address_limit=given.address_per_minute,
            budget=self.budgets.of_all,
        )

    def _tier(self, tier: Tier) -> Tier:
        limit, lockout = self.limits.tiers.get(tier.name, (tier.limit, tier.lockout_seconds))
        return replace(
            tier,
            limit=limit,
            lockout_seconds=lockout,
            budget=self.budgets.of_user(tier.name),
            total=self.budgets.of_tier(tier.name),
        )

    def catalog(self) -> Catalog:
        """The catalogue with the operator's rows and every provider's base URL in force. Raises SettingsError."""
        catalog = Catalog.build()
        if self.providers.models:
            catalog = catalog.with_extra(json_text("GATEWAY_MODELS", self.providers.models))
        models = tuple(
            replace(row, usd_per_million=row.usd_per_million or self.providers.crowelogic_price)
            if row.id == CROWELOGIC_MODEL
            else row
            for row in catalog.models
        )
        if self.routing.baseline_model not in {row.id for row in models}:
            raise SettingsError("BASELINE_MODEL must be the id of a model, such as openai/gpt-4o")
        return Catalog.build(models, tuple(self._addressed(row) for row in catalog.providers), catalog.aliases)

    def provider_keys(self, catalog: Catalog) -> Mapping[str, str]:
        """The providers that can be called and their keys, empty where none is needed."""
        keys: dict[str, str] = {}
        for row in catalog.providers:
            key = self._key(row)
            if row.protocol is not Protocol.DEMO and row.base_url and (key or not row.key_variable):
                keys[row.id] = key
        demo = self.providers.demo
        if demo is None:
            demo = not keys and not self.environment.production
        return {**keys, DEMO: ""} if demo else keys

    def _key(self, row: ProviderRow) -> str:
        names = (row.key_variable, *OTHER_KEY_VARIABLES.get(row.key_variable, ()))
        return next((key for name in names if name and (key := self._env.get(name, "").strip())), "")

    def _addressed(self, row: ProviderRow) -> ProviderRow:
        name = base_url_variable(row.id)
        given = self._env.get(name, "").strip().rstrip("/")
        if not given or row.protocol is Protocol.DEMO:
            return row
        if not given.startswith(("https://", "http://")):
            raise SettingsError(f"{name} must start with https:// or http://")
        return replace(row, base_url=given)


def json_text(name: str, given: str) -> str:
    """What a variable gives: JSON, or the path of a JSON file. Raises SettingsError for a file that cannot be read."""
    if given.startswith(("{", "[")):
        return given
    try:
        return Path(given).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise SettingsError(f"{name} must be JSON or the path of a JSON file: {error}") from error


def base_url_variable(provider_id: str) -> str:
    """The variable that overrides a provider's base URL: `OPENAI_BASE_URL` for `openai`."""
    return f"{provider_id.upper().replace('-', '_').replace('.', '_')}_BASE_URL"
