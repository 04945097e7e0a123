"""Plain calls to third parties beside the KV and the models: key sets, subscriptions, queues, webhooks.

Over httpx, which is imported with the first call: none of these is on the way of every request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from lib.errors import SideCallFailed
from lib.tls import default_tls

if TYPE_CHECKING:
    import ssl

    import httpx

LONGEST_ANSWER: Final = 1_048_576
"""Bytes of a body that are read, unless a caller says otherwise."""
CONNECTIONS: Final = 20


@dataclass(frozen=True, slots=True)
class SideAnswer:
    """A whole response, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = field(repr=False)


class SideCalls:
    """Sends requests over one client per event loop. No redirects, no cookies, no proxies, nothing sent twice."""

    def __init__(self, longest_answer: int = LONGEST_ANSWER) -> None:
        self._longest_answer = longest_answer
        self._by_loop: dict[asyncio.AbstractEventLoop, httpx.AsyncClient] = {}

    async def send(
        self, method: str, url: str, *, headers: Mapping[str, str], content: bytes = b"", seconds: float = 5.0
    ) -> SideAnswer:
        """The response to one request.

        `seconds` bounds every silence, and the time until the body must be complete. Compressed bodies are refused: no
        answer can grow in memory.

        Raises SideCallFailed for trouble on the wire, a request that cannot be sent, a late or too long answer.
        """
        import httpx

        ends = asyncio.get_running_loop().time() + seconds
        try:
            async with self._client().stream(
                method, url, headers=dict(headers), content=content, timeout=seconds
            ) as response:
                body = await self._read(response, ends)
                return SideAnswer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, body)
        except SideCallFailed as error:
            raise SideCallFailed(f"{_place(url)}: {error}") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            # Without the error itself: its text may repeat a header or an address with a secret in it.
            raise SideCallFailed(f"{_place(url)}: {type(error).__name__}") from None

    async def _read(self, response: httpx.Response, ends: float) -> bytes:
        if response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            raise SideCallFailed("the answer is compressed although identity was asked for")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > self._longest_answer:
                raise SideCallFailed(f"the answer is longer than {self._longest_answer} bytes")
            if asyncio.get_running_loop().time() > ends:
                raise SideCallFailed("the answer takes too long")
        return bytes(body)

    async def aclose(self) -> None:
        """Close the connections of the running loop."""
        client = self._by_loop.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    def _client(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        client = self._by_loop.get(loop)
        if client is None:
            for ended in [loop for loop in self._by_loop if loop.is_closed()]:
                del self._by_loop[ended]
            client = self._by_loop[loop] = self._new()
        return client

    def _new(self) -> httpx.AsyncClient:
        import httpx

        return httpx.AsyncClient(
            verify=self._tls,
            headers={"accept-encoding": "identity"},
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
        )

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return default_tls()


def _place(url: str) -> str:
    try:
        return urlsplit(url).hostname or "no host"
    except ValueError:
        return "no address"
