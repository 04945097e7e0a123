"""A request that another implementation was asked to answer, as the web has seen it and the books take it."""

from __future__ import annotations

from dataclasses import dataclass

from lib.contract import Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """A request that another implementation has answered, or failed to. Times are milliseconds."""

    request_id: str
    caller: Caller
    requested: str = ""
    """The model asked for, where the request could be read."""
    status: int
    """As the caller saw it; 0 when they hung up before."""
    complete: bool
    """Whether the response reached its end."""
    hung_up: bool = False
    error: str = ""
    latency_ms: int = 0
    first_byte_ms: int | None = None
    cost_micro_usd: int | None = None
    """Where the other side told it."""
