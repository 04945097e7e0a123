"""The transport over real sockets: what is sent, kept and given back, against servers scripted byte by byte."""

from __future__ import annotations

import asyncio
import gc
import ssl
import threading
import weakref

import pytest

from lib.aiohttp_transport import AiohttpTransport
from lib.tls import default_tls
from lib.transport import HttpRequest, Timeouts, TransportError
from tests.support.breakable_server import HOST, byte_server, closed_port, read_request, reset
from tests.support.transport_calls import HEAD, PATIENT, SHORT, answer, failure, fetch, hang_after_headers, transport

__all__ = ["transport"]


async def test_status_headers_and_body_come_back(transport: AiohttpTransport) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 429 Slow Down\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nwait")

    async with byte_server(script) as url, transport.send(HttpRequest("POST", url, {})) as response:
        assert response.status == 429
        assert response.headers["retry-after"] == "7"
        assert await response.read(100) == b"wait"


async def test_the_request_carries_its_own_headers_and_asks_for_no_compression(transport: AiohttpTransport) -> None:
    heads: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await read_request(reader))[0])
        writer.write(HEAD % 0)

    async with byte_server(script) as url:
        request = HttpRequest("POST", url + "/v1/a%2Fb?y=1", {"authorization": "Bearer k"}, b"{}")
        async with transport.send(request) as response:
            await response.read(10)
    (head,) = heads
    assert head.startswith(b"POST /v1/a%2Fb?y=1 HTTP/1.1\r\n")
    assert b"authorization: Bearer k\r\n" in head
    assert b"Accept-Encoding: identity\r\n" in head
    assert b"cookie" not in head.lower()


async def test_one_connection_serves_many_requests(transport: AiohttpTransport) -> None:
    connections: list[object] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        await answer(reader, writer)

    async with byte_server(script) as url:
        for _ in range(5):
            assert await fetch(transport, url) == b"question"
    assert len(connections) == 1


async def test_chunks_arrive_when_they_are_sent(transport: AiohttpTransport) -> None:
    go_on = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        await go_on.wait()
        writer.write(b"6\r\nsecond\r\n0\r\n\r\n")

    async with byte_server(script) as url, transport.send(HttpRequest("POST", url, {}, b"", PATIENT)) as response:
        seen: list[bytes] = []
        async for chunk in response.chunks():
            seen.append(chunk)
            go_on.set()
    assert seen == [b"first", b"second"]


async def test_a_refused_connection_was_not_sent(transport: AiohttpTransport) -> None:
    assert await failure(transport, f"http://{HOST}:{closed_port()}") == ("connect", False)


async def test_an_unknown_host_was_not_sent(transport: AiohttpTransport) -> None:
    assert await failure(transport, "http://nowhere.invalid") == ("connect", False)


async def test_a_failed_tls_handshake_was_not_sent(transport: AiohttpTransport) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 this port speaks plain HTTP\r\n\r\n")

    async with byte_server(script) as url:
        assert await failure(transport, url.replace("http:", "https:")) == ("connect", False)


def test_certificates_are_verified_against_a_list_that_comes_with_the_product() -> None:
    context = default_tls()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.cert_store_stats()["x509_ca"] > 100


async def test_waiting_for_a_free_connection_counts_as_connecting() -> None:
    transport = AiohttpTransport(max_connections=1)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(HEAD % 10)
        await reader.read()

    async with byte_server(script) as url, transport.send(HttpRequest("POST", url, {})):
        assert await failure(transport, url, Timeouts(connect=SHORT)) == ("connect", False)
    await transport.aclose()


@pytest.mark.parametrize("name", ["bad header\r\n", "line\nbreak"])
async def test_a_header_that_would_break_the_request_is_refused_before_it_is_sent(
    transport: AiohttpTransport, name: str
) -> None:
    async with byte_server(answer) as url:
        with pytest.raises(TransportError) as raised:
            async with transport.send(HttpRequest("POST", url, {"authorization": name})):
                pass
    assert (raised.value.kind, raised.value.sent) == ("malformed", False)


async def test_a_url_that_is_none_is_refused(transport: AiohttpTransport) -> None:
    assert await failure(transport, "http://[half") == ("malformed", False)


async def test_a_reset_before_the_headers_leaves_the_outcome_open(transport: AiohttpTransport) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        reset(writer)

    async with byte_server(script) as url:
        assert await failure(transport, url) == ("reset", True)


async def test_a_connection_closed_without_an_answer_leaves_the_outcome_open(transport: AiohttpTransport) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)

    async with byte_server(script) as url:
        assert await failure(transport, url) == ("reset", True)


async def test_a_post_is_not_sent_twice_when_a_kept_connection_breaks(transport: AiohttpTransport) -> None:
    received: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append((await read_request(reader))[0])
        writer.write(HEAD % 0)
        received.append((await read_request(reader))[0])
        reset(writer)

    async with byte_server(script) as url:
        request = HttpRequest("POST", url, {}, b"", PATIENT)
        async with transport.send(request) as response:
            await response.read(10)
        with pytest.raises(TransportError, match="reset"):
            async with transport.send(request):
                pass
    assert len(received) == 2


async def test_redirects_are_not_followed_and_cookies_not_kept(transport: AiohttpTransport) -> None:
    heads: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            heads.append((await read_request(reader))[0])
            writer.write(
                b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n",
            )

    async with byte_server(script) as url:
        for _ in range(2):
            async with transport.send(HttpRequest("POST", url + "/here", {}, b"", PATIENT)) as response:
                assert response.status == 302
                await response.read(10)
    assert [head.split(b" ")[1] for head in heads] == [b"/here", b"/here"]
    assert b"cookie" not in heads[1].lower()


async def test_leaving_early_closes_the_connection(transport: AiohttpTransport) -> None:
    left = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        await reader.read()
        left.set()

    async with byte_server(script) as url:
        async with transport.send(HttpRequest("POST", url, {})) as response:
            assert await anext(response.chunks()) == b"first"
        await asyncio.wait_for(left.wait(), 5)


async def test_cancelled_calls_give_their_connections_back() -> None:
    transport = AiohttpTransport(max_connections=2)
    release = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, body = await read_request(reader)
        if not release.is_set():
            await reader.read()
        writer.write(HEAD % len(body) + body)

    async with byte_server(script) as url:
        for _ in range(20):
            calls = [asyncio.ensure_future(fetch(transport, url)) for _ in range(4)]
            await asyncio.wait(calls, timeout=0.005)
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
            assert all(call.cancelled() for call in calls)
        release.set()
        assert await asyncio.gather(*(fetch(transport, url) for _ in range(4))) == [b"question"] * 4
    await transport.aclose()


async def test_a_timeout_from_outside_gives_the_connection_back() -> None:
    transport = AiohttpTransport(max_connections=1)
    async with byte_server(hang_after_headers) as url:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(SHORT):
                    await fetch(transport, url)
    async with byte_server(answer) as url:
        assert await fetch(transport, url) == b"question"
    await transport.aclose()


async def test_a_large_body_is_sent_with_its_length(transport: AiohttpTransport) -> None:
    heads: list[bytes] = []
    sizes: list[int] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, body = await read_request(reader)
        heads.append(head.lower())
        sizes.append(len(body))
        writer.write(HEAD % 0)

    async with byte_server(script) as url, transport.send(HttpRequest("POST", url, {}, b"x" * 3_000_000)) as response:
        await response.read(10)
    assert sizes == [3_000_000]
    assert b"content-length: 3000000" in heads[0]


def test_each_event_loop_has_its_own_connections() -> None:
    transport = AiohttpTransport()
    served: list[str] = []

    async def once() -> None:
        async with byte_server(answer) as url:
            served.append((await fetch(transport, url)).decode())
        await transport.aclose()

    for _ in range(2):
        asyncio.run(once())
    thread = threading.Thread(target=lambda: asyncio.run(once()))
    thread.start()
    thread.join()
    assert served == ["question"] * 3


def test_a_loop_that_ended_without_closing_is_not_kept_by_the_transport() -> None:
    transport = AiohttpTransport()

    async def closing_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, body = await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    async def once() -> weakref.ref[asyncio.AbstractEventLoop]:
        async with byte_server(closing_server) as url:
            assert await fetch(transport, url) == b"question"
        return weakref.ref(asyncio.get_running_loop())

    async def once_more() -> None:
        await once()
        gc.collect()
        assert ended() is None
        await transport.aclose()

    ended = asyncio.run(once())
    asyncio.run(once_more())
