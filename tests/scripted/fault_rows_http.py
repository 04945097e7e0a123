"""Faults before a body: statuses that refuse, silence, connections that break."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

from tests.scripted.faults import Fault, Outcome, Scene
from tests.scripted.steps import Act, Received, Reply, Step, delayed, fails, gives, with_inserted

FALLBACK, RETRIED, REFUSED = Outcome.FALLBACK, Outcome.RETRIED, Outcome.REFUSED
LIMITED: Final = ("rate_limit_error", "Too many requests")
LONG_SILENCE: Final = 60.0


def status(
    code: int, name: str, kind: str, *, error: tuple[str, str] = ("server_error", "scripted failure"), tries: int = 1
) -> Fault:
    """A status that every try meets."""
    return Fault(
        name=name,
        what=f"{code}, every time",
        befall=lambda _: fails(code, *error),
        whole=FALLBACK,
        stream=FALLBACK,
        kinds=frozenset({kind}),
        tries=tries,
    )


def limited_once(name: str, what: str, **headers: str) -> Fault:
    """A 429 that says when to come back, and then an answer."""
    return Fault(
        name=name,
        what=f"429 once, {what}",
        befall=lambda _: fails(429, *LIMITED, **headers),
        whole=RETRIED,
        stream=RETRIED,
        kinds=frozenset({"rate_limited"}),
        once=True,
    )


def limited_until_a_date(scene: Scene) -> Step:
    """Retry-After as an HTTP date, between one and two seconds ahead."""
    until = datetime.fromtimestamp(scene.now + 2, UTC)
    return fails(429, *LIMITED, retry_after=format_datetime(until, usegmt=True))


def too_long(_: Scene) -> Step:
    """Each wire's own words for a conversation that does not fit."""

    def reply(request: Received) -> Reply:
        if request.is_anthropic:
            words = "prompt is too long: 1200000 tokens > 1000000 maximum"
            return fails(400, "invalid_request_error", words)(request)
        return fails(400, "context_length_exceeded", "This model's maximum context length is 128000 tokens.")(request)

    return reply


STATUSES: Final = (
    status(500, "server-error", "server_error", tries=2),
    Fault(
        name="unavailable-once",
        what="503 once",
        befall=lambda _: fails(503),
        whole=RETRIED,
        stream=RETRIED,
        kinds=frozenset({"overloaded"}),
        once=True,
    ),
    limited_once("rate-limit-seconds", "Retry-After in seconds", retry_after="1"),
    Fault(
        name="rate-limit-date",
        what="429 once, Retry-After as a date",
        befall=limited_until_a_date,
        whole=RETRIED,
        stream=RETRIED,
        kinds=frozenset({"rate_limited"}),
        once=True,
    ),
    limited_once("rate-limit-ms", "retry-after-ms", retry_after_ms="1200"),
    Fault(
        name="rate-limit-absurd",
        what="429, Retry-After of a day",
        befall=lambda _: fails(429, *LIMITED, retry_after="86400"),
        whole=FALLBACK,
        stream=FALLBACK,
        kinds=frozenset({"rate_limited"}),
        tries=1,
    ),
    status(429, "rate-limit-forever", "rate_limited", error=LIMITED, tries=2),
    status(529, "overloaded", "overloaded", error=("overloaded_error", "Overloaded"), tries=2),
    status(401, "unauthorised", "auth", error=("authentication_error", "invalid x-api-key")),
    status(402, "payment-required", "quota", error=("billing_error", "no credit is left")),
    status(403, "forbidden", "permission", error=("permission_error", "not for this key")),
    Fault(
        name="bad-parameter",
        what="400: the caller's own mistake",
        befall=lambda _: fails(400, "invalid_request_error", "temperature is too hot"),
        whole=REFUSED,
        stream=REFUSED,
        kinds=frozenset({"bad_request"}),
        tries=1,
    ),
    Fault(
        name="context-length",
        what="400: too long for this model",
        befall=too_long,
        whole=FALLBACK,
        stream=FALLBACK,
        kinds=frozenset({"context_length"}),
        tries=1,
    ),
    status(404, "no-such-model", "not_found", error=("not_found_error", "the model does not exist")),
    Fault(
        name="redirect",
        what="302 to elsewhere",
        befall=lambda _: gives(Reply((b"",), 302, {"location": "http://127.0.0.1:9/v1"})),
        whole=FALLBACK,
        stream=FALLBACK,
        kinds=frozenset({"redirect"}),
        tries=1,
    ),
)

CONNECTIONS: Final = (
    Fault(
        name="hang-before-headers",
        what="silence instead of headers",
        befall=lambda scene: delayed(scene.good),
        whole=FALLBACK,
        stream=FALLBACK,
        kinds=frozenset({"timeout"}),
        tries=1,
        silence=LONG_SILENCE,
    ),
    Fault(
        name="hang-after-headers",
        what="silence after the headers",
        befall=lambda scene: with_inserted(scene.good, 0, Act.HOLD),
        whole=FALLBACK,
        stream=FALLBACK,
        kinds=frozenset({"timeout"}),
        tries=1,
        silence=LONG_SILENCE,
    ),
    Fault(
        name="reset-before-headers",
        what="connection reset instead of headers",
        befall=lambda scene: delayed(scene.good, Act.RESET),
        whole=FALLBACK,
        stream=FALLBACK,
        kinds=frozenset({"reset"}),
    ),
    Fault(
        name="reset-after-headers",
        what="connection reset after the headers",
        befall=lambda scene: with_inserted(scene.good, 0, Act.RESET),
        whole=FALLBACK,
        stream=FALLBACK,
        kinds=frozenset({"reset", "truncated"}),
    ),
)
