"""Token counts as providers report them, normalised: input includes cached tokens, output includes reasoning.

Missing, negative or absurd figures make None, so that whoever books the answer counts for itself and says so.
"""

from __future__ import annotations

from typing import Final

from lib.ai.providers.values import count_of, object_of
from lib.answer import Usage
from lib.contract import Json, JsonObject

ABSURD: Final = 100_000_000
"""No request has that many tokens."""


def openai_usage(value: Json) -> Usage | None:
    """Of a chat completion's `usage`, with DeepSeek's name for cached tokens too.

    xAI and Google leave reasoning out of `completion_tokens` and count it in `total_tokens` only: what the total
    has beyond the two parts is billed as output.
    """
    usage = object_of(value)
    given, written = count_of(usage.get("prompt_tokens")), count_of(usage.get("completion_tokens"))
    if given is None or written is None or given + written == 0:
        return None
    details = object_of(usage.get("prompt_tokens_details"))
    reasoning = _count(object_of(usage.get("completion_tokens_details")), "reasoning_tokens")
    unlisted = _count(usage, "total_tokens") - given - written
    if unlisted > 0 and reasoning in (0, unlisted):
        written, reasoning = written + unlisted, unlisted
    return _plausible(
        Usage(
            input_tokens=given,
            output_tokens=written,
            cached_input_tokens=_count(details, "cached_tokens") or _count(usage, "prompt_cache_hit_tokens"),
            cache_write_tokens=_count(details, "cache_write_tokens"),
            reasoning_tokens=reasoning,
        )
    )


def anthropic_usage(usage: JsonObject) -> Usage | None:
    """Of a message's `usage`, whose `input_tokens` leaves out what was read from or written to the cache."""
    fresh, written = count_of(usage.get("input_tokens")), count_of(usage.get("output_tokens"))
    if fresh is None or written is None:
        return None
    stored, read = _count(usage, "cache_creation_input_tokens"), _count(usage, "cache_read_input_tokens")
    for_an_hour = _count(object_of(usage.get("cache_creation")), "ephemeral_1h_input_tokens")
    return _plausible(
        Usage(
            input_tokens=fresh + stored + read,
            output_tokens=written,
            cached_input_tokens=read,
            cache_write_tokens=max(0, stored - for_an_hour),
            cache_write_1h_tokens=min(stored, for_an_hour),
            reasoning_tokens=_count(object_of(usage.get("output_tokens_details")), "thinking_tokens"),
        )
    )


def _count(owner: JsonObject, name: str) -> int:
    return count_of(owner.get(name)) or 0


def _plausible(usage: Usage) -> Usage | None:
    figures = (
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_input_tokens,
        usage.cache_write_tokens,
        usage.cache_write_1h_tokens,
        usage.reasoning_tokens,
    )
    parts_of_input = usage.cached_input_tokens + usage.cache_write_tokens + usage.cache_write_1h_tokens
    if not all(0 <= figure <= ABSURD for figure in figures):
        return None
    if parts_of_input > usage.input_tokens or usage.reasoning_tokens > usage.output_tokens:
        return None
    return usage
