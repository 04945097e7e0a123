"""The transport over real sockets, against servers scripted byte by byte."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import threading
from collections.abc import AsyncGenerator

import pytest

from lib.aiohttp_transport import AiohttpTransport, default_tls
from lib.transport import HttpRequest, Timeouts, TransportError
from tests.support.breakable_server import HOST, Script, byte_server, closed_port, read_request, reset

SHORT = 0.05
PATIENT = Timeouts(connect=5, first_byte=5, between_bytes=5, total=5)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


@pytest.fixture
async def transport() -> AsyncGenerator[AiohttpTransport]:
    made = AiohttpTransport()
    yield made
    await made.aclose()


async def fetch(transport: AiohttpTransport, url: str, timeouts: Timeouts = PATIENT, limit: int = 1 << 20) -> bytes:
    request = HttpRequest("POST", url, {"content-type": "text/plain"}, b"question", timeouts)
    async with transport.send(request) as response:
        return await response.read(limit)


async def failure(transport: AiohttpTransport, url: str, timeouts: Timeouts = PATIENT) -> tuple[str, bool]:
    with pytest.raises(TransportError) as raised:
        await fetch(transport, url, timeouts)
    return raised.value.kind, raised.value.sent


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers every request of a connection with its body."""
    while True:
        _, body = await read_request(reader)
        writer.write(HEAD % len(body) + body)


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


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(HEAD % 100 + b"half", id="short content length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n", id="no last chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nfirst", id="cut chunk"),
    ],
)
@pytest.mark.parametrize("end", ["close", "reset"])
async def test_a_cut_body_is_never_taken_for_a_whole_one(transport: AiohttpTransport, sent: bytes, end: str) -> None:
    received = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(sent)
        await received.wait()
        if end == "reset":
            reset(writer)

    async with byte_server(script) as url, transport.send(HttpRequest("POST", url, {}, b"", PATIENT)) as response:
        received.set()
        with pytest.raises(TransportError) as raised:
            await response.read(1000)
    assert raised.value.kind in {"truncated", "reset"}
    assert raised.value.sent


async def test_a_broken_chunk_is_an_error(transport: AiohttpTransport) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\nzz\r\n")
        await reader.read()

    async with byte_server(script) as url:
        kind, sent = await failure(transport, url)
    assert kind in {"truncated", "malformed"}
    assert sent


@pytest.mark.parametrize(
    "garbage", [b"220 smtp ready\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000 + b"\r\n\r\n"]
)
async def test_what_is_not_http_is_an_error(transport: AiohttpTransport, garbage: bytes) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(garbage)
        await reader.read()

    async with byte_server(script) as url:
        assert await failure(transport, url) == ("malformed", True)


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await reader.read()


async def hang_after_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(HEAD % 100)
    await reader.read()


async def hang_within_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(HEAD % 100)
    await writer.drain()
    writer.write(b"some")
    await reader.read()


async def test_silence_before_the_headers_ends_after_first_byte_seconds(transport: AiohttpTransport) -> None:
    async with byte_server(hang) as url:
        assert await failure(transport, url, Timeouts(first_byte=SHORT)) == ("timeout", True)


@pytest.mark.parametrize("script", [hang_after_headers, hang_within_body])
async def test_silence_within_the_body_ends_after_between_bytes_seconds(
    transport: AiohttpTransport, script: Script
) -> None:
    async with byte_server(script) as url:
        assert await failure(transport, url, Timeouts(between_bytes=SHORT)) == ("timeout", True)


@pytest.mark.parametrize("script", [hang, hang_after_headers, hang_within_body])
async def test_the_whole_exchange_ends_after_total_seconds(transport: AiohttpTransport, script: Script) -> None:
    async with byte_server(script) as url:
        assert await failure(transport, url, Timeouts(total=SHORT)) == ("timeout", True)


async def test_the_wait_for_the_headers_is_not_bounded_by_between_bytes(transport: AiohttpTransport) -> None:
    waited = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await waited.wait()
        writer.write(HEAD % 2 + b"ok")

    async with byte_server(script) as url:
        asyncio.get_running_loop().call_later(3 * SHORT, waited.set)
        assert await fetch(transport, url, Timeouts(between_bytes=SHORT)) == b"ok"


async def test_a_reader_that_takes_its_time_is_no_silence_of_the_server(transport: AiohttpTransport) -> None:
    body = b"x" * 4_000_000

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(HEAD % len(body) + body)
        await reader.read()

    async with byte_server(script) as url:
        request = HttpRequest("POST", url, {}, b"", Timeouts(between_bytes=SHORT))
        async with transport.send(request) as response:
            busy = asyncio.Event()
            asyncio.get_running_loop().call_later(3 * SHORT, busy.set)
            await busy.wait()
            assert len(await response.read(len(body))) == len(body)


async def test_a_body_over_the_limit_is_not_collected(transport: AiohttpTransport) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async def announced(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(HEAD % 10**12)
        await reader.read()

    for script in (endless, announced):
        async with byte_server(script) as url:
            assert await failure(transport, url) == ("too_large", True)


async def test_a_compressed_body_is_refused_and_not_inflated(transport: AiohttpTransport) -> None:
    bomb = gzip.compress(b"0" * 10_000_000)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 503 Busy\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb)
        await reader.read()

    async with byte_server(script) as url, transport.send(HttpRequest("POST", url, {}, b"", PATIENT)) as response:
        assert response.status == 503
        with pytest.raises(TransportError, match="malformed"):
            await response.read(1 << 20)


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


def test_a_loop_that_ended_without_closing_is_cleaned_up_by_the_next() -> None:
    transport = AiohttpTransport()

    async def closing_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, body = await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    async def once(*, close: bool) -> bytes:
        async with byte_server(closing_server) as url:
            body = await fetch(transport, url)
        if close:
            await transport.aclose()
        return body

    assert asyncio.run(once(close=False)) == b"question"
    assert asyncio.run(once(close=True)) == b"question"
