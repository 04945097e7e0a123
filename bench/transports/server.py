"""A tiny keep-alive server for the measurement, in a process of its own: `python -m bench.transports.server`."""

from __future__ import annotations

import asyncio
import os
from typing import Final

ANSWER: Final = b'[{"result":[0,"go",1,50,60]},{"result":[null]}]'
RESPONSE: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ANSWER) + ANSWER
)


class Keeper(asyncio.Protocol):
    """Answers every request with the same bytes; requests must have a content length."""

    def __init__(self) -> None:
        self._received = b""
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer once a whole request is there."""
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
        if end and len(body) >= length and isinstance(self._transport, asyncio.WriteTransport):
            self._received = b""
            self._transport.write(RESPONSE)


async def main() -> None:
    """Serve on a free port, which is printed, until the process is ended."""
    processors = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {processors[-1]})
    server = await asyncio.get_running_loop().create_server(Keeper, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
