"""What may be answered from the cache and what may be stored there. A wrong hit is worse than a miss."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import orjson

from lib.answer import Answer, FinishReason
from lib.contract import ChatRequest
from lib.kv.cache.crisis import speaks_of_crisis
from lib.kv.cache.entry import answer_to_json
from lib.messages import parts_of, text_of

MAX_ANSWER_BYTES: Final = 262_144
"""Of the encoded answer, where no other limit is given."""


class Ineligible(StrEnum):
    """Why the cache is left alone."""

    READ_OFF = "read_off"
    """The caller asked for a fresh answer (`Cache-Control: no-cache`, `enableCache: false`)."""
    WRITE_OFF = "write_off"
    """The caller forbade storing (`Cache-Control: no-store`)."""
    SEVERAL_CHOICES = "several_choices"
    """`n` above one asks for variety."""
    NOT_TEXT = "not_text"
    """An image, a file or sound is part of the chat."""
    CRISIS = "crisis"
    """Somebody may be in danger: they get the model's own answer, and nobody else gets it."""
    OTHER_MODEL = "other_model"
    """A fallback answered; its answer is not the asked model's."""
    TOOL_CALLS = "tool_calls"
    """The answer asks the caller to act, which must happen anew each time."""
    REFUSED = "refused"
    UNFINISHED = "unfinished"
    EMPTY = "empty"
    TOO_LARGE = "too_large"


def read_eligible(request: ChatRequest) -> Ineligible | None:
    """Why the cache must not be asked, or None if it may.

    Any temperature may: it is part of the key, and a caller who wants another draw says `no-cache` or sets a seed.
    """
    return _of_the_chat(request) if request.read_cache else Ineligible.READ_OFF


def store_eligible(
    request: ChatRequest, answer: Answer, *, asked_model: str, max_bytes: int = MAX_ANSWER_BYTES
) -> Ineligible | None:
    """Why the answer must not be stored, or None if it may.

    Args:
        request: the chat it answers.
        answer: a whole answer.
        asked_model: catalogue name of the plan's first model, under which the entry's key was made.
        max_bytes: of the answer as encoded.
    """
    if not request.write_cache:
        return Ineligible.WRITE_OFF
    if answer.model != asked_model:
        return Ineligible.OTHER_MODEL
    return _of_the_chat(request) or _of_the_answer(answer, max_bytes)


def _of_the_chat(request: ChatRequest) -> Ineligible | None:
    if request.n > 1:
        return Ineligible.SEVERAL_CHOICES
    if any(part.get("type") != "text" for message in request.messages for part in parts_of(message)):
        return Ineligible.NOT_TEXT
    if any(speaks_of_crisis(text_of(m)) for m in request.messages if m.get("role") == "user"):
        return Ineligible.CRISIS
    return None


def _of_the_answer(answer: Answer, max_bytes: int) -> Ineligible | None:
    if len(answer.choices) != 1:
        return Ineligible.SEVERAL_CHOICES
    (choice,) = answer.choices
    if choice.refusal or choice.finish_reason is FinishReason.CONTENT_FILTER:
        return Ineligible.REFUSED
    if choice.tool_calls or choice.finish_reason is FinishReason.TOOL_CALLS:
        return Ineligible.TOOL_CALLS
    if choice.finish_reason is not FinishReason.STOP:
        return Ineligible.UNFINISHED
    if not choice.text.strip():
        return Ineligible.EMPTY
    return Ineligible.TOO_LARGE if len(orjson.dumps(answer_to_json(answer))) > max_bytes else None
