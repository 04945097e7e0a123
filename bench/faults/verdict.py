"""Judging what came back: only what the caller would see is looked at, and compared with what the provider meant."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

import orjson

from bench.faults.meant import answer, speaker, text_of
from tests.scripted.faults import Fault, Outcome
from tests.scripted.sayings import Saying
from tests.support.surfaces import Shown, Surface, shown


class Verdict(Enum):
    """What a caller got."""

    RIGHT = "right answer"
    FALLBACK = "fallback answer"
    ERROR = "honest error"
    WRONG = "WRONG ANSWER AS SUCCESS"
    TRUNCATED = "SILENT TRUNCATION"
    HIDDEN = "HIDDEN 400"
    WAITED = "WAITED TOO LONG"
    OWN = "ERROR OF ITS OWN"
    SILENCE = "NO RESPONSE"


GOOD: Final = frozenset({Verdict.RIGHT, Verdict.FALLBACK, Verdict.ERROR})


@dataclass(frozen=True)
class Asked:
    """One question."""

    fault: Fault
    model: str
    """As the provider knows it."""
    wire: str
    stream: bool
    question: str


@dataclass(frozen=True)
class Got:
    """One response."""

    status: int = 0
    """0 when none came."""
    body: bytes = b""
    complete: bool = False
    """False when the connection broke before the response had ended."""
    seconds: float = 0.0


def verdict(asked: Asked, got: Got, patience: float) -> Verdict:
    """What the response is to a caller who waits `patience` seconds."""
    if got.seconds > patience:
        return Verdict.WAITED
    if not got.status:
        return Verdict.SILENCE
    expected = asked.fault.expected(stream=asked.stream)
    seen = shown(Surface.OPENAI if asked.stream else Surface.JSON, got.status, got.body)
    told = not got.complete or got.status != 200 or (asked.stream and seen.error is not None)
    if told:
        return _of_error(got, seen, expected)
    if expected is Outcome.REFUSED:
        return Verdict.HIDDEN
    return _of_success(asked, seen)


def _of_error(got: Got, seen: Shown, expected: Outcome | None) -> Verdict:
    if expected in (Outcome.ANSWER, Outcome.RETRIED):
        return Verdict.OWN
    if got.complete and seen.error is None:
        return Verdict.OWN
    if expected is Outcome.REFUSED and not 400 <= got.status < 500:
        return Verdict.HIDDEN
    return Verdict.ERROR


def _of_success(asked: Asked, seen: Shown) -> Verdict:
    own = asked.fault.saying(answer(asked.model, asked.question))
    if seen.text == text_of(own) and seen.text:
        return _of_own_words(seen, own)
    if speaker(seen.text, asked.question) not in (None, asked.model):
        return Verdict.FALLBACK if seen.finish == "stop" else Verdict.TRUNCATED
    cut = bool(seen.text) and text_of(own).startswith(seen.text)
    return Verdict.TRUNCATED if cut and asked.stream else Verdict.WRONG


def _of_own_words(seen: Shown, own: Saying) -> Verdict:
    """All the words are there: the end must be told as it was, and tool calls must be usable."""
    if seen.finish is None or seen.finish != own.finish:
        return Verdict.TRUNCATED
    if own.tools and not _is_json(seen.arguments):
        return Verdict.WRONG
    return Verdict.RIGHT


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
