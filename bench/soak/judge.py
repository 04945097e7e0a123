"""What must be true of one answer as soon as it is there (pure): its own text, whole or plainly not, a known status."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from bench.soak.exchange import Outcome

STATUSES: Final = frozenset({200, 400, 402, 429, 502, 503, 504})
LONGEST_SECONDS: Final = 35.0
"""The requests' deadline of 20 seconds, and patience for a busy machine."""
LONGEST_RETRY_AFTER: Final = 3_600
SHORTER: Final = frozenset({"length", "content_filter", "content-filter", "tool_calls", "tool-calls"})
"""Finish reasons that say that the answer is not all of the text."""


def faults_of(outcome: Outcome) -> Iterator[str]:
    """What is wrong with the answer, in words."""
    if outcome.broke:
        yield f"the connection broke: {outcome.broke}"
        return
    if outcome.left:
        yield from _wrong_text(outcome, partial=True)
        return
    if outcome.status not in STATUSES:
        yield f"status {outcome.status} {outcome.error}"
    if outcome.ended_at - outcome.sent_at > LONGEST_SECONDS:
        yield f"took {outcome.ended_at - outcome.sent_at:.1f} s"
    if outcome.order.kind == "bad" and outcome.status != 400:
        yield f"a bad body got {outcome.status}"
    yield from _wrong_end(outcome)
    yield from _wrong_text(outcome, partial=bool(outcome.error) or outcome.finish in SHORTER)
    yield from _wrong_wait(outcome)


def call_number(text: str) -> int | None:
    """The provider's call that a whole text came from."""
    found = re.search(r" #(\d+)\Z", text)
    return int(found[1]) if found else None


def _wrong_end(outcome: Outcome) -> Iterator[str]:
    if outcome.status == 200 and not outcome.whole and not outcome.error:
        yield "the stream ended without an end mark and without an error"
    if outcome.status != 200 and not outcome.error:
        yield f"status {outcome.status} without an error"


def _wrong_text(outcome: Outcome, *, partial: bool) -> Iterator[str]:
    expected = f"echo: {outcome.order.prompt} #"
    text = outcome.text
    if partial:
        known = text if len(text) < len(expected) else text[: len(expected)]
        if not expected.startswith(known):
            yield f"not a part of its own answer: {text!r}"
    elif outcome.succeeded and not (text.startswith(expected) and call_number(text) is not None):
        yield f"a wrong answer as success: {text!r}, finish {outcome.finish!r}"


def _wrong_wait(outcome: Outcome) -> Iterator[str]:
    wait = outcome.headers.get("retry-after", "")
    if outcome.status == 429 and outcome.code == "rate_limit_exceeded" and not wait:
        yield "a refusal without Retry-After"
    if wait and not (wait.isdigit() and 1 <= int(wait) <= LONGEST_RETRY_AFTER):
        yield f"Retry-After {wait!r}"
