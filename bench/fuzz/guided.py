"""Runs one target under atheris in this process, which does not come back: `python -m bench.fuzz.guided TARGET FLAGS…`.

The flags are libFuzzer's. Modules are imported while atheris watches, so that it can tell which lines an input reaches.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, cast

WATCHED = ("lib", "bench.fuzz")


class Atheris(Protocol):
    """What is used of the package, which has no types."""

    def instrument_imports(self, include: Sequence[str]) -> AbstractContextManager[None]:
        """Modules imported in the block are watched."""
        ...

    def Setup(self, arguments: list[str], target: Callable[[bytes], None]) -> object:  # noqa: N802 - its name
        """Take libFuzzer's flags."""
        ...

    def Fuzz(self) -> None:  # noqa: N802 - its name
        """Run until the flags say stop, then leave the process."""
        ...


def main(name: str, flags: Sequence[str]) -> None:
    """Fuzz the target of that name."""
    atheris = cast("Atheris", cast("object", importlib.import_module("atheris")))
    with atheris.instrument_imports(include=WATCHED):
        targets = importlib.import_module("bench.fuzz.targets")
    run: Callable[[bytes], None] = targets.named(name).run
    atheris.Setup([sys.argv[0], *flags], run)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
