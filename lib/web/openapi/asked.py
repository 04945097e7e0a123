"""What chats hold, as schemas: messages in their three shapes, tools, formats.

The parsers check these by hand (`message_check`, `ui_messages`, `anthropic_turns`), so here they are told for readers.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, RootModel

_Some: TypeAlias = Annotated[str, Field(min_length=1)]
_Picture: TypeAlias = Annotated[
    str, Field(pattern=r"^([hH][tT][tT][pP][sS]?://|[dD][aA][tT][aA]:[iI][mM][aA][gG][eE]/)")
]


class TextPart(BaseModel):
    """Text."""

    type: Literal["text"]
    text: str


class RefusalPart(BaseModel):
    """What a model said instead of an answer."""

    type: Literal["refusal"]
    refusal: str


class ImageAddress(BaseModel):
    """Where a picture is."""

    url: _Picture
    """An http(s) address that the provider fetches, or the picture as a data URL."""


class ImagePart(BaseModel):
    """A picture."""

    type: Literal["image_url"]
    image_url: ImageAddress


class Sound(BaseModel):
    """Sound in base64."""

    data: _Some
    format: _Some


class AudioPart(BaseModel):
    """Sound."""

    type: Literal["input_audio"]
    input_audio: Sound


class FilePart(BaseModel):
    """A document, such as a PDF as a data URL in `file_data`."""

    type: Literal["file"]
    file: dict[str, object]


class Instructions(BaseModel):
    """What holds for the whole conversation."""

    role: Literal["system", "developer"]
    content: str | Annotated[list[TextPart], Field(min_length=1)]
    name: _Some | None = None


class UserMessage(BaseModel):
    """What the user says."""

    role: Literal["user"]
    content: str | Annotated[list[TextPart | ImagePart | AudioPart | FilePart], Field(min_length=1)]
    name: _Some | None = None


class CalledFunction(BaseModel):
    """Which function, with what."""

    name: _Some
    arguments: str
    """A JSON object as text."""


class ToolCall(BaseModel):
    """A call that the model made."""

    id: _Some
    type: Literal["function"] = "function"
    function: CalledFunction


class AssistantMessage(BaseModel):
    """What the model said."""

    role: Literal["assistant"]
    content: str | Annotated[list[TextPart | RefusalPart], Field(min_length=1)]
    name: _Some | None = None
    refusal: str | None = None
    tool_calls: Annotated[list[ToolCall], Field(min_length=1)] | None = None


class AssistantCalls(BaseModel):
    """A turn in which the model only called tools."""

    role: Literal["assistant"]
    content: None = None
    tool_calls: Annotated[list[ToolCall], Field(min_length=1)]


class ToolMessage(BaseModel):
    """What a call gave."""

    role: Literal["tool"]
    tool_call_id: _Some
    content: str | Annotated[list[TextPart], Field(min_length=1)]


class Message(RootModel[Instructions | UserMessage | AssistantMessage | AssistantCalls | ToolMessage]):
    """A message in the shape of OpenAI's chat completions."""


class UITextPart(BaseModel):
    """Text."""

    type: Literal["text"]
    text: str


class UIImagePart(BaseModel):
    """A picture. PDF, WAV and MP3 files are taken as data URLs."""

    type: Literal["file"]
    media_type: Annotated[str, Field(alias="mediaType", pattern=r"^image/[a-z]+$")]
    url: _Picture
    filename: str | None = None


class UIReasoningPart(BaseModel):
    """What the model thought; only what Anthropic has signed goes back to it."""

    type: Literal["reasoning"]
    text: str


class UIStepPart(BaseModel):
    """Begins a round of tool use."""

    type: Literal["step-start"]


class UIToolPart(BaseModel):
    """A call and what it gave; `errorText` in the place of `output` where the state is `output-error`."""

    type: Annotated[str, Field(pattern=r"^tool-[A-Za-z0-9_-]+$")]
    tool_call_id: Annotated[_Some, Field(alias="toolCallId")]
    state: Literal["input-streaming", "input-available", "output-available"]
    input: object = None
    output: object = None


class UIMessage(BaseModel):
    """A message of AI SDK 5, 6 or 7: what `useChat` sends. Parts of other types are for the eye and are left out."""

    id: str | None = None
    role: Literal["user"]
    parts: Annotated[list[UITextPart | UIImagePart], Field(min_length=1)]


class UIAssistantMessage(BaseModel):
    """The model's message of AI SDK: whole rounds of tool use, each begun by a `step-start` part."""

    id: str | None = None
    role: Literal["assistant"]
    parts: Annotated[list[UITextPart | UIReasoningPart | UIStepPart | UIToolPart], Field(min_length=1)]


class FunctionDefinition(BaseModel):
    """What the model is told of a function."""

    name: _Some
    description: str | None = None
    parameters: dict[str, object] | None = None


class Tool(BaseModel):
    """A function that the caller runs."""

    type: Literal["function"]
    function: FunctionDefinition


class ChosenFunction(BaseModel):
    """The one to call."""

    name: _Some


class ToolChoice(BaseModel):
    """A tool that must be called."""

    type: Literal["function"]
    function: ChosenFunction


class JsonSchema(BaseModel):
    """A schema and its name."""

    name: _Some
    schema_: Annotated[dict[str, object] | None, Field(alias="schema")] = None


class PlainFormat(BaseModel):
    """Text, or any JSON."""

    type: Literal["text", "json_object"]


class SchemaFormat(BaseModel):
    """JSON by a schema."""

    type: Literal["json_schema"]
    json_schema: JsonSchema


class ImageSource(BaseModel):
    """A picture in base64."""

    type: Literal["base64"]
    media_type: Literal["image/jpeg", "image/png", "image/gif", "image/webp"]
    data: _Some


class ImageLink(BaseModel):
    """A picture at an address."""

    type: Literal["url"]
    url: _Picture


class ImageBlock(BaseModel):
    """A picture."""

    type: Literal["image"]
    source: ImageSource | ImageLink


class ToolUseBlock(BaseModel):
    """A call that the model made."""

    type: Literal["tool_use"]
    id: _Some
    name: _Some
    input: dict[str, object]


class ThinkingBlock(BaseModel):
    """What the model thought, as it came."""

    type: Literal["thinking"]
    thinking: str
    signature: str


class ToolResultBlock(BaseModel):
    """What a call gave."""

    type: Literal["tool_result"]
    tool_use_id: _Some
    content: str | list[TextPart | ImageBlock] | None = None
    is_error: bool | None = None


class UserTurn(BaseModel):
    """What the user says, after the results of the tools."""

    role: Literal["user"]
    content: str | Annotated[list[TextPart | ImageBlock | ToolResultBlock], Field(min_length=1)]


class AssistantTurn(BaseModel):
    """What the model said."""

    role: Literal["assistant"]
    content: str | Annotated[list[TextPart | ThinkingBlock | ToolUseBlock], Field(min_length=1)]


class Turn(RootModel[UserTurn | AssistantTurn]):
    """A message in the shape of Anthropic's messages API."""


class AnthropicTool(BaseModel):
    """A function that the caller runs."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["custom"] | None = None
    name: _Some
    description: str | None = None
    input_schema: dict[str, object]
    strict: bool | None = None
    cache_control: dict[str, object] | None = None
    input_examples: list[object] | None = None
    eager_input_streaming: bool | None = None


class ChatFields(BaseModel):
    """Fields of a chat that its parser checks by hand."""

    messages: (
        Annotated[list[Message], Field(min_length=1, max_length=1_000)]
        | Annotated[list[UIMessage | UIAssistantMessage], Field(min_length=1, max_length=1_000)]
    )
    tools: Annotated[list[Tool], Field(max_length=256)] | None = None
    tool_choice: Annotated[Literal["auto", "none", "required"] | ToolChoice | None, Field(alias="toolChoice")] = None
    response_format: Annotated[PlainFormat | SchemaFormat | None, Field(alias="responseFormat")] = None
    stop: _Some | Annotated[list[_Some], Field(max_length=16)] | None = None


class AnyTool(BaseModel):
    """Whether tools may (`auto`), must (`any`) or must not be called."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["auto", "any", "none"]
    disable_parallel_tool_use: bool = False


class OneTool(BaseModel):
    """The tool that must be called."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["tool"]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    disable_parallel_tool_use: bool = False


class TurnFields(BaseModel):
    """The same of a request in Anthropic's shape."""

    messages: Annotated[list[Turn], Field(min_length=1, max_length=1_000)]
    system: str | list[TextPart] | None = None
    tools: Annotated[list[AnthropicTool], Field(max_length=256)] | None = None
    tool_choice: AnyTool | OneTool | None = None


_Token: TypeAlias = Annotated[int, Field(ge=0, lt=2**31)]


class EmbeddingFields(BaseModel):
    """What is to be embedded."""

    input: (
        _Some
        | Annotated[list[_Token], Field(min_length=1, max_length=2_048)]
        | Annotated[list[_Some], Field(min_length=1, max_length=2_048)]
        | Annotated[list[Annotated[list[_Token], Field(min_length=1)]], Field(min_length=1, max_length=2_048)]
    )
