"""What admission's verdicts and a duplicate's outcome mean for the caller: an error in words, or a stored answer."""

from __future__ import annotations

import orjson

from lib.ai.run import Run
from lib.contract import CacheKind, Json
from lib.errors import BudgetExceeded, GatewayError, InvalidRequest, RateLimited, UpstreamFailed
from lib.json_text import parse
from lib.kv.admission import OverBudget
from lib.kv.cache import Entry, decode
from lib.kv.deduplication import Failed, Freed, Outcome, Published, TimedOut
from lib.kv.rate_limit import Refusal


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


def over_budget(verdict: OverBudget) -> BudgetExceeded:
    """The error that says which budget and how much is spent."""
    spent, budget = verdict.spent_micro_usd / 1e6, verdict.budget_micro_usd / 1e6
    message = (
        f"this request does not fit into the budget of the {verdict.period}: ${spent:.6f} of ${budget:.6f} are spent"
    )
    return BudgetExceeded(message)


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
