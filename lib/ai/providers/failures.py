"""From what a provider says went wrong to a ProviderError: status first, codes and words only where it is ambiguous."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Final

import orjson

from lib.ai.providers.values import count_of, object_of, text_of
from lib.contract import Json, JsonObject
from lib.errors import NextStep, ProviderError, next_step_for
from lib.transport import TransportError

MESSAGE_LIMIT: Final = 300
LONGEST_WAIT: Final = 10 * 365 * 86_400.0
"""Seconds, ten years. A provider that asks for more is mistaken, and 1e308 of them would break every calculation."""
_SCANNED: Final = 4_000
"""Characters of a message that are looked at for keys before it is cut to MESSAGE_LIMIT."""
_KEY: Final = re.compile(r"\b(?:(?:sk|pk|rk|gsk|xai|key)[-_]|Bearer |AIza)[\w*.-]{4,}|[\w*-]{32,}")
_KEY_STARTS: Final = ("sk", "pk", "rk", "gsk", "xai", "key", "Bearer ", "AIza")

_KIND_BY_STATUS: Final = MappingProxyType(
    {
        401: "auth",
        402: "quota",
        403: "permission",
        404: "not_found",
        408: "timeout",
        409: "conflict",
        413: "too_large",
        425: "overloaded",
        429: "rate_limited",
        503: "overloaded",
        504: "timeout",
        529: "overloaded",
    }
)
_STATUS_BY_NAME: Final = MappingProxyType(
    {
        # OpenAI's and Anthropic's error types and codes
        "invalid_request_error": 400,
        "authentication_error": 401,
        "invalid_api_key": 401,
        "billing_error": 402,
        "permission_error": 403,
        "not_found_error": 404,
        "model_not_found": 404,
        "request_too_large": 413,
        "rate_limit_error": 429,
        "rate_limit_exceeded": 429,
        "insufficient_quota": 429,
        "api_error": 500,
        "server_error": 500,
        "timeout_error": 504,
        "overloaded_error": 529,
        # Google's, from google.rpc.Code
        "INVALID_ARGUMENT": 400,
        "FAILED_PRECONDITION": 400,
        "UNAUTHENTICATED": 401,
        "PERMISSION_DENIED": 403,
        "NOT_FOUND": 404,
        "RESOURCE_EXHAUSTED": 429,
        "INTERNAL": 500,
        "UNAVAILABLE": 503,
        "DEADLINE_EXCEEDED": 504,
    }
)
_QUOTA_NAMES: Final = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_error"})
_CONTEXT_CODES: Final = frozenset({"context_length_exceeded", "string_above_max_length", "request_too_large"})

_WORDS_OF_400: Final = (
    ("context_length", ("context length", "context_length", "context window", "prompt is too long", "too many tokens")),
    ("context_length", ("input token count", "maximum prompt length", "exceed context limit")),
    ("quota", ("credit balance", "insufficient balance", "insufficient_quota")),
    ("auth", ("api key not valid", "incorrect api key", "invalid api key")),
    ("not_found", ("model_not_found", "no such model", "unknown model", "model does not exist")),
)
"""A 400 that is not the caller's mistake says so only in words: (kind, any of these in the lower-case message)."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What an error body says."""

    message: str = ""
    names: frozenset[str] = frozenset()
    """Its type, code and status words."""
    param: str | None = None
    number: int | None = None
    """A numeric code, which gateways use for the HTTP status behind them."""


def complaint_in(body: Json) -> Complaint:
    """The complaint of an error body in any shape in use: `{"error": {…}}`, a list of that, flat, or plain text."""
    if isinstance(body, list) and body:
        body = body[0]
    outer = object_of(body)
    inner = outer.get("error")
    if isinstance(inner, str):
        return Complaint(message=inner)
    error = inner if isinstance(inner, dict) else outer
    names = (text_of(error.get(field)) for field in ("type", "code", "status"))
    return Complaint(
        message=text_of(error.get("message")) or text_of(error.get("detail")),
        names=frozenset(name for name in names if name),
        param=masked(text_of(error.get("param"))) or None,
        number=count_of(error.get("code")),
    )


def http_failure(status: int, headers: Mapping[str, str], body: bytes, now: float) -> ProviderError:
    """The error for an answer with a status other than 200; `now` is in seconds since the epoch."""
    try:
        said: Json = orjson.loads(body)
    except orjson.JSONDecodeError:
        said = None
    wait = retry_after(headers, now)
    error = _failure(status, complaint_in(said), wait)
    if headers.get("x-should-retry", "").lower() == "false" and error.next_step is NextStep.RETRY:
        error.next_step = NextStep.NEXT_MODEL
    return error


def failure_in_answer(body: JsonObject) -> ProviderError:
    """The error for one that came inside an answer with status 200, or in the middle of a stream."""
    complaint = complaint_in(body)
    status = complaint.number if complaint.number is not None and 400 <= complaint.number < 600 else None
    if status is None:
        status = next((_STATUS_BY_NAME[name] for name in sorted(complaint.names) if name in _STATUS_BY_NAME), None)
    if status is None:
        return ProviderError("server_error", masked(complaint.message) or "the provider answered with an error")
    return _failure(status, complaint, None)


def _failure(status: int, complaint: Complaint, wait: float | None) -> ProviderError:
    kind, step = _kind_and_step(status, complaint)
    message = masked(complaint.message) or f"the provider answered with status {status}"
    error = ProviderError(kind, message, status=status, retry_after=wait, next_step=step)
    error.param = complaint.param
    return error


def _kind_and_step(status: int, complaint: Complaint) -> tuple[str, NextStep]:
    if status < 400:
        return "redirect", NextStep.NEXT_MODEL
    if complaint.names & _QUOTA_NAMES and status in (400, 403, 429):
        return "quota", NextStep.NEXT_MODEL
    if status in (400, 422):
        kind = _kind_of_400(complaint)
        return kind, NextStep.GIVE_UP if kind == "bad_request" else NextStep.NEXT_MODEL
    fallback = "server_error" if status >= 500 else "bad_request"
    return _KIND_BY_STATUS.get(status, fallback), next_step_for(status)


def _kind_of_400(complaint: Complaint) -> str:
    if complaint.names & _CONTEXT_CODES:
        return "context_length"
    if "model_not_found" in complaint.names:
        return "not_found"
    words = complaint.message.lower()
    return next((kind for kind, phrases in _WORDS_OF_400 if any(phrase in words for phrase in phrases)), "bad_request")


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait, by `retry-after-ms` or `retry-after` (seconds or an HTTP date): 0 to LONGEST_WAIT."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return _wait(milliseconds / 1000)
    asked = headers.get("retry-after", "")
    seconds = _number(asked)
    if seconds is None and asked:
        try:
            date = parsedate_to_datetime(asked)
            seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return None if seconds is None else _wait(seconds)


def _wait(seconds: float) -> float:
    return min(max(0.0, seconds), LONGEST_WAIT)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def masked(message: str) -> str:
    """A provider's message fit to be shown: one line, at most MESSAGE_LIMIT long, nothing that looks like a key."""
    line = " ".join(_KEY.sub(_mask, message[:_SCANNED]).split())
    return line if len(line) <= MESSAGE_LIMIT else line[: MESSAGE_LIMIT - 1] + "…"


def _mask(found: re.Match[str]) -> str:
    text = found.group()
    is_key = text.startswith(_KEY_STARTS) or any(c.isdigit() or c == "*" for c in text)
    return "[key]" if is_key else text


def transport_failure(error: TransportError) -> ProviderError:
    """No complete answer: the same model may give one when asked again, unless it has used up its time in silence.

    The words stay with the operator.
    """
    step = NextStep.NEXT_MODEL if error.kind == "timeout" else None
    return ProviderError(error.kind, str(error).removeprefix(f"{error.kind}: "), next_step=step)
