"""AI SDK's UI message stream, version 1: what `useChat` of versions 5, 6 and 7 reads.

Only parts that all three accept are sent; all else rides in `messageMetadata`. A stream without `finish` is taken
for a success by every version, so a broken one ends in an explicit `error`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import orjson

from lib.answer import Delta, Done, Opened, Report, Restarted, ToolCall, ToolCallDelta
from lib.contract import Json, JsonObject
from lib.errors import GatewayError, Stopped
from lib.json_text import parse
from lib.web.asgi import RawHeader
from lib.web.encode_json import cached, metadata, usage
from lib.web.encoders import DONE, KEEP_ALIVE, SSE_HEADERS, sse, ui_finish_reason, usd

UI_HEADERS: Final[tuple[RawHeader, ...]] = (*SSE_HEADERS, (b"x-vercel-ai-ui-message-stream", b"v1"))
_BAD_ARGUMENTS: Final = "The model called this tool with arguments that are not JSON."


@dataclass(slots=True)
class _OpenTool:
    """A tool call whose pieces are being sent."""

    id: str
    name: str = ""
    held: list[str] = field(default_factory=list[str])
    """Arguments that came before the name."""
    started: bool = False


@dataclass(frozen=True, slots=True)
class UIStyle:
    """What a request says about the stream it wants."""

    answer_id: str | None = None
    """Of the message that the answer goes on with; None for a new one."""
    resets_steps: bool = False
    """A restart is told by `reset-step`, which only AI SDK 7 knows."""

    def note(self) -> str:
        """As text that `style_of` reads."""
        return orjson.dumps([self.answer_id, self.resets_steps]).decode()


def style_of(note: str) -> UIStyle:
    """The style back from its note; the plain one from anything else."""
    try:
        match parse(note):
            case [str() | None as answer_id, bool(resets_steps)]:
                return UIStyle(answer_id, resets_steps)
            case _:
                return UIStyle()
    except ValueError:
        return UIStyle()


class UIEncoder:
    """One UI message: a single step with text, reasoning and tool calls in the order they come."""

    @property
    def keep_alive(self) -> bytes:
        """A comment."""
        return KEEP_ALIVE

    @property
    def headers(self) -> tuple[RawHeader, ...]:
        """Of the response."""
        return UI_HEADERS

    def __init__(self, style: UIStyle, request_id: str = "") -> None:
        self._style = style
        self._request_id = request_id
        self._open = ""
        self._blocks = 0
        self._delta_head = b""
        self._tools: dict[int, _OpenTool] = {}

    def opened(self, event: Opened) -> bytes:
        """The message and its step begin."""
        self._request_id = event.report.request_id
        start: JsonObject = {
            "type": "start",
            "messageId": self._style.answer_id or f"msg-{self._request_id}",
            "messageMetadata": _early_metadata(event.report),
        }
        return sse(start) + b'data: {"type":"start-step"}\n\n'

    def restarted(self, event: Restarted) -> bytes:
        """What was shown is void: `reset-step` removes it (AI SDK 7), `data-restart` tells the page to do so."""
        closed = b"" if self._style.resets_steps else self._close()
        self._open, self._tools = "", {}
        told: JsonObject = {"type": "reset-step"}
        if not self._style.resets_steps:
            told = {"type": "data-restart", "data": {"modelUsed": event.report.model_used}, "transient": True}
        return closed + sse(told) + sse({"type": "message-metadata", "messageMetadata": _early_metadata(event.report)})

    def delta(self, event: Delta) -> bytes:
        """Pieces of text, reasoning or a tool call; a refusal is shown as text. Choices but the first have no place."""
        if event.choice:
            return b""
        data = self._block("reasoning", event.reasoning) if event.reasoning else b""
        if event.thought is not None:
            data += self._seal(event.thought)
        if text := event.text + event.refusal:
            data += self._block("text", text)
        if event.tool_call is not None:
            data += self._close() + self._tool_piece(event.tool_call)
        return data

    def done(self, event: Done) -> bytes:
        """Everything open is closed, tool inputs are given whole, then the message's metadata and the end mark."""
        choice = event.answer.choices[0]
        pieces = [self._close()]
        pieces += [self._tool_input(index, call) for index, call in enumerate(choice.tool_calls)]
        finish: JsonObject = {
            "type": "finish",
            "finishReason": ui_finish_reason(choice.finish_reason),
            "messageMetadata": _final_metadata(event),
        }
        return b"".join([*pieces, b'data: {"type":"finish-step"}\n\n', sse(finish), DONE])

    def failed(self, error: GatewayError) -> bytes:
        """The error in words; the client keeps the text it has and shows the message. A stop is no error."""
        if isinstance(error, Stopped):
            return b'data: {"type":"abort"}\n\n' + DONE
        return sse({"type": "error", "errorText": error.message}) + DONE

    def _block(self, kind: str, piece: str) -> bytes:
        opening = b"" if self._open == kind else self._begin(kind)
        return opening + self._delta_head + orjson.dumps(piece) + b"}\n\n"

    def _begin(self, kind: str) -> bytes:
        closing = self._close()
        self._blocks += 1
        block = f"{kind}-{self._blocks}"
        self._open = kind
        self._delta_head = f'data: {{"type":"{kind}-delta","id":"{block}","delta":'.encode()
        return closing + sse({"type": f"{kind}-start", "id": block})

    def _seal(self, block: JsonObject) -> bytes:
        """The reasoning ends with what Anthropic wants back of it, in the names of AI SDK's provider for it."""
        seal = {"signature": block.get("signature")} if "signature" in block else {"redactedData": block.get("data")}
        opening = b"" if self._open == "reasoning" else self._begin("reasoning")
        return opening + self._close({"providerMetadata": {"anthropic": seal}})

    def _close(self, more: JsonObject | None = None) -> bytes:
        if not self._open:
            return b""
        kind, self._open = self._open, ""
        return sse({"type": f"{kind}-end", "id": f"{kind}-{self._blocks}", **(more or {})})

    def _tool_piece(self, piece: ToolCallDelta) -> bytes:
        tool = self._tools.get(piece.index)
        if tool is None:
            tool = self._tools[piece.index] = _OpenTool(piece.id or f"call-{self._request_id}-{piece.index}")
        tool.name = tool.name or piece.name
        if piece.arguments:
            tool.held.append(piece.arguments)
        return _flush(tool) if tool.name else b""

    def _tool_input(self, index: int, call: ToolCall) -> bytes:
        by_id = {tool.id: tool for tool in self._tools.values()}
        tool = by_id.get(call.id) or self._tools.get(index) or _OpenTool(call.id)
        tool.name = tool.name or call.name
        final: JsonObject = {"type": "tool-input-available", "toolCallId": tool.id, "toolName": tool.name}
        if call.extra:
            final["providerMetadata"] = call.extra
        try:
            final["input"] = parse(call.arguments or "{}")
        except ValueError:
            final.update(type="tool-input-error", input=call.arguments, errorText=_BAD_ARGUMENTS)
        return _flush(tool) + sse(final)


def _flush(tool: _OpenTool) -> bytes:
    data = b""
    if not tool.started:
        tool.started = True
        data = sse({"type": "tool-input-start", "toolCallId": tool.id, "toolName": tool.name})
    if tool.held:
        data += sse({"type": "tool-input-delta", "toolCallId": tool.id, "inputTextDelta": "".join(tool.held)})
        tool.held.clear()
    return data


def _early_metadata(report: Report) -> JsonObject:
    return {
        "requestId": report.request_id,
        "modelRequested": report.model_requested,
        "modelUsed": report.model_used,
        "provider": report.provider,
        "cached": cached(report),
    }


def _final_metadata(event: Done) -> dict[str, Json]:
    report = event.report
    return {
        **_early_metadata(report),
        "cost": usd(report.cost_micro_usd),
        "latencyMs": report.latency_ms,
        "usage": usage(event.answer.usage),
        "metadata": metadata(report, event.answer),
    }
