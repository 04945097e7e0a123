"""Whatever a provider answers, the caller gets an answer or an error of the product's own, never an accident."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson
import pytest

from tests.corpus.case import CHAT
from tests.support.asgi_client import Exchange
from tests.support.asgi_transport import AsgiTransport
from tests.support.plain_provider import PlainProvider
from tests.support.sealed import TOKENS, sealed

LONGEST_ERROR: Final = 4_096
DEEP: Final = b'{"a":' * 300 + b"1" + b"}" * 300
DEEP_TEXT: Final = orjson.dumps(DEEP.decode())


@dataclass(frozen=True)
class Answer:
    name: str
    body: bytes = b"{}"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def completion(message: bytes, more: bytes = b"") -> bytes:
    return b'{"choices":[{"index":0,"message":%b,"finish_reason":"stop"%b}]}' % (message, more)


def failing(**fields: object) -> bytes:
    return orjson.dumps({"error": {"message": "no", "type": "x", **fields}})


WAITS: Final = (
    "1e308",
    "-1e308",
    "1e-308",
    "nan",
    "inf",
    "9" * 400,
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Thu, 01 Jan 0001 00:00:00 -9999",
)
ANSWERS: Final = (
    *(Answer(f"wait-{wait[:12]}", failing(), 429, {"retry-after": wait}) for wait in WAITS),
    *(Answer(f"wait-ms-{wait[:12]}", failing(), 503, {"retry-after-ms": wait}) for wait in WAITS),
    Answer("arguments-deep", completion(b'{"tool_calls":[{"id":"c","function":{"name":"f","arguments":%b}}]}' % DEEP)),
    Answer(
        "arguments-deep-text",
        completion(b'{"tool_calls":[{"id":"c","function":{"name":"f","arguments":%b}}]}' % DEEP_TEXT),
    ),
    Answer("logprobs-deep", completion(b'{"content":"a"}', b',"logprobs":{"content":[%b]}' % DEEP)),
    Answer("anything-deep", completion(b'{"content":"a","x":%b}' % DEEP)),
    Answer("lists-deep", b"[" * 100_000),
    Answer("numbers-large", completion(b'{"content":"a"}', b',"index":%b' % (b"9" * 400))),
    Answer(
        "usage-absurd",
        completion(b'{"content":"a"}')[:-1] + b',"usage":{"prompt_tokens":1e308,"completion_tokens":-1}}',
    ),
    Answer("usage-large", completion(b'{"content":"a"}')[:-1] + b',"usage":{"prompt_tokens":18446744073709551615}}'),
    Answer("no-number", b'{"choices":NaN}'),
    Answer("lone-surrogate", completion(b'{"content":"\\ud800"}')),
    Answer("nul", completion(b'{"content":"\\u0000"}')),
    Answer("not-utf-8", completion(b'{"content":"\xff"}')),
    Answer(
        "tools-2000",
        completion(
            b'{"tool_calls":[%b]}' % b",".join([b'{"id":"%d","function":{"name":"f"}}' % n for n in range(2_000)])
        ),
    ),
    Answer(
        "choices-unasked",
        b'{"choices":[%b]}' % b",".join([b'{"index":%d,"message":{"content":"a"}}' % n for n in range(99)]),
    ),
    Answer("message-of-1-mb", failing(message="x" * 1_000_000), 400),
    Answer("message-of-60-kb", failing(message="x " * 30_000), 400),
    Answer("message-of-markup", failing(message="<script>\r\nset-cookie: a=b\0\x1b[2J"), 400),
    Answer("param-of-60-kb", failing(param="p" * 60_000), 400),
    Answer("param-of-lines", failing(param="a\r\nb\0"), 400),
    Answer("param-strange", failing(param={"a": 1}, code=["x"], type=5), 400),
    Answer("code-large", failing(code=2**63), 400),
    Answer("error-true", b'{"error":true}'),
    Answer("error-of-lists", b'{"error":[[[]]]}', 400),
    Answer("error-list-empty", b"[]", 400),
    *(
        Answer(f"status-{status}", b"", status)
        for status in (204, 206, 300, 304, 418, 451, 499, 507, 520, 599, 600, 700, 999)
    ),
)


@pytest.mark.parametrize("shape", ["json", "openai", "ui"])
@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.name)
async def test_a_hostile_answer_ends_in_words_of_ours(
    answer: Answer, shape: str, caplog: pytest.LogCaptureFixture
) -> None:
    provider = PlainProvider(status=answer.status, says=answer.body, adds=answer.headers)
    site = sealed(AsgiTransport(provider), DEMO_PROVIDER="off", RETRY_MAX_ATTEMPTS="1", OPENAI_API_KEY="key-of-openai")
    document = {"model": "openai/gpt-4o", "messages": [{"role": "user", "content": "hi"}], "stream": shape != "json"}
    headers = {"authorization": f"Bearer {TOKENS['service']}"}
    if shape != "json":
        headers["x-ai-stream-protocol"] = shape
    response = await Exchange(site.app_at(CHAT), "POST", CHAT, headers, (orjson.dumps(document),)).run()
    assert response.complete
    assert response.status in (200, 400, 429, 502, 503, 504)
    assert b"internal_error" not in response.body
    assert b"on our side" not in response.body
    assert len(repr(response.headers)) < LONGEST_ERROR
    assert response.status == 200 or len(response.body) < LONGEST_ERROR
    assert "set-cookie" not in response.headers
    assert not [record for record in caplog.records if "unexpected" in record.getMessage()]
