"""The adapters by the wire they speak."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lib.ai.providers.anthropic import Anthropic
from lib.ai.providers.base import Adapter
from lib.ai.providers.demo import Demo
from lib.ai.providers.openai_compatible import OpenAICompatible
from lib.catalog.rows import Protocol
from lib.clock import Clock
from lib.transport import Transport


def adapters(transport: Transport, clock: Clock) -> Mapping[Protocol, Adapter]:
    """One adapter per protocol, all over the same transport; the clock turns a Retry-After date into seconds."""
    return MappingProxyType(
        {
            Protocol.OPENAI: OpenAICompatible(transport, clock),
            Protocol.ANTHROPIC: Anthropic(transport, clock),
            Protocol.DEMO: Demo(),
        }
    )
