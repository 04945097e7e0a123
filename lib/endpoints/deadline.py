"""When the platform ends the present invocation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from importlib import import_module


def platform_deadline() -> Callable[[], float | None]:
    """Asks for the end of the invocation under way, where the platform says so (Vercel's runtime does)."""
    try:
        runtime: object = import_module("vercel_runtime")
    except ImportError:
        return lambda: None
    ends: Callable[[], datetime | None] = getattr(runtime, "get_deadline", lambda: None)

    def deadline() -> float | None:
        moment = ends()
        return moment.timestamp() if moment else None

    return deadline
