"""Asking a gateway: one POST per question, read to its end, with the time it took."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import aiohttp

from bench.faults.verdict import Asked, Got

PATHS: Final = {"openai": "/chat/completions", "v2": "/api/ai/v2/chat"}
"""Below the target, by style."""
LATE: Final = 2.0
"""Seconds beyond a caller's patience after which the question is given up."""


@dataclass(frozen=True)
class Target:
    """A gateway."""

    url: str
    style: str = "openai"
    key: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    models: Mapping[str, str] = field(default_factory=dict[str, str])
    """The gateway's names of models, where they differ from the provider's."""
    patience: float = 8.0

    async def ask(self, session: aiohttp.ClientSession, asked: Asked) -> Got:
        """One question and what came of it."""
        body = {
            "model": self.models.get(asked.model, asked.model),
            "messages": [{"role": "user", "content": asked.question}],
            "stream": asked.stream,
        }
        headers = {**self.headers, "x-asked-fault": asked.fault.name}
        if self.key:
            headers["authorization"] = f"Bearer {self.key}"
        started = time.monotonic()
        status, pieces, complete = 0, list[bytes](), False
        try:
            async with (
                asyncio.timeout(self.patience + LATE),
                session.post(self.url + PATHS[self.style], json=body, headers=headers) as response,
            ):
                status = response.status
                async for piece in response.content.iter_any():
                    pieces.append(piece)
                complete = True
        except (aiohttp.ClientError, OSError):  # a timeout is an OSError
            pass
        return Got(status, b"".join(pieces), complete, time.monotonic() - started)
