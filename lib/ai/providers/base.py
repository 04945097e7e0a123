"""What every provider adapter is: one async generator from a call to deltas and a final completion."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Protocol

from lib.answer import Completion, Delta
from lib.catalog.rows import ModelRow, ProviderRow
from lib.contract import ChatRequest
from lib.transport import Timeouts


@dataclass(frozen=True, slots=True)
class ProviderCall:
    """One try at one model."""

    model: ModelRow
    provider: ProviderRow
    """With the base URL in force."""
    key: str = field(repr=False)
    request: ChatRequest
    timeouts: Timeouts
    request_id: str


class Adapter(Protocol):
    """Speaks one wire protocol."""

    def call(self, call: ProviderCall) -> AsyncGenerator[Delta | Completion, None]:
        """Yield deltas as they arrive, then exactly one Completion.

        `call.request.stream` decides whether the provider is asked to stream; either way the events are the same.
        Raises ProviderError for anything else: a bad status, transport trouble, a malformed or truncated answer,
        an answer without a finish reason. Never ends without a Completion. Closing the generator ends the exchange.
        """
        ...

    def dropped_params(self, call: ProviderCall) -> tuple[str, ...]:
        """Names of the parameters this model does not take and that are therefore not sent."""
        ...
