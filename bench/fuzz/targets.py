"""The fuzz targets in a row: a name, what is run on any bytes, and bytes to start from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bench.fuzz import bodies, stored, streams


@dataclass(frozen=True, slots=True)
class Target:
    """`run` raises nothing but Broken, whatever bytes it is given; anything else it raises is a finding as well."""

    name: str
    run: Callable[[bytes], None]
    seeds: tuple[bytes, ...] = ()


_CHAT: Final = (
    b'\0{"messages":[{"role":"user","content":"hi"}],"modelId":"openai/gpt-4o","maxTokens":9,"temperature":0.5}',
    (
        b'\1{"messages":[{"id":"m","role":"user","parts":[{"type":"text","text":"hi"},{"type":"file","mediaType":"image/png",'
        b'"url":"data:image/png;base64,AA"}]}],"id":"c","trigger":"submit-message"}'
    ),
    (
        b'\2{"messages":[{"role":"assistant","parts":[{"type":"step-start"},{"type":"tool-w","toolCallId":"c","state":'
        b'"output-available","input":{"a":1},"output":"x"}]},{"role":"user","parts":[{"type":"text","text":"and?"}]}]}'
    ),
    (
        b'\3{"messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"w",'
        b'"arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"5"}],"tools":[{"type":"function","function":'
        b'{"name":"w","parameters":{}}}],"toolChoice":"auto","responseFormat":{"type":"json_schema","json_schema":{}}}'
    ),
    (
        b'\0{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://a/b.png"}}]}],"gateway":'
        b'{"models":["gpt-4o"],"only":["openai"],"sort":"cost","has":["vision"],"maxCostPer1MTokens":3},"tags":["a"],"n":2}'
    ),
)
_SSE: Final = (
    b'\0\3\1\5\2data: {"choices":[{"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n',
    b"\0\1\2\xef\xbb\xbfevent: message_stop\r\ndata: {}\r\n\r\n: comment\rdata: a\rdata: b\r\r",
    b"\3\2\1\1data: long enough to be cut short by a small limit\n\n",
)
_PROVIDER: Final = (
    b'\0\0\0\x40{"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}\1',
    b'\1\0\x60{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"w"}}',
)
_ANSWERS: Final = (
    (
        b'\0\0\0{"choices":[{"message":{"content":"Hi","tool_calls":[{"id":"c","function":{"name":"w","arguments":{}}}]},'
        b'"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2},"model":"m"}'
    ),
    (
        b'\1\0{"type":"message","content":[{"type":"text","text":"Hi"},{"type":"tool_use","id":"t","name":"w","input":{}}],'
        b'"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2}}'
    ),
)
_ENTRIES: Final = (
    (
        b'\0{"v":1,"at":1.5,"class":"general","why":"w","ttl":9}\n{"choices":[{"text":"a","finish_reason":"stop"}],'
        b'"model":"m","provider":"p","served_model":"s","usage":{"input":1,"output":2,"cached":0,"cache_write":0,'
        b'"cache_write_1h":0,"reasoning":0,"estimated":false},"cost_micro_usd":3,"price_known":true,"created_at":1.5}'
    ),
    bytes(range(1, 120, 2)),
)
_PROMPTS: Final = (bytes(range(256)), bytes(range(255, 0, -3)))

TARGETS: Final = (
    Target("sse", streams.sse, _SSE),
    Target("chat-body", bodies.chat_body, _CHAT),
    Target("messages", bodies.messages, _PROMPTS),
    Target("ui-messages", bodies.ui_messages, _PROMPTS),
    Target("canonical", stored.canonical_text, _PROMPTS),
    Target("entry", stored.entry, _ENTRIES),
    Target("books", stored.books, _PROMPTS),
    Target("provider-stream", streams.provider_stream, _PROVIDER),
    Target("provider-answer", streams.provider_answer, _ANSWERS),
)


def named(name: str) -> Target:
    """The target of that name. Raises KeyError."""
    return {target.name: target for target in TARGETS}[name]
