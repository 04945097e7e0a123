"""What is asked: rows of one kind of request at one concurrency."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from lib.contract import JsonObject

OK: Final = 200
LIMITED: Final = 429
PIECES: Final = 100
"""Of a stream whose cost per piece is measured, beside its first and last two."""
PAUSE_MS: Final = 5


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of request. In its texts `{n}` counts requests, `{g}` groups of as many as there are connections."""

    name: str
    prompt: str
    connections: int = 16
    stream: bool = False
    user: str = "user-{u}"
    tier: str = "master"
    status: int = OK

    def body(self, model: str) -> str:
        """The request in OpenAI's form."""
        asked: JsonObject = {"model": model, "messages": [{"role": "user", "content": self.prompt}]}
        return json.dumps({**asked, "stream": True} if self.stream else asked)

    @property
    def paced(self) -> bool:
        """Whether it takes its time, so that its rate says nothing."""
        return "pause=" in self.prompt or "wait=" in self.prompt


QUESTION: Final = "Explain in two sentences what a circuit breaker does in a distributed system, case "
MISS: Final = Scenario("JSON, 16 at once", QUESTION + "{n}.")
ALONE: Final = Scenario("JSON, one at a time", QUESTION + "1-{n}.", connections=1)
STREAM_ALONE: Final = Scenario("stream, one at a time", QUESTION + "s{n}. pieces=20", connections=1, stream=True)
STREAM: Final = Scenario("stream, 16 at once", QUESTION + f"p{{n}}. pieces={PIECES} pause={PAUSE_MS}", stream=True)
REPEATED: Final = "What is a circuit breaker?"
HIT: Final = Scenario("exact hit, 16 at once", REPEATED, user="hits")
HIT_ALONE: Final = Scenario("exact hit, one at a time", REPEATED, connections=1, user="hits")
PLAIN: Final = (
    ALONE,
    MISS,
    Scenario("JSON, 64 at once", QUESTION + "64-{n}.", connections=64),
    STREAM_ALONE,
    STREAM,
)
"""What everything that passes chats on can do."""
CACHED: Final = (HIT_ALONE, HIT, Scenario("exact hit, 64 at once", REPEATED, connections=64, user="hits"))
GUARDED: Final = (
    Scenario("duplicates, 16 at once", QUESTION + "d{g}. wait=20", user="twins"),
    Scenario("refused, 16 at once", QUESTION + "r{n}.", user="limited", tier="free", status=LIMITED),
)
ALL: Final = (*PLAIN, *CACHED, *GUARDED)
