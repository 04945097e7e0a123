"""Calls through a transport, and what servers do to them: for tests of the transport."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

import pytest

from lib.aiohttp_transport import AiohttpTransport
from lib.transport import HttpRequest, Timeouts, TransportError
from tests.support.breakable_server import read_request

SHORT: Final = 0.05
PATIENT: Final = Timeouts(connect=5, first_byte=5, between_bytes=5, total=5)
HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


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
