"""The gateway's report as response headers. Values are reduced to visible ASCII, so none can inject a header."""

from __future__ import annotations

from typing import Final

from lib.answer import LimitState, Report
from lib.web.asgi import RawHeader

_LONGEST_VALUE: Final = 512
EXPOSED: Final = (
    "x-request-id",
    "x-cache",
    "age",
    "x-cache-ttl-class",
    "x-ai-model",
    "x-ai-cost-usd",
    "x-ai-budget-downgrade",
    "x-ai-degraded",
    "x-ai-dropped-params",
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
    "x-rollout-arm",
)
"""What a browser's scripts may read across origins."""


def report_headers(report: Report, *, final: bool) -> list[RawHeader]:
    """Headers about an answer. Only a `final` report (a JSON answer's) knows the cost; a stream's comes at its end."""
    headers: list[RawHeader] = [
        (b"x-request-id", header_value(report.request_id)),
        (b"x-cache", header_value(report.cache_status)),
        (b"x-ai-model", header_value(report.model_used)),
    ]
    if report.cached is not None:
        headers.append((b"age", b"%d" % max(0, report.age_seconds)))
    if report.ttl_class:
        headers.append((b"x-cache-ttl-class", header_value(report.ttl_class)))
    if final:
        whole, part = divmod(report.cost_micro_usd, 1_000_000)
        headers.append((b"x-ai-cost-usd", b"%d.%06d" % (whole, part)))
    if isinstance(instead_of := report.routing.get("budgetDowngrade"), str):
        headers.append((b"x-ai-budget-downgrade", header_value(instead_of)))
    if report.degraded:
        headers.append((b"x-ai-degraded", header_value(", ".join(report.degraded))))
    if report.dropped_params:
        headers.append((b"x-ai-dropped-params", header_value(", ".join(report.dropped_params))))
    if report.limit is not None:
        headers += _limit_headers(report.limit)
    return headers


def header_value(text: str) -> bytes:
    """Text fit for a header: anything but visible ASCII and spaces becomes `?`; bounded."""
    shown = text[:_LONGEST_VALUE]
    if not (shown.isascii() and shown.isprintable()):
        shown = "".join(character if " " <= character <= "~" else "?" for character in shown)
    return shown.strip().encode("ascii")


def quoted(text: str) -> bytes:
    """A structured-field string (RFC 9651, 3.3.3)."""
    return b'"' + header_value(text).replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def _limit_headers(limit: LimitState) -> list[RawHeader]:
    name, remaining, reset = quoted(limit.name), max(0, limit.remaining), max(0, limit.reset_seconds)
    return [
        (b"x-ratelimit-limit-requests", b"%d" % limit.limit),
        (b"x-ratelimit-remaining-requests", b"%d" % remaining),
        (b"x-ratelimit-reset-requests", b"%ds" % reset),
        (b"ratelimit-policy", b"%s;q=%d;w=%d" % (name, limit.limit, limit.window_seconds)),
        (b"ratelimit", b"%s;r=%d;t=%d" % (name, remaining, reset)),
    ]
