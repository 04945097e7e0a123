r"""The stored form of an answer: one line of JSON about it, a line break, then the answer itself as JSON.

    {"v":1,"at":…,"model":…,"served":…,"provider":…,"in":…,"out":…,"cost":…,"class":…,"why":…,"ttl":…}\n{"choices":[…],…}

Scripts in the KV use the first line as it is, so it never holds a line break, nor anything that anyone has said: what
comes after it may be sealed (`lib.kv.seal`). De-duplication stores the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import orjson

from lib.answer import Answer, Choice, FinishReason, Thought, ToolCall, Usage
from lib.contract import Json, JsonObject
from lib.json_text import parse
from lib.kv.seal import Seal

ENTRY_VERSION: Final = 1


class Damaged(ValueError):
    """A value that `answer_to_json` does not write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryMeta:
    """What is kept beside an answer."""

    at: float
    """When the answer was given, in seconds since the epoch."""
    kind: str
    """Its lifetime class."""
    why: str
    """The rule that chose the class."""
    seconds: int
    """Its lifetime."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored answer read back."""

    answer: Answer
    meta: EntryMeta

    def age(self, now: float) -> int:
        """Whole seconds since the answer was given, for the `Age` header; never negative."""
        return max(0, int(now - self.meta.at))


def encode(answer: Answer, meta: EntryMeta) -> str:
    """The stored text."""
    head: JsonObject = {
        "v": ENTRY_VERSION,
        "at": round(meta.at, 3),
        "model": answer.model,
        "served": answer.served_model,
        "provider": answer.provider,
        "in": answer.usage.input_tokens,
        "out": answer.usage.output_tokens,
        "cost": answer.cost_micro_usd,
        "class": meta.kind,
        "why": meta.why,
        "ttl": meta.seconds,
    }
    return (orjson.dumps(head) + b"\n" + orjson.dumps(answer_to_json(answer))).decode()


def decode(text: str) -> Entry | None:
    """The entry, or None for anything damaged or of another version: that is a miss, never an error."""
    first, _, rest = text.partition("\n")
    try:
        head, body = _object(parse(first)), _object(parse(rest))
        if head.get("v") != ENTRY_VERSION:
            return None
        meta = EntryMeta(
            at=_number(head, "at"), kind=_text(head, "class"), why=_text(head, "why"), seconds=_count(head, "ttl")
        )
        return Entry(answer_from_json(body), meta)
    except ValueError:
        return None


def opened(seal: Seal | None, name: str, text: str) -> Entry | None:
    """The entry that was kept under this name, where it was sealed with this seal; None otherwise."""
    clear = seal.open_rest(name, text) if seal else None
    return None if clear is None else decode(clear)


def answer_to_json(answer: Answer) -> JsonObject:
    """An answer as a JSON object that `answer_from_json` reads back equal."""
    usage = answer.usage
    return {
        "choices": [_choice_to_json(choice) for choice in answer.choices],
        "model": answer.model,
        "provider": answer.provider,
        "served_model": answer.served_model,
        "usage": {
            "input": usage.input_tokens,
            "output": usage.output_tokens,
            "cached": usage.cached_input_tokens,
            "cache_write": usage.cache_write_tokens,
            "cache_write_1h": usage.cache_write_1h_tokens,
            "reasoning": usage.reasoning_tokens,
            "estimated": usage.estimated,
        },
        "cost_micro_usd": answer.cost_micro_usd,
        "price_known": answer.price_known,
        "created_at": answer.created_at,
    }


def answer_from_json(value: Json) -> Answer:
    """An answer from its JSON object. Raises Damaged, or ValueError for an unknown finish reason."""
    body = _object(value)
    choices = tuple(_choice_from_json(choice) for choice in _list(body, "choices"))
    if not choices:
        raise Damaged("an answer has at least one choice")
    return Answer(
        choices=choices,
        model=_text(body, "model"),
        provider=_text(body, "provider"),
        served_model=_text(body, "served_model"),
        usage=_usage_from_json(_object(body.get("usage"))),
        cost_micro_usd=_count(body, "cost_micro_usd"),
        price_known=_flag(body, "price_known"),
        created_at=_number(body, "created_at"),
    )


def _choice_to_json(choice: Choice) -> JsonObject:
    fields: JsonObject = {"text": choice.text, "finish_reason": choice.finish_reason.value}
    if choice.reasoning:
        fields["reasoning"] = choice.reasoning
    if choice.refusal:
        fields["refusal"] = choice.refusal
    if choice.tool_calls:
        fields["tool_calls"] = [
            [call.id, call.name, call.arguments, *([call.extra] if call.extra else [])] for call in choice.tool_calls
        ]
    if choice.logprobs is not None:
        fields["logprobs"] = choice.logprobs
    if choice.thoughts:
        fields["thoughts"] = [[thought.after, thought.block] for thought in choice.thoughts]
    if choice.stop_sequence:
        fields["stop_sequence"] = choice.stop_sequence
    return fields


def _choice_from_json(value: Json) -> Choice:
    fields = _object(value)
    return Choice(
        text=_text(fields, "text"),
        reasoning=_text(fields, "reasoning", ""),
        refusal=_text(fields, "refusal", ""),
        tool_calls=tuple(_tool_call_from_json(call) for call in _list(fields, "tool_calls", [])),
        finish_reason=FinishReason(_text(fields, "finish_reason")),
        logprobs=fields.get("logprobs"),
        thoughts=tuple(_thought_from_json(thought) for thought in _list(fields, "thoughts", [])),
        stop_sequence=_text(fields, "stop_sequence", ""),
    )


def _tool_call_from_json(value: Json) -> ToolCall:
    match value:
        case [str(call_id), str(name), str(arguments)]:
            return ToolCall(call_id, name, arguments)
        case [str(call_id), str(name), str(arguments), dict(extra)]:
            return ToolCall(call_id, name, arguments, extra)
        case _:
            raise Damaged("a tool call is three texts, and what its provider added")


def _thought_from_json(value: Json) -> Thought:
    match value:
        case [int(after), dict(block)] if after >= 0 and not isinstance(after, bool):
            return Thought(block, after)
        case _:
            raise Damaged("a thought is a count and an object")


def _usage_from_json(fields: JsonObject) -> Usage:
    return Usage(
        input_tokens=_count(fields, "input"),
        output_tokens=_count(fields, "output"),
        cached_input_tokens=_count(fields, "cached"),
        cache_write_tokens=_count(fields, "cache_write"),
        cache_write_1h_tokens=_count(fields, "cache_write_1h"),
        reasoning_tokens=_count(fields, "reasoning"),
        estimated=_flag(fields, "estimated"),
    )


def _object(value: Json) -> JsonObject:
    if not isinstance(value, dict):
        raise Damaged("not an object")
    return value


def _list(fields: JsonObject, name: str, default: list[Json] | None = None) -> list[Json]:
    found = fields.get(name, default)
    if not isinstance(found, list):
        raise Damaged(f"{name} is no list")
    return found


def _text(fields: JsonObject, name: str, default: str | None = None) -> str:
    found = fields.get(name, default)
    if not isinstance(found, str):
        raise Damaged(f"{name} is no text")
    return found


def _count(fields: JsonObject, name: str) -> int:
    found = fields.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise Damaged(f"{name} is no count")
    return found


def _number(fields: JsonObject, name: str) -> float:
    found = fields.get(name)
    if not isinstance(found, int | float) or isinstance(found, bool):
        raise Damaged(f"{name} is no number")
    return float(found)


def _flag(fields: JsonObject, name: str) -> bool:
    found = fields.get(name)
    if not isinstance(found, bool):
        raise Damaged(f"{name} is neither true nor false")
    return found
