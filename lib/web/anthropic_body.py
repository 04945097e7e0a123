"""POST /api/ai/v1/messages: bytes to a `ChatRequest`. Errors name the field and never repeat what was sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from lib.contract import ChatRequest, Json, JsonObject, Message, RoutingWish
from lib.errors import InvalidRequest
from lib.web.anthropic_model import CountBody, MessagesBody, ToolUseChoice
from lib.web.anthropic_turns import messages_of, system_messages
from lib.web.asgi import Headers
from lib.web.body import routing_of
from lib.web.cache_options import cache_use
from lib.web.json_values import as_json, as_object, object_field, text_field
from lib.web.parameters import idempotency_key_of, param_name, unknown_of
from lib.web.validation import invalid
from lib.web.wire_model import GatewayWish

Body = TypeVar("Body", bound=CountBody)

_REFUSED: Final = {
    "container": "Code execution at the provider is not carried.",
    "mcp_servers": "Tools that run at the provider are not carried.",
    "inference_geo": "Its surcharge is not known to the books.",
    "speed": "Its surcharge is not known to the books.",
    "user_profile_id": "The provider's account is not the caller's.",
    "workspace_id": "The provider's account is not the caller's.",
}
"""Fields whose answers or prices nothing here could carry."""
_OWN_TOOLS: Final = ("bash_", "text_editor_", "memory_")
"""Tools that Anthropic's models know by name and callers run. Its other ones run at Anthropic."""
_TOOL_FIELDS: Final = frozenset({"type", "name", "description", "input_schema"})
_OPTIONS: Final = {"strict": bool, "cache_control": dict, "input_examples": list, "eager_input_streaming": bool}
"""What else may be told of a tool; all but the first is for Anthropic's models alone."""
_CHOICES: Final = {"auto": "auto", "any": "required", "none": "none"}
_ONLY: Final = "anthropic"


def parsed(model: type[Body], body: bytes) -> Body:
    """The body as a model. Raises InvalidRequest naming the first field that is wrong."""
    try:
        posted = model.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error) from None
    for name, reason in _REFUSED.items():
        if (posted.model_extra or {}).get(name) is not None:
            raise InvalidRequest(reason, param=name, code="unsupported_parameter")
    return posted


def prompt_of(posted: CountBody) -> ChatRequest:
    """The messages and tools, without a word about the answer."""
    system = system_messages(as_json(posted.system, "system"))
    turns = [as_object(turn, f"messages[{index}]") for index, turn in enumerate(posted.messages)]
    said = [message for index, turn in enumerate(turns) for message in messages_of(turn, f"messages[{index}]")]
    if not said:
        raise InvalidRequest("There must be a message with content.", param="messages")
    messages: tuple[Message, ...] = (*system, *said)
    tools = tuple(_tool(tool, f"tools[{index}]") for index, tool in enumerate(posted.tools or ()))
    theirs = any(tool.get("type") != "function" for tool in tools)
    routing = RoutingWish(only=(_ONLY,)) if theirs else RoutingWish()
    choice = _tool_choice(posted.tool_choice)
    return ChatRequest(model=posted.model or "", messages=messages, tools=tools, tool_choice=choice, routing=routing)


def request_of(posted: MessagesBody, headers: Headers, default_model: str) -> ChatRequest:
    """The whole request. Raises InvalidRequest."""
    prompt = prompt_of(posted)
    wish = posted.gateway or GatewayWish()
    cache = cache_use(headers, enabled=None, options=wish.cache)
    if wish.restart is not None:
        raise InvalidRequest("This protocol cannot take back what was sent.", param="gateway.restart")
    return replace(
        prompt,
        model=prompt.model or default_model,
        stream=posted.stream,
        max_tokens=posted.max_tokens,
        temperature=posted.temperature,
        top_p=posted.top_p,
        stop=tuple(posted.stop_sequences),
        response_format=_response_format(posted),
        extra=_extra(posted),
        anthropic=_for_anthropic(posted),
        prompt_caching=wish.caching is not None,
        on_budget=wish.on_budget or "",
        read_cache=cache.read,
        write_cache=cache.write,
        cache=cache.wish,
        idempotency_key=idempotency_key_of(headers),
        tags=tuple(wish.tags),
        routing=_routing(wish, prompt.routing.only),
    )


def _routing(wish: GatewayWish, only: tuple[str, ...]) -> RoutingWish:
    routing = routing_of(wish)
    if only and routing.only and _ONLY not in routing.only:
        raise InvalidRequest("Tools of Anthropic's own need its models.", param="gateway.only")
    return replace(routing, only=only or routing.only)


def _tool(value: object, param: str) -> JsonObject:
    """A custom tool as a function; one of Anthropic's own as it is."""
    tool = as_object(value, param)
    kind = tool.get("type", "custom")
    if isinstance(kind, str) and kind.startswith(_OWN_TOOLS):
        return tool
    if kind not in ("custom", None):
        raise InvalidRequest("Only tools that the caller runs are carried.", param=f"{param}.type")
    function: JsonObject = {"name": text_field(tool, "name", param)}
    if tool.get("description") is not None:
        function["description"] = text_field(tool, "description", param, empty=True)
    function["parameters"] = object_field(tool, "input_schema", param)
    options = _tool_options(tool, param)
    if options.pop("strict", False):
        function["strict"] = True
    return {"type": "function", "function": function, **options}


def _tool_options(tool: JsonObject, param: str) -> JsonObject:
    options: JsonObject = {}
    for name, value in tool.items():
        where = f"{param}.{param_name(name)}"
        if name not in _OPTIONS and name not in _TOOL_FIELDS:
            raise InvalidRequest("This option of a tool is not carried.", param=where)
        if name in _OPTIONS and value is not None:
            if not isinstance(value, _OPTIONS[name]):
                raise InvalidRequest("This is not of the right type.", param=where)
            options[name] = value
    return options


def _tool_choice(choice: ToolUseChoice | None) -> Json:
    if choice is None:
        return None
    if choice.type != "tool":
        return _CHOICES[choice.type]
    if choice.name is None:
        raise InvalidRequest("This field is required.", param="tool_choice.name")
    return {"type": "function", "function": {"name": choice.name}}


def _response_format(posted: MessagesBody) -> JsonObject | None:
    wanted = posted.output_config.format if posted.output_config else None
    if wanted is None:
        return None
    schema = as_object(wanted.json_schema, "output_config.format.schema")
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


def _extra(posted: MessagesBody) -> JsonObject:
    choice = posted.tool_choice
    single = choice is not None and choice.disable_parallel_tool_use and bool(posted.tools)
    return {"parallel_tool_calls": False} if single else {}


def _for_anthropic(posted: MessagesBody) -> JsonObject:
    """What only Anthropic's models understand, fields that are not known here included."""
    fields = unknown_of(posted.model_extra or {})
    for name, value in (
        ("thinking", _dump(posted.thinking)),
        ("metadata", _dump(posted.metadata)),
        ("cache_control", _dump(posted.cache_control)),
        ("top_k", posted.top_k),
        ("service_tier", posted.service_tier),
    ):
        if value is not None:
            fields[name] = value
    if posted.output_config and posted.output_config.effort:
        fields["output_config"] = {"effort": posted.output_config.effort}
    return fields


def _dump(model: BaseModel | None) -> JsonObject | None:
    return model.model_dump(exclude_none=True) if model is not None else None
