"""A chat request as an OpenAI-compatible model takes it: names adapted, what it rejects left out and reported. Pure."""

from __future__ import annotations

from typing import Final

from lib.ai.providers.base import ProviderCall
from lib.ai.providers.openai_messages import convert, tool_without_foreign
from lib.ai.providers.values import object_of
from lib.catalog.rows import ModelRow
from lib.contract import ChatRequest, Json, JsonObject, Message

OWN_FIELDS: Final = frozenset(
    {
        "model",
        "messages",
        "stream",
        "stream_options",
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "stop",
        "seed",
        "n",
        "tools",
        "tool_choice",
        "response_format",
    }
)
"""Fields this product sets itself; `extra` never overrides them."""


def build(call: ProviderCall) -> tuple[JsonObject, tuple[str, ...]]:
    """The body of POST /chat/completions, and the names of the parameters left out or weakened, sorted."""
    model, request = call.model, call.request
    dropped = set(request.anthropic)
    body: JsonObject = {}
    for name, value in (_extra(request) | _parameters(request)).items():
        if name in model.params.drop:
            dropped.add(name)
        else:
            body[name] = value
    if request.max_tokens is not None:
        _limit_output(body, model, request.max_tokens, dropped)
    if not model.params.forced_tool_choice and is_forced(body.get("tool_choice")):
        body["tool_choice"] = "auto"
        dropped.add("tool_choice")
    messages, prefill_dropped = without_prefill(request.messages, model)
    if prefill_dropped:
        dropped.add("prefill")
    body["model"] = model.wire_name
    body["messages"] = convert(messages, call.provider)
    if request.stream:
        body["stream"] = True
        if "stream_options" not in model.params.drop:
            body["stream_options"] = {"include_usage": True}
    return body, tuple(sorted(dropped))


def _extra(request: ChatRequest) -> JsonObject:
    return {name: value for name, value in request.extra.items() if name not in OWN_FIELDS}


def _parameters(request: ChatRequest) -> JsonObject:
    """What the caller set, by OpenAI's names."""
    parameters: JsonObject = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "stop": list(request.stop) or None,
        "seed": request.seed,
        "n": request.n if request.n > 1 else None,
        "tools": [tool_without_foreign(tool) for tool in request.tools] or None,
        "tool_choice": request.tool_choice if request.tools else None,
        "response_format": request.response_format,
    }
    return {name: value for name, value in parameters.items() if value is not None}


def _limit_output(body: JsonObject, model: ModelRow, asked: int, dropped: set[str]) -> None:
    """A model refuses a limit above what it can write, which a fallback in the chain may well be asked for."""
    if "max_tokens" in model.params.drop:
        dropped.add("max_tokens")
    else:
        body[model.params.max_tokens_name] = min(asked, model.max_output)


def is_forced(tool_choice: Json) -> bool:
    """Whether a tool choice leaves the model no choice but to call a tool."""
    return tool_choice not in (None, "auto", "none") and object_of(tool_choice).get("type") not in ("auto", "none")


def without_prefill(messages: tuple[Message, ...], model: ModelRow) -> tuple[tuple[Message, ...], bool]:
    """The messages without trailing assistant ones where the model rejects them, and whether there were any."""
    end = len(messages)
    if not model.params.prefill:
        while end > 1 and messages[end - 1].get("role") == "assistant":
            end -= 1
    return messages[:end], end < len(messages)
