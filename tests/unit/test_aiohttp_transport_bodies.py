"""Bodies that are cut, silent, endless or compressed, over real sockets."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from lib.aiohttp_transport import AiohttpTransport
from lib.transport import HttpRequest, Timeouts, TransportError
from tests.support.breakable_server import Script, byte_server, read_request, reset
from tests.support.transport_calls import (
    HEAD,
    PATIENT,
    SHORT,
    failure,
    fetch,
    hang,
    hang_after_headers,
    hang_within_body,
    transport,
)

__all__ = ["transport"]


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
        while True:
            await read_request(reader)
            writer.write(HEAD % len(body) + body)

    async with byte_server(script) as url:
        # The first answer opens the connection's window, so that most of the second comes along with its headers.
        await fetch(transport, url, limit=len(body))
        async with transport.send(HttpRequest("POST", url, {}, b"", Timeouts(between_bytes=SHORT))) as response:
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
