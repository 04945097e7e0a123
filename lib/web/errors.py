"""A GatewayError as HTTP: OpenAI's error object, and the headers that tell clients whether and when to ask again."""

from __future__ import annotations

import math
from typing import Final

import orjson

from lib.contract import JsonObject
from lib.errors import EVERYBODYS, AuthenticationFailed, BudgetExceeded, GatewayError, RateLimited, SpentBudget
from lib.web.asgi import RawHeader
from lib.web.headers import header_value, quoted

JSON_TYPE: Final[RawHeader] = (b"content-type", b"application/json")
MICRO: Final = 1_000_000
_LONGEST_WAIT: Final = 10 * 365 * 86_400.0
"""Seconds. More than anybody means, and 1e308 of them would not survive the arithmetic."""
_LONGEST_SDK_WAIT: Final = 60.0
"""Seconds. SDKs that are told to wait longer ask again at once instead (openai-python, `_calculate_retry_timeout`)."""


def error_body(error: GatewayError, request_id: str) -> bytes:
    """`{"error": {message, type, param, code}, "request_id"}`; a limit adds which one it was and when it ends."""
    return orjson.dumps({"error": error_object(error), "request_id": request_id})


def error_object(error: GatewayError) -> JsonObject:
    """The error alone."""
    shown: JsonObject = {
        "message": error.message,
        "type": error.type,
        "param": error.param,
        "code": error.code,
    }
    if isinstance(error, RateLimited):
        shown["limit"] = {
            "name": error.limit_name,
            "limit": error.limit,
            "window_seconds": error.window_seconds,
            "retry_after_seconds": _whole_seconds(error.retry_after or 0.0),
        }
    if isinstance(error, BudgetExceeded) and error.budget is not None:
        shown["budget"] = _budget(error.budget)
    return shown


def _budget(budget: SpentBudget) -> JsonObject:
    """Amounts in dollars or tokens; none of what many share, which its users need not know."""
    told: JsonObject = {
        "scope": budget.scope,
        "period": budget.period,
        "unit": budget.unit,
        "resets_at": budget.resets_at,
    }
    if budget.scope not in EVERYBODYS:
        parts = (("limit", budget.limit), ("spent", budget.spent - budget.held), ("held", budget.held))
        told |= {f"{name}_{budget.unit}": amount / MICRO if budget.unit == "usd" else amount for name, amount in parts}
    return told


def error_headers(error: GatewayError, request_id: str) -> list[RawHeader]:
    """Content type, request id, and the advice on asking again (`Retry-After` in whole seconds, at least 1)."""
    headers: list[RawHeader] = [JSON_TYPE, (b"cache-control", b"no-store"), (b"x-request-id", header_value(request_id))]
    wait = error.retry_after
    again = wait is not None and wait <= _LONGEST_SDK_WAIT
    headers.append((b"x-should-retry", b"true" if again else b"false"))
    if wait is not None:
        headers.append((b"retry-after", b"%d" % _whole_seconds(wait)))
        headers.append((b"retry-after-ms", b"%d" % max(1, math.ceil(min(wait, _LONGEST_WAIT) * 1_000))))
    if isinstance(error, AuthenticationFailed):
        headers.append((b"www-authenticate", b"Bearer"))
    if isinstance(error, RateLimited):
        headers += _limit_headers(error)
    return headers


def _limit_headers(error: RateLimited) -> list[RawHeader]:
    name, reset = quoted(error.limit_name), _whole_seconds(error.retry_after or 0.0)
    return [
        (b"x-ratelimit-limit-requests", b"%d" % error.limit),
        (b"x-ratelimit-remaining-requests", b"0"),
        (b"x-ratelimit-reset-requests", b"%ds" % reset),
        (b"ratelimit-policy", b"%s;q=%d;w=%d" % (name, error.limit, error.window_seconds)),
        (b"ratelimit", b"%s;r=0;t=%d" % (name, reset)),
    ]


def _whole_seconds(seconds: float) -> int:
    return max(1, math.ceil(min(seconds, _LONGEST_WAIT)))
