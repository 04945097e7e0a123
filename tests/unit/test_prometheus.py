"""Metrics in Prometheus' text, as its own parser reads them."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from lib.contract import JsonObject
from lib.web.prometheus import exposition
from tests.support.asgi_client import request
from tests.support.deployment import ADMIN, SERVICE, deployed

MODELS: JsonObject = {
    "openai/gpt-4o": {
        "totalRequests": 12,
        "errors": 2,
        "inputTokens": 900,
        "outputTokens": 80,
        "totalCostMicroUsd": 4_200,
        "latency": {"averageMs": 300, "p50Ms": 250, "p95Ms": 700, "p99Ms": None},
    },
    "idle/model": {"totalRequests": 0},
    'odd"\\\nname': {"totalRequests": 1},
}
HEALTH: JsonObject = {"openai/gpt-4o": {"status": "degraded"}, "idle/model": {"status": "healthy"}}


def samples(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_every_figure_is_read_back_with_its_model() -> None:
    found = samples("".join(exposition(MODELS, HEALTH, store_up=True)))
    assert found["ai_gateway_requests_total", ("openai/gpt-4o",)] == 12
    assert found["ai_gateway_tokens_total", ("openai/gpt-4o", "output")] == 80
    assert found["ai_gateway_latency_milliseconds", ("openai/gpt-4o", "0.95")] == 700
    assert ("ai_gateway_latency_milliseconds", ("openai/gpt-4o", "0.99")) not in found
    assert ("ai_gateway_requests_total", ("idle/model",)) not in found
    assert found["ai_gateway_requests_total", ('odd"\\\nname',)] == 1
    assert found["ai_gateway_model_state", ("openai/gpt-4o", "degraded")] == 1
    assert found["ai_gateway_model_state", ("openai/gpt-4o", "healthy")] == 0
    assert found["ai_gateway_store_up", ()] == 1


async def test_the_operator_reads_todays_metrics_and_nobody_else_does() -> None:
    async with deployed() as site:
        here = site.instance()
        assert (await here.chat()).status == 200
        app, path = here.app("admin"), "/api/ai/admin/metrics"
        answer = await request(app, path=path, authorization=f"Bearer {ADMIN}")
        assert answer.status == 200
        found = samples(answer.body.decode())
        assert found["ai_gateway_requests_total", ("openai/gpt-4o",)] == 1
        assert (await request(app, path=path)).status == 401
        assert (await request(app, path=path, authorization=f"Bearer {SERVICE}")).status == 403
