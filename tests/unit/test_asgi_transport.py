"""The in-process transport behaves as a network would, so that tests over it mean something."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lib.transport import HttpRequest, Timeouts, TransportError
from tests.support.asgi_transport import AsgiTransport


def request(body: bytes = b"") -> HttpRequest:
    return HttpRequest("POST", "http://app.test/a%20b?x=1", {"X-Name": "value"}, body, Timeouts(total=5))


async def failure(app: ASGIApp, timeouts: Timeouts | None = None) -> tuple[str, bool]:
    asked = HttpRequest("GET", "http://app.test/", {}, b"", timeouts or Timeouts())
    with pytest.raises(TransportError) as raised:
        async with AsgiTransport(app).send(asked) as response:
            await response.read(100)
    return raised.value.kind, raised.value.sent


async def start(send: Send, status: int = 200) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"X-Answer", b"yes")]})


async def test_the_app_sees_the_request_and_the_client_its_answer() -> None:
    scopes: list[Scope] = []
    received: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        received.append(await receive())
        await start(send, 418)
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await send({"type": "http.response.body", "body": b"two"})

    async with AsgiTransport(app).send(request(b"asked")) as response:
        assert (response.status, response.headers) == (418, {"x-answer": "yes"})
        assert await response.read(6) == b"onetwo"
    (scope,) = scopes
    assert (scope["method"], scope["path"], scope["raw_path"]) == ("POST", "/a b", b"/a%20b")
    assert scope["query_string"] == b"x=1"
    assert (b"x-name", b"value") in scope["headers"]
    assert received == [{"type": "http.request", "body": b"asked", "more_body": False}]


async def test_a_chunk_arrives_before_the_next_one_is_made() -> None:
    go_on = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send)
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await go_on.wait()
        await send({"type": "http.response.body", "body": b"two"})

    seen: list[bytes] = []
    async with AsgiTransport(app).send(request()) as response:
        async for chunk in response.chunks():
            seen.append(chunk)
            go_on.set()
    assert seen == [b"one", b"two"]


async def test_leaving_early_is_a_disconnect_for_the_app_and_closing_waits_for_it() -> None:
    told: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await start(send)
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        told.append((await receive())["type"])

    transport = AsgiTransport(app)
    async with transport.send(request()) as response:
        assert await anext(response.chunks()) == b"one"
        assert told == []
    await transport.aclose()
    assert told == ["http.disconnect"]


async def test_an_app_that_raises_breaks_the_connection_and_its_error_is_kept() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise LookupError("scripted")

    transport = AsgiTransport(app)
    with pytest.raises(TransportError, match="reset"):
        async with transport.send(request()):
            pass
    assert [str(error) for error in transport.errors] == ["scripted"]


async def test_an_app_that_ends_within_its_body_truncates_it() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send)
        await send({"type": "http.response.body", "body": b"one", "more_body": True})

    assert await failure(app) == ("truncated", True)


async def test_an_app_that_says_nothing_times_out() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    assert await failure(app, Timeouts(total=0.02)) == ("timeout", True)


async def test_a_body_over_the_limit_is_refused() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send)
        await send({"type": "http.response.body", "body": b"x" * 101})

    assert await failure(app) == ("too_large", True)
