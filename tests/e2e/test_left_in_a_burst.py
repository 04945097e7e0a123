"""A client that leaves while many pieces are at hand: the server's loop sees it between two of them."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import AsyncGenerator

import pytest

from lib.answer import Delta, Event, Opened
from lib.contract import Job
from lib.web.access import Access, AccessRules
from lib.web.chat_route import ChatEndpoint, ChatRules
from tests.support.clock import HandTurnedClock
from tests.support.events import REPORT
from tests.support.loopback_server import serve

BODY = b'{"messages": [{"role": "user", "content": "hi"}], "stream": true}'
REQUEST = b"POST /api/ai/v2/chat HTTP/1.1\r\nhost: local\r\ncontent-length: %d\r\n\r\n%s" % (len(BODY), BODY)
PIECES = 200


class Burst:
    """A pipeline whose client resets the connection just before many deltas come at once."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self.given = 0
        self.settled = asyncio.Event()

    async def run(self, job: Job) -> AsyncGenerator[Event, None]:
        yield Opened(REPORT)
        self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._client.close()
        for self.given in range(1, PIECES + 1):
            yield Delta(text="word")
        await asyncio.Event().wait()

    async def settle(self, job: Job) -> None:
        self.settled.set()


async def test_a_client_that_left_is_not_written_to_for_the_rest_of_the_burst(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.socket() as client:
        pipeline = Burst(client)
        access = Access(AccessRules(allow_anonymous=True))
        chat = ChatEndpoint(pipeline, access, HandTurnedClock(), lambda: "req-1", ChatRules())
        async with serve(chat) as url:
            client.setblocking(False)
            await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", int(url.rpartition(":")[2])))
            await asyncio.get_running_loop().sock_sendall(client, REQUEST)
            await pipeline.settled.wait()
    assert pipeline.given < PIECES
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []
