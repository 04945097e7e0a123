"""AI SDK's UI message stream, version 1: what `useChat` of versions 5, 6 and 7 reads.

Only parts that all three accept are sent; all else rides in `messageMetadata`. A stream without `finish` is taken
for a success by every version, so a broken one ends in an explicit `error`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import orjson

from lib.contract import Delta, Done, Json, JsonObject, Opened, Report, Restarted, ToolCall, ToolCallDelta
from lib.errors import GatewayError
from lib.json_text import parse
from lib.web.asgi import RawHeader
from lib.web.encode_json import cached, metadata, usage
from lib.web.encoders import DONE, SSE_HEADERS, sse, ui_finish_reason, usd

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


class UIEncoder:
    """One UI message: a single step with text, reasoning and tool calls in the order they come."""

    @property
    def headers(self) -> tuple[RawHeader, ...]:
        """Of the response."""
        return UI_HEADERS

    def __init__(self, *, request_id: str, answer_id: str | None = None, resets_steps: bool = False) -> None:
        self._request_id = request_id
        self._message_id = answer_id or f"msg-{request_id}"
        self._resets_steps = resets_steps
        self._open = ""
        self._blocks = 0
        self._delta_head = b""
        self._tools: dict[int, _OpenTool] = {}

    def opened(self, event: Opened) -> bytes:
        """The message and its step begin."""
        start: JsonObject = {
            "type": "start",
            "messageId": self._message_id,
            "messageMetadata": _early_metadata(event.report),
        }
        return sse(start) + b'data: {"type":"start-step"}\n\n'

    def restarted(self, event: Restarted) -> bytes:
        """What was shown is void: `reset-step` removes it (AI SDK 7), `data-restart` tells the page to do so."""
        closed = b"" if self._resets_steps else self._close()
        self._open, self._tools = "", {}
        told: JsonObject = {"type": "reset-step"}
        if not self._resets_steps:
            told = {"type": "data-restart", "data": {"modelUsed": event.report.model_used}, "transient": True}
        return closed + sse(told) + sse({"type": "message-metadata", "messageMetadata": _early_metadata(event.report)})

    def delta(self, event: Delta) -> bytes:
        """Pieces of text, reasoning or a tool call; a refusal is shown as text. Choices but the first have no place."""
        if event.choice:
            return b""
        data = self._block("reasoning", event.reasoning) if event.reasoning else b""
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
        """The error in words; the client keeps the text it has and shows the message."""
        return sse({"type": "error", "errorText": error.message}) + DONE

    def _block(self, kind: str, piece: str) -> bytes:
        opening = b""
        if self._open != kind:
            opening = self._close()
            self._blocks += 1
            block = f"{kind}-{self._blocks}"
            self._open = kind
            self._delta_head = f'data: {{"type":"{kind}-delta","id":"{block}","delta":'.encode()
            opening += sse({"type": f"{kind}-start", "id": block})
        return opening + self._delta_head + orjson.dumps(piece) + b"}\n\n"

    def _close(self) -> bytes:
        if not self._open:
            return b""
        kind, self._open = self._open, ""
        return sse({"type": f"{kind}-end", "id": f"{kind}-{self._blocks}"})

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
