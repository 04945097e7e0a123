"""A chat request in OpenAI's words as Anthropic's messages API takes it; what it has no word for is reported. Pure."""

from __future__ import annotations

from typing import Final

from lib.ai.providers.anthropic_caching import mark
from lib.ai.providers.anthropic_messages import calls_without_thought, convert
from lib.ai.providers.base import ProviderCall
from lib.ai.providers.openai_request import OWN_FIELDS, is_forced, without_prefill
from lib.ai.providers.values import count_of, object_of, text_of
from lib.catalog.rows import ModelRow
from lib.contract import ChatRequest, Json, JsonObject

DEFAULT_MAX_TOKENS: Final = 8_192
"""Anthropic requires a limit; this is what a request that names none gets, where the model can write so much."""
_UNKNOWN_TO_ANTHROPIC: Final = frozenset(
    {
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "modalities",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "store",
        "top_logprobs",
        "verbosity",
        "web_search_options",
    }
)
"""OpenAI's parameters without a counterpart: sent on, they would be refused."""
_TRANSLATED: Final = frozenset(
    {"parallel_tool_calls", "reasoning_effort", "user", "metadata", "service_tier", "system"}
)
"""Read below rather than passed through."""
_TOOL_MARKS: Final = ("cache_control", "input_examples", "eager_input_streaming")
"""What stands beside a function for Anthropic alone."""
_SERVICE_TIERS: Final = ("auto", "standard_only")
_EFFORTS: Final = frozenset({"low", "medium", "high", "xhigh", "max"})


def build(call: ProviderCall) -> tuple[JsonObject, tuple[str, ...]]:
    """The body of POST /messages, and the names of the parameters left out or weakened, sorted.

    Raises ProviderError `unsupported` for message parts that Anthropic cannot take.
    """
    model, request = call.model, call.request
    dropped = dropped_params(model, request)
    system, turns = convert(without_prefill(request.messages, model)[0])
    body = _extra(model, request)
    body |= _sampling(model, request)
    body |= _tools(model, request)
    body |= _output_config(request, object_of(body.get("output_config")), dropped)
    body |= _metadata(request)
    body["model"] = model.wire_name
    body["messages"] = turns
    body["max_tokens"] = _max_tokens(model, request)
    if system:
        body["system"] = system
    if request.stream:
        body["stream"] = True
    if request.prompt_caching:
        mark(body)
    return body, tuple(sorted(dropped))


def dropped_params(model: ModelRow, request: ChatRequest) -> frozenset[str]:
    """Names of the parameters that are not sent as they were asked."""
    rules = model.params
    asked = {name for name in ("temperature", "top_p", "max_tokens") if getattr(request, name) is not None}
    asked |= {name for name in ("stop", "tools") if getattr(request, name)} | request.extra.keys()
    asked |= request.anthropic.keys()
    dropped = asked & rules.drop | request.extra.keys() & _UNKNOWN_TO_ANTHROPIC
    changed = {
        "seed": request.seed is not None,
        "n": request.n > 1,
        "response_format": object_of(request.response_format).get("type") == "json_object",
        "tool_choice": not rules.forced_tool_choice and is_forced(request.tool_choice),
        "prefill": without_prefill(request.messages, model)[1],
        "thinking": _thinks_in_vain(request),
        **_changed_sampling(model, request),
        **_changed_extra(request.extra),
    }
    return frozenset(dropped | {name for name, is_changed in changed.items() if is_changed})


def _changed_sampling(model: ModelRow, request: ChatRequest) -> dict[str, bool]:
    """What `_sampling` changes, beside what the model rejects anyway."""
    takes_temperature = request.temperature is not None and "temperature" not in model.params.drop
    return {
        "temperature": request.temperature is not None and request.temperature > 1,
        "top_p": request.top_p is not None and takes_temperature,
        "stop": any(not text.strip() for text in request.stop),
    }


def _changed_extra(extra: JsonObject) -> dict[str, bool]:
    """Translated fields whose value has no counterpart."""
    return {
        "reasoning_effort": "reasoning_effort" in extra and _effort(extra["reasoning_effort"]) is None,
        "service_tier": "service_tier" in extra and extra["service_tier"] not in _SERVICE_TIERS,
        "metadata": bool(object_of(extra.get("metadata")).keys() - {"user_id"}),
    }


def _extra(model: ModelRow, request: ChatRequest) -> JsonObject:
    """Fields of Anthropic's own (`thinking`, `top_k`, `cache_control`, …) and any it may gain."""
    left_out = OWN_FIELDS | _UNKNOWN_TO_ANTHROPIC | _TRANSLATED | model.params.drop
    fields = {name: value for name, value in request.extra.items() if name not in left_out}
    fields |= {name: value for name, value in request.anthropic.items() if name not in model.params.drop}
    if _thinks_in_vain(request):
        fields.pop("thinking", None)
    return fields


def _thinking(request: ChatRequest) -> JsonObject:
    return object_of(request.anthropic.get("thinking")) or object_of(request.extra.get("thinking"))


def _thinks_in_vain(request: ChatRequest) -> bool:
    """Whether a thinking budget would be refused, see `calls_without_thought`."""
    return _thinking(request).get("type") == "enabled" and calls_without_thought(request.messages)


def _sampling(model: ModelRow, request: ChatRequest) -> JsonObject:
    """Temperature, which ends at 1 here and at 2 at OpenAI, or else top_p: some models refuse the two together."""
    sampling: JsonObject = {}
    drop = model.params.drop
    if request.temperature is not None and "temperature" not in drop:
        sampling["temperature"] = min(request.temperature, 1.0)
    elif request.top_p is not None and "top_p" not in drop:
        sampling["top_p"] = request.top_p
    stops: list[Json] = [text for text in request.stop if text.strip()]
    if stops and "stop" not in drop:
        sampling["stop_sequences"] = stops
    return sampling


def _tools(model: ModelRow, request: ChatRequest) -> JsonObject:
    if not request.tools or "tools" in model.params.drop:
        return {}
    tools: JsonObject = {"tools": [_tool(tool) for tool in request.tools]}
    choice = _tool_choice(request.tool_choice, forced=model.params.forced_tool_choice)
    if request.extra.get("parallel_tool_calls") is False and choice.get("type") != "none":
        choice = {**(choice or {"type": "auto"}), "disable_parallel_tool_use": True}
    if choice:
        tools["tool_choice"] = choice
    return tools


def _tool(tool: JsonObject) -> JsonObject:
    """A function as a custom tool; Anthropic's own tools pass as they are."""
    if tool.get("type") != "function":
        return tool
    function = object_of(tool.get("function"))
    schema = object_of(function.get("parameters")) or {"type": "object", "properties": {}}
    converted: JsonObject = {"name": function.get("name"), "input_schema": schema}
    if description := text_of(function.get("description")):
        converted["description"] = description
    if function.get("strict") is True:
        converted["strict"] = True
    return converted | {name: tool[name] for name in _TOOL_MARKS if name in tool}


def _tool_choice(choice: Json, *, forced: bool) -> JsonObject:
    """Anthropic's form of a tool choice; empty where none was made."""
    if not forced and is_forced(choice):
        return {"type": "auto"}
    if choice == "required":
        return {"type": "any"}
    if isinstance(choice, str):
        return {"type": choice}
    asked = object_of(choice)
    if asked.get("type") == "function":
        return {"type": "tool", "name": object_of(asked.get("function")).get("name")}
    return asked


def _output_config(request: ChatRequest, given: JsonObject, dropped: frozenset[str]) -> JsonObject:
    """Structured output and reasoning effort, beside what the caller has put into `output_config` himself."""
    config: JsonObject = {}
    wanted = object_of(request.response_format)
    if wanted.get("type") == "json_schema":
        schema = object_of(object_of(wanted.get("json_schema")).get("schema"))
        config["format"] = {"type": "json_schema", "schema": schema}
    effort = _effort(request.extra.get("reasoning_effort"))
    if effort is not None and "reasoning_effort" not in dropped:
        config["effort"] = effort
    return {"output_config": given | config} if config else {}


def _effort(asked: Json) -> str | None:
    """Anthropic's word for OpenAI's reasoning effort; `none` has no counterpart."""
    effort = text_of(asked)
    return "low" if effort == "minimal" else effort if effort in _EFFORTS else None


def _metadata(request: ChatRequest) -> JsonObject:
    extra = request.extra
    sent: JsonObject = {}
    user = text_of(object_of(extra.get("metadata")).get("user_id")) or text_of(extra.get("user"))
    if user:
        sent["metadata"] = {"user_id": user}
    if extra.get("service_tier") in _SERVICE_TIERS:
        sent["service_tier"] = extra["service_tier"]
    return sent


def _max_tokens(model: ModelRow, request: ChatRequest) -> int:
    """The limit asked for, or the default beside a thinking budget; never more than the model can write."""
    thinking = count_of(_thinking(request).get("budget_tokens")) or 0
    return min(request.max_tokens or DEFAULT_MAX_TOKENS + thinking, model.max_output)
