"""The KV as everything above its client sees it: two methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from lib.errors import StoreError
from lib.kv.replies import Command, Reply


class Store(Protocol):
    """Runs Redis commands. Commands given in the same tick of the event loop share one round trip."""

    async def run(self, *command: str | int) -> Reply:
        """One command's reply. Raises StoreError and its kinds."""
        ...

    async def run_many(self, commands: Sequence[Command]) -> list[Reply | StoreError]:
        """The replies in order, a failed command's error in its place. Raises StoreError when the whole call fails."""
        ...
