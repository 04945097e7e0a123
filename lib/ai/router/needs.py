"""What a request demands of a model: capabilities, room, price, providers. Read once, before any model is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lib.catalog.capabilities import CAPABILITIES
from lib.contract import ChatRequest, RoutingWish
from lib.errors import InvalidRequest
from lib.messages import estimate_input_tokens, image_count

SORTS: Final = ("cost", "ttft", "tps")
JSON_FORMATS: Final = frozenset({"json_schema", "json_object"})


@dataclass(frozen=True, slots=True)
class Capability:
    """Something the model must be able to do, because of what the request holds in the field `param`."""

    name: str
    source: str
    param: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """The hard demands. Token counts are estimates."""

    capabilities: tuple[Capability, ...]
    input_tokens: int
    output_tokens: int
    """Expected, for prices."""
    room: int
    """Tokens the context window must hold: the input and the longest answer allowed."""
    max_tokens: int
    """Longest answer the model must be able to give."""
    wish: RoutingWish
    choices: int = 1
    """Answers asked for."""
    same_provider: bool = False
    use_fallback: bool = True

    def place_of(self, provider: str) -> int:
        """Where the provider stands in the caller's order; those not in it come last."""
        order = self.wish.order
        return order.index(provider) if provider in order else len(order)

    def constraints(self, *, automatic: bool) -> tuple[str, ...]:
        """Everything that narrowed or ordered the choice, in words; a named model is not ranked."""
        wish = self.wish
        told = (
            *((True, f"{capability.name}: {capability.source}") for capability in self.capabilities),
            (True, f"context window of {self.room} tokens"),
            (self.max_tokens, f"answers of {self.max_tokens} tokens"),
            (wish.only, f"only {', '.join(wish.only)}"),
            (wish.max_usd_per_million, f"at most ${wish.max_usd_per_million or 0:g} per million tokens"),
            (wish.order, f"providers in the order {', '.join(wish.order)}"),
            (automatic and wish.sort, f"sorted by {wish.sort}"),
            (automatic and wish.prioritize_speed, "speed first"),
            (self.same_provider, "fallbacks within the same provider"),
            (not self.use_fallback, "no fallback"),
        )
        return tuple(text for holds, text in told if holds)


def check_wish(wish: RoutingWish) -> None:
    """Raises InvalidRequest naming the field that cannot be meant."""
    if not CAPABILITIES.issuperset(wish.has):
        known = ", ".join(sorted(CAPABILITIES))
        raise InvalidRequest(f"has must be of {known}", param="gateway.has")
    if wish.sort is not None and wish.sort not in SORTS:
        raise InvalidRequest(f"sort must be one of {', '.join(SORTS)}", param="gateway.sort")
    ceiling = wish.max_usd_per_million
    if ceiling is not None and not ceiling > 0:
        raise InvalidRequest(
            "maxCostPer1MTokens must be a price in dollars above 0", param="gateway.maxCostPer1MTokens"
        )


def needs_of(request: ChatRequest, expected_output: int) -> Needs:
    """The demands of `request` when an answer of `expected_output` tokens is likely."""
    input_tokens = estimate_input_tokens(request)
    limit = request.max_tokens
    output_tokens = expected_output if limit is None else min(expected_output, limit)
    return Needs(
        capabilities=tuple(_capabilities(request)),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        room=input_tokens + (output_tokens if limit is None else limit),
        max_tokens=limit or 0,
        wish=request.routing,
        choices=request.n,
        same_provider=request.same_provider,
        use_fallback=request.use_fallback,
    )


def _capabilities(request: ChatRequest) -> list[Capability]:
    found: dict[str, Capability] = {}
    if image_count(request.messages):
        found["vision"] = Capability("vision", "the messages hold images", "messages")
    if request.tools:
        found["tools"] = Capability("tools", "the request brings tools", "tools")
    if request.response_format is not None and request.response_format.get("type") in JSON_FORMATS:
        found["json"] = Capability("json", "the answer must be JSON", "response_format")
    for word in request.routing.has:
        found.setdefault(word, Capability(word, "asked for in has", "gateway.has"))
    return list(found.values())
