"""The adapter for Anthropic's messages API."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from lib.ai.providers import anthropic_request
from lib.ai.providers.anthropic_answer import AnthropicReader
from lib.ai.providers.base import ProviderCall
from lib.ai.providers.exchange import Exchange, json_request
from lib.answer import Completion, Delta
from lib.clock import Clock
from lib.transport import Transport

VERSION: Final = "2023-06-01"
"""Of the API, as its `anthropic-version` header wants it."""


class Anthropic:
    """Implements `base.Adapter`."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._exchange = Exchange(transport, clock)

    async def call(self, call: ProviderCall) -> AsyncGenerator[Delta | Completion, None]:
        """As `Adapter.call`."""
        body, _ = anthropic_request.build(call)
        request = json_request(call, "/messages", {"anthropic-version": VERSION, "x-api-key": call.key}, body)
        async with aclosing(self._exchange.run(call, request, AnthropicReader(call.model.wire_name))) as events:
            async for event in events:
                yield event

    def dropped_params(self, call: ProviderCall) -> tuple[str, ...]:
        """As `Adapter.dropped_params`."""
        return tuple(sorted(anthropic_request.dropped_params(call.model, call.request)))
