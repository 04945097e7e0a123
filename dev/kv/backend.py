"""What executes commands behind the REST protocol: the values Redis answers, and the interface of a backend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias


@dataclass(frozen=True, slots=True)
class CommandError:
    """An error reply, with its code: `WRONGTYPE Operation against …`."""

    message: str


Value: TypeAlias = "int | bytes | list[Value] | CommandError | None"
"""A RESP2 reply."""
RawCommand: TypeAlias = Sequence[bytes]


class Backend(Protocol):
    """Runs commands in order."""

    @property
    def reads_shebangs(self) -> bool:
        """Whether scripts may start with `#!lua`."""
        ...

    async def run(self, commands: Sequence[RawCommand]) -> list[Value]:
        """One value per command; a failing command does not stop the rest."""
        ...

    async def run_as_transaction(self, commands: Sequence[RawCommand]) -> Value:
        """The list that EXEC answers, or its error."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...
