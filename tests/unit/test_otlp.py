"""OTLP: what a receiver reads, by the official definitions; and that trouble with it never reaches a request."""

from __future__ import annotations

import base64
import random
from dataclasses import replace

import orjson
import pytest
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from lib.ai.observability.record import UsageRecord
from lib.ai.run import Run
from lib.ai.telemetry.exporter import KEPT, PAUSE_SECONDS, OtlpExporter, Receiver
from lib.ai.telemetry.otlp import Finished, Trace, metrics, parent_of, resource_of, traces
from lib.answer import Attempt, Usage
from lib.contract import Caller, CallerKind, ChatRequest, Job, Json
from tests.support.clock import HandTurnedClock
from tests.support.side_calls import ScriptedSideCalls

TRACE = Trace("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "00f067aa0ba902b7")
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
IDS = frozenset({"traceId", "spanId", "parentSpanId"})
RESOURCE = resource_of({"service.name": "shop"})


RECORD = UsageRecord(
    request_id="req_1",
    person="ab12",
    tier="pro",
    at=1_000.5,
    kind="call",
    model="anthropic/claude-haiku-5-5",
    requested="gpt-4o",
    task="translation",
    usage=Usage(input_tokens=120, output_tokens=30),
    cost_micro_usd=1_500,
    latency_ms=500,
    first_token_ms=200,
    fallback=True,
)
OTHERS = (
    replace(RECORD, latency_ms=10),
    replace(RECORD, model="google/gemini-3.5-flash-lite", latency_ms=90_000),
)
TRIES = (Attempt("openai/gpt-4o", "overloaded", 529, 100), Attempt("anthropic/claude-haiku-5-5", "ok", None, 400))


def finished(record: UsageRecord = RECORD) -> Finished:
    return Finished(record, TRIES, TRACE, ("00000000000000a1", "00000000000000a2"))


def with_bytes(value: Json) -> Json:
    """OTLP has ids in hex where protobuf's own JSON has base64."""
    if isinstance(value, list):
        return [with_bytes(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64encode(bytes.fromhex(str(one))).decode() if key in IDS else with_bytes(one)
        for key, one in value.items()
    }


def read_traces(document: Json) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    Parse(orjson.dumps(with_bytes(document)), request)
    return request


def test_a_request_is_a_span_with_a_child_for_each_try_one_after_the_other() -> None:
    (resource,) = read_traces(traces([finished()], RESOURCE)).resource_spans
    whole, first, second = resource.scope_spans[0].spans
    assert (whole.trace_id.hex(), whole.span_id.hex(), whole.parent_span_id.hex()) == (
        TRACE.trace_id, TRACE.span_id, TRACE.parent_id,
    )  # fmt: skip
    assert (first.parent_span_id, second.parent_span_id) == (whole.span_id, whole.span_id)
    assert (whole.start_time_unix_nano, whole.end_time_unix_nano) == (1_000_000_000_000, 1_000_500_000_000)
    assert first.end_time_unix_nano == second.start_time_unix_nano == 1_000_100_000_000
    assert (whole.status.code, first.status.code, second.status.code) == (0, 2, 0)
    values = {one.key: one.value for one in whole.attributes}
    assert values["gen_ai.provider.name"].string_value == "anthropic"
    assert values["gen_ai.request.model"].string_value == "gpt-4o"
    assert values["gen_ai.response.model"].string_value == "anthropic/claude-haiku-5-5"
    assert values["gen_ai.usage.input_tokens"].int_value == 120
    assert values["ai_gateway.cost_usd"].double_value == 0.0015
    assert values["ai_gateway.fallback"].bool_value is True
    assert {one.key: one.value.string_value for one in resource.resource.attributes} == {"service.name": "shop"}


def test_an_error_has_its_class_and_marks_the_span() -> None:
    span = read_traces(
        traces([finished(replace(RECORD, kind="error", error="upstream_failed"))], RESOURCE)
    ).resource_spans[0]
    whole = span.scope_spans[0].spans[0]
    assert whole.status.code == 2
    assert "upstream_failed" in {one.value.string_value for one in whole.attributes if one.key == "error.type"}


def test_metrics_are_delta_histograms_whose_buckets_hold_every_request() -> None:
    told = [finished(), *map(finished, OTHERS)]
    document = metrics(told, RESOURCE, 900.0, 1_000.0)
    request = ExportMetricsServiceRequest()
    Parse(orjson.dumps(document), request)
    (resource,) = request.resource_metrics
    duration, tokens = resource.scope_metrics[0].metrics
    assert (duration.name, duration.unit, duration.histogram.aggregation_temporality) == (
        "gen_ai.client.operation.duration", "s", 1,
    )  # fmt: skip
    points = {p.attributes[1].value.string_value: p for p in duration.histogram.data_points}
    assert set(points) == {"anthropic", "gcp.gemini"}
    own = points["anthropic"]
    assert own.count == 2
    assert own.sum == pytest.approx(0.51)
    assert (own.bucket_counts[0], own.bucket_counts[6], sum(own.bucket_counts)) == (1, 1, 2)
    assert points["gcp.gemini"].bucket_counts[-1] == 1
    assert (own.start_time_unix_nano, own.time_unix_nano) == (900_000_000_000, 1_000_000_000_000)
    assert {p.attributes[3].value.string_value for p in tokens.histogram.data_points} == {"input", "output"}


@pytest.mark.parametrize(
    "header",
    ["", "nonsense", "00-" + "0" * 32 + "-b7ad6b7169203331-01", TRACEPARENT.replace("b7ad6b7169203331", "0" * 16)],
)
def test_a_trace_context_that_names_no_trace_is_not_continued(header: str) -> None:
    assert parent_of(header) is None


def run_of(traceparent: str = "") -> Run:
    request = ChatRequest(model="gpt-4o", messages=({"role": "user", "content": "a private question"},))
    caller = Caller("ann@example.com", "pro", CallerKind.USER)
    return Run(Job("req_1", request, caller, 0.0, 60.0, traceparent=traceparent), "ab12", 0.0)


def exporter(receiver: ScriptedSideCalls, clock: HandTurnedClock, **headers: str) -> OtlpExporter:
    where = Receiver("https://otel.example.com/", headers, {"service.name": "shop"})
    return OtlpExporter(receiver, where, clock, random.Random(3))


async def test_a_finished_request_is_sent_at_once_with_the_configured_headers_and_the_callers_trace() -> None:
    receiver, clock = ScriptedSideCalls({}), HandTurnedClock()
    await exporter(receiver, clock, authorization="otel-secret").finished(run_of(TRACEPARENT), RECORD)
    assert {sent.url for sent in receiver.sent} == {
        "https://otel.example.com/v1/traces", "https://otel.example.com/v1/metrics",
    }  # fmt: skip
    assert all(sent.headers["authorization"] == "otel-secret" for sent in receiver.sent)
    span = read_traces(orjson.loads(receiver.sent[0].content)).resource_spans[0].scope_spans[0].spans[0]
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE.trace_id, "b7ad6b7169203331")
    body = b"".join(sent.content for sent in receiver.sent)
    assert b"private question" not in body
    assert b"ann@example.com" not in body


async def test_a_receiver_that_is_down_is_left_alone_for_a_while_and_what_it_missed_is_counted() -> None:
    receiver, clock = ScriptedSideCalls({}, status=0), HandTurnedClock()
    export = exporter(receiver, clock)
    await export.finished(run_of(), RECORD)
    assert (len(receiver.sent), export.dropped) == (2, 1)
    await export.finished(run_of(), RECORD)
    assert (len(receiver.sent), export.dropped) == (2, 1)
    receiver.status = 200
    clock.turn(PAUSE_SECONDS)
    await export.finished(run_of(), RECORD)
    assert (len(receiver.sent), export.dropped) == (4, 1)


async def test_what_waits_is_bounded() -> None:
    receiver, clock = ScriptedSideCalls({}, status=503), HandTurnedClock()
    export = exporter(receiver, clock)
    for _ in range(KEPT + 4):
        await export.finished(run_of(), RECORD)
    assert export.dropped == 1 + 3
