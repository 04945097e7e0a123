"""What the operator's routes answer, as schemas."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from lib.web.openapi.answered import Camel, Count


class ModelHealth(BaseModel):
    """How a model has answered of late."""

    status: Literal["healthy", "degraded", "down"]


class StoreHealth(BaseModel):
    """Whether the store answers."""

    configured: bool
    available: bool
    error: str | None = None


class Health(BaseModel):
    """What works and what does not."""

    status: Literal["healthy", "degraded", "down"]
    version: str
    kv: StoreHealth
    providers: list[str]
    models: dict[str, ModelHealth]


class ApiKey(Camel):
    """A key as it may be shown again and again."""

    id: str
    prefix: str
    user_id: str
    name: str
    status: str
    tier: str | None
    daily_budget_usd: float | None
    monthly_budget_usd: float | None
    daily_tokens: int | None
    monthly_tokens: int | None
    models: list[str]
    tags: list[str]
    created_at: str | None
    expires_at: str | None
    rotated_at: str | None
    old_secret_until: str | None
    last_used_at: str | None
    revoked_at: str | None


class IssuedKey(ApiKey):
    """A key with its secret, which is shown this once."""

    key: str


class ApiKeyPage(BaseModel):
    """Keys, the newest first."""

    keys: list[ApiKey]
    cursor: str | None


class AutoRollback(Camel):
    """When the rollout is turned back by itself."""

    enabled: bool
    margin_percent: float
    min_requests: int


class Rollout(Camel):
    """How far the rollout has come."""

    percent: Annotated[float, Field(ge=0, le=100)]
    changed_at: float | None
    auto_rollback: AutoRollback
    turned_back: bool
    last_rollback: dict[str, object] | None
    lately: dict[str, object]


class TestedLimit(BaseModel):
    """The caller's window of the test route."""

    allowed: bool
    limit: Count
    remaining: int
    reset: float


class TestedCache(BaseModel):
    """What the store answered, and how fast."""

    ok: bool
    steps: dict[str, object]
