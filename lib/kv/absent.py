"""The KV where none is configured: it never answers, so everything runs degraded and says so."""

from __future__ import annotations

from collections.abc import Sequence

from lib.errors import StoreError, StoreUnavailable
from lib.kv.pipeline import KvState
from lib.kv.replies import Command, Reply

WHY = "no KV is configured: set UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN, or KV_REST_API_URL and _TOKEN"


class AbsentStore:
    """Takes no command. Every method raises StoreUnavailable."""

    @property
    def state(self) -> KvState:
        """Never available."""
        return KvState(available=False, since=None, last_error=WHY, calls=0, failures=0)

    async def run(self, *_: str | int) -> Reply:
        """No reply."""
        raise StoreUnavailable(WHY)

    async def run_many(self, commands: Sequence[Command]) -> list[Reply | StoreError]:  # noqa: ARG002 - Store's signature
        """No replies."""
        raise StoreUnavailable(WHY)
