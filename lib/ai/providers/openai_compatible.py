"""The adapter for all providers that speak OpenAI's chat completions; what differs between them is in their rows."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from lib.ai.providers import openai_request
from lib.ai.providers.base import ProviderCall
from lib.ai.providers.exchange import Exchange, json_request
from lib.ai.providers.openai_answer import OpenAIReader
from lib.answer import Completion, Delta
from lib.clock import Clock
from lib.transport import Transport


class OpenAICompatible:
    """Implements `base.Adapter`."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._exchange = Exchange(transport, clock)

    def call(self, call: ProviderCall) -> AsyncGenerator[Delta | Completion, None]:
        """As `Adapter.call`."""
        body, _ = openai_request.build(call)
        headers = {"authorization": f"Bearer {call.key}"} if call.key else {}
        request = json_request(call, "/chat/completions", headers, body)
        choices = body.get("n")
        calls = f"call_{call.request_id.removeprefix('req_')}"  # clients tell calls by their ids over many answers
        reader = OpenAIReader(call.model.wire_name, choices if isinstance(choices, int) else 1, calls)
        return self._exchange.run(call, request, reader)

    def dropped_params(self, call: ProviderCall) -> tuple[str, ...]:
        """As `Adapter.dropped_params`."""
        return openai_request.build(call)[1]
