"""GET /api/ai/health: is the product able to answer, what works and what does not. Free to call: asks no model."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from lib.contract import Json, JsonObject
from lib.web.asgi import Call
from lib.web.json_route import Reply


@dataclass(frozen=True, slots=True)
class HealthFacts:
    """What health is judged by."""

    kv_available: bool
    kv_error: str
    kv_configured: bool
    providers: tuple[str, ...]
    models: JsonObject
    """By model, as `get_all_model_health` gives it: `status`, `reason`, `circuit`, …"""


def judged(facts: HealthFacts) -> tuple[int, str]:
    """HTTP status and word: 503 only when nothing can answer."""
    states = [model.get("status") for model in facts.models.values() if isinstance(model, dict)]
    if not facts.providers or (states and all(state == "down" for state in states)):
        return 503, "down"
    if not facts.kv_available or any(state != "healthy" for state in states):
        return 200, "degraded"
    return 200, "healthy"


@dataclass(frozen=True, slots=True)
class HealthRoute:
    """Answers with what `look` finds."""

    look: Callable[[], Awaitable[HealthFacts]]
    version: str

    async def __call__(self, _: Call) -> Reply:
        """The health document."""
        facts = await self.look()
        status, word = judged(facts)
        kv: dict[str, Json] = {"configured": facts.kv_configured, "available": facts.kv_available}
        if facts.kv_error:
            kv["error"] = facts.kv_error
        body: dict[str, Json] = {
            "status": word,
            "version": self.version,
            "kv": kv,
            "providers": list(facts.providers),
            "models": facts.models,
        }
        return Reply(body, status)
