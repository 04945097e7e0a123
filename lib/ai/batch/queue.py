"""The push that makes a durable job go on by itself: a message to Upstash QStash, which then calls our hook."""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson

from lib.errors import SideCallFailed
from lib.side_calls import SideCalls


@dataclass(frozen=True, slots=True)
class Queue:
    """Publishes over QStash's HTTP interface (`POST /v2/publish/<destination>`). `hook` is the address it calls."""

    calls: SideCalls
    url: str
    hook: str
    token: str = field(repr=False)
    retries: int = 5
    """How often QStash calls again when a function dies or fails."""

    async def push(self, job: str, *, delay_seconds: int = 0, once: str = "") -> None:
        """Have the job worked on after `delay_seconds`; pushes with the same `once` count as one.

        Raises SideCallFailed.
        """
        headers = {
            "authorization": f"Bearer {self.token}",
            "content-type": "application/json",
            "upstash-method": "POST",
            "upstash-retries": str(self.retries),
            "upstash-delay": f"{delay_seconds}s",
        }
        if once:
            headers["upstash-deduplication-id"] = once
        address = f"{self.url}/v2/publish/{self.hook}"
        answer = await self.calls.send("POST", address, headers=headers, content=orjson.dumps({"job": job}))
        if not 200 <= answer.status < 300:
            raise SideCallFailed(f"the queue answered {answer.status}")
