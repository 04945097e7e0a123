"""A transport that keeps what was sent through it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from lib.transport import HttpRequest, HttpResponse, Transport


class RecordingTransport:
    """Passes everything on; `requests` holds the requests in order."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.requests: list[HttpRequest] = []

    def send(self, request: HttpRequest) -> AbstractAsyncContextManager[HttpResponse]:
        self.requests.append(request)
        return self._inner.send(request)

    async def aclose(self) -> None:
        await self._inner.aclose()
