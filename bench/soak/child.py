"""What the soak's processes share: commands come as lines of JSON on stdin, the end of stdin ends the process."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator

from lib.contract import Json, JsonObject


async def commands() -> AsyncGenerator[JsonObject]:
    """The objects written to this process's stdin, until it is closed."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        told: Json = json.loads(line)
        if isinstance(told, dict):
            yield told


def say(text: str) -> None:
    """One line to whoever started this process."""
    print(text, flush=True)
