"""Text made to be taken for something else stays text: in streams, in stored keys, in questions about usage."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

import orjson
import pytest

from lib.app import app_of
from lib.contract import Json, JsonObject
from tests.corpus.case import CHAT, STATS
from tests.corpus.hostile import MISLEADING
from tests.support.asgi_client import Exchange, Response
from tests.support.sealed import TOKENS, sealed

LIMIT: Final = "/api/ai/test-rate-limit"
ODD_TEXTS: Final = (
    *(
        "\0",
        "\r\nset-cookie: a=b",
        "\x1b[2J",
        "\u202e",
        "é",
        "名",
        "../../etc/passwd",
        "*",
        "[a-z]",
        "{}",
        "aig:u1:x",
        "a" * 2_000,
    ),
    *(
        "<script>alert(1)</script>",
        "=1+1",
        "'; FLUSHALL --",
        "%",
        "%%",
        "a b",
        "\U0001f600",
        "\ufffe",
        "-",
        "__proto__",
        "1e999",
    ),
)


def service(**headers: str) -> dict[str, str]:
    return {"authorization": f"Bearer {TOKENS['service']}"} | {
        name.replace("_", "-"): headers[name] for name in headers
    }


def events_in(body: bytes) -> list[Json]:
    """The stream's events, read by its letter: every line is data or blank."""
    lines = [line for line in body.decode().split("\n") if line]
    assert all(line.startswith("data: ") for line in lines)
    assert lines[-1] == "data: [DONE]"
    return [orjson.loads(line.removeprefix("data: ")) for line in lines[:-1]]


@pytest.mark.parametrize("protocol", ["openai", "ui"])
@pytest.mark.parametrize(("name", "text"), MISLEADING, ids=[row[0] for row in MISLEADING])
async def test_a_stream_that_repeats_it_has_no_event_more(name: str, text: str, protocol: str) -> None:
    site = sealed()
    body: JsonObject = {"messages": [{"role": "user", "content": text}], "stream": True}
    headers = service(x_ai_stream_protocol=protocol)
    response = await Exchange(site.app_at(CHAT), "POST", CHAT, headers, (orjson.dumps(body),)).run()
    assert response.status == 200
    kinds = [event.get("type", event.get("object")) for event in events_in(response.body) if isinstance(event, dict)]
    assert kinds.count("finish" if protocol == "ui" else "error") == (protocol == "ui")
    assert set(kinds) <= {
        *("start", "start-step", "text-start", "text-delta", "text-end", "finish-step", "finish"),
        *("message-metadata", "chat.completion.chunk"),
    }


@pytest.mark.parametrize("name", ["user", "model", "date", "month", "format", "x"])
@pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
async def test_usage_can_be_asked_for_by_any_text(text: str, name: str) -> None:
    site = sealed()
    for query in (
        f"{name}={quote(text)}",
        f"{name}={text}",
        f"{name}={quote(text.encode('utf-16'))}",
        f"{quote(text)}={name}",
    ):
        headers = {"authorization": f"Bearer {TOKENS['admin']}"}
        response = await Exchange(site.app_at(STATS), "GET", STATS, headers, query=query).run()
        assert response.status in (200, 400)
        assert "set-cookie" not in response.headers


async def asked(user: str, *, in_header: bool) -> frozenset[str]:
    """The keys that a chat of this user leaves."""
    site = sealed(GATEWAY_HASH_SECRET="s")
    body: JsonObject = {"messages": [{"role": "user", "content": "hi"}]}
    headers = service()
    if in_header:
        headers["x-user-id"] = user.encode().decode("latin-1")
    else:
        body["userId"] = user
    response = await Exchange(site.app_at(CHAT), "POST", CHAT, headers, (orjson.dumps(body),)).run()
    assert response.status == 200
    return frozenset(key for key in await site.keys() if key.startswith("aig:u1:"))


@pytest.mark.parametrize("user", ["ann", "Zoë", "名", "u:1 {x} *", "🙂"])
async def test_a_user_is_the_same_whether_named_in_the_header_or_in_the_body(user: str) -> None:
    assert await asked(user, in_header=True) == await asked(user, in_header=False) != frozenset()


@pytest.mark.parametrize("user", ["ann", "a:b", "*", "../x", "Zoë"])
async def test_no_key_in_the_store_holds_a_user_id(user: str) -> None:
    site = sealed(TEST_ENDPOINTS="on")
    headers = service(x_user_id=user.encode().decode("latin-1"))
    body: JsonObject = {"messages": [{"role": "user", "content": "hi"}], "userId": user, "tags": ["t"]}
    chat: Response = await Exchange(site.app_at(CHAT), "POST", CHAT, headers, (orjson.dumps(body),)).run()
    counted = await Exchange(app_of(site.site, "diagnostics"), "GET", LIMIT, headers).run()
    assert (chat.status, counted.status) == (200, 200)
    keys = await site.keys()
    assert any(key.startswith("aig:w1") for key in keys)
    assert not any(key.endswith(f":{user}") for key in keys)
