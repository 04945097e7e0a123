"""What a provider's error means: its kind, the next step, how long to wait, what may be shown of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.ai.providers.failures import MESSAGE_LIMIT, complaint_in, failure_in_answer, http_failure, masked, retry_after
from lib.contract import Json, JsonObject
from lib.errors import NextStep, ProviderError

NOW = 1_790_000_000.0
RETRY, NEXT, GIVE_UP = NextStep.RETRY, NextStep.NEXT_MODEL, NextStep.GIVE_UP


def failure(status: int, error: JsonObject | None = None, **headers: str) -> ProviderError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return http_failure(status, named, json.dumps({"error": error or {}}).encode(), NOW)


@pytest.mark.parametrize(
    ("status", "kind", "step"),
    [
        (302, "redirect", NEXT),
        (400, "bad_request", GIVE_UP),
        (401, "auth", NEXT),
        (402, "quota", NEXT),
        (403, "permission", NEXT),
        (404, "not_found", NEXT),
        (408, "timeout", RETRY),
        (409, "conflict", RETRY),
        (413, "too_large", NEXT),
        (422, "bad_request", GIVE_UP),
        (429, "rate_limited", RETRY),
        (500, "server_error", RETRY),
        (502, "server_error", RETRY),
        (503, "overloaded", RETRY),
        (504, "timeout", RETRY),
        (529, "overloaded", RETRY),
    ],
)
def test_the_status_decides(status: int, kind: str, step: NextStep) -> None:
    error = failure(status)
    assert (error.kind, error.next_step, error.status) == (kind, step, status)


@pytest.mark.parametrize(
    ("status", "error", "kind", "step"),
    [
        (429, {"code": "insufficient_quota", "type": "insufficient_quota"}, "quota", NEXT),
        (429, {"code": "rate_limit_exceeded"}, "rate_limited", RETRY),
        (400, {"code": "context_length_exceeded"}, "context_length", NEXT),
        (400, {"message": "This model's maximum context length is 128000 tokens."}, "context_length", NEXT),
        (400, {"message": "prompt is too long: 210000 tokens > 200000 maximum"}, "context_length", NEXT),
        (400, {"message": "The input token count (2000000) exceeds the maximum"}, "context_length", NEXT),
        (400, {"message": "Your credit balance is too low to access the API."}, "quota", NEXT),
        (400, {"message": "API key not valid. Please pass a valid API key."}, "auth", NEXT),
        (400, {"code": "model_not_found"}, "not_found", NEXT),
        (400, {"message": "Invalid value: 'x'.", "param": "messages[0].role"}, "bad_request", GIVE_UP),
    ],
)
def test_code_and_words_decide_where_the_status_is_ambiguous(
    status: int, error: JsonObject, kind: str, step: NextStep
) -> None:
    found = failure(status, error)
    assert (found.kind, found.next_step) == (kind, step)


def test_a_bad_request_names_the_field_and_is_passed_on() -> None:
    error = failure(400, {"message": "Invalid value: 'x'.", "param": "messages[0].role"})
    assert (error.message, error.param) == ("Invalid value: 'x'.", "messages[0].role")


@pytest.mark.parametrize(
    ("status", "asked", "step"), [(500, "false", NEXT), (429, "FALSE", NEXT), (500, "true", RETRY)]
)
def test_a_provider_that_asks_not_to_be_asked_again_is_not(status: int, asked: str, step: NextStep) -> None:
    assert failure(status, x_should_retry=asked).next_step is step


def test_being_asked_not_to_retry_does_not_turn_a_mistake_into_a_fallback() -> None:
    assert failure(400, x_should_retry="false").next_step is GIVE_UP


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": "86400000"}, 86_400_000.0),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "Wed, 31 Feb 2099 07:28:00 GMT"}, None),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "x", "retry-after": "9"}, 9.0),
    ],
)
def test_the_wait_is_read_in_every_form(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


def test_a_date_to_wait_for_counts_from_now_and_one_in_the_past_is_no_wait() -> None:
    later = format_datetime(datetime.fromtimestamp(NOW + 90, UTC), usegmt=True)
    earlier = format_datetime(datetime.fromtimestamp(NOW - 90, UTC), usegmt=True)
    assert retry_after({"retry-after": later}, NOW) == 90
    assert retry_after({"retry-after": earlier}, NOW) == 0


@pytest.fixture
def far_from_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "XYZ+9")
        time.tzset()
        yield
    time.tzset()


def test_a_date_without_a_zone_is_greenwichs_wherever_this_runs(far_from_greenwich: None) -> None:
    unzoned = format_datetime(datetime.fromtimestamp(NOW + 90, UTC).replace(tzinfo=None))
    assert retry_after({"retry-after": unzoned}, NOW) == 90


@given(st.text())
def test_no_wait_is_ever_negative_or_endless(asked: str) -> None:
    seconds = retry_after({"retry-after": asked, "retry-after-ms": asked}, NOW)
    assert seconds is None or 0 <= seconds < float("inf")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "a"}}, "a"),
        ([{"error": {"message": "a"}}], "a"),
        ({"error": "a"}, "a"),
        ({"message": "a"}, "a"),
        ({"detail": "a"}, "a"),
        ({"type": "error", "error": {"type": "x", "message": "a"}}, "a"),
        ("a", ""),
        ([], ""),
        (None, ""),
        ({"error": {"message": ["a"]}}, ""),
    ],
)
def test_an_error_body_is_understood_in_every_shape(body: Json, message: str) -> None:
    assert complaint_in(body).message == message


def test_an_error_without_words_says_its_status() -> None:
    assert http_failure(502, {}, b"<html>bad gateway</html>", NOW).message == "the provider answered with status 502"


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        ({"type": "rate_limit_error"}, "rate_limited", 429),
        ({"code": "insufficient_quota"}, "quota", 429),
        ({"type": "authentication_error"}, "auth", 401),
        ({"type": "not_found_error"}, "not_found", 404),
        ({"type": "invalid_request_error"}, "bad_request", 400),
        ({"type": "overloaded_error"}, "overloaded", 529),
        ({"type": "timeout_error"}, "timeout", 504),
        ({"code": 503, "status": "UNAVAILABLE"}, "overloaded", 503),
        ({"status": "RESOURCE_EXHAUSTED"}, "rate_limited", 429),
        ({"code": 12, "message": "odd"}, "server_error", None),
    ],
)
def test_an_error_inside_an_answer_gets_the_status_its_names_tell(
    error: JsonObject, kind: str, status: int | None
) -> None:
    found = failure_in_answer({"error": error})
    assert (found.kind, found.status) == (kind, status)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Incorrect API key provided: sk-abcd1234.", "Incorrect API key provided: [key]"),
        ("key sk-proj-AbC_dEf-123 is wrong", "key [key] is wrong"),
        ("sk-ab**********************cd", "[key]"),
        ("Bearer abcdefgh failed", "[key] failed"),
        ("AIzaSyA1234567890 is not valid", "[key] is not valid"),
        ("0123456789abcdef0123456789abcdef expired", "[key] expired"),
        ("two\nlines\t here", "two lines here"),
        ("the key is missing", "the key is missing"),
        (
            "get_the_weather_of_the_capital_of_a_country is no tool",
            "get_the_weather_of_the_capital_of_a_country is no tool",
        ),
    ],
)
def test_what_looks_like_a_key_is_masked(said: str, shown: str) -> None:
    assert masked(said) == shown


def test_a_message_is_bounded_and_a_key_at_its_end_is_not_half_shown() -> None:
    message = "x " * (MESSAGE_LIMIT // 2 - 3) + "sk-secret1234567890"
    assert len(masked("word " * 500)) == MESSAGE_LIMIT
    assert "secret" not in masked(message)
