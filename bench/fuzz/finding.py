"""A broken invariant, raised by the fuzz targets and by nothing else."""

from __future__ import annotations


class Broken(AssertionError):
    """The message says which promise does not hold."""


def require(holds: bool, promise: str) -> None:  # noqa: FBT001 - reads as an assertion
    """Raise Broken unless the promise holds."""
    if not holds:
        raise Broken(promise)
