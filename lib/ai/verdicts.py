"""What admission's verdicts and a duplicate's outcome mean for the caller: an error in words, or a stored answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import orjson

from lib.ai.run import Run
from lib.answer import CacheKind
from lib.contract import Json
from lib.errors import (
    EVERYBODYS,
    BudgetExceeded,
    GatewayError,
    InvalidRequest,
    RateLimited,
    SpentBudget,
    UpstreamFailed,
)
from lib.json_text import parse
from lib.kv.admission import TOKENS, OverBudget
from lib.kv.cache import Entry, decode
from lib.kv.deduplication import Failed, Freed, Outcome, Published, TimedOut
from lib.kv.rate_limit import Refusal

IN_FLIGHT_SECONDS: Final = 5.0


def followed(run: Run, outcome: Outcome) -> Entry | None:
    """The original's answer; None when it gave up, hung up or died. Raises the original's error, or 504."""
    match outcome:
        case Published(text):
            entry = decode(text)
            if entry is not None:
                run.replayed = CacheKind.DUPLICATE
            return entry
        case Failed(text):
            raise error_from(text)
        case TimedOut():
            raise UpstreamFailed("the identical request in flight did not finish in time", status=504)
        case Freed():
            return None


def other_body() -> InvalidRequest:
    """The error of an idempotency key that was used with another request."""
    message = "this Idempotency-Key was used with another request body"
    return InvalidRequest(message, param="Idempotency-Key", code="idempotency_key_reused")


def refused(refusal: Refusal) -> RateLimited:
    """The error that says which limit and when."""
    limit, seconds = refusal.limit, max(1, -(-refusal.wait_ms // 1000))
    owner = "address" if limit.by_address else "user"
    locked = "locked out after going over" if refusal.locked or limit.lockout_ms else "over"
    message = (
        f"{locked} the limit '{limit.name}': {limit.maximum} requests in {limit.window_ms // 1000} s per {owner}; "
        f"try again in {seconds} s"
    )
    return RateLimited(
        message,
        limit_name=limit.name,
        limit=limit.maximum,
        window_seconds=limit.window_ms // 1000,
        retry_after=refusal.wait_ms / 1000,
    )


def over_budget(verdict: OverBudget, now: float) -> BudgetExceeded:
    """The error that says which budget, how much is spent and when it begins anew.

    What the whole deployment or a tier spends is the operator's affair: of those budgets no amounts are told.
    """
    taken, limit = verdict.taken, verdict.limit
    reset = resets_at(verdict.period, now)
    whose = "" if verdict.scope == "user" else f"{verdict.scope}'s "
    what = "token budget" if verdict.unit == TOKENS else "budget"
    message = f"this request does not fit into the {whose}{what} of the {verdict.period}"
    if verdict.scope not in EVERYBODYS:
        message += f": {amounts(taken, limit, verdict.unit)} are spent or set aside for requests in flight"
    return BudgetExceeded(
        f"{message}; it begins anew at {reset}",
        budget=SpentBudget(verdict.scope, verdict.period, limit, taken, verdict.held, reset, verdict.unit),
        # Requests in flight give back what they do not need.
        retry_after=IN_FLIGHT_SECONDS if verdict.held > 0 and taken - verdict.held < limit else None,
    )


def amounts(taken: int, limit: int, unit: str) -> str:
    """`$0.990000 of $1.000000`, `990 of 1,000 tokens`."""
    return f"{taken:,} of {limit:,} tokens" if unit == TOKENS else f"${taken / 1e6:.6f} of ${limit / 1e6:.6f}"


def resets_at(period: str, now: float) -> str:
    """When the next day or month (UTC) begins, in ISO 8601."""
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    after = today + timedelta(days=1)
    if period == "month":
        after = (today.replace(day=28) + timedelta(days=4)).replace(day=1)
    return after.isoformat().replace("+00:00", "Z")


def error_text(error: GatewayError) -> str:
    """An original's error as its duplicates read it."""
    fields: dict[str, Json] = {
        "status": error.status,
        "message": error.message,
        "param": error.param,
        "code": error.code,
        "retry_after": error.retry_after,
    }
    return orjson.dumps(fields).decode()


def error_from(text: str) -> GatewayError:
    """The error read back; a damaged one is a failure like any other."""
    try:
        value = parse(text)
    except ValueError:
        value = None
    fields = value if isinstance(value, dict) else {}
    message, status = str(fields.get("message") or "the identical request in flight failed"), fields.get("status")
    after, param = fields.get("retry_after"), fields.get("param")
    if isinstance(status, int) and status < 429:
        return InvalidRequest(message, param=param if isinstance(param, str) else None, code=str(fields.get("code")))
    seconds = float(after) if isinstance(after, int | float) else None
    return UpstreamFailed(
        message, status=status if isinstance(status, int) and status < 600 else 502, retry_after=seconds
    )
