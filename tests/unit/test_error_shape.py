"""Errors as HTTP: OpenAI's body and the headers that say whether to ask again."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from lib.answer import CacheKind, LimitState
from lib.errors import AuthenticationFailed, GatewayError, InvalidRequest, RateLimited, UpstreamFailed
from lib.web.errors import error_body, error_headers
from lib.web.headers import header_value, quoted, report_headers
from tests.support.events import REPORT

LIMITED = RateLimited("Slow down.", limit_name="free", limit=10, window_seconds=60, retry_after=41.2)


def headers_of(error: GatewayError) -> dict[bytes, bytes]:
    return dict(error_headers(error, "req-1"))


def test_the_body_is_openais_error_object_with_the_request_id() -> None:
    body = orjson.loads(error_body(InvalidRequest("Too hot.", param="temperature"), "req-1"))
    assert body == {
        "error": {
            "message": "Too hot.",
            "type": "invalid_request_error",
            "param": "temperature",
            "code": "invalid_value",
        },
        "request_id": "req-1",
    }


def test_what_only_the_operator_may_read_is_not_sent() -> None:
    assert b"key ending in 1234" not in error_body(UpstreamFailed("No answer.", detail="key ending in 1234"), "req-1")


def test_a_refusal_by_a_limit_says_which_and_when() -> None:
    body = orjson.loads(error_body(LIMITED, "req-1"))
    assert body["error"]["code"] == "rate_limit_exceeded"
    assert body["error"]["limit"] == {"name": "free", "limit": 10, "window_seconds": 60, "retry_after_seconds": 42}
    headers = headers_of(LIMITED)
    assert headers[b"retry-after"] == b"42"
    assert headers[b"retry-after-ms"] == b"41200"
    assert headers[b"x-should-retry"] == b"true"
    assert headers[b"x-ratelimit-limit-requests"] == b"10"
    assert headers[b"x-ratelimit-remaining-requests"] == b"0"
    assert headers[b"x-ratelimit-reset-requests"] == b"42s"
    assert headers[b"ratelimit-policy"] == b'"free";q=10;w=60'
    assert headers[b"ratelimit"] == b'"free";r=0;t=42'


@pytest.mark.parametrize(("wait", "seconds"), [(0.0, b"1"), (0.01, b"1"), (1.0, b"1"), (1.01, b"2")])
def test_retry_after_is_a_whole_number_of_seconds_and_never_too_short(wait: float, seconds: bytes) -> None:
    assert headers_of(UpstreamFailed("Busy.", retry_after=wait))[b"retry-after"] == seconds


def test_clients_are_told_not_to_ask_again_where_waiting_does_not_help_or_takes_longer_than_they_wait() -> None:
    assert headers_of(InvalidRequest("No."))[b"x-should-retry"] == b"false"
    assert b"retry-after" not in headers_of(InvalidRequest("No."))
    lockout = headers_of(UpstreamFailed("Busy.", retry_after=300))
    assert (lockout[b"retry-after"], lockout[b"x-should-retry"]) == (b"300", b"false")


def test_a_failed_authentication_names_the_scheme() -> None:
    assert headers_of(AuthenticationFailed("Who?"))[b"www-authenticate"] == b"Bearer"


def test_the_report_becomes_headers() -> None:
    report = replace(
        REPORT,
        cached=CacheKind.EXACT,
        cache_status="HIT (exact)",
        age_seconds=61,
        ttl_class="stable",
        degraded=("kv", "health"),
        dropped_params=("seed", "stop"),
        limit=LimitState("pro", 50, 49, 60, 12),
    )
    headers = dict(report_headers(report, final=True))
    assert headers == {
        b"x-request-id": b"req-1",
        b"x-cache": b"HIT (exact)",
        b"x-ai-model": b"openai/gpt-4o",
        b"age": b"61",
        b"x-cache-ttl-class": b"stable",
        b"x-ai-cost-usd": b"0.001234",
        b"x-ai-degraded": b"kv, health",
        b"x-ai-dropped-params": b"seed, stop",
        b"x-ratelimit-limit-requests": b"50",
        b"x-ratelimit-remaining-requests": b"49",
        b"x-ratelimit-reset-requests": b"12s",
        b"ratelimit-policy": b'"pro";q=50;w=60',
        b"ratelimit": b'"pro";r=49;t=12',
    }


def test_a_streams_headers_do_not_name_a_cost_that_is_not_known_yet() -> None:
    assert b"x-ai-cost-usd" not in dict(report_headers(REPORT, final=False))


def test_no_value_can_inject_a_header() -> None:
    assert header_value("a\r\nset-cookie: x") == b"a??set-cookie: x"
    assert header_value("modèle ☃") == b"mod?le ?"
    assert len(header_value("x" * 5_000)) == 512
    assert quoted('a"b\\c\n') == b'"a\\"b\\\\c?"'
