"""The candidates: each opens a client for a URL and posts one small JSON body with it, reading the answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Final, TypeAlias

Post: TypeAlias = Callable[[], Awaitable[int]]
"""Sends one request; the answer's size in bytes."""

BODY: Final = (
    b'[["EVAL","return 1","3","user:0123456789abcdef","ip:0123456789abcdef","cache:0123456789abcdef"],["MGET","a"]]'
)
HEADERS: Final = {"Authorization": "Bearer 0123456789abcdef", "Content-Type": "application/json"}
CONNECTIONS: Final = 64


@dataclass(frozen=True, slots=True)
class Candidate:
    """A client library."""

    name: str
    package: str
    """As named on the package index."""
    open: Callable[[str], AbstractAsyncContextManager[Post]]


@asynccontextmanager
async def ours(url: str) -> AsyncGenerator[Post]:
    """The product's transport, which is aiohttp behind the one-method seam."""
    from lib.aiohttp_transport import AiohttpTransport
    from lib.transport import HttpRequest

    transport = AiohttpTransport(max_connections=CONNECTIONS)
    request = HttpRequest("POST", url, HEADERS, BODY)

    async def post() -> int:
        async with transport.send(request) as response:
            return len(await response.read(1 << 20))

    yield post
    await transport.aclose()


@asynccontextmanager
async def with_aiohttp(url: str) -> AsyncGenerator[Post]:
    """A session of aiohttp."""
    import aiohttp

    connector = aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=60)
    async with aiohttp.ClientSession(connector=connector, headers=HEADERS) as session:

        async def post() -> int:
            async with session.post(url, data=BODY) as response:
                return len(await response.read())

        yield post


@asynccontextmanager
async def with_httpx(url: str) -> AsyncGenerator[Post]:
    """A client of httpx."""
    import httpx

    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS, keepalive_expiry=60)
    async with httpx.AsyncClient(limits=limits, headers=HEADERS, timeout=30) as client:

        async def post() -> int:
            return len((await client.post(url, content=BODY)).content)

        yield post


@asynccontextmanager
async def with_httpx2(url: str) -> AsyncGenerator[Post]:
    """A client of httpx2."""
    import httpx2

    limits = httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS, keepalive_expiry=60)
    async with httpx2.AsyncClient(limits=limits, headers=HEADERS, timeout=30) as client:

        async def post() -> int:
            return len((await client.post(url, content=BODY)).content)

        yield post


CANDIDATES: Final = (
    Candidate("AiohttpTransport", "aiohttp", ours),
    Candidate("aiohttp", "aiohttp", with_aiohttp),
    Candidate("httpx2", "httpx2", with_httpx2),
    Candidate("httpx", "httpx", with_httpx),
)
BY_NAME: Final = {candidate.name: candidate for candidate in CANDIDATES}
