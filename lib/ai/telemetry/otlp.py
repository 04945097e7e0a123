"""Finished requests in OTLP's JSON (opentelemetry-proto 1.x), with the names of the GenAI semantic conventions. Pure.

Each request is a span, each try at a model a span within it; metrics are delta histograms with the conventions' bounds.
Nothing of prompts or answers is in it; users appear by their hash.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from lib.ai.observability.record import UsageRecord
from lib.answer import Attempt
from lib.contract import Json, JsonObject

SCOPE: Final = "ai-orchestrator"
SERVER, CLIENT = 2, 3
"""Kinds of spans."""
DELTA: Final = 1
FAILED: Final = 2
DURATION: Final = "gen_ai.client.operation.duration"
TOKENS: Final = "gen_ai.client.token.usage"
SECONDS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
COUNTS: Final = tuple(float(4**power) for power in range(14))
PROVIDERS: Final = {"google": "gcp.gemini", "mistral": "mistral_ai", "xai": "x_ai", "moonshot": "moonshot_ai"}
"""Where the conventions' name is not ours."""
_PARENT: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
Labels: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """Where a span belongs: ids in hex, the parent's empty for a root."""

    trace_id: str
    span_id: str
    parent_id: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """One request as it is told. `tries` has all of them, in order; `span_ids` one more id for each."""

    record: UsageRecord
    tries: Sequence[Attempt]
    trace: Trace
    span_ids: Sequence[str] = field(default=())


def parent_of(traceparent: str) -> tuple[str, str] | None:
    """Trace and span of a W3C `traceparent` header, or None where there is none to continue."""
    found = _PARENT.fullmatch(traceparent.strip())
    if found is None or not found[1].strip("0") or not found[2].strip("0"):
        return None
    return found[1], found[2]


def traces(finished: Sequence[Finished], resource: JsonObject) -> JsonObject:
    """An ExportTraceServiceRequest."""
    spans: list[Json] = [span for one in finished for span in _spans(one)]
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": SCOPE}, "spans": spans}]}]}


def metrics(finished: Sequence[Finished], resource: JsonObject, since: float, until: float) -> JsonObject:
    """An ExportMetricsServiceRequest of what these requests add."""
    durations: dict[Labels, list[float]] = defaultdict(list)
    tokens: dict[Labels, list[float]] = defaultdict(list)
    for one in finished:
        record, labels = one.record, _labels(one.record)
        failed = (("error.type", record.error),) if record.error else ()
        durations[(*labels, *failed)].append(record.latency_ms / 1000)
        for kind, count in (("input", record.usage.input_tokens), ("output", record.usage.output_tokens)):
            if count:
                tokens[(*labels, ("gen_ai.token.type", kind))].append(float(count))
    found: list[Json] = [
        _histogram(DURATION, "s", _points(durations, SECONDS, since, until)),
        _histogram(TOKENS, "{token}", _points(tokens, COUNTS, since, until)),
    ]
    return {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"scope": {"name": SCOPE}, "metrics": found}]}]}


def resource_of(attributes: Mapping[str, str]) -> JsonObject:
    """Who sends."""
    return {"attributes": _attributes(attributes)}


def _spans(one: Finished) -> list[Json]:
    record, trace = one.record, one.trace
    end = record.at
    start = end - record.latency_ms / 1000
    kind: JsonObject = {"name": f"chat {record.requested or record.model}", "kind": SERVER}
    spans: list[Json] = [{**kind, **_place(trace), **_told((start, end), _about(record), record.error)}]
    began = start
    for attempt, span_id in zip(one.tries, one.span_ids, strict=False):
        ended = min(end, began + attempt.milliseconds / 1000)
        said: dict[str, Json] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": provider_name(attempt.model),
            "gen_ai.request.model": attempt.model,
            "http.response.status_code": attempt.status,
        }
        failure = "" if attempt.outcome == "ok" else attempt.outcome
        kind = {"name": f"chat {attempt.model}", "kind": CLIENT}
        within = Trace(trace.trace_id, span_id, trace.span_id)
        spans.append({**kind, **_place(within), **_told((began, ended), said, failure)})
        began = ended
    return spans


def _about(record: UsageRecord) -> dict[str, Json]:
    first = record.first_token_ms
    return {
        **dict(_labels(record)),
        "gen_ai.response.model": record.model,
        "gen_ai.response.time_to_first_chunk": None if first is None else first / 1000,
        "gen_ai.usage.input_tokens": record.usage.input_tokens,
        "gen_ai.usage.output_tokens": record.usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": record.usage.cached_input_tokens,
        "ai_gateway.kind": record.kind,
        "ai_gateway.request_id": record.request_id,
        "ai_gateway.cost_usd": record.cost_micro_usd / 1_000_000,
        "ai_gateway.task": record.task,
        "ai_gateway.tier": record.tier,
        "ai_gateway.fallback": record.fallback,
        "enduser.pseudo.id": record.person,
    }


def _place(trace: Trace) -> JsonObject:
    parent: JsonObject = {"parentSpanId": trace.parent_id} if trace.parent_id else {}
    return {"traceId": trace.trace_id, "spanId": trace.span_id, **parent}


def _told(times: tuple[float, float], attributes: Mapping[str, Json], error: str) -> JsonObject:
    span: JsonObject = {
        "startTimeUnixNano": _nano(times[0]),
        "endTimeUnixNano": _nano(times[1]),
        "attributes": _attributes({**attributes, "error.type": error}),
    }
    return {**span, "status": {"code": FAILED, "message": error}} if error else span


def provider_name(model: str) -> str:
    """The conventions' name of a catalogue model's provider."""
    provider = model.partition("/")[0]
    return PROVIDERS.get(provider, provider)


def _labels(record: UsageRecord) -> Labels:
    return (
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", provider_name(record.model)),
        ("gen_ai.request.model", record.requested or record.model),
    )


def _points(
    values: Mapping[Labels, Sequence[float]], bounds: Sequence[float], since: float, until: float
) -> list[Json]:
    points: list[Json] = []
    for labels, found in values.items():
        buckets = [0] * (len(bounds) + 1)
        for value in found:
            buckets[bisect_left(bounds, value)] += 1
        points.append(
            {
                "attributes": _attributes(dict(labels)),
                "startTimeUnixNano": _nano(since),
                "timeUnixNano": _nano(until),
                "count": str(len(found)),
                "sum": sum(found),
                "bucketCounts": [str(count) for count in buckets],
                "explicitBounds": list(bounds),
            }
        )
    return points


def _histogram(name: str, unit: str, points: list[Json]) -> Json:
    return {"name": name, "unit": unit, "histogram": {"aggregationTemporality": DELTA, "dataPoints": points}}


def _attributes(values: Mapping[str, Json]) -> list[Json]:
    return [{"key": key, "value": _value(value)} for key, value in values.items() if value not in (None, "")]


def _value(value: Json) -> Json:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": str(value)}


def _nano(seconds: float) -> str:
    """64-bit numbers are text in OTLP's JSON."""
    return str(round(seconds * 1_000_000) * 1_000)
