"""The JSON answer of /api/ai/v2/chat, and the metadata that every protocol carries in its own place."""

from __future__ import annotations

import orjson

from lib.answer import Answer, CacheKind, Choice, Done, Report, Usage
from lib.contract import Json, JsonObject
from lib.web.encoders import usd


def encode_json(done: Done) -> bytes:
    """The whole answer. `content`, `finishReason`, … are the first choice's; `choices` is there when n > 1."""
    answer, report = done.answer, done.report
    body: JsonObject = {
        **_choice(answer.choices[0]),
        "cached": cached(report),
        "cost": usd(report.cost_micro_usd),
        "latencyMs": report.latency_ms,
        "modelUsed": report.model_used,
        "modelRequested": report.model_requested,
        "provider": report.provider,
        "usage": usage(answer.usage),
        "metadata": metadata(report, answer),
    }
    if len(answer.choices) > 1:
        body["choices"] = [{"index": index, **_choice(choice)} for index, choice in enumerate(answer.choices)]
    return orjson.dumps(body)


def cached(report: Report) -> Json:
    """False, or how the answer came without a call of its own."""
    return report.cached.value if report.cached is not None else False


def usage(figures: Usage) -> JsonObject:
    """Token counts in AI SDK's names; `inputTokens` includes cached ones, `outputTokens` reasoning."""
    return {
        "inputTokens": figures.input_tokens,
        "outputTokens": figures.output_tokens,
        "totalTokens": figures.total_tokens,
        "cachedInputTokens": figures.cached_input_tokens,
        "reasoningTokens": figures.reasoning_tokens,
    }


def metadata(report: Report, answer: Answer) -> JsonObject:
    """How the answer came about. `estimated` says that the token counts were not the provider's."""
    return {
        "requestId": report.request_id,
        "health": report.health,
        "attempts": [
            {
                "model": attempt.model,
                "outcome": attempt.outcome,
                "status": attempt.status,
                "milliseconds": attempt.milliseconds,
                "cost": usd(attempt.cost_micro_usd),
            }
            for attempt in report.attempts
        ],
        "routing": report.routing,
        "cache": _cache(report),
        "firstTokenMs": report.first_token_ms,
        "estimated": answer.usage.estimated,
        "priceKnown": answer.price_known,
        "ownKeys": report.own_keys,
        "degraded": list(report.degraded),
        "droppedParams": list(report.dropped_params),
    }


def _cache(report: Report) -> JsonObject:
    hit = report.cached in (CacheKind.EXACT, CacheKind.SEMANTIC)
    return {
        "status": report.cache_status,
        "similarity": None,
        "ageSeconds": report.age_seconds if hit else None,
        "ttlClass": report.ttl_class or None,
        "savedUsd": usd(report.saved_micro_usd),
    }


def _choice(choice: Choice) -> JsonObject:
    body: JsonObject = {"content": choice.text, "finishReason": choice.finish_reason.value}
    if choice.reasoning:
        body["reasoning"] = choice.reasoning
    if choice.refusal:
        body["refusal"] = choice.refusal
    if choice.tool_calls:
        body["toolCalls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
                **({"extra_content": call.extra} if call.extra else {}),
            }
            for call in choice.tool_calls
        ]
    if choice.thoughts:
        body["thinkingBlocks"] = [thought.block for thought in choice.thoughts]
    if choice.logprobs is not None:
        body["logprobs"] = choice.logprobs
    return body
